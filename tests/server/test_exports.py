"""Other programs open what is exported: Dovecot serves the Maildirs, mutt reads all formats."""

import contextlib
import hashlib
import mailbox as programs
import os
import re
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.corpus.ordinary import generate
from tests.oracle import Seen
from tests.server.accounts import ODD_NAMES, append_all, furnish, read
from tests.server.vault import Vault, new_vault
from tests.servers.dovecot import Dovecot
from tests.servers.mutt import Mutt, MuttMessage
from tests.servers.process import MailServer
from tests.servers.unzipping import unzip
from tests.servers.users import MailUser, new_user
from tests.torture.strace import traced


@pytest.fixture(scope="module")
def owner(dovecot: Dovecot) -> MailUser:
    """Somebody with odd mail, in mailboxes with children."""
    user = new_user(dovecot)
    furnish(user)
    with user.session() as session:
        for name in ("Work", "Work/2026", "Work/2026/Lists & more", "Empty"):
            session.create(name)
        append_all(session, "Work/2026", generate(7, 30))
    return user


@pytest.fixture(scope="module")
def full_vault(tmp_path_factory: pytest.TempPathFactory, owner: MailUser) -> Vault:
    vault = new_vault(tmp_path_factory.mktemp("exports") / "vault", owner)
    vault.sync()
    return vault


def by_mailbox(user: MailUser) -> dict[str, Counter[Seen]]:
    """What lies in each mailbox, whatever its UID."""
    held = read(user)
    found: dict[str, Counter[Seen]] = {name: Counter() for name in held.mailboxes}
    for (name, _), seen in held.messages.items():
        found[name][seen] += 1
    return found


def give(server: MailServer, folder: Path) -> None:
    """Let the server own what was exported for it."""
    if os.geteuid() == 0:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, server.owner.uid, server.owner.gid)


@pytest.mark.server
@pytest.mark.parametrize("layout", ["fs", "maildir++"])
def test_dovecot_serves_an_exported_maildir_as_it_was(
    full_vault: Vault, owner: MailUser, layout: str, request: pytest.FixtureRequest
) -> None:
    fixture = "dovecot" if layout == "fs" else "maildir_dovecot"
    server: Dovecot = request.getfixturevalue(fixture)
    heir = new_user(server)

    folder = server.maildir(heir.name)
    full_vault.run("export", str(folder), "--format", "maildir", "--layout", layout)
    give(server, folder)

    before, after = by_mailbox(owner), by_mailbox(heir)
    assert set(after) == set(before)
    for name in before:
        assert after[name] == before[name], name
    assert {"Work/2026/Lists & more", *ODD_NAMES} <= set(after)


@pytest.mark.server
def test_a_zipped_maildir_is_served_as_well(
    full_vault: Vault, owner: MailUser, maildir_dovecot: Dovecot, tmp_path: Path
) -> None:
    heir = new_user(maildir_dovecot)
    file = tmp_path / "mail.zip"

    full_vault.run("export", str(file), "--format", "maildir", "--zip")
    folder = maildir_dovecot.maildir(heir.name)
    unzip(file, folder)
    give(maildir_dovecot, folder)

    assert by_mailbox(heir) == by_mailbox(owner)


@pytest.fixture
def mutt(tmp_path: Path) -> Mutt:
    return Mutt(tmp_path)


WANTED = sorted(
    MuttMessage(
        letter.octets.replace(b"\r\n", b"\n"),
        is_read="\\Seen" in letter.flags,
        is_answered="\\Answered" in letter.flags,
        is_flagged="\\Flagged" in letter.flags,
    )
    for letter in generate(7, 30)
)


@pytest.mark.server
@pytest.mark.parametrize(
    ("options", "path"),
    [
        (["maildir"], ".Work.2026"),
        (["maildir", "--layout", "fs"], "Work/2026"),
        (["mbox", "--status"], "Work/2026.mbox"),
        (["mbox", "--status", "--layout", "thunderbird"], "Work.sbd/2026"),
    ],
    ids=["maildir", "maildir-fs", "mbox", "mbox-thunderbird"],
)
def test_mutt_reads_messages_and_flags(
    full_vault: Vault, mutt: Mutt, tmp_path: Path, options: list[str], path: str
) -> None:
    full_vault.run("export", str(tmp_path / "out"), "--format", *options)

    found = mutt.read(tmp_path / "out" / path)

    assert sorted(found) == WANTED


@pytest.mark.server
def test_flags_in_an_mbox_are_at_the_top_and_nowhere_else(
    full_vault: Vault, owner: MailUser, tmp_path: Path
) -> None:
    full_vault.run("export", str(tmp_path / "out"), "--format", "mbox", "--status")

    with contextlib.closing(
        programs.mbox(tmp_path / "out/Work/2026.mbox", create=False)
    ) as box:
        found = [box.get_bytes(key) for key in box.iterkeys()]
        keywords = Counter(box[key]["X-Mozilla-Keys"] for key in box.iterkeys())

    digests = Counter(hashlib.sha256(OWN.sub(b"", each)).hexdigest() for each in found)
    assert digests == served(owner, "Work/2026")
    assert keywords["NonJunk"] == sum("NonJunk" in each.flags for each in generate(7, 30))


OWN = re.compile(rb"\A(?:(?:X-)?(?:Status|Keywords|Mozilla-\w+): [^\r\n]*\r\n)+")


def served(owner: MailUser, name: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for seen, count in by_mailbox(owner)[name].items():
        found[seen.digest] += count
    return found


@pytest.mark.server
@pytest.mark.parametrize(
    ("options", "writes"),
    [(["maildir"], 150), (["mbox"], 400), (["eml", "--zip"], 300)],
    ids=["maildir", "mbox", "zip"],
)
def test_an_export_killed_at_a_write_is_completed(
    full_vault: Vault, tmp_path: Path, options: list[str], writes: int
) -> None:
    command = ["export", str(tmp_path / "out"), "--format", *options]
    kills = [
        traced(full_vault, "write", *command, inject=f"signal=SIGKILL:when={number}").code
        for number in (40, writes)
    ]

    report = full_vault.run(*command, "--json").document()

    assert kills == [-signal.SIGKILL] * 2
    placements = full_vault.placements()
    assert sum(each["messages"] for each in report["mailboxes"]) == len(placements)
    assert any(each["present"] for each in report["mailboxes"])
    assert report["failures"] == []
    assert not [path for path in tmp_path.rglob("*") if ".partial" in path.name]


@pytest.mark.server
def test_an_export_repeated_finds_everything_there(full_vault: Vault, tmp_path: Path) -> None:
    command = ["export", str(tmp_path / "out"), "--format", "mbox", "--json"]
    first = full_vault.run(*command).document()

    second = full_vault.run(*command).document()

    assert not any(each["present"] for each in first["mailboxes"])
    assert all(each["present"] == each["messages"] for each in second["mailboxes"])
