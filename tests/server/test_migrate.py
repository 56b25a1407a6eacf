"""Moving an account from one server to another, over days and with late mail."""

import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.corpus.ordinary import generate
from tests.server.accounts import append_all, read
from tests.server.movers import Movers
from tests.server.vault import Json
from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import Dovecot
from tests.servers.users import MailUser, new_user
from tests.torture.strace import traced

pytestmark = pytest.mark.server


@pytest.fixture
def old(dovecot: Dovecot) -> MailUser:
    user = new_user(dovecot)
    with user.session() as session:
        append_all(session, "INBOX", generate(1, 20))
        for name in ("Work", "Work/2026", "Grüße", "Empty"):
            session.create(name)
        append_all(session, "Work/2026", generate(2, 15))
        append_all(session, "Grüße", generate(3, 5))
    return user


@pytest.fixture
def new(cyrus: Cyrus) -> MailUser:
    return new_user(cyrus)


@pytest.fixture
def movers(tmp_path: Path, old: MailUser, new: MailUser) -> Movers:
    vault = Movers(tmp_path, {"old": old, "new": new})
    vault.init()
    return vault


def octets_by_mailbox(user: MailUser) -> dict[str, Counter[str]]:
    held = read(user)
    found: dict[str, Counter[str]] = {name: Counter() for name in held.mailboxes}
    for (name, _), seen in held.messages.items():
        found[name][seen.digest] += 1
    return found


def sides(report: Json) -> dict[str, Json]:
    return {side["mailboxes"][0]: side for side in report["mailboxes"]}


def test_both_sides_are_the_same_and_shown_side_by_side(
    movers: Movers, old: MailUser, new: MailUser
) -> None:
    report = movers.run("migrate", "old", "new", "--json").document()

    assert octets_by_mailbox(new) == octets_by_mailbox(old)
    assert report["complete"] is True
    for name, side in sides(report).items():
        assert side["old"] == side["new"], name
        assert side["moved"] == side["new"]["messages"]
        assert not any(side[key] for key in ("missing", "only_new", "resized", "redated"))
    assert sides(report)["Work/2026"]["old"]["messages"] == 15


def test_a_person_reads_a_table_and_what_to_do_next(movers: Movers) -> None:
    said = movers.run("migrate", "old", "new").stdout.decode()

    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert any(line.startswith("Work/2026 15 ") and line.endswith(" 15 none") for line in lines)
    assert lines[-1].startswith("Everything of old is at new. After the switch")


def test_after_the_switch_only_late_mail_is_moved(
    movers: Movers, old: MailUser, new: MailUser
) -> None:
    movers.run("migrate", "old", "new")
    with new.session() as session:  # somebody is at home there already
        session.select("INBOX")
        session.expunge("1:3")
        append_all(session, "INBOX", generate(8, 2))
    with old.session() as session:
        append_all(session, "INBOX", generate(9, 4))

    report = movers.run("migrate", "old", "new", "--json").document()

    inbox = sides(report)["INBOX"]
    assert inbox["moved"] == 4
    assert (inbox["taken_away"], inbox["only_new"], inbox["missing"]) == (3, 2, 0)
    assert sum(side["moved"] for side in sides(report).values()) == 4
    assert report["complete"] is True
    again = movers.run("migrate", "old", "new").stdout.decode()
    assert again.splitlines()[-1] == "Nothing new at old: everything is at new."
    assert octets_by_mailbox(new)["INBOX"].total() == 20 - 3 + 2 + 4


def test_a_dry_run_changes_nothing(movers: Movers, new: MailUser) -> None:
    movers.run("sync", "old", "--mailbox", "INBOX")
    before = read(new)

    said = movers.run("migrate", "old", "new", "--dry-run").stdout.decode()

    assert read(new) == before
    assert said.splitlines()[-1] == (
        "Nothing was changed. 20 messages would be moved from old to new, and 20 more that "
        "are not in the archive yet."
    )


def test_an_old_server_that_is_closed_does_not_keep_back_what_is_archived(
    movers: Movers, old: MailUser, new: MailUser
) -> None:
    movers.run("sync", "old")
    movers.write(old=1)  # nobody answers there

    outcome = movers.run("migrate", "old", "new", code=10)

    assert octets_by_mailbox(new) == octets_by_mailbox(old)
    assert outcome.stdout.decode().splitlines()[-1].startswith("This is not all yet.")


def test_an_account_is_not_moved_to_itself(movers: Movers) -> None:
    assert "same account" in movers.run("migrate", "old", "old", code=2).stderr


def test_what_somebody_removed_behind_our_back_is_seen(movers: Movers, new: MailUser) -> None:
    # Mail that was there before, and that no journal of ours knows of.
    with new.session() as session:
        append_all(session, "INBOX", generate(1, 20))

    report = movers.run("migrate", "old", "new", "--json").document()

    inbox = sides(report)["INBOX"]
    assert (inbox["moved"], inbox["missing"], inbox["only_new"]) == (0, 0, 0)
    assert inbox["new"]["messages"] == 20


def test_a_move_killed_on_the_way_moves_nothing_twice(
    movers: Movers, old: MailUser, new: MailUser
) -> None:
    movers.run("sync", "old")
    kills = [
        traced(
            movers, "sendto", "migrate", "old", "new", inject=f"signal=SIGKILL:when={number}"
        )
        for number in (25, 45)
    ]

    report = movers.run("migrate", "old", "new", "--json").document()

    assert [kill.code for kill in kills] == [-signal.SIGKILL] * 2
    assert octets_by_mailbox(new) == octets_by_mailbox(old)
    assert report["complete"] is True


def test_a_daily_limit_ends_a_day_and_says_when_to_go_on(
    movers: Movers, old: MailUser, new: MailUser
) -> None:
    movers.run("sync", "old")
    movers.write({"new": 'daily_limit = "40KB"'})

    first = movers.run("migrate", "old", "new", code=3)
    held = octets_by_mailbox(new)
    second = movers.run("migrate", "old", "new", code=3)

    assert 0 < sum(map(Counter.total, held.values())) < 40
    assert octets_by_mailbox(new) == held
    for outcome in (first, second):
        assert "Run the same command again after 20" in outcome.stdout.decode().splitlines()[-1]
        assert "daily limit" in outcome.stderr
    movers.write()
    movers.run("migrate", "old", "new")
    assert octets_by_mailbox(new) == octets_by_mailbox(old)
