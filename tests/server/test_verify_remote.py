"""verify --remote on real servers: what is level is complete, and differences are told."""

from pathlib import Path

import pytest

from tests.corpus.ordinary import generate, small
from tests.server.accounts import append_all, append_oddities, furnish
from tests.server.vault import Json, Vault
from tests.servers.courier import Courier
from tests.servers.dovecot import Dovecot
from tests.servers.maildir import fill
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server


@pytest.fixture(params=["dovecot", "cyrus", "courier"])
def level(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Vault, MailUser]:
    """An account full of odd mail on each server in turn, and an archive level with it."""
    server = request.getfixturevalue(request.param)
    user = new_user(server)
    furnish(user, prefix="INBOX." if isinstance(server, Courier) else "", names=["a~b", "日本"])
    vault = Vault(tmp_path, user)
    vault.init()
    vault.sync()
    return vault, user


def counts(report: Json, name: str = "INBOX") -> Json:
    (account,) = report["accounts"]
    found: list[Json] = [each for each in account["mailboxes"] if each["mailbox"] == name]
    (mailbox,) = found
    return mailbox


def kinds(report: Json) -> list[str]:
    return sorted(finding["kind"] for finding in report["findings"])


def test_everything_is_there_to_the_octet_and_then_every_difference_is_told(
    level: tuple[Vault, MailUser],
) -> None:
    vault, user = level

    before = vault.run("verify", "--remote", "--full", "--json").document()
    with user.session() as session:
        append_all(session, "INBOX", generate(77, 3))
        session.select("INBOX")
        session.store("1:2", "+FLAGS (\\Flagged \\Answered)")
        session.store("3", "-FLAGS (\\Flagged \\Answered)")
        session.expunge("4:6")
    after = vault.run("verify", "--remote", "--json", code=3).document()

    (account,) = before["accounts"]
    assert (account["complete"], before["findings"]) == (True, [])
    assert before["checked"] == sum(box["read"] for box in account["mailboxes"]) > 50
    assert all(box["on_server"] == box["in_archive"] for box in account["mailboxes"])
    inbox = counts(after)
    assert (inbox["absent"], inbox["gone"]) == (3, 3)
    assert 2 <= inbox["flags_differ"] <= 3
    assert kinds(after) == ["absent"] * 3 + ["flags"] * inbox["flags_differ"]


@pytest.mark.parametrize("server_name", ["dovecot", "cyrus", "courier"])
def test_pop3_accounts_are_compared_too(
    request: pytest.FixtureRequest, tmp_path: Path, server_name: str
) -> None:
    user = new_user(request.getfixturevalue(server_name))
    with user.session() as session:
        append_oddities(session, "INBOX")
    port = user.server.ports["pop3"]
    vault = Vault(tmp_path, user, settings=f'protocol = "pop3"\nport = {port}\n')
    vault.init()
    vault.sync()

    before = vault.run("verify", "--remote", "--full", "--json").document()
    with user.session() as session:
        append_all(session, "INBOX", generate(78, 2))
    after = vault.run("verify", "--remote", "--json", code=3).document()

    assert before["findings"] == []
    assert counts(before)["read"] == counts(before)["on_server"] > 20
    assert kinds(after) == ["absent", "absent"]
    assert counts(after)["matched"] == counts(before)["matched"]


def test_octets_that_rot_on_the_server_are_found(
    tmp_path: Path, mail_user: MailUser, dovecot: Dovecot
) -> None:
    owner = (dovecot.owner.uid, dovecot.owner.gid)
    files = fill(dovecot.maildir(mail_user.name), small(1, 40), owner=owner)
    vault = Vault(tmp_path, mail_user)
    vault.init()
    vault.sync()
    octets = files[16].read_bytes()
    files[16].write_bytes(octets[:-20] + octets[-20:].swapcase())

    report = vault.run("verify", "--remote", "--full", "--json", code=4).document()

    assert [(each["kind"], each["remote_id"]) for each in report["findings"]] == [
        ("different", "17")
    ]
