import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import MailboxName


def name(text: str) -> MailboxName:
    return MailboxName.parse(text, "/")


@pytest.mark.parametrize(
    ("patterns", "mailbox", "is_meant"),
    [
        (["*"], "INBOX", True),
        (["*"], "Lists/kernel/netdev", True),
        (["Lists/*"], "Lists/kernel/netdev", True),
        (["Lists/*"], "Lists", False),
        (["Lists/*"], "Lists2/x", False),
        (["*/netdev"], "Lists/kernel/netdev", True),
        (["L*s/*dev"], "Lists/kernel/netdev", True),
        (["a*b*c"], "acb", False),
        (["a*b*c"], "abbc", True),
        (["sent"], "Sent", False),
        (["inbox"], "INBOX", True),
        (["Inbox/*"], "inbox/Work", True),
        (["INBOX2"], "inbox2", False),
        (["a/inbox"], "a/INBOX", False),
        (["202?"], "2026", True),
        (["202?"], "202", False),
        (["[Gmail]/*"], "[Gmail]/Spam", True),
        (["[Gmail]/*"], "G/Spam", False),
        ([r"a\*"], "a*", True),
        ([r"a\*"], "ab", False),
        ([r"\!new"], "!new", True),
        (["a\\b"], "a\\b", True),
        (["Entw\u00fcrfe"], "Entwu\u0308rfe", True),
        (["a\nb"], "a\nb", True),
        (["*"], "a\nb", True),
        ([], "INBOX", False),
    ],
)
def test_a_glob_matches_the_full_name(
    patterns: list[str], mailbox: str, is_meant: bool
) -> None:
    assert MailboxGlobs(patterns).matches(name(mailbox)) is is_meant


@pytest.mark.parametrize(
    ("patterns", "mailbox", "is_meant"),
    [
        (["*", "!Trash", "!Lists/*"], "INBOX", True),
        (["*", "!Trash", "!Lists/*"], "Trash", False),
        (["*", "!Trash", "!Lists/*"], "Lists/a", False),
        (["*", "!Lists/*", "Lists/a"], "Lists/a", True),
        (["*", "Lists/a", "!Lists/*"], "Lists/a", False),
        (["!Trash"], "INBOX", True),
        (["!Trash"], "Trash", False),
        (["INBOX", "!Trash"], "Sent", False),
    ],
)
def test_the_last_pattern_that_matches_decides(
    patterns: list[str], mailbox: str, is_meant: bool
) -> None:
    assert MailboxGlobs(patterns).matches(name(mailbox)) is is_meant


def test_patterns_that_match_nothing_are_named() -> None:
    globs = MailboxGlobs(["*", "Lits/*", "!Trush", "!Trash"])

    unmatched = globs.unmatched([name("INBOX"), name("Trash"), name("Lists/a")])

    assert unmatched == ("Lits/*", "!Trush")


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_pattern_meets_any_name(pattern: str, mailbox: str) -> None:
    MailboxGlobs([pattern]).matches(name(mailbox))


@given(st.text(alphabet="ab*", max_size=12), st.text(alphabet="ab", max_size=12))
def test_stars_mean_what_they_mean_one_character_at_a_time(pattern: str, text: str) -> None:
    def means(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return means(pattern[1:], text) or (bool(text) and means(pattern, text[1:]))
        return text[:1] == pattern[0] and means(pattern[1:], text[1:])

    assert MailboxGlobs([pattern]).matches(MailboxName((text,))) == means(pattern, text)


def test_many_stars_do_not_take_for_ever() -> None:
    globs = MailboxGlobs(["a*" * 50 + "b"])

    assert not globs.matches(MailboxName(("a" * 5000,)))
