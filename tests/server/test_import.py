"""Files that real programs made, imported: equal to what their server gives."""

import gzip
import hashlib
import os
import re
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tests.corpus.ordinary import generate
from tests.oracle import Seen
from tests.server.accounts import read
from tests.server.vault import Json, Vault
from tests.servers.dovecot import Dovecot
from tests.servers.maildir import fill
from tests.servers.users import MailUser
from tests.torture.strace import DURABLE, traced

pytestmark = pytest.mark.server

CORPUS = os.environ.get("MAILVAULT_CORPUS")


def contents(vault: Vault, account: str) -> Counter[tuple[str, Seen]]:
    """What the archive holds of an account: files have no UIDs to compare."""
    return Counter((mailbox, seen) for (mailbox, _), seen in vault.holdings(account).items())


def served(user: MailUser) -> Counter[tuple[str, Seen]]:
    return Counter((mailbox, seen) for (mailbox, _), seen in read(user).messages.items())


def take_in(vault: Vault, path: Path, account: str = "files") -> Json:
    return vault.run("import", str(path), "--account", account, "--json").document()


def arrived(report: Json) -> int:
    return sum(each["arrived"] for each in report["accounts"][0]["mailboxes"])


def test_a_maildir_of_dovecot_equals_what_dovecot_serves(
    vault: Vault, furnished_user: MailUser, dovecot: Dovecot
) -> None:
    vault.sync()
    stored = vault.run("status", "--json").document()["archive"]["messages"]

    take_in(vault, dovecot.maildir(furnished_user.name))

    odd = contents(vault, "files") - served(furnished_user)
    # IMAP has no NUL (RFC 3501 9), so Dovecot gives 0x80 for it; the file has what it has.
    octets = [vault.run("cat", seen.digest).stdout for _, seen in odd]
    digests = {hashlib.sha256(each.replace(b"\0", b"\x80")).hexdigest() for each in octets}
    assert digests == {s.digest for _, s in served(furnished_user) - contents(vault, "files")}
    # All else is equal, so nothing else was stored twice.
    messages = vault.run("status", "--json").document()["archive"]["messages"]
    assert messages == stored + len(odd)
    assert arrived(take_in(vault, dovecot.maildir(furnished_user.name))) == 0


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_a_compressed_maildir_of_dovecot_equals_what_dovecot_serves(
    vault: Vault, mail_user: MailUser, dovecot: Dovecot, pack: Callable[[bytes], bytes]
) -> None:
    owner = (dovecot.owner.uid, dovecot.owner.gid)
    maildir = dovecot.maildir(mail_user.name)
    for path in fill(maildir, generate(3, 20), owner=owner):
        octets, date = path.read_bytes(), path.stat().st_mtime
        name, _, info = path.name.partition(":")
        packed = path.with_name(f"{name},S={len(octets)}:{info}")
        path.rename(packed)
        packed.write_bytes(pack(octets))
        os.utime(packed, (date, date))

    take_in(vault, maildir)

    assert contents(vault, "files") == served(mail_user)


EXACT = {
    "maildir": ("maildir",),
    "fs": ("maildir", "--layout", "fs"),
    "zip": ("maildir", "--zip"),
}
WITHOUT_FLAGS = {"mbox": ("mbox",), "eml": ("eml",), "mbox-zip": ("mbox", "--zip")}


def test_our_own_exports_come_back_equal(
    vault: Vault, furnished_user: MailUser, tmp_path: Path
) -> None:
    vault.sync()

    for name, arguments in (EXACT | WITHOUT_FLAGS).items():
        out = tmp_path / (f"{name}.zip" if "--zip" in arguments else name)
        vault.run("export", str(out), "--format", *arguments, "work")
        take_in(vault, out, name)

    for name in EXACT:
        assert contents(vault, name) == contents(vault, "work"), name
    for name in WITHOUT_FLAGS:
        assert without_flags(vault, name) == without_flags(vault, "work"), name


def without_flags(vault: Vault, account: str) -> Counter[tuple[str, str, object]]:
    """What formats can keep that have no place for flags."""
    return Counter(
        (mailbox, seen.digest, seen.internal_date)
        for (mailbox, _), seen in vault.holdings(account).items()
    )


@pytest.mark.parametrize("number", [2, 5])
def test_an_import_that_was_killed_goes_on(vault: Vault, tmp_path: Path, number: int) -> None:
    folder = tmp_path / "mail"
    fill(folder, generate(7, 150), owner=(os.geteuid(), os.getegid()))

    assert check_kill(vault, folder, DURABLE, number)


def check_kill(vault: Vault, folder: Path, calls: str, number: int) -> bool:
    """Kill an import at its so-manieth call; then it goes on, and nothing is twice."""
    inject = f"signal=SIGKILL:when={number}"
    outcome = traced(vault, calls, "import", str(folder), "--account", "files", inject=inject)
    assert outcome.code in (0, -signal.SIGKILL), outcome.stderr

    take_in(vault, folder)

    assert len(vault.placements("files")) == len(list(folder.glob("cur/*")))
    assert vault.run("verify", "--json").document()["findings"] == []
    assert arrived(take_in(vault, folder)) == 0
    return outcome.code != 0


@pytest.mark.skipif(not CORPUS, reason="MAILVAULT_CORPUS names no folder of .eml files")
def test_a_corpus_of_published_mail_is_imported_without_loss(vault: Vault) -> None:
    assert CORPUS

    take_in(vault, Path(CORPUS))

    messages = [path for path in Path(CORPUS).rglob("*.eml") if path.is_file()]
    digests = Counter(hashlib.sha256(on_the_wire(path.read_bytes())).hexdigest()
                      for path in messages)  # fmt: skip
    held = Counter(seen.digest for seen in vault.holdings("files").values())
    assert not digests - held
    assert vault.run("verify", "--json").document()["findings"] == []
    assert arrived(take_in(vault, Path(CORPUS))) == 0


def on_the_wire(octets: bytes) -> bytes:
    """A file's message by the rules of docs/import.md, in other words."""
    line = octets.partition(b"\n")[0]
    if re.match(rb"From .*\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b.*:\d\d.*\d{4}", line):
        octets = octets[len(line) + 1 :]
    if octets.partition(b"\n")[0].endswith(b"\r"):
        return octets
    return re.sub(rb"(?<!\r)\n", b"\r\n", octets)


def test_imported_mail_can_be_restored(
    vault: Vault, mail_user: MailUser, tmp_path: Path
) -> None:
    folder = tmp_path / "mail"
    fill(folder, generate(4, 12), owner=(os.geteuid(), os.getegid()))
    fill(folder / ".Sent", generate(5, 5), owner=(os.geteuid(), os.getegid()))
    take_in(vault, folder)

    vault.run("restore", "files", "--to", "work")

    assert served(mail_user) == contents(vault, "files")


def test_the_maildirs_of_an_archive_come_back_octet_for_octet(
    vault: Vault, furnished_user: MailUser, tmp_path: Path
) -> None:
    vault.sync()
    other = tmp_path / "other"
    vault.run("convert", str(other), "--store", "maildir")

    vault.run(
        "import", str(other / "maildir" / "work"), "--account", "files", "--keep-line-ends"
    )

    assert contents(vault, "files") == contents(vault, "work")
