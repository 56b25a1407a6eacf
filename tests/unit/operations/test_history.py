"""The life of a message: every event once, in order, moves as moves."""

import pytest

from mailvault.archive.archive import Archive
from mailvault.errors import MessageMissing
from mailvault.mail.model import Digest
from mailvault.operations.history import history
from tests.flags import build_flags
from tests.unit.archive.builders import build_arrival, build_batch, build_message
from tests.unit.operations.test_diff import Account, letter


def told(archive: Archive, number: int = 1) -> list[tuple[int, str, str, list[str]]]:
    """The events of a message: run, kind, place, flags."""
    events = history(archive, Digest.of(build_message(number))).events
    return [
        (each.run, each.kind.value, f"{each.mailbox}:{each.remote_id}", sorted(each.flags))
        for each in events
    ]


def test_a_life_is_told_run_by_run(archive: Archive) -> None:
    account = Account(archive)
    account.sync({"INBOX": build_batch(arrived=[1, 2]), "Archive": build_batch()})
    account.sync({"INBOX": build_batch(flags={1: ("\\Seen",)})})
    account.sync({"INBOX": build_batch(arrived=[3])})
    moved = letter(9, 1, "\\Seen", "\\Flagged")
    account.sync({"INBOX": build_batch(expunged=[1]), "Archive": build_batch(arrived=[moved])})
    account.sync({}, renamed={"Archive": "Old"})
    account.sync({"Old": build_batch(expunged=[9])})

    assert told(archive) == [
        (1, "arrived", "INBOX:1", []),
        (2, "flags", "INBOX:1", ["\\Seen"]),
        (4, "moved", "Archive:9", ["\\Flagged", "\\Seen"]),
        (5, "mailbox-renamed", "Old:9", ["\\Flagged", "\\Seen"]),
        (6, "gone", "Old:9", ["\\Flagged", "\\Seen"]),
    ]


def test_what_was_before_is_told_with_the_change(archive: Archive) -> None:
    account = Account(archive)
    account.sync({"INBOX": build_batch(arrived=[build_arrival(1, "\\Seen")])})
    account.sync({"INBOX": build_batch(flags={1: ()})})
    account.sync(
        {"INBOX": build_batch(expunged=[1]), "Sent": build_batch(arrived=[letter(1, 1, "a")])}
    )

    _, flags, moved = history(archive, Digest.of(build_message(1))).events

    assert (flags.flags_before, flags.flags) == (build_flags("\\Seen"), build_flags())
    assert (str(moved.mailbox_before), moved.flags_before) == ("INBOX", frozenset())


def test_a_message_numbered_anew_did_not_arrive_again(archive: Archive) -> None:
    account = Account(archive)
    account.sync({"INBOX": build_batch(1, arrived=[1])})
    account.sync({"INBOX": build_batch(2, arrived=[letter(11, 1)], is_complete=True)})

    assert [each[1:3] for each in told(archive)] == [
        ("arrived", "INBOX:1"),
        ("renumbered", "INBOX:11"),
    ]


def test_a_uid_that_comes_back_is_two_stays(archive: Archive) -> None:
    account = Account(archive)
    account.sync({"INBOX": build_batch(arrived=[1])})
    account.sync({"INBOX": build_batch(expunged=[1])})
    account.sync({"INBOX": build_batch(arrived=[1])})

    assert [each[:2] for each in told(archive)] == [(1, "arrived"), (2, "gone"), (3, "arrived")]


def test_flags_of_the_first_run_are_those_it_ended_with(archive: Archive) -> None:
    account = Account(archive)
    account.sync({"INBOX": build_batch(arrived=[build_arrival(1, "a")])})
    account.sync({"INBOX": build_batch(flags={1: ("b",)})})
    account.sync({"INBOX": build_batch(flags={1: ("c",)})})

    assert [each[3] for each in told(archive)] == [["a"], ["b"], ["c"]]


def test_a_message_that_never_was_has_no_life(archive: Archive) -> None:
    with pytest.raises(MessageMissing):
        history(archive, Digest.of(b"never"))
