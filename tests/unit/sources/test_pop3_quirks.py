"""Every odd thing POP3 servers do, over a socket and into a real archive."""

from collections.abc import Callable

import pytest

from mailvault.archive.archive import Archive
from tests.servers.pop3_box import Box
from tests.unit.sources.pop3_syncs import (
    AT_ONCE,
    arrived,
    build,
    build_box,
    held,
    octets,
    refusal,
    run,
)

# Telling messages apart


def test_only_new_mail_is_fetched(archive: Archive) -> None:
    box = build_box(5)
    run(archive, box)
    box.messages["new"] = build(99)

    report = run(archive, box)

    assert arrived(report) == 1
    assert box.said(b"RETR") == 6
    assert held(archive) == list(box.messages.values())


def test_numbers_are_not_trusted_from_one_session_to_the_next(archive: Archive) -> None:
    box = build_box(5)
    run(archive, box)
    del box.messages["id0"]
    box.messages["id9"] = build(9)

    report = run(archive, box)

    assert (arrived(report), report.mailboxes[0].expunged) == (1, 1)
    assert held(archive) == list(box.messages.values())


UNSOUND = {
    "none": (lambda s, names: None, "no unique-ids"),
    "duplicate": (lambda s, names: ["same"] * len(names), "same unique-id"),
    "over-long": (lambda s, names: [name * 40 for name in names], "more than 70 characters"),
    "incomplete": (lambda s, names: [None, *names[1:]], "not give every message"),
    "empty": (lambda s, names: ["", *names[1:]], "not give every message"),
    "changing": (lambda s, names: [f"{s}-{name}" for name in names], "unique-ids"),
}


@pytest.mark.parametrize(("names", "sentence"), UNSOUND.values(), ids=UNSOUND)
def test_unsound_ids_make_no_duplicates_and_delete_nothing(
    archive: Archive, names: Callable[..., list[str | None] | None], sentence: str
) -> None:
    box = build_box(6, names=names)

    reports = [run(archive, box, AT_ONCE) for _ in range(3)]

    assert [arrived(report) for report in reports] == [6, 0, 0]
    assert sum(1 for _ in archive.catalog.placements()) == 6
    assert not list(archive.catalog.placements(gone=True))
    assert box.said(b"DELE") == 0
    assert len(box.messages) == 6
    assert sentence in refusal(reports[-1])
    assert {report.exit_code for report in reports} == {3}


def test_identical_messages_without_ids_are_counted(archive: Archive) -> None:
    box = Box({f"{n}": build(1) for n in range(4)}, names=lambda s, names: None)
    run(archive, box)
    del box.messages["0"]
    box.messages["9"] = build(9)

    report = run(archive, box)

    assert (arrived(report), report.mailboxes[0].expunged) == (1, 1)
    assert sorted(held(archive)) == sorted(box.messages.values())


def test_ids_that_changed_once_are_learned_again(archive: Archive) -> None:
    box = build_box(5)
    run(archive, box)
    box.names = lambda session, names: [f"moved-{name}" for name in names]
    run(archive, box)
    fetched = box.said(b"RETR")

    report = run(archive, box, AT_ONCE)

    assert box.said(b"RETR") == fetched
    assert report.deleted_on_server == 5
    assert all(
        v.uidl and v.uidl.startswith("moved-") for v in archive.catalog.placements(gone=True)
    )


def test_an_id_that_was_given_to_another_message_hides_none(archive: Archive) -> None:
    box = build_box(3)
    run(archive, box)
    box.messages["id1"] = b"Subject: a longer one\r\n\r\nof another size, under an old name\r\n"

    report = run(archive, box, AT_ONCE)

    assert box.messages["id1"] in held(archive)
    assert "to another message" in refusal(report)
    assert box.said(b"DELE") == 0


def test_several_blanks_before_an_id_are_no_part_of_it(archive: Archive) -> None:
    box = build_box(3, uidl_line=b"%d   \t %s \r\n")
    run(archive, box)

    assert [view.uidl for view in archive.catalog.placements()] == ["id0", "id1", "id2"]


# What servers send


def test_lines_that_were_not_stuffed_stay_as_they_are(archive: Archive) -> None:
    odd = b"Subject: dots\r\n\r\n.one\r\n.two\r\n"
    run(archive, Box({"a": odd}, stuffs=False))

    assert held(archive) == [odd]


