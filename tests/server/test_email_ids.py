"""Cyrus names messages over all mailboxes (RFC 8474), so a copy costs no download."""

from pathlib import Path

import pytest

from tests.corpus.letter import Letter
from tests.corpus.ordinary import generate
from tests.server.accounts import append_all, read
from tests.server.vault import Vault, difference, totals
from tests.servers.cyrus import Cyrus
from tests.servers.users import new_user

pytestmark = pytest.mark.server

LETTERS = 30


def test_what_was_copied_to_another_mailbox_is_not_downloaded_again(
    tmp_path: Path, cyrus: Cyrus
) -> None:
    user = new_user(cyrus)
    letters: list[Letter] = list(generate(1, LETTERS))
    with user.session() as session:
        append_all(session, "INBOX", letters)
        session.create("Copies")
        session.select("INBOX")
        session.command(b'UID COPY 1:* "Copies"')
    vault = Vault(tmp_path, user)
    vault.init()

    report = vault.sync()

    assert not difference(vault.holdings(), read(user))
    assert totals(report, "arrived") == 2 * LETTERS
    assert totals(report, "octets") == sum(len(letter.octets) for letter in letters)
