"""A stock Dovecot serves an archive with the store maildir as it lies."""

import itertools
import shutil
from collections.abc import Iterator

import pytest

from mailvault.mail.model import MailboxName
from tests.corpus.ordinary import generate
from tests.oracle import Holdings
from tests.server.accounts import append_all, append_oddities, furnish, read
from tests.server.owned_vault import OwnedVault, warm_up
from tests.servers.archive_dovecot import ArchiveDovecot
from tests.servers.dovecot import Dovecot
from tests.servers.imap_session import Refused
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def archive_dovecot(
    dovecot: Dovecot, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ArchiveDovecot]:
    from tests.conftest import available

    with available(server := ArchiveDovecot()):
        warm_up(tmp_path_factory.mktemp("warm-up") / "vault", new_user(dovecot))
        yield server


@pytest.fixture
def reader(archive_dovecot: ArchiveDovecot) -> MailUser:
    """Who reads the archive over IMAP."""
    user = MailUser(archive_dovecot, f"archive{next(_numbers)}", "pw for tests")
    archive_dovecot.add_user(user.name, user.password)
    return user


@pytest.fixture
def owned(archive_dovecot: ArchiveDovecot, reader: MailUser, mail_user: MailUser) -> OwnedVault:
    """An archive of the user's account, where the reader's server looks for it."""
    folder = archive_dovecot.archive_of(reader.name).parent
    return OwnedVault(folder, mail_user, archive_dovecot.owner)


def assert_served(reader: MailUser, user: MailUser) -> None:
    served, original = read(reader), read(user)
    assert served.uidvalidity == original.uidvalidity
    assert differences(served, original) == []


def differences(served: Holdings, original: Holdings) -> list[str]:
    keys = served.messages.keys() | original.messages.keys()
    return [
        f"{key}: served {served.messages.get(key)}, original {original.messages.get(key)}"
        for key in sorted(keys)
        if served.messages.get(key) != original.messages.get(key)
    ]


def subscribed(user: MailUser) -> set[bytes]:
    with user.session() as session:
        replies, _ = session.command(b'LSUB "" "*"')
    return {reply[0].split(b'"/" ', 1)[1] for reply in replies}


def test_what_dovecot_serves_is_what_the_server_has(
    owned: OwnedVault, reader: MailUser, mail_user: MailUser
) -> None:
    furnish(mail_user)
    with mail_user.session() as session:
        for name in (b'"A.b/Sub folder"', b"A.b", b"INBOX/below", b"Entw&APw-rfe/Alt"):
            session.command(b"CREATE ", name)
            session.command(b"SUBSCRIBE ", name)
        session.command(b"SUBSCRIBE INBOX")
        append_all(session, "A.b/Sub folder", generate(7, 5))
        session.command(b"SELECT INBOX")
        session.command(b"UID STORE 2 +FLAGS (one two $three \\Flagged)")
        session.command(b"UID STORE 4:9 +FLAGS (\\Deleted)")
        session.command(b"UID EXPUNGE 6:7")
        session.command(b'UID COPY 10:15 "A.b"')

    owned.sync()

    assert_served(reader, mail_user)
    assert subscribed(reader) == subscribed(mail_user)
    assert owned.findings() == []


def test_it_is_right_after_each_of_many_syncs_while_a_reader_looks(
    owned: OwnedVault, reader: MailUser, mail_user: MailUser
) -> None:
    with mail_user.session() as session:
        append_oddities(session, "INBOX")
        session.command(b"CREATE Other")
    owned.sync()
    with reader.session() as watching, mail_user.session() as session:
        watching.command(b"EXAMINE INBOX")
        session.command(b"SELECT INBOX")
        for number in range(4):
            append_all(session, "INBOX", generate(number, 3))
            first = 1 + 5 * number
            session.command(b"UID STORE %d +FLAGS (\\Deleted)" % first)
            session.command(b"UID EXPUNGE %d" % first)
            session.command(b"UID STORE %d FLAGS (\\Seen kw%d)" % (first + 1, number))
            session.command(b"UID MOVE %d Other" % (first + 2))
            owned.sync()
            watching.command(b"NOOP")

            assert_served(reader, mail_user)
        replies, _ = watching.command(b"UID SEARCH ALL")
        seen = b" ".join(reply[0] for reply in replies if reply[0].startswith(b"* SEARCH"))
    uids = {uid for mailbox, uid in read(mail_user).messages if mailbox == "INBOX"}
    assert {int(word) for word in seen.split() if word.isdigit()} == uids
    assert owned.findings() == []