@pytest.mark.parametrize("capabilities", [(), ("TOP", "UIDL")], ids=["no CAPA", "lock-step"])
def test_servers_of_old_are_read_and_deleted_from(
    archive: Archive, capabilities: tuple[str, ...]
) -> None:
    box = build_box(7, capabilities=capabilities)

    report = run(archive, box, AT_ONCE)

    assert (arrived(report), report.deleted_on_server) == (7, 7)
    assert not box.messages


def test_a_large_message_is_archived_and_compared(archive: Archive) -> None:
    large = b"Subject: large\r\n\r\n" + b"x" * 100_000 + b"\r\n" + b".\r\n..\r\n" * 400_000
    box = Box({"a": large}, lies_in_top=True)

    report = run(archive, box, AT_ONCE)

    (gone,) = archive.catalog.placements(gone=True)
    assert octets(archive, gone.digest) == large
    assert report.deleted_on_server == 1
    assert not list(archive.tmp.iterdir())


def test_a_message_above_the_limit_is_owed_and_never_deleted(archive: Archive) -> None:
    box = build_box(3)
    box.messages["big"] = build(1) + b"x" * 5000 + b"\r\n"

    report = run(archive, box, AT_ONCE, largest=4000)

    assert (report.debts, report.deleted_on_server) == (1, 3)
    assert list(box.messages) == ["big"]


@pytest.mark.parametrize("knob", ["refuses", "hangs_up_at"])
def test_a_message_that_cannot_be_had_stops_no_other_and_is_owed_until_it_can(
    archive: Archive, knob: str
) -> None:
    box = build_box(5)
    setattr(box, knob, frozenset({"id2"}) if knob == "refuses" else "id2")

    reports = [run(archive, box, AT_ONCE) for _ in range(2)]
    setattr(box, knob, frozenset() if knob == "refuses" else None)
    last = run(archive, box)

    assert [report.debts for report in reports] == [1, 1]
    assert box.deleted == ["id0", "id1", "id3", "id4"]
    assert (arrived(last), last.debts) == (1, 0)
    assert held(archive) == [build(2)]


# Servers that show some of the mail at a time


def test_mail_shown_in_parts_is_drained_in_one_sync(archive: Archive) -> None:
    box = build_box(230, shows=100, hides_fetched=True, greeting=b"+OK Gpop ready\r\n")

    report = run(archive, box)
    again = run(archive, box)

    assert arrived(report) == 230
    assert (arrived(again), again.mailboxes[0].expunged, again.exit_code) == (0, 0, 0)
    assert held(archive) == list(box.messages.values())


def test_a_server_that_hides_what_was_fetched_is_found_out(archive: Archive) -> None:
    box = build_box(230, shows=100, hides_fetched=True)

    report = run(archive, box)
    again = run(archive, box)

    assert (arrived(report), arrived(again)) == (230, 0)
    assert len(held(archive)) == 230
    assert not list(archive.catalog.placements(gone=True))


@pytest.mark.parametrize("hides", [True, False])
def test_mail_shown_in_parts_is_deleted_in_one_sync(archive: Archive, hides: bool) -> None:
    greeting = b"+OK Gpop ready\r\n" if hides else b"+OK\r\n"
    box = build_box(230, shows=100, hides_fetched=hides, greeting=greeting)

    report = run(archive, box, AT_ONCE)

    assert (arrived(report), report.deleted_on_server) == (230, 230)
    assert not box.messages
    assert report.exit_code == 0


def test_mail_that_comes_while_a_sync_runs_is_found_by_its_second_session(
    archive: Archive,
) -> None:
    def late(_session: int, names: list[str]) -> list[str | None]:
        box.messages["late"] = build(99)
        return list(names)

    box = build_box(60, names=late)

    report = run(archive, box)

    assert arrived(report) == 61
    assert held(archive) == list(box.messages.values())


def test_mail_under_an_id_of_before_is_found_by_the_second_session(archive: Archive) -> None:
    def replaced(session: int, names: list[str]) -> list[str | None]:
        if session == 1:
            box.messages["id7"] = build(7) + b"and more\r\n"
        return list(names)

    box = build_box(60, names=replaced)
    taken = box.messages["id7"]

    run(archive, box)

    assert box.messages["id7"] != taken
    assert box.messages["id7"] in held(archive)


def test_a_second_session_that_shows_the_same_ends_the_sync(archive: Archive) -> None:
    box = build_box(60)

    report = run(archive, box)

    assert (arrived(report), report.exit_code) == (60, 0)
    assert (box.said(b"QUIT"), box.said(b"RETR")) == (2, 60)
