"""Any mailbox as it was at any past run."""

import pytest

from mailvault.archive.archive import Archive
from mailvault.mail.model import INBOX, MailboxName, Recognition, RunNumber, Uid
from tests.flags import build_flags
from tests.unit.archive.builders import (
    INTERNAL_DATE,
    Work,
    build_arrival,
    build_batch,
    build_message,
    named,
)


def test_a_message_is_listed_from_the_run_that_found_it(work: Work) -> None:
    first = work.sync(build_batch(arrived=[1]))
    second = work.sync(build_batch(arrived=[2]))

    assert work.uids(at=first) == [1]
    assert work.uids(at=second) == [1, 2]
    assert work.uids() == [1, 2]


def test_an_expunged_message_is_still_there_at_the_runs_before(work: Work) -> None:
    first = work.sync(build_batch(arrived=[1, 2]))
    second = work.sync(build_batch(expunged=[1]))

    assert work.uids(at=first) == [1, 2]
    assert work.uids(at=second) == work.uids() == [2]
    assert work.gone(at=first) == []
    assert work.gone(at=second) == work.gone() == [1]


def test_what_was_expunged_later_has_no_end_at_an_earlier_run(work: Work) -> None:
    first = work.sync(build_batch(arrived=[1]))
    work.sync(build_batch(expunged=[1]))

    assert work.present(at=first)[1].gone_since is None
    (gone,) = work.archive.catalog.placements(gone=True)
    assert gone.gone_since is not None
    assert gone.gone_since > gone.first_seen


def test_flags_are_those_of_the_run_asked_for(work: Work) -> None:
    runs = [work.sync(build_batch(arrived=[build_arrival(1, "\\Seen")]))]
    runs.append(work.sync(build_batch(flags={1: ("\\Seen", "\\Flagged")})))
    runs.append(work.sync(build_batch(cursor="nothing happened")))
    runs.append(work.sync(build_batch(flags={1: ()})))
    runs.append(work.sync(build_batch(flags={1: ("$Junk",)})))

    assert [work.flags(1, at=run) for run in runs] == [
        ["\\Seen"],
        ["\\Flagged", "\\Seen"],
        ["\\Flagged", "\\Seen"],
        [],
        ["$Junk"],
    ]
    assert work.flags(1) == ["$Junk"]


def test_flags_changed_twice_in_a_run_count_once(work: Work) -> None:
    first = work.sync(build_batch(arrived=[build_arrival(1, "\\Seen")]))
    second = work.sync(
        build_batch(flags={1: ("\\Flagged",)}), build_batch(flags={1: ("\\Draft",)})
    )

    assert work.flags(1, at=first) == ["\\Seen"]
    assert work.flags(1, at=second) == ["\\Draft"]


def test_an_expunged_message_keeps_its_last_flags(work: Work) -> None:
    first = work.sync(build_batch(arrived=[build_arrival(1)]))
    second = work.sync(build_batch(flags={1: ("\\Deleted",)}))
    work.sync(build_batch(expunged=[1]))

    assert work.flags(1, at=first) == []
    assert work.flags(1, at=second) == ["\\Deleted"]
    (gone,) = work.archive.catalog.placements(gone=True)
    assert gone.flags == build_flags("\\Deleted")


def test_a_uid_that_comes_back_has_two_lives(work: Work) -> None:
    runs = [work.sync(build_batch(arrived=[build_arrival(1, "\\Seen")]))]
    runs.append(work.sync(build_batch(flags={1: ("\\Flagged",)})))
    runs.append(work.sync(build_batch(expunged=[1])))
    digest = next(work.archive.catalog.placements(gone=True)).digest
    back = Recognition(Uid(1), digest, build_flags("\\Draft"), INTERNAL_DATE)
    runs.append(work.sync(build_batch(recognised=(back,))))
    runs.append(work.sync(build_batch(flags={1: ("\\Answered",)})))

    seen = [[(p.uid, sorted(p.flags)) for p in work.present(at=run).values()] for run in runs]
    assert seen == [
        [(1, ["\\Seen"])],
        [(1, ["\\Flagged"])],
        [],
        [(1, ["\\Draft"])],
        [(1, ["\\Answered"])],
    ]
    assert [p.flags for p in work.archive.catalog.placements(gone=True)] == [
        build_flags("\\Flagged")
    ]


def test_a_uid_that_went_and_came_within_a_run_is_there(work: Work) -> None:
    work.sync(build_batch(arrived=[1, 2]))
    run = work.sync(
        build_batch(expunged=[2]), build_batch(arrived=[build_arrival(2, "\\Seen")])
    )

    assert work.uids(at=run) == work.uids() == [1, 2]
    assert work.flags(2) == ["\\Seen"]
    assert next(work.archive.catalog.mailboxes()).messages == 2


def test_a_uid_that_changed_its_message_keeps_both(work: Work) -> None:
    first = work.sync(build_batch(arrived=[1]))
    work.sync(build_batch(arrived=[build_arrival(1, octets=build_message(99))]))

    assert work.present(at=first)[1].message_id == "<1@example.com>"
    assert work.present()[1].message_id == "<99@example.com>"
    assert [p.message_id for p in work.archive.catalog.placements(gone=True)] == [
        "<1@example.com>"
    ]


