"""What went in comes out: octets, flags, dates; and the catalog can be made anew."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest

from tests.corpus.odd import oddities
from tests.corpus.ordinary import generate
from tests.server.accounts import append_all, furnish, read
from tests.server.vault import Vault, difference, new_vault
from tests.servers.dovecot import Dovecot
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server

# Control characters, and those that turn the direction of text.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

LETTERS = {
    "\\Draft": "D",
    "\\Flagged": "F",
    "$Forwarded": "P",
    "\\Answered": "R",
    "\\Seen": "S",
    "\\Deleted": "T",
}


@pytest.fixture(scope="module")
def user(dovecot: Dovecot) -> MailUser:
    user = new_user(dovecot)
    furnish(user)
    return user


@pytest.fixture(scope="module")
def level(user: MailUser, tmp_path_factory: pytest.TempPathFactory) -> Vault:
    """A vault after three syncs: mail came, changed and went. Not to be changed."""
    vault = new_vault(tmp_path_factory.mktemp("level") / "vault", user)
    vault.sync()
    with user.session() as session:
        session.select("INBOX")
        session.store("1:9", "+FLAGS (\\Flagged Todo)")
        session.expunge("10:12")
    vault.sync()
    with user.session() as session:
        append_all(session, "Läbel", generate(77, 5))
        session.command(b"DELETE 100%")
    vault.sync()
    return vault


@pytest.fixture
def copied(level: Vault, user: MailUser, tmp_path: Path) -> Vault:
    """A copy of the vault, to be damaged."""
    shutil.copytree(level.archive, tmp_path / "archive")
    return Vault(tmp_path, user)


def test_cat_gives_the_very_octets(level: Vault) -> None:
    digests = sorted({line["digest"] for line in level.placements()})

    for digest in digests[::20]:
        octets = level.run("cat", digest).stdout
        assert hashlib.sha256(octets).hexdigest() == digest


def test_nothing_shown_can_command_a_terminal(level: Vault) -> None:
    odd = [oddity for oddity in oddities() if oddity.name in ("escape", "latin-1-header")]
    digests = [hashlib.sha256(oddity.octets).hexdigest() for oddity in odd]

    shown = [level.run("show", digest).stdout for digest in digests]
    listed = level.run("list").stdout

    assert not CONTROLS.search(b"".join([*shown, listed]).decode())


def test_export_to_eml_gives_the_very_octets(level: Vault, tmp_path: Path) -> None:
    level.run("export", str(tmp_path / "out"), "--format", "eml")

    files = [path.read_bytes() for path in (tmp_path / "out").rglob("*.eml")]
    assert _digests(files) == sorted(line["digest"] for line in level.placements())


def test_export_to_maildir_gives_octets_flags_and_dates(level: Vault, tmp_path: Path) -> None:
    level.run("export", str(tmp_path / "out"), "--format", "maildir", "--mailbox", "INBOX")

    exported = sorted(
        (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            _letters(path),
            int(path.stat().st_mtime),
        )
        for path in (tmp_path / "out").rglob("cur/*")
    )
    inbox = [seen for (name, _), seen in level.holdings().items() if name == "INBOX"]
    assert exported == sorted(
        (seen.digest, _system_flags(seen.flags), int(seen.internal_date.timestamp()))
        for seen in inbox
    )


def test_export_to_mbox_can_be_undone(level: Vault, tmp_path: Path) -> None:
    level.run("export", str(tmp_path / "out"), "--format", "mbox", "--mailbox", "Läbel")

    (path,) = (tmp_path / "out").rglob("*.mbox")
    bodies = re.split(rb"(?:\A|\n)From [^\n]*\n", path.read_bytes())[1:]
    unquoted = [re.sub(rb"(?m)^>(>*From )", rb"\1", body) for body in bodies]
    assert len(unquoted) == 17


def test_a_deleted_catalog_is_rebuilt_equal(copied: Vault, user: MailUser) -> None:
    before = _everything(copied)
    for path in copied.archive.glob("catalog.db*"):
        path.unlink()

    copied.run("rebuild")

    assert _everything(copied) == before
    assert not difference(copied.holdings(), read(user))
    assert copied.sync()["accounts"][0]["ok"]


def test_verify_is_content_with_a_sound_archive(level: Vault) -> None:
    for mode in ("--quick", "--full"):
        report = level.run("verify", mode, "--json").document()
        assert report["findings"] == []
    assert report["checked"] == level.run("status", "--json").document()["archive"]["messages"]


def test_verify_finds_every_damaged_volume(copied: Vault) -> None:
    (volume,) = (copied.archive / "content").glob("*.db")
    octets = bytearray(volume.read_bytes())
    for place in range(len(octets) // 2, len(octets) - 8192, 65536):
        octets[place] ^= 0x55
    volume.write_bytes(octets)

    report = copied.run("verify", "--json", code=4).document()

    assert report["findings"]


def _everything(vault: Vault) -> list[bytes]:
    commands = [
        ["list", "--json", "--gone"],
        ["list", "--json", "--at", "1"],
        ["list", "--json", "--at", "2"],
        ["mailboxes", "--json"],
        ["mailboxes", "--json", "--at", "2"],
        ["log", "--json"],
    ]
    return [b"\n".join(sorted(vault.run(*words).stdout.splitlines())) for words in commands]


def _digests(messages: list[bytes]) -> list[str]:
    return sorted(hashlib.sha256(octets).hexdigest() for octets in messages)


def _letters(path: Path) -> str:
    return "".join(sorted(set(path.name.rpartition(":2,")[2]) & set("DFPRST")))


def _system_flags(flags: frozenset[str]) -> str:
    return "".join(sorted(LETTERS[flag] for flag in flags & LETTERS.keys()))
