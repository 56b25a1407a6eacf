"""A mailbox small enough to be synced a thousand times."""

from pathlib import Path

import pytest

from tests.corpus.ordinary import generate, small
from tests.server.vault import Vault
from tests.servers.dovecot import Dovecot
from tests.servers.maildir import fill
from tests.servers.users import MailUser


@pytest.fixture
def busy_user(mail_user: MailUser, dovecot: Dovecot) -> MailUser:
    """A user with 150 messages in three mailboxes."""
    owner = (dovecot.owner.uid, dovecot.owner.gid)
    mail = dovecot.maildir(mail_user.name)
    fill(mail, generate(1, 60), owner=owner)
    fill(mail / "Lists", small(2, 80), owner=owner)
    fill(mail / "Sent", generate(1, 10), owner=owner)
    return mail_user


@pytest.fixture
def vault(tmp_path: Path, mail_user: MailUser) -> Vault:
    """An archive, still empty, of the user's account."""
    (tmp_path / "vault").mkdir()
    vault = Vault(tmp_path / "vault", mail_user)
    vault.init()
    return vault
