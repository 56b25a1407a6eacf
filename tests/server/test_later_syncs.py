"""What changed on the server is recorded, and what was true stays known."""

import shutil
from pathlib import Path

import pytest

from tests.corpus.ordinary import generate, small
from tests.server.accounts import append_all, read
from tests.server.vault import Vault, difference, totals
from tests.servers.courier import Courier
from tests.servers.dovecot import Dovecot
from tests.servers.fault_proxy import FaultProxy
from tests.servers.imap_session import ImapSession
from tests.servers.maildir import fill
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server


def furnish(user: MailUser, *, prefix: str = "") -> None:
    with user.session() as session:
        append_all(session, "INBOX", generate(1, 40))
        session.create(prefix + "Archive")
        append_all(session, prefix + "Archive", generate(2, 20))


def change(session: ImapSession, *, prefix: str = "", moves: bool = True) -> None:
    """Flags set and cleared, mail expunged, moved and added."""
    session.select("INBOX")
    session.store("1:5", "+FLAGS (\\Flagged Urgent)")
    session.store("6:9", "-FLAGS (\\Seen)")
    session.expunge("10:14")
    archive = prefix.encode() + b"Archive"
    session.command(b"UID MOVE 15:17 " if moves else b"UID COPY 15:17 ", archive)
    if not moves:
        session.expunge("15:17")
    append_all(session, "INBOX", generate(3, 6))


@pytest.fixture(params=["dovecot", "plain_dovecot", "cyrus", "courier"])
def any_vault(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Vault, MailUser, str]:
    """A furnished account on each server in turn, and its vault."""
    server = request.getfixturevalue(request.param)
    user = new_user(server)
    prefix = "INBOX." if isinstance(server, Courier) else ""
    furnish(user, prefix=prefix)
    vault = Vault(tmp_path, user)
    vault.init()
    return vault, user, prefix


def test_a_second_sync_is_level_and_the_first_is_still_known(
    any_vault: tuple[Vault, MailUser, str],
) -> None:
    vault, user, prefix = any_vault
    vault.sync()
    then = read(user)
    with user.session() as session:
        change(session, prefix=prefix, moves=not isinstance(user.server, Courier))

    report = vault.sync()

    assert not difference(vault.holdings(), read(user))
    assert not difference(vault.holdings("--at", "1"), then)
    assert totals(report, "expunged") == 8
    assert totals(report, "flags_changed") >= 5
    assert totals(report, "arrived") == 9


def test_expunged_mail_is_listed_as_gone(vault: Vault, mail_user: MailUser) -> None:
    furnish(mail_user)
    vault.sync()
    with mail_user.session() as session:
        session.select("INBOX")
        session.expunge("3:4")
    vault.sync()

    gone = vault.placements("--gone")

    gone_since = {line["remote_id"]: line["gone_since"] for line in gone if line["gone_since"]}
    assert sorted(gone_since) == ["3", "4"]


@pytest.mark.parametrize("server_name", ["dovecot", "plain_dovecot", "cyrus", "courier"])
def test_nothing_changed_costs_a_handful_of_commands(
    request: pytest.FixtureRequest, tmp_path: Path, server_name: str
) -> None:
    user = new_user(request.getfixturevalue(server_name))
    with user.session() as session:
        append_all(session, "INBOX", generate(1, 40))
        prefix = "INBOX." if server_name == "courier" else ""
        for number in range(20):
            session.create(f"{prefix}Box{number}")
    vault = Vault(tmp_path, user)
    vault.init()
    vault.sync()

    with FaultProxy(user.port) as proxy:
        vault.configure(user, port=proxy.port)
        report = vault.sync()

    # Without LIST-STATUS there is one STATUS a mailbox, all sent at once.
    commands = [verb for verb in proxy.traffic.commands if verb != "STATUS"]
    assert report["accounts"][0]["ok"]
    assert len(commands) <= 12, commands
    assert proxy.traffic.received < 20_000


def test_a_flag_change_alone_fetches_no_mail(vault: Vault, mail_user: MailUser) -> None:
    furnish(mail_user)
    vault.sync()
    with mail_user.session() as session:
        session.select("INBOX")
        session.store("1:40", "+FLAGS (\\Flagged)")

    with FaultProxy(mail_user.port) as proxy:
        vault.configure(mail_user, port=proxy.port)
        vault.sync()

    assert b"BODY" not in proxy.traffic.sent
    assert not difference(vault.holdings(), read(mail_user))


