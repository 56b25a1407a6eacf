"""The archive is what docs/archive-format.md says: a reader written after that page agrees."""

import stat
from pathlib import Path

import pytest

from tests import archive_reader
from tests.corpus.ordinary import generate
from tests.server.accounts import append_all, read
from tests.server.vault import Vault
from tests.servers.users import MailUser

pytestmark = pytest.mark.server


@pytest.fixture(params=["sqlite", "maildir"])
def vault(request: pytest.FixtureRequest, tmp_path: Path, mail_user: MailUser) -> Vault:
    """An archive with each store, still empty, of the user's account."""
    vault = Vault(tmp_path, mail_user, store=request.param)
    vault.run("init")
    return vault


def test_an_independent_reader_finds_what_the_server_held(
    vault: Vault, furnished_user: MailUser
) -> None:
    vault.sync()
    first = read(furnished_user)
    with furnished_user.session() as session:
        session.select("INBOX")
        session.store("1:9", "+FLAGS (\\Flagged Todo)")
        session.expunge("10:12")
        append_all(session, "Läbel", generate(77, 5))
        session.command(b"RENAME 100% Percent")
        session.command(b"DELETE Inbox2")
    vault.sync()

    assert archive_reader.read(vault.archive, until_run=1) == first.messages
    assert archive_reader.read(vault.archive) == read(furnished_user).messages


def test_nobody_else_may_read_the_archive(vault: Vault, furnished_user: MailUser) -> None:
    vault.sync()

    modes = {
        (path.is_dir(), stat.S_IMODE(path.stat().st_mode))
        for path in (vault.archive, *vault.archive.rglob("*"))
    }
    assert modes == {(True, 0o700), (False, 0o600)}
