"""mbox files: where messages begin and end, and which octets of them are the message."""

import gzip
import mailbox
import os
import random
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailvault.destinations.mbox import MboxDestination
from mailvault.errors import SourceError
from mailvault.mail.mbox import from_line, quote
from mailvault.mail.model import MailboxName
from mailvault.sources.mbox import MboxDialect, MboxPortion
from mailvault.sources.mbox_reader import MboxReader
from mailvault.sources.opened_file import DiskFile
from tests.flags import build_flags
from tests.unit.sources.found_mail import FoundMail, find

DATED = b"From ada@example.org Mon Jan  5 12:00:00 2026\n"
LETTER = b"Subject: one\n\nbody\n"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def found_in(folder: Path, octets: bytes, file_format: str = "auto") -> FoundMail:
    (folder / "Work.mbox").write_bytes(octets)
    return find(folder / "Work.mbox", file_format)


def crlf(octets: bytes) -> bytes:
    return octets.replace(b"\n", b"\r\n")


def test_an_mbox_of_unix_gives_messages_as_they_are_on_the_wire(tmp_path: Path) -> None:
    found = found_in(tmp_path, DATED + LETTER + b"\n" + DATED + LETTER + b"\n")

    assert found.messages.keys() == {"Work"}
    assert found.octets == [crlf(LETTER)] * 2
    assert {mail.date for mail in found.all} == {NOON}
    assert {mail.flags for mail in found.all} == {None}


def test_an_mbox_of_windows_gives_the_same_messages(tmp_path: Path) -> None:
    found = found_in(tmp_path, crlf(DATED + LETTER + b"\n" + DATED + LETTER + b"\n"))

    assert found.octets == [crlf(LETTER)] * 2


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"], ids=["none", "one", "two"])
def test_the_last_message_needs_no_empty_line(tmp_path: Path, end: bytes) -> None:
    found = found_in(tmp_path, DATED + b"Subject: one\n\nbody" + end)

    (octets,) = found.octets
    assert octets == b"Subject: one\r\n\r\nbody" + (b"\r\n" if end else b"")


def test_quoted_lines_lose_one_quote(tmp_path: Path) -> None:
    found = found_in(tmp_path, DATED + b"A: b\n\n>From me\n>>From you\n > From us\n")

    assert found.octets == [b"A: b\r\n\r\nFrom me\r\n>From you\r\n > From us\r\n"]


def test_a_line_that_only_begins_like_a_separator_is_text(tmp_path: Path) -> None:
    body = b"A: b\n\nwords\n\nFrom this principle all of life follows.\n"

    found = found_in(tmp_path, DATED + body)

    assert found.octets == [crlf(body)]


def test_a_separator_needs_no_empty_line_before_it(tmp_path: Path) -> None:
    found = found_in(tmp_path, DATED + LETTER + DATED + LETTER)

    assert found.octets == [crlf(LETTER)] * 2


@pytest.mark.parametrize("separator", [b"From \n", b"From - \n", b"From \r\n"])
def test_thunderbirds_lines_without_a_date_separate_after_an_empty_line(
    tmp_path: Path, separator: bytes
) -> None:
    letter = b"Date: Mon, 05 Jan 2026 12:00:00 +0000\n\nFrom \nyou\n"

    found = found_in(tmp_path, (separator + letter + b"\n") * 2)

    assert found.octets == [crlf(letter)] * 2
    assert [mail.date for mail in found.all] == [NOON] * 2


def test_a_true_content_length_outweighs_separators(tmp_path: Path) -> None:
    body = b"forwarded:\n\n" + DATED + LETTER + b">From here\n"
    head = b"Subject: one\nContent-Length: %d\n\n" % len(body)

    found = found_in(tmp_path, DATED + head + body + b"\n" + DATED + LETTER)

    assert found.octets == [crlf(b"Subject: one\n\n" + body), crlf(LETTER)]


@pytest.mark.parametrize("length", [b"0", b"3", b"99999999", b"x", b"-1"])
def test_a_wrong_content_length_is_a_field_like_others(tmp_path: Path, length: bytes) -> None:
    letter = b"Content-Length: %s\n\nbody\n>From me\n" % length

    found = found_in(tmp_path, DATED + letter + b"\n" + DATED + LETTER)

    assert found.octets == [crlf(letter.replace(b">", b"")), crlf(LETTER)]


def test_fields_of_mail_programs_become_flags(tmp_path: Path) -> None:
    fields = b"Status: RO\nX-Status: AF\nX-Keywords: $Forwarded Work\nX-UID: 7\n"

    (mail,) = found_in(tmp_path, DATED + fields + LETTER).all

    assert mail.octets == crlf(LETTER)
    assert mail.flags == build_flags("\\Seen", "\\Answered", "\\Flagged", "$Forwarded", "Work")