def test_a_new_uidvalidity_fetches_no_mail_again(
    vault: Vault, mail_user: MailUser, dovecot: Dovecot
) -> None:
    furnish(mail_user)
    vault.sync()
    _forget_uids(dovecot, mail_user)

    with FaultProxy(mail_user.port) as proxy:
        vault.configure(mail_user, port=proxy.port)
        vault.sync()

    assert not difference(vault.holdings(), read(mail_user))
    assert b"BODY.PEEK[]" not in proxy.traffic.sent


def _forget_uids(server: Dovecot, user: MailUser) -> None:
    """Make every mailbox get a new UIDVALIDITY, as a server restored from backup would."""
    for path in server.maildir(user.name).rglob("dovecot*"):
        if path.name.startswith(("dovecot-uidlist", "dovecot-uidvalidity", "dovecot.index")):
            path.unlink()


def test_a_renamed_mailbox_is_not_fetched_again(vault: Vault, mail_user: MailUser) -> None:
    furnish(mail_user)
    vault.sync()
    with mail_user.session() as session:
        session.command(b"RENAME Archive Attic")

    with FaultProxy(mail_user.port) as proxy:
        vault.configure(mail_user, port=proxy.port)
        vault.sync()

    assert not difference(vault.holdings(), read(mail_user))
    assert b"BODY.PEEK[]" not in proxy.traffic.sent
    assert {mailbox for mailbox, _ in vault.holdings("--at", "1")} == {"INBOX", "Archive"}


def test_a_deleted_mailbox_is_gone_and_still_known(vault: Vault, mail_user: MailUser) -> None:
    furnish(mail_user)
    vault.sync()
    then = read(mail_user)
    with mail_user.session() as session:
        session.command(b"DELETE Archive")

    vault.sync()

    assert not difference(vault.holdings(), read(mail_user))
    assert not difference(vault.holdings("--at", "1"), then)


def test_a_recreated_mailbox_is_another_one(vault: Vault, mail_user: MailUser) -> None:
    furnish(mail_user)
    vault.sync()
    then = read(mail_user)
    with mail_user.session() as session:
        session.command(b"DELETE Archive")
        session.create("Archive")
        append_all(session, "Archive", generate(11, 30))

    vault.run("sync", code=3)  # nothing of what was there is there any more

    assert not difference(vault.holdings(), read(mail_user))
    assert not difference(vault.holdings("--at", "1"), then)


def test_an_unselectable_mailbox_stops_no_other(
    vault: Vault, mail_user: MailUser, dovecot: Dovecot
) -> None:
    furnish(mail_user)
    with mail_user.session() as session:
        session.create("Parent/Child")  # Parent itself is \Noselect
        append_all(session, "Parent/Child", generate(4, 3))
        session.create("Broken")
        append_all(session, "Broken", generate(5, 3))
    broken = dovecot.maildir(mail_user.name) / "Broken" / "cur"
    shutil.rmtree(broken)
    broken.write_text("a file where a folder should be")

    vault.run("sync", code=3)

    held = {mailbox for mailbox, _ in vault.holdings()}
    assert {"INBOX", "Archive", "Parent/Child"} <= held


def test_an_emptied_mailbox_is_suspicious_and_loses_nothing(
    vault: Vault, mail_user: MailUser
) -> None:
    furnish(mail_user)
    vault.sync()
    then = read(mail_user)
    with mail_user.session() as session:
        session.select("INBOX")
        session.expunge("1:*")

    vault.run("sync", code=3)

    assert not difference(vault.holdings("--at", "1"), then)
    assert vault.run("verify", "--json").document()["findings"] == []
    vault.run("sync", code=0)


def test_an_emptied_mailbox_may_be_accepted(vault: Vault, mail_user: MailUser) -> None:
    furnish(mail_user)
    vault.sync()
    with mail_user.session() as session:
        session.select("INBOX")
        session.expunge("1:*")

    vault.run("sync", "--accept-empty", code=0)


def test_a_mailbox_that_loses_much_at_once_is_suspicious(
    vault: Vault, mail_user: MailUser, dovecot: Dovecot
) -> None:
    owner = (dovecot.owner.uid, dovecot.owner.gid)
    fill(dovecot.maildir(mail_user.name), small(1, 300), owner=owner)
    vault.sync()
    with mail_user.session() as session:
        session.select("INBOX")
        session.expunge("1:70")

    vault.run("sync", code=3)

    assert not difference(vault.holdings(), read(mail_user))


def test_a_dry_run_changes_nothing(vault: Vault, mail_user: MailUser) -> None:
    furnish(mail_user)
    vault.sync()
    before = vault.holdings()
    with mail_user.session() as session:
        change(session)

    vault.run("sync", "--dry-run")

    assert vault.holdings() == before
