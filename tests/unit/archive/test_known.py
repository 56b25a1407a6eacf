"""What the archive believes a mailbox holds, as a source asks for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailvault.archive.archive import Archive
from mailvault.mail.model import Digest, Uid
from mailvault.ports import Fingerprint, Known
from tests.flags import build_flags
from tests.unit.archive.builders import (
    INTERNAL_DATE,
    Work,
    build_arrival,
    build_batch,
    build_message,
)


def known(work: Work) -> Known:
    return work.archive.known(work.mailbox_id)


def fingerprint(uid: int, of: int, **changes: object) -> Fingerprint:
    told = Fingerprint(
        Uid(uid),
        size=len(build_message(of)),
        internal_date=INTERNAL_DATE,
        message_id=f"<{of}@example.com>",
    )
    return replace(told, **changes)  # type: ignore[arg-type]  # its fields


def test_an_unknown_mailbox_holds_nothing(archive: Archive) -> None:
    nothing = archive.known(7)

    assert nothing.uidvalidity() is None
    assert nothing.count() == 0
    assert nothing.highest() == 0
    assert nothing.window(Uid(1), Uid(9)) == {}
    assert nothing.uids_after(Uid(0), 9) == []
    assert nothing.owed() == []
    assert nothing.returned([Uid(1)]) == {}
    assert not nothing.has_earlier()
    assert nothing.sample(3) == []
    assert nothing.recognise([fingerprint(1, 1)]) == {}


def test_present_messages_are_counted_under_the_newest_uidvalidity(work: Work) -> None:
    work.sync(build_batch(7, arrived=[1, 2, 3]), build_batch(7, expunged=[3]))

    assert known(work).uidvalidity() == 7
    assert known(work).count() == 2
    assert known(work).highest() == 3
    work.sync(build_batch(8, arrived=[1]))
    assert known(work).uidvalidity() == 8
    assert known(work).count() == 1
    assert known(work).highest() == 1


def test_a_batch_that_placed_nothing_leaves_the_uidvalidity_of_the_newest_placements(
    work: Work,
) -> None:
    work.sync(build_batch(7, arrived=[1]))
    work.sync(build_batch(8, arrived=[1]))
    work.sync(build_batch(9, cursor="c"))

    assert known(work).uidvalidity() == 8


def test_a_window_shows_flags_of_what_is_present(work: Work) -> None:
    work.sync(build_batch(arrived=[build_arrival(uid, "\\Seen") for uid in (2, 4, 6, 8)]))
    work.sync(build_batch(expunged=[4], flags={6: ("$Junk",)}))

    assert known(work).window(Uid(2), Uid(7)) == {
        2: build_flags("\\Seen"),
        6: build_flags("$Junk"),
    }
    assert known(work).uids_after(Uid(2), 5) == [6, 8]
    assert known(work).uids_after(Uid(0), 2) == [2, 6]


def test_what_is_owed_is_named_until_it_is_placed_or_expunged(work: Work) -> None:
    work.sync(build_batch(arrived=[1], unreadable=[2, 3, 4]))
    assert known(work).owed() == [2, 3, 4]

    work.sync(build_batch(arrived=[2], expunged=[3]))
    assert known(work).owed() == [4]


def test_what_is_owed_under_another_uidvalidity_is_not_named(work: Work) -> None:
    work.sync(build_batch(7, arrived=[1], unreadable=[2]))
    work.sync(build_batch(8, arrived=[1], is_complete=True))

    assert known(work).owed() == []


def test_a_uid_that_was_gone_needs_no_download(work: Work) -> None:
    work.sync(build_batch(arrived=[1, 2, 3]))
    work.sync(build_batch(expunged=[1, 2]))
    work.sync(build_batch(arrived=[2]))

    assert known(work).returned([Uid(1), Uid(2), Uid(3), Uid(4)]) == {
        1: Digest.of(build_message(1))
    }


def test_placements_under_an_earlier_uidvalidity_are_noticed(work: Work) -> None:
    work.sync(build_batch(7, arrived=[1, 2], is_complete=True))
    assert not known(work).has_earlier()

    work.sync(build_batch(8, arrived=[1]))
    assert known(work).has_earlier()

    work.sync(build_batch(8, is_complete=True))
    assert not known(work).has_earlier()


def test_a_sample_is_spread_over_the_mailbox(work: Work) -> None:
    work.sync(build_batch(arrived=range(1, 101)))

    sample = known(work).sample(10)

    assert [each.uid for each in sample] == list(range(1, 101, 10))
    assert sample[0] == fingerprint(1, 1)


def test_messages_of_a_new_numbering_are_recognised(work: Work) -> None:
    work.sync(build_batch(7, arrived=[1, 2], is_complete=True))

    settled = known(work).recognise(
        [fingerprint(11, 1), fingerprint(12, 2), fingerprint(13, 3)]
    )

    assert settled == {11: Digest.of(build_message(1)), 12: Digest.of(build_message(2))}


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 1},
        {"message_id": "<other@example.com>"},
        {"message_id": None},
        {"internal_date": INTERNAL_DATE + timedelta(seconds=1)},
        {"internal_date": None},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_fingerprint_that_differs_anywhere_is_not_recognised(
    work: Work, changes: dict[str, object]
) -> None:
    work.sync(build_batch(7, arrived=[1]))

    assert known(work).recognise([fingerprint(11, 1, **changes)]) == {}


def test_a_fingerprint_of_two_messages_settles_neither(work: Work) -> None:
    draft, sent = build_message(1, body="aaaa"), build_message(1, body="bbbb")
    work.sync(
        build_batch(arrived=[build_arrival(1, octets=draft), build_arrival(2, octets=sent)])
    )

    assert known(work).recognise([fingerprint(11, 1, size=len(draft))]) == {}


def test_more_messages_of_one_fingerprint_than_there_were_settle_none(work: Work) -> None:
    work.sync(build_batch(arrived=[1]))

    assert known(work).recognise([fingerprint(11, 1), fingerprint(12, 1)]) == {}


def test_copies_of_one_message_are_all_recognised(work: Work) -> None:
    copies = [build_arrival(uid, octets=build_message(1)) for uid in (1, 2)]
    work.sync(build_batch(arrived=copies))

    assert known(work).recognise([fingerprint(11, 1), fingerprint(12, 1)]) == {
        11: Digest.of(build_message(1)),
        12: Digest.of(build_message(1)),
    }
