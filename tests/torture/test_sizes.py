"""Memory stays bounded, however large a message and however long a mailbox."""

import hashlib
from pathlib import Path

import pytest

from tests.corpus.letter import Letter
from tests.corpus.odd import HEADER
from tests.corpus.ordinary import small
from tests.server.accounts import read
from tests.server.test_pop3 import pop3_vault
from tests.server.vault import Vault, difference
from tests.servers.dovecot import Dovecot
from tests.servers.maildir import fill
from tests.servers.users import MailUser
from tests.torture.memory import peak_memory

pytestmark = [pytest.mark.torture, pytest.mark.server]

MOST = 200 << 20
LARGE = 150_000_000
MANY = 200_000


def test_a_message_of_150_megabytes_fits_into_memory(
    vault: Vault, mail_user: MailUser, dovecot: Dovecot
) -> None:
    line = b"TWFpbCBhcmNoaXZlcyBtdXN0IG5vdCBob2xkIGEgd2hvbGUgbWVzc2FnZSBpbiBtZW1vcnkuIFRo\r\n"
    octets = HEADER + b"Content-Transfer-Encoding: base64\r\n\r\n" + line * (LARGE // len(line))
    owner = (dovecot.owner.uid, dovecot.owner.gid)
    fill(dovecot.maildir(mail_user.name), [Letter(octets)], owner=owner)
    digest = hashlib.sha256(octets).hexdigest()

    sync = peak_memory(vault, "sync")
    verify = peak_memory(vault, "verify")
    cat = peak_memory(vault, "cat", digest)

    assert [code for code, _ in (sync, verify, cat)] == [0, 0, 0]
    assert max(peak for _, peak in (sync, verify, cat)) <= MOST
    assert vault.placements()[0]["digest"] == digest
    assert hashlib.sha256((vault.folder / "output").read_bytes()).hexdigest() == digest


def test_a_mailbox_of_200_000_messages_fits_into_memory(
    vault: Vault, mail_user: MailUser, dovecot: Dovecot
) -> None:
    owner = (dovecot.owner.uid, dovecot.owner.gid)
    fill(dovecot.maildir(mail_user.name), small(1, MANY), owner=owner)

    first = peak_memory(vault, "sync")
    with mail_user.session() as session:
        session.select("INBOX")
        session.store(f"1:{MANY}", "+FLAGS.SILENT (\\Flagged)")
    second = peak_memory(vault, "sync")
    assert not difference(vault.holdings(), read(mail_user))
    with mail_user.session() as session:
        session.select("INBOX")
        session.store(f"1:{MANY}", "+FLAGS.SILENT (\\Deleted)")
        session.expunge(f"1:{MANY}")
    emptied = peak_memory(vault, "sync")

    assert [code for code, _ in (first, second, emptied)] == [0, 0, 3]
    assert max(peak for _, peak in (first, second, emptied)) <= MOST
    assert len(vault.placements("--at", "2")) == MANY


def test_a_pop3_mailbox_of_200_000_messages_fits_into_memory(
    tmp_path: Path, mail_user: MailUser, dovecot: Dovecot
) -> None:
    maildir = dovecot.maildir(mail_user.name)
    owner = (dovecot.owner.uid, dovecot.owner.gid)
    fill(maildir, small(1, MANY), owner=owner)
    vault = pop3_vault(tmp_path, mail_user)

    first = peak_memory(vault, "sync")
    again = peak_memory(vault, "sync")
    for path in maildir.glob("dovecot*"):  # another UIDVALIDITY, so other unique-ids
        path.unlink()
    renamed = peak_memory(vault, "sync")
    for path in [*(maildir / "new").iterdir(), *(maildir / "cur").iterdir()]:
        path.unlink()
    emptied = peak_memory(vault, "sync")

    peaks = (first, again, renamed, emptied)
    print(peaks)
    assert [code for code, _ in peaks] == [0, 0, 0, 3]
    assert max(peak for _, peak in peaks) <= MOST
    assert len(vault.placements("--at", "3")) == MANY


def test_a_listing_of_many_messages_fits_into_memory(
    vault: Vault, mail_user: MailUser, dovecot: Dovecot, tmp_path: Path
) -> None:
    owner = (dovecot.owner.uid, dovecot.owner.gid)
    fill(dovecot.maildir(mail_user.name), small(1, 50_000), owner=owner)
    vault.sync()

    for command in (["list", "--json"], ["list"], ["verify"], ["status"]):
        code, peak = peak_memory(vault, *command)
        assert code == 0
        assert peak <= MOST