def test_thunderbirds_fields_become_flags(tmp_path: Path) -> None:
    fields = (
        b"X-Mozilla-Status: 100f\nX-Mozilla-Status2: 00000000\nX-Mozilla-Keys: $label1   \n"
    )

    (mail,) = found_in(tmp_path, DATED + fields + LETTER).all

    assert mail.octets == crlf(LETTER)
    assert mail.flags == build_flags(
        "\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "$Forwarded", "$label1"
    )


def test_a_message_with_lines_of_the_wire_stays_as_it_is(tmp_path: Path) -> None:
    letter = b"Subject: mixed\r\n\r\none\ntwo\r\n"

    found = found_in(tmp_path, DATED + letter + b"\n")

    assert found.octets == [letter]


@pytest.mark.parametrize("body", [b"the end", b"the end\r\n", b"", b"\r\n"])
def test_one_file_of_an_export_comes_back_without_its_record(
    tmp_path: Path, body: bytes
) -> None:
    letters = [b"Subject: one\r\n\r\n" + body, b"Subject: two\r\n\r\nFrom me\r\n" + body]
    octets = b"".join(from_line(NOON) + quote(letter) + b"\n" for letter in letters)

    assert found_in(tmp_path, octets).octets == letters


def test_line_ends_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "Work").write_bytes(DATED + LETTER)

    assert find(tmp_path / "Work", keeps_line_ends=True).octets == [LETTER]


def test_blank_lines_and_a_byte_order_mark_before_the_first_message_are_skipped(
    tmp_path: Path,
) -> None:
    found = found_in(tmp_path, b"\xef\xbb\xbf\n  \n\n" + DATED + LETTER)

    assert found.octets == [crlf(LETTER)]


def test_what_stands_before_the_first_separator_is_kept_if_the_user_says_it_is_an_mbox(
    tmp_path: Path,
) -> None:
    found = found_in(tmp_path, LETTER + b"\n" + DATED + LETTER, "mbox")

    assert found.octets == [crlf(LETTER)] * 2


def test_nul_huge_lines_and_lone_carriage_returns_are_octets_like_others(
    tmp_path: Path,
) -> None:
    letter = b"A: b\r\n\r\n" + b"\0" * 1000 + b"\r" + b">" * 3_000_000 + b"From\r\n"

    found = found_in(tmp_path, DATED + letter + b"\n" + DATED + LETTER)

    assert found.octets == [letter, crlf(LETTER)]


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1000])
def test_it_makes_no_difference_where_the_reads_are_cut(tmp_path: Path, size: int) -> None:
    length = b"Content-Length: 5\n\nbody\n\n"
    octets = (DATED + LETTER + b"\n" + DATED + length + b"From \nA: b\n\n>From x\n\n") * 3
    (tmp_path / "mbox").write_bytes(octets)

    assert taken_apart(InPieces(tmp_path / "mbox", size)) == taken_apart(
        DiskFile(tmp_path / "mbox")
    )
    assert len(taken_apart(DiskFile(tmp_path / "mbox"))) == 9


class InPieces(DiskFile):
    """A file of which every read gives a few octets."""

    def __init__(self, path: Path, size: int) -> None:
        super().__init__(path)
        self._piece = size

    def read(self, limit: int) -> bytes:
        return super().read(min(limit, self._piece))


def taken_apart(file: DiskFile) -> list[bytes]:
    with file:
        return [b"".join(message.chunks) for message in MboxReader(file).messages()]


def test_the_last_message_of_a_file_that_grows_is_left_for_the_next_time(
    tmp_path: Path,
) -> None:
    path = tmp_path / "Work"
    path.write_bytes((DATED + LETTER + b"\n") * 3)
    found: list[bytes] = []
    errors: list[str] = []

    with DiskFile(path) as file, path.open("ab") as growing:
        portion = MboxPortion(lambda: file, "Work", MboxDialect())
        try:
            for message in portion.messages(tmp_path):
                assert isinstance(message.octets, bytes)
                found.append(message.octets)
                growing.write(DATED + b"Subject: ha")
                growing.flush()
        except SourceError as error:
            errors.append(str(error))

    assert found == [crlf(LETTER)] * 2
    assert "changed while it was read" in errors[0]


