"""A message that lies in several mailboxes of the server is downloaded once."""

import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.archive.rebuild import rebuild_catalog
from mailvault.demo.mailbox import ServedAccount
from mailvault.demo.session import EXTENSIONS
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import Mailbox, MailboxName
from mailvault.operations.account_sync import SyncAccount
from mailvault.operations.reports import SyncReport
from mailvault.operations.sync import sync
from mailvault.sources.gmail_labels import own_label
from mailvault.sources.imap import ImapSource
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.imap import ImapClient
from mailvault.wiring import SystemClock
from tests.servers.bent import Bend, BentServer, as_it_should, is_body_fetch

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
NUMBERS = range(1, 13)
PLAIN = tuple(e for e in EXTENSIONS if not e.startswith(b"OBJECTID"))
GMAIL = (*(e for e in PLAIN if e != b"QRESYNC"), b"X-GM-EXT-1")
WITHOUT_CONDSTORE = tuple(e for e in GMAIL if e != b"CONDSTORE")


def octets_of(number: int) -> bytes:
    return b"Message-ID: <%d@x.example>\r\n\r\nbody %d\r\n" % (number, number)


@pytest.fixture
def served() -> ServedAccount:
    """Everything lies in All Mail, and some of it in INBOX and under a label, too."""
    account = ServedAccount("me", "secret")
    all_mail = account.create("[Gmail]/All Mail", special_use="\\All")
    for number in NUMBERS:
        all_mail.append(octets_of(number), flags=(), internal_date=NOON)
    for name, numbers in (("INBOX", (1, 2, 3)), ("Friends", (3, 4))):
        folder = account.create(name)
        for number in numbers:
            folder.append(octets_of(number), flags=(), internal_date=NOON)
    return account


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.create(tmp_path / "archive", clock=SystemClock()) as archive:
        yield archive


def bodies_downloaded(
    served: ServedAccount,
    archive: Archive,
    extensions: tuple[bytes, ...],
    bend: Bend = as_it_should,
    translate: Callable[[bytes], bytes] = bytes,
) -> int:
    """Sync once, and count the bodies that were sent."""
    sent = 0

    def counting(command: bytes, answer: list[bytes]) -> list[bytes]:
        nonlocal sent
        answer = bend(command, answer)
        sent += b"".join(answer).count(b" BODY[] {") if is_body_fetch(command) else 0
        return answer

    report = synced(served, archive, extensions, counting, translate)
    assert report.exit_code == 0
    return sent


def synced(
    served: ServedAccount,
    archive: Archive,
    extensions: tuple[bytes, ...],
    bend: Bend,
    translate: Callable[[bytes], bytes],
) -> SyncReport:
    """Sync once over three connections."""
    with BentServer(served, bend, extensions=extensions, translate=translate) as server:
        endpoint = Endpoint(server.host, server.port, TlsMode.NONE)

        def open_source() -> ImapSource:
            def connect() -> ImapClient:
                return ImapClient.connect(endpoint, Login("me", lambda: "secret"), archive.tmp)

            return ImapSource(connect, MailboxGlobs(["*"]), clock=SystemClock())

        account = SyncAccount("a", "imap", open_source, MailboxGlobs(["*"]), connections=3)
        return sync(archive, [account])


def labelled(labels: bytes) -> Bend:
    """Put Gmail's items in place of the THREADID that the server was asked for instead."""

    def item(found: re.Match[bytes]) -> bytes:
        if found[1] is None:
            return b"X-GM-LABELS (%s)" % labels
        number = int(hashlib.sha256(found[1]).hexdigest()[:12], 16)
        return b"X-GM-MSGID %d X-GM-LABELS (%s)" % (number, labels)

    def bend(_: bytes, answer: list[bytes]) -> list[bytes]:
        return [re.sub(rb"(?:EMAILID \((\w+)\) )?THREADID NIL", item, b"".join(answer))]

    return bend


like_gmail = labelled(b'\\Important "Sm&APY-rg"')


def without_modseq(bend: Bend) -> Bend:
    """As a server that keeps no account of changes, so that all flags are looked at."""

    def bent(command: bytes, answer: list[bytes]) -> list[bytes]:
        text = b"".join(bend(command, answer))
        return [re.sub(rb"\[HIGHESTMODSEQ \d+\]", b"[NOMODSEQ]", text)]

    return bent


def for_the_demo(command: bytes) -> bytes:
    command = command.replace(b"X-GM-MSGID X-GM-LABELS", b"EMAILID THREADID")
    return command.replace(b"X-GM-LABELS", b"THREADID")


