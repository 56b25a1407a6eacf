"""Which mailbox goes where, and which messages are looked at again."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from mailvault.archive.catalog.views import MailboxView
from mailvault.errors import UsageError
from mailvault.mail.model import INBOX, Digest, MailboxName, Uid
from mailvault.operations.restore_check import Appended, Sample
from mailvault.operations.restore_plan import moves
from mailvault.operations.restore_report import READ_BACK_ALL, MailboxMap, ReadBack


def view(name: str, number: int = 1, special_use: str | None = None) -> MailboxView:
    return MailboxView(
        mailbox_id=number,
        account="work",
        name=MailboxName.parse(name, "/"),
        messages=1,
        octets=1,
        special_use=special_use,
        is_subscribed=True,
        attributes=frozenset(),
        is_selectable=True,
        uidvalidity=1,
        cursor=None,
        is_gone=False,
    )


def targets(*names: str, rules: tuple[str, ...] = (), is_same: bool = False) -> list[str]:
    found = moves([view(name) for name in names], MailboxMap(rules), is_same_account=is_same)
    return [str(move.wanted.name) for move in found]


@pytest.mark.parametrize(
    ("rules", "name", "expected"),
    [
        (["*=Old mail/*"], "Work/2026", "Old mail/Work/2026"),
        (["*=Old mail/*"], "INBOX", "Old mail/INBOX"),
        (["Work/*=W/*"], "Work/2026", "W/2026"),
        (["Work/*=W/*"], "Work", None),
        (["Sent=Gesendet", "*=Old/*"], "Sent", "Gesendet"),
        (["*=Old/*", "Sent=Gesendet"], "Sent", "Gesendet"),
        (["*=One", "*=Two"], "Sent", "One"),
        (["inbox=Old"], "INBOX", "Old"),
        (["a=b=c"], "a", "b=c"),
        ([], "Sent", None),
    ],
)
def test_a_map_says_where_a_mailbox_goes(
    rules: list[str], name: str, expected: str | None
) -> None:
    target = MailboxMap(rules).target(MailboxName.parse(name, "/"))

    assert target == (None if expected is None else MailboxName.parse(expected, "/"))


@pytest.mark.parametrize("rule", ["", "a", "=a", "a=", "*a*=b", "a=*", "*=*/*"])
def test_what_is_no_rule_is_refused_with_an_example(rule: str) -> None:
    with pytest.raises(UsageError) as caught:
        MailboxMap([rule])

    assert "Old mail" in str(caught.value.hint)


def test_what_a_server_puts_in_front_of_every_name_is_left_out() -> None:
    assert targets("INBOX", "INBOX/Sent", "INBOX/Work/2026") == ["INBOX", "Sent", "Work/2026"]


def test_a_mailbox_that_lies_below_the_inbox_among_others_stays_there() -> None:
    assert targets("INBOX", "INBOX/Sent", "Work") == ["INBOX", "INBOX/Sent", "Work"]


def test_in_its_own_account_a_name_is_a_name() -> None:
    assert targets("INBOX", "INBOX/Sent", is_same=True) == ["INBOX", "INBOX/Sent"]


def test_mailboxes_that_are_sent_to_one_place_become_one_move() -> None:
    (move,) = moves(
        [view("a", 1), view("b", 2)], MailboxMap(["a=c", "b=c"]), is_same_account=False
    )

    assert move.mailbox_ids == {1, 2}
    assert [str(name) for name in move.names] == ["a", "b"]
    assert move.wanted.is_chosen


def test_a_mailbox_that_was_sent_elsewhere_is_not_for_its_old_use() -> None:
    mailboxes = [view("Sent", 1, "\\Sent")]

    (move,) = moves(mailboxes, MailboxMap(["Sent=Other"]), is_same_account=False)

    assert move.wanted.special_use is None


def sample(choice: ReadBack, count: int) -> list[Uid]:
    chosen = Sample(choice)
    for number in range(1, count + 1):
        when = datetime(2026, 1, 5, tzinfo=UTC)
        chosen.add(Appended(Uid(number), Digest.of(b""), INBOX, frozenset(), when))
    return [message.uid for message in chosen.take(is_last=True)]


def test_few_messages_are_all_looked_at_again() -> None:
    assert sample(ReadBack.SOME, READ_BACK_ALL) == list(range(1, READ_BACK_ALL + 1))


def test_of_many_messages_some_from_everywhere_are_looked_at() -> None:
    looked_at = sample(ReadBack.SOME, 50_000)

    assert READ_BACK_ALL // 2 <= len(looked_at) <= READ_BACK_ALL
    assert max(b - a for a, b in pairwise(looked_at)) < 200
    assert looked_at[-1] > 49_000


def test_all_means_all_and_none_means_none() -> None:
    assert len(sample(ReadBack.ALL, 5_000)) == 5_000
    assert sample(ReadBack.NONE, 5_000) == []
