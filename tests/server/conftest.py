"""Accounts with mail in them, and the vaults that archive them."""

from pathlib import Path

import pytest

from tests.server.accounts import furnish
from tests.server.vault import Vault
from tests.servers.users import MailUser


@pytest.fixture
def furnished_user(mail_user: MailUser) -> MailUser:
    """A user of Dovecot with some 150 messages in nine mailboxes."""
    furnish(mail_user)
    return mail_user


@pytest.fixture
def vault(tmp_path: Path, mail_user: MailUser) -> Vault:
    """An archive, still empty, of the user's account."""
    vault = Vault(tmp_path, mail_user)
    vault.init()
    return vault