def labels_of(archive: Archive) -> dict[str, set[str]]:
    views = archive.catalog.placements(account="a")
    return {str(view.mailbox): set(view.labels or ()) for view in views}


def test_gmail_labels_are_kept_and_a_message_of_two_labels_is_downloaded_once(
    served: ServedAccount, archive: Archive
) -> None:
    sent = bodies_downloaded(served, archive, GMAIL, like_gmail, for_the_demo)

    assert sent == len(NUMBERS)
    assert labels_of(archive) == {
        "[Gmail]/All Mail": {"\\Important", "Smörg"},
        "INBOX": {"\\Important", "Smörg", "\\Inbox"},
        "Friends": {"\\Important", "Smörg", "Friends"},
    }


def flag_all(served: ServedAccount) -> None:
    """Change what CHANGEDSINCE looks at, as a label does at Gmail."""
    for mailbox in served.mailboxes():
        for uid in list(mailbox.messages):
            mailbox.set_flags(uid, ["\\Seen"])


@pytest.mark.parametrize("has_condstore", [True, False], ids=["condstore", "scan"])
def test_gmail_labels_are_followed(
    served: ServedAccount, archive: Archive, tmp_path: Path, has_condstore: bool
) -> None:
    extensions = GMAIL if has_condstore else WITHOUT_CONDSTORE
    before, after = like_gmail, labelled(b'"Another" \\Starred')
    if not has_condstore:
        before, after = without_modseq(before), without_modseq(after)
    bodies_downloaded(served, archive, extensions, before, for_the_demo)
    if has_condstore:
        flag_all(served)

    sent = bodies_downloaded(served, archive, extensions, after, for_the_demo)

    expected = {
        "[Gmail]/All Mail": {"Another", "\\Starred"},
        "INBOX": {"Another", "\\Starred", "\\Inbox"},
        "Friends": {"Another", "\\Starred", "Friends"},
    }
    assert sent == 0
    assert labels_of(archive) == expected
    archive.close()
    rebuild_catalog(tmp_path / "archive", clock=SystemClock())
    with Archive.open(tmp_path / "archive", writing=False, clock=SystemClock()) as rebuilt:
        assert labels_of(rebuilt) == expected


def test_labels_that_stay_are_written_once(served: ServedAccount, archive: Archive) -> None:
    def changed(bend: Bend) -> int:
        bend = without_modseq(bend)
        report = synced(served, archive, WITHOUT_CONDSTORE, bend, for_the_demo)
        return sum(mailbox.flags_changed for mailbox in report.accounts[0].mailboxes)

    changes = [changed(bend) for bend in (like_gmail, like_gmail, labelled(b'"X"'))]

    assert changes == [0, 0, len(NUMBERS) + 5]


def test_a_message_under_one_email_id_is_downloaded_once(
    served: ServedAccount, archive: Archive
) -> None:
    assert b"OBJECTID" in EXTENSIONS

    assert bodies_downloaded(served, archive, EXTENSIONS) == len(NUMBERS)
    assert len(list(archive.catalog.placements(account="a"))) == len(NUMBERS) + 5


def test_without_email_ids_every_mailbox_is_downloaded(
    served: ServedAccount, archive: Archive
) -> None:
    assert bodies_downloaded(served, archive, PLAIN) == len(NUMBERS) + 5
    assert all(view.labels is None for view in archive.catalog.placements(account="a"))


def test_a_later_label_costs_no_download(served: ServedAccount, archive: Archive) -> None:
    bodies_downloaded(served, archive, EXTENSIONS)
    served.create("Later").append(octets_of(7), flags=(), internal_date=NOON)

    assert bodies_downloaded(served, archive, EXTENSIONS) == 0


@pytest.mark.parametrize(
    ("name", "special_use", "label"),
    [
        ("INBOX", None, "\\Inbox"),
        ("[Gmail]/Sent Mail", "\\Sent", "\\Sent"),
        ("[Gmail]/Drafts", "\\Drafts", "\\Draft"),
        ("[Gmail]/All Mail", "\\All", None),
        ("[Google Mail]/Bin", None, None),
        ("Friends/Close", None, "Friends/Close"),
    ],
)
def test_a_folder_stands_for_its_label(
    name: str, special_use: str | None, label: str | None
) -> None:
    assert own_label(Mailbox(MailboxName.parse(name, "/"), special_use)) == label
