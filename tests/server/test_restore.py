"""Mail comes back to a server: whole, once, and nothing else there is touched."""

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.corpus.ordinary import generate
from tests.server.accounts import append_all, furnish, read
from tests.server.restoring import (
    DESTRUCTIVE,
    add_target,
    counted,
    messages,
    restore,
    total,
)
from tests.server.vault import Vault
from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import Dovecot
from tests.servers.fault_proxy import FaultProxy
from tests.servers.process import MailServer
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server

PLAIN_NAMES = ("Läbel", "日本語", "With blank", "a~b")


@pytest.fixture
def target(dovecot: Dovecot) -> MailUser:
    return new_user(dovecot)


@pytest.fixture(scope="module")
def stocked(dovecot: Dovecot, tmp_path_factory: pytest.TempPathFactory) -> Vault:
    """An archive of a user's mail, to be copied; nobody changes what the user has."""
    user = new_user(dovecot)
    furnish(user, names=PLAIN_NAMES)
    vault = Vault(tmp_path_factory.mktemp("stocked"), user)
    vault.init()
    vault.sync()
    return vault


@pytest.fixture
def kept(tmp_path: Path, stocked: Vault, target: MailUser) -> Vault:
    """A copy of the archive, and a target in the configuration."""
    vault = Vault(tmp_path, stocked.user)
    shutil.copytree(stocked.archive, vault.archive)
    add_target(vault, target)
    return vault


@pytest.fixture
def archived(vault: Vault, mail_user: MailUser, target: MailUser) -> MailUser:
    """A user with archived mail that a test may change, and a target."""
    furnish(mail_user, names=PLAIN_NAMES)
    vault.sync()
    add_target(vault, target)
    return mail_user


def test_everything_comes_back_as_it_was(kept: Vault, target: MailUser) -> None:
    report = restore(kept, "--verify", "all")

    assert messages(target) == messages(kept.user)
    assert read(target).mailboxes == read(kept.user).mailboxes
    assert report["refused"] == report["altered"] == report["flags_cut"] == []
    assert report["read_back"] == total(report, "appended") == len(read(kept.user).messages)


def test_repeating_a_restore_adds_nothing(kept: Vault, target: MailUser) -> None:
    restore(kept)
    before = read(target)

    report = restore(kept)

    assert read(target) == before
    assert total(report, "appended") == 0
    assert total(report, "present") == len(before.messages)


@pytest.mark.parametrize("name", ["cyrus", "courier"])
def test_other_servers_get_the_same_mail(
    vault: Vault, mail_user: MailUser, name: str, request: pytest.FixtureRequest
) -> None:
    server: MailServer = request.getfixturevalue(name)
    other = new_user(server)
    with mail_user.session() as session:
        append_all(session, "INBOX", generate(1, 30))
        for number, mailbox in enumerate(PLAIN_NAMES):
            session.create(mailbox)
            append_all(session, mailbox, generate(number, 8))
    vault.sync()
    add_target(vault, other)

    report = restore(vault, "--verify", "all")

    prefix = "INBOX/" if name == "courier" else ""
    assert messages(other, prefix=prefix) == messages(mail_user)
    assert report["altered"] == report["refused"] == []


@pytest.mark.parametrize(
    "name",
    [
        "cyrus",
        *(pytest.param(each, marks=pytest.mark.torture) for each in ("dovecot", "courier")),
    ],
)
def test_odd_mail_is_there_once_and_every_alteration_is_named(
    vault: Vault, mail_user: MailUser, name: str, request: pytest.FixtureRequest
) -> None:
    server: MailServer = request.getfixturevalue(name)
    other = new_user(server)
    furnish(mail_user, names=())
    vault.sync()
    add_target(vault, other)
    code = 3 if name == "cyrus" else 0  # it refuses a header that is none

    report = restore(vault, "--verify", "all", code=code)
    again = restore(vault, code=code)

    had, has = counted(read(mail_user)), counted(read(other))
    lost = {digest for _, digest, *_ in (had - has).elements()}
    named = {each["digest"] for each in report["altered"] + report["refused"]}
    assert lost == named
    assert sum(has.values()) == sum(had.values()) - len(report["refused"])
    assert total(again, "appended") == 0
    assert sum(messages(other).values()) == sum(has.values())


def test_a_restore_into_its_own_account_brings_back_what_is_missing(
    vault: Vault, archived: MailUser
) -> None:
    before = messages(archived)
    with archived.session() as session:
        session.select("Läbel")
        session.expunge("1:5")
        session.select("INBOX")
        session.expunge("7,9,20:25")

    report = restore(vault, to="work")

    assert messages(archived) == before
    assert total(report, "appended") == 13


