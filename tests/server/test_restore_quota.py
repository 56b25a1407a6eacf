"""A target with a quota takes what fits, and the rest is listed."""

from collections.abc import Iterator

import pytest

from tests.conftest import available
from tests.corpus.ordinary import generate
from tests.server.accounts import append_all
from tests.server.restoring import add_target, messages, restore, total
from tests.server.vault import Vault
from tests.servers.process import MailServer
from tests.servers.quota_dovecot import QuotaDovecot
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server

ROOM = 150  # KiB


@pytest.fixture
def narrow_user() -> Iterator[MailUser]:
    server: MailServer = QuotaDovecot(ROOM)
    with available(server):
        yield new_user(server)


def test_a_quota_that_is_full_half_way_loses_nothing_else(
    vault: Vault, mail_user: MailUser, narrow_user: MailUser
) -> None:
    with mail_user.session() as session:
        append_all(session, "INBOX", generate(1, 40))
    vault.sync()
    add_target(vault, narrow_user)

    planned = restore(vault, "--dry-run")
    report = restore(vault, code=3)
    rejected = restore(vault, "--rejects", "rejects", code=3)

    assert any("quota has room" in note for note in planned["notes"])
    had, has = messages(mail_user), messages(narrow_user)
    refused = {each["digest"] for each in report["refused"]}
    assert has
    assert {digest for _, digest, *_ in had - has} == refused
    assert all("uota" in each["reason"] for each in report["refused"])
    assert total(report, "appended") + len(report["refused"]) == sum(had.values())
    assert total(rejected, "appended") == 0
    files = list((vault.folder / "rejects").rglob("*.eml"))
    assert len(files) == len(rejected["refused"]) == len(report["refused"])