def test_renamed_deleted_and_renumbered_mailboxes_are_served_as_they_are_now(
    owned: OwnedVault, reader: MailUser, mail_user: MailUser
) -> None:
    with mail_user.session() as session:
        for name in (b"One", b"Two", b"Three", b"Three/inner", b"Four"):
            session.command(b"CREATE ", name)
            append_all(session, name.decode(), generate(len(name), 4))
        owned.sync()
        session.command(b"RENAME One Between")
        session.command(b"RENAME Two One")
        session.command(b"RENAME Between Two")
        session.command(b"RENAME Three Elsewhere")
        session.command(b"DELETE Four")
        session.command(b"CREATE Four")
        append_all(session, "Four", generate(9, 2))

    owned.sync()

    assert_served(reader, mail_user)
    assert owned.findings() == []


def test_a_reader_that_may_only_read_changes_nothing(
    owned: OwnedVault, reader: MailUser, mail_user: MailUser
) -> None:
    with mail_user.session() as session:
        append_all(session, "INBOX", generate(1, 5))
        session.command(b"CREATE Other")
    owned.sync()

    with reader.session() as session:
        session.command(b"SELECT INBOX")
        session.command(b"UID STORE 1:* +FLAGS (\\Deleted)")
        session.command(b"EXPUNGE")
        for command in (b"UID COPY 1 Other", b"CREATE New", b"DELETE Other"):
            with pytest.raises(Refused):
                session.command(command)
        with pytest.raises(Refused):
            session.append("INBOX", b"Subject: new\r\n\r\n", [], None)

    assert_served(reader, mail_user)
    assert owned.findings() == []


def test_what_others_change_in_the_maildirs_is_named_and_made_right(
    archive_dovecot: ArchiveDovecot, owned: OwnedVault, reader: MailUser, mail_user: MailUser
) -> None:
    with mail_user.session() as session:
        append_all(session, "INBOX", generate(1, 8))
    owned.sync()
    cur = owned.vault.archive / "maildir" / "work" / "cur"
    names = sorted(cur.iterdir())
    names[0].rename(names[0].with_name(names[0].name + "T"))
    names[1].unlink()
    (cur / "1234.delivered.here:2,S").write_bytes(b"Subject: mine\r\n\r\n")
    read(reader)  # Dovecot writes down what it sees

    kinds = sorted({finding.kind for finding in owned.findings()})
    with mail_user.session() as session:
        session.command(b"SELECT INBOX")
        session.command(b"UID STORE 1:* +FLAGS (looked-at)")
    owned.sync()
    after_sync = {finding.kind for finding in owned.findings()}
    owned.rebuild()

    assert kinds == ["maildir-changed", "maildir-foreign", "maildir-missing"]
    assert after_sync == {"maildir-foreign"}
    assert [finding.kind for finding in owned.findings()] == ["maildir-foreign"]
    (cur / "1234.delivered.here:2,S").unlink()
    shutil.rmtree(archive_dovecot.folder / "state" / "indexes" / reader.name)
    assert_served(reader, mail_user)


def test_lost_maildirs_are_made_again_by_the_next_sync(
    owned: OwnedVault, reader: MailUser, mail_user: MailUser
) -> None:
    furnish(mail_user, names=("Läbel", "With blank"))
    owned.sync()
    (owned.vault.archive / "maildir").rename(owned.vault.folder / "gone")

    owned.sync()

    assert_served(reader, mail_user)
    assert owned.findings() == []


def test_names_that_are_no_folders_are_escaped(owned: OwnedVault) -> None:
    from mailvault.archive.served.names import mailbox_path

    names = [("~x",), ("a/b", "c"), ("cur",), ("..",), ("",), ("x" * 300,), ("trail ",)]
    paths = [mailbox_path(MailboxName(name)) for name in names]

    assert [path for path in paths if len(path[0]) < 100] == [
        ("\\7ex",),
        ("a\\2fb", "c"),
        ("\\63ur",),
        ("\\2e\\2e",),
        ("\\-",),
        ("trail\\20",),
    ]
    assert all(len(level) <= 200 for path in paths for level in path)