def test_what_was_lost_on_the_server_comes_back_alone(vault: Vault, archived: MailUser) -> None:
    before = messages(archived)
    with archived.session() as session:
        session.select("Läbel")
        session.expunge("2:4")
    vault.sync()

    report = restore(vault, "--gone", to="work")

    assert messages(archived) == before
    assert {m["mailbox"]: m["appended"] for m in report["mailboxes"]} == {"Läbel": 3}


def test_the_account_comes_back_as_it_was_at_a_time(
    vault: Vault, archived: MailUser, target: MailUser
) -> None:
    before = messages(archived)
    with archived.session() as session:
        session.select("日本語")
        session.store("1:12", "+FLAGS (\\Flagged)")
        session.expunge("1:3")
        session.append("INBOX", b"Subject: later\r\n\r\n")
    vault.sync()

    restore(vault, "--at", "1")

    assert messages(target) == before


def test_twins_stay_twins(vault: Vault, mail_user: MailUser, target: MailUser) -> None:
    twin = b"Message-ID: <1@x>\r\nSubject: twin\r\n\r\n"
    with mail_user.session() as session:
        for octets in (twin, twin, b"Subject: other\r\n\r\n", twin):
            session.append("INBOX", octets, date="01-Feb-2020 00:00:00 +0000")
    vault.sync()
    add_target(vault, target)
    with target.session() as session:  # one of them is there, put there by somebody else
        session.append("INBOX", twin, date="01-Feb-2020 00:00:00 +0000")

    report = restore(vault)

    assert messages(target) == messages(mail_user)
    assert total(report, "appended") == 3


def test_what_others_put_there_is_recognised(
    vault: Vault, archived: MailUser, target: MailUser
) -> None:
    with archived.session() as session:
        session.append("INBOX", b"No-Id: x\r\n\r\nfirst\r\n", date="01-Feb-2020 00:00:00 +0000")
        session.append("INBOX", b"No-Id: x\r\n\r\nother\r\n", date="01-Feb-2020 00:00:00 +0000")
    vault.sync()
    letters = [letter.octets for letter in generate(0, 12)]
    with target.session() as session:
        session.create("Läbel")
        for octets in letters:  # without their dates, as some programs do
            session.append("Läbel", octets)
        session.append("INBOX", b"No-Id: x\r\n\r\nfirst\r\n", date="05-May-2021 00:00:00 +0000")
    had = messages(archived)

    report = restore(vault)

    has = messages(target)
    assert {m[:2] for m in has} == {m[:2] for m in had}
    assert sum(has.values()) == sum(had.values())
    assert total(report, "present") == 13


def test_a_lost_journal_doubles_nothing(kept: Vault, target: MailUser) -> None:
    restore(kept)
    before = read(target)
    for path in (kept.archive / "restores").rglob("*.jsonl"):
        path.unlink()

    report = restore(kept)

    assert read(target) == before
    assert total(report, "appended") == 0


def test_a_dry_run_changes_nothing(kept: Vault, target: MailUser) -> None:
    before = read(target)

    planned = restore(kept, "--verify", "--dry-run")

    assert read(target) == before
    assert not (kept.archive / "restores").exists()
    assert planned["dry_run"]
    done = restore(kept)
    assert [(m["target"], m["appended"]) for m in planned["mailboxes"]] == [
        (m["target"], m["appended"]) for m in done["mailboxes"]
    ]


def test_mailboxes_go_where_they_are_sent(kept: Vault, target: MailUser) -> None:
    report = restore(kept, "--map", "*=Old mail/*", "--map", "日本語=Japanese")

    expected = {"Japanese", *(f"Old mail/{name}" for name in ("INBOX", "Läbel", "a~b"))}
    assert expected <= read(target).mailboxes
    assert total(report, "appended") == sum(messages(target).values())
    assert not any(name == "INBOX" for name, *_ in messages(target))


def test_two_mailboxes_may_go_into_one(kept: Vault, target: MailUser) -> None:
    arguments = ("--mailbox", "Läbel", "--mailbox", "a~b", "--map", "a~b=Läbel")
    restore(kept, *arguments)
    report = restore(kept, *arguments)

    had = [message for message in messages(kept.user).elements() if message[0] in "Läbel a~b"]
    assert sorted(m[1] for m in messages(target).elements()) == sorted(m[1] for m in had)
    assert total(report, "appended") == 0


def test_a_stretch_of_time_comes_back(kept: Vault, target: MailUser) -> None:
    restore(kept, "--since", "2005-01-01", "--before", "2012-01-01T00:00+00:00")

    begin, end = datetime(2004, 12, 31, tzinfo=UTC), datetime(2012, 1, 1, tzinfo=UTC)
    assert messages(target)
    assert all(begin < date < end for *_, date in messages(target))