def test_a_message_fetched_again_is_not_listed_twice(work: Work) -> None:
    work.sync(build_batch(arrived=[1, 2]))
    work.sync(build_batch(arrived=[build_arrival(2, "\\Seen"), build_arrival(3)]))

    assert work.uids() == [1, 2, 3]
    assert work.flags(2) == ["\\Seen"]
    assert next(work.archive.catalog.mailboxes()).messages == 3


def test_renumbered_messages_are_not_gone(work: Work) -> None:
    first = work.sync(build_batch(7, arrived=[1, 2, 3], is_complete=True))
    again = [
        build_arrival(11, octets=build_message(1)),
        build_arrival(12, octets=build_message(2)),
    ]
    second = work.sync(build_batch(8, arrived=again, is_complete=True))

    assert work.uids(at=first) == [1, 2, 3]
    assert work.uids(at=second) == [11, 12]
    assert work.gone() == [3]


def test_an_incomplete_renumbering_ends_nothing(work: Work) -> None:
    work.sync(build_batch(7, arrived=[1, 2], is_complete=True))
    again = build_arrival(11, octets=build_message(1))
    work.sync(build_batch(8, arrived=[again]))

    assert work.uids() == [1, 2, 11]


def test_a_renumbering_back_lists_each_message_once(work: Work) -> None:
    work.sync(build_batch(7, arrived=[1], is_complete=True))
    work.sync(
        build_batch(8, arrived=[build_arrival(5, octets=build_message(1))], is_complete=True)
    )
    work.sync(build_batch(7, arrived=[1], is_complete=True))

    assert [(p.uidvalidity, p.uid) for p in work.archive.catalog.placements()] == [(7, 1)]
    assert work.gone() == []


def test_a_renamed_mailbox_has_its_old_name_at_the_old_run(archive: Archive) -> None:
    recorder = archive.start_run()
    account_id = recorder.account("work", "imap")
    mailbox_id = recorder.describe(account_id, named("Alt/Entwürfe"))
    recorder.add(mailbox_id, build_batch(arrived=[1]))
    recorder.finish(0)
    renaming = archive.start_run()
    renaming.describe(account_id, named("Drafts"), mailbox_id=mailbox_id)
    renaming.finish(0)

    def names(at: RunNumber | None) -> list[str]:
        return [str(view.mailbox) for view in archive.catalog.placements(at=at)]

    assert names(recorder.run) == ["Alt/Entwürfe"]
    assert names(renaming.run) == names(None) == ["Drafts"]
    assert [str(view.name) for view in archive.catalog.mailboxes(at=recorder.run)] == [
        "Alt/Entwürfe"
    ]


def test_a_mailbox_renamed_twice_in_a_run_has_the_last_name(archive: Archive) -> None:
    recorder = archive.start_run()
    account_id = recorder.account("work", "imap")
    mailbox_id = recorder.describe(account_id, named("A"))
    recorder.describe(account_id, named("B"), mailbox_id=mailbox_id)
    recorder.finish(0)

    assert [str(view.name) for view in archive.catalog.mailboxes()] == ["B"]


def test_a_mailbox_that_is_gone_takes_its_messages_along(work: Work) -> None:
    first = work.sync(build_batch(arrived=[1, 2], unreadable=[3]))
    recorder = work.archive.start_run()
    recorder.gone(work.mailbox_id)
    recorder.finish(0)

    catalog = work.archive.catalog
    assert list(catalog.mailboxes()) == []
    assert work.uids() == []
    assert work.gone() == [1, 2]
    assert catalog.debts() == []
    assert work.uids(at=first) == [1, 2]
    (gone,) = catalog.mailboxes(include_gone=True)
    assert gone.is_gone
    assert gone.cursor is None
    assert [view.messages for view in catalog.mailboxes(at=first)] == [2]


def test_a_mailbox_made_again_is_listed_again(work: Work) -> None:
    work.sync(build_batch(arrived=[1], cursor="c"))
    recorder = work.archive.start_run()
    recorder.gone(work.mailbox_id)
    recorder.finish(0)
    again = work.sync(build_batch(arrived=[1], cursor="c"))

    assert [view.name for view in work.archive.catalog.mailboxes(at=again)] == [INBOX]
    assert work.uids() == [1]
    assert next(work.archive.catalog.mailboxes()).cursor == "c"


@pytest.mark.parametrize("parts", [("a/b", "c"), ("Ü", "\udcff"), ("INBOX", "", " ")])
def test_any_name_of_a_mailbox_comes_back(archive: Archive, parts: tuple[str, ...]) -> None:
    recorder = archive.start_run()
    mailbox = named("x")
    renamed = type(mailbox)(MailboxName(parts))
    recorder.describe(recorder.account("work", "imap"), renamed)
    recorder.finish(0)

    assert [view.name for view in archive.catalog.mailboxes()] == [MailboxName(parts)]


def test_counts_at_a_past_run_are_those_of_that_run(work: Work) -> None:
    first = work.sync(build_batch(arrived=[1, 2, 3]))
    work.sync(build_batch(expunged=[1, 2]))

    (then,) = work.archive.catalog.mailboxes(at=first)
    (now,) = work.archive.catalog.mailboxes()
    assert (then.messages, then.octets) == (3, sum(len(build_message(n)) for n in (1, 2, 3)))
    assert (now.messages, now.octets) == (1, len(build_message(3)))
