"""One message that the server cannot give never stops the others."""

from pathlib import Path

import pytest
import zstandard

from tests.corpus.ordinary import small
from tests.server.accounts import read
from tests.server.vault import Vault, difference, totals
from tests.servers.dovecot import Dovecot
from tests.servers.fault_proxy import FaultProxy
from tests.servers.imap_session import ImapSession
from tests.servers.maildir import fill
from tests.servers.users import MailUser

pytestmark = pytest.mark.server

COUNT = 1_000


def poison(file: Path) -> Path:
    """Make a message that ends the connection in the middle of its literal."""
    octets = file.read_bytes()
    frame = zstandard.ZstdCompressor(write_checksum=True).compress(octets)
    unique, flags = file.name.split(":2,")
    # With its sizes in its name the message is listed as if nothing were wrong.
    poisoned = file.with_name(f"{unique},S={len(octets)},W={len(octets)}:2,{flags}")
    file.rename(poisoned)
    poisoned.write_bytes(frame[: len(frame) // 2])
    return poisoned


@pytest.mark.parametrize("place", [1, COUNT // 2, COUNT], ids=["first", "middle", "last"])
def test_all_but_the_poisoned_message_are_archived(
    vault: Vault, mail_user: MailUser, dovecot: Dovecot, place: int
) -> None:
    owner = (dovecot.owner.uid, dovecot.owner.gid)
    files = fill(dovecot.maildir(mail_user.name), small(1, COUNT), owner=owner)
    letters = [file.read_bytes() for file in files]
    poison(files[place - 1])

    with FaultProxy(mail_user.port) as proxy:
        vault.configure(mail_user, port=proxy.port)
        report = vault.sync(code=3)

    assert totals(report, "unreadable") == 1
    held = vault.holdings()
    assert {uid for _, uid in held} == set(range(1, COUNT + 1)) - {place}
    assert sum(seen.size for seen in held.values()) == sum(map(len, letters)) - len(
        letters[place - 1]
    )
    assert proxy.traffic.connections <= 15


def test_a_poisoned_message_is_owed_until_it_can_be_read(
    vault: Vault, mail_user: MailUser, dovecot: Dovecot
) -> None:
    owner = (dovecot.owner.uid, dovecot.owner.gid)
    files = fill(dovecot.maildir(mail_user.name), small(2, 30), owner=owner)
    whole = files[7].read_bytes()
    poisoned = poison(files[7])
    vault.sync(code=3)
    assert vault.run("status", "--json").document()["accounts"][0]["debts"] == 1
    assert totals(vault.sync(code=3), "arrived") == 0

    poisoned.write_bytes(whole)
    vault.sync()

    assert not difference(vault.holdings(), read(mail_user))
    assert vault.run("status", "--json").document()["accounts"][0]["debts"] == 0


def test_a_poisoned_message_that_is_expunged_is_owed_no_more(
    vault: Vault, mail_user: MailUser, dovecot: Dovecot
) -> None:
    owner = (dovecot.owner.uid, dovecot.owner.gid)
    files = fill(dovecot.maildir(mail_user.name), small(3, 30), owner=owner)
    poison(files[29])
    vault.sync(code=3)

    with ImapSession(mail_user.port, mail_user.name, mail_user.password) as session:
        session.select("INBOX")
        session.expunge("30")
    vault.sync()

    assert not difference(vault.holdings(), read(mail_user))