def test_mail_for_one_use_goes_to_the_mailbox_for_it(
    vault: Vault, mail_user: MailUser, cyrus: Cyrus
) -> None:
    other = new_user(cyrus)
    with other.session() as session:
        session.command(b'CREATE "Gesendet" (USE (\\Sent))')
    with mail_user.session() as session:
        session.create("Sent")
        session.create("Drafts")
        append_all(session, "Sent", generate(1, 3))
    vault.sync()
    add_target(vault, other)

    report = restore(vault)

    targets = {m["mailbox"]: m["target"] for m in report["mailboxes"]}
    assert targets["Sent"] == "Gesendet"
    assert {name for name, *_ in messages(other)} == {"Gesendet"}
    with other.session() as session:
        replies, _ = session.command(b'LIST "" "Drafts" RETURN (SPECIAL-USE SUBSCRIBED)')
    assert b"\\Drafts" in replies[0][0]


def test_subscriptions_come_back(vault: Vault, mail_user: MailUser, target: MailUser) -> None:
    with mail_user.session() as session:
        for name in ("Followed", "Left"):
            session.create(name)
        session.command(b"SUBSCRIBE Followed")
    vault.sync()
    add_target(vault, target)

    restore(vault)

    with target.session() as session:
        replies, _ = session.command(b'LSUB "" "*"')
    subscribed = b"".join(reply[0] for reply in replies)
    assert b"Followed" in subscribed
    assert b"Left" not in subscribed


def test_names_that_differ_in_case_or_unicode_stay_apart(
    vault: Vault, mail_user: MailUser, target: MailUser, cyrus: Cyrus
) -> None:
    names = ("Trash2", "trash2", "\u00e9", "e\u0301", "Café", "CAFÉ")
    with mail_user.session() as session:
        for number, name in enumerate(names):
            session.create(name)
            session.append(name, b"Subject: %d\r\n\r\n" % number)
    vault.sync()

    for user in (target, new_user(cyrus)):
        add_target(vault, user)
        restore(vault)

        assert sorted(name for name, *_ in messages(user).elements()) == sorted(names)


def test_nothing_destructive_is_ever_said(kept: Vault, plain_dovecot: Dovecot) -> None:
    user = new_user(plain_dovecot)  # it does not compress, so commands can be read
    with FaultProxy(user.port) as proxy:
        add_target(kept, user, port=proxy.port)
        restore(kept, "--dry-run")
        said_to_look = set(proxy.traffic.commands)
        restore(kept, "--verify", "all", "--map", "a~b=Läbel")
        restore(kept)
        said = set(proxy.traffic.commands)

    assert not said & DESTRUCTIVE
    assert not said_to_look & {"APPEND", "CREATE", "SUBSCRIBE"}
    assert {"APPEND", "CREATE", "EXAMINE"} <= said
    assert not re.search(rb"BODY\[", bytes(proxy.traffic.sent))


def test_what_was_there_before_is_left_as_it_was(kept: Vault, target: MailUser) -> None:
    with target.session() as session:
        session.append("INBOX", b"Subject: mine\r\n\r\n", ["\\Deleted", "Own"])
    before = read(target)

    restore(kept)

    after = read(target)
    assert before.messages.items() <= after.messages.items()
    assert before.uidvalidity.items() <= after.uidvalidity.items()


def test_an_archive_nobody_may_write_to_gives_its_mail_back(
    kept: Vault, target: MailUser, tmp_path: Path
) -> None:
    (kept.archive / "restores").write_text("in the way")

    kept.run("restore", "work", "--to", "target", code=20)

    assert not messages(target)


def test_two_restores_to_one_target_wait_for_each_other(kept: Vault, target: MailUser) -> None:
    restore(kept, "--mailbox", "INBOX")
    (lock,) = (kept.archive / "restores").rglob("lock")
    import fcntl

    with lock.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        outcome = kept.run("restore", "work", "--to", "target", code=75)

    assert "another restore" in outcome.stderr


def test_a_daily_limit_ends_a_day_and_the_next_restore_goes_on(
    kept: Vault, target: MailUser
) -> None:
    without = kept.configuration.read_text(encoding="utf-8")
    kept.configuration.write_text(f'{without}daily_limit = "20KB"\n', encoding="utf-8")

    first = kept.run("restore", "work", "--to", "target", code=3)
    held = messages(target)
    second = kept.run("restore", "work", "--to", "target", code=3)

    assert 0 < held.total() < messages(kept.user).total()
    assert messages(target) == held
    for outcome in (first, second):
        assert "daily limit" in outcome.stderr
        assert "run the same command again after 20" in outcome.stderr
    kept.configuration.write_text(without, encoding="utf-8")
    restore(kept)
    assert messages(target) == messages(kept.user)


def test_an_account_that_cannot_take_mail_is_refused_with_a_hint(kept: Vault) -> None:
    assert "--to" in kept.run("restore", "work", code=2).stderr
    assert "no account" in kept.run("restore", "work", "--to", "nobody", code=2).stderr