def test_a_compressed_mbox_that_breaks_off_gives_what_is_whole(tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(300_000).hex().encode()
    octets = (DATED + LETTER + b"\n") * 100 + DATED + b"A: b\n\n" + noise + b"\n"
    packed = gzip.compress(octets)
    (tmp_path / "Work.mbox.gz").write_bytes(packed[: len(packed) // 2])

    found = find(tmp_path)

    assert found.messages.keys() == {"Work"}
    assert found.octets == [crlf(LETTER)] * 100
    assert len(found.errors) == 1


# What other programs write

texts = st.binary(max_size=60).map(lambda octets: octets.replace(b"\r", b"?"))
bodies = st.lists(
    st.one_of(texts, st.sampled_from([b"From me", b">From you", b"", b">>From", b"From "])),
    max_size=8,
).map(b"\n".join)


@settings(max_examples=60, deadline=None)
@given(st.lists(bodies, max_size=5))
def test_what_pythons_mailbox_module_writes_comes_back(
    tmp_path_factory: pytest.TempPathFactory, written: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("mbox") / "Work"
    letters = [b"Subject: x\n\n" + body + b"\n" for body in written]
    box = mailbox.mbox(path)
    for letter in letters:
        box.add(letter)
    box.close()

    found = find(path, "mbox")

    # It quotes in the variety mboxo, which cannot be undone where there were quotes before.
    expected = [crlf(letter).replace(b"\r\n>From ", b"\r\nFrom ") for letter in letters]
    assert [each.replace(b"\r\n>From ", b"\r\nFrom ") for each in found.octets] == expected


messages = st.one_of(st.binary(max_size=200), bodies, bodies.map(crlf))


@settings(max_examples=60, deadline=None)
@given(st.lists(messages, max_size=6))
def test_what_export_writes_comes_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, written: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("exports") / "export"
    with MboxDestination(path) as destination:
        destination.create(MailboxName(("Work",)))
        for number, octets in enumerate(written):
            date = datetime.fromtimestamp(1_700_000_000 + number, UTC)
            destination.append(
                MailboxName(("Work",)), octets, flags=frozenset(), internal_date=date
            )

    found = find(path)

    assert found.octets == written
    assert [mail.date for mail in found.all] == [
        datetime.fromtimestamp(1_700_000_000 + number, UTC) for number in range(len(written))
    ]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_nothing_that_a_file_holds_makes_it_fail(
    tmp_path_factory: pytest.TempPathFactory, octets: bytes
) -> None:
    folder = tmp_path_factory.mktemp("any")

    found = found_in(folder, DATED + octets, "mbox")

    assert not found.errors
    assert len(b"".join(found.octets)) >= len(octets.replace(b"From ", b"")) // 2


def test_dates_with_zones_are_read(tmp_path: Path) -> None:
    lines = {
        b"From a@b Mon Jan 05 12:00:00 +0100 2026\n": "Mon, 05 Jan 2026 12:00:00 +0100",
        b"From a@b Mon Jan  5 12:00:00 2026 -0400\n": "Mon, 05 Jan 2026 12:00:00 -0400",
        b"From a@b Mon Jan  5 12:00:00 EST 2026\n": "Mon, 05 Jan 2026 12:00:00 -0500",
        b"From - Mon, 5 Jan 2026 12:00:00 +0200\n": "Mon, 05 Jan 2026 12:00:00 +0200",
        b"From a b Mon Jan  5 12:00 MET DST 2026\n": "Mon, 05 Jan 2026 12:00:00 +0000",
    }

    found = found_in(tmp_path, b"".join(line + LETTER + b"\n" for line in lines))

    assert [mail.date for mail in found.all] == [
        parsedate_to_datetime(text) for text in lines.values()
    ]


def test_large_messages_go_through_a_temporary_file(tmp_path: Path) -> None:
    letter = b"Subject: large\n\n" + b"From here\n>From there\nfoo bar baz\n" * 100_000
    path = tmp_path / "Work"
    path.write_bytes((DATED + quote(letter) + b"\n") * 2)

    found = find(path)

    assert found.octets == [crlf(letter)] * 2


CORPUS = os.environ.get("MAILVAULT_CORPUS")


@pytest.mark.skipif(not CORPUS, reason="MAILVAULT_CORPUS names no folder of mail")
def test_no_line_of_published_mboxes_is_lost() -> None:
    assert CORPUS

    for path in filter(is_mbox, Path(CORPUS).rglob("*")):
        found = find(path)
        assert not found.errors
        assert not lines_of(path.read_bytes()) - lines_of(b"\n".join(found.octets)), path


def is_mbox(path: Path) -> bool:
    return path.is_file() and path.suffix != ".eml" and path.read_bytes()[:5] == b"From "


def lines_of(octets: bytes) -> set[bytes]:
    """The lines that belong to messages, however they are quoted and end."""
    of_programs = rb"From .*|(?i:status|x-status|x-uid|x-imapbase|x-keywords|content-length):.*"
    lines = (line.rstrip(b"\r").lstrip(b">") for line in octets.split(b"\n"))
    return {line for line in lines if not re.fullmatch(of_programs, line)}
