"""Makes a golden archive with the code that this is run with, and says what is in it.

Run in a checkout: ``python tests/golden/make.py tests/golden/NAME [STORE]``. It leaves
``NAME.tar.xz``, the archive, and ``NAME.json``, what that code said it holds. Nothing here may
use more than what the archive's room offered from the beginning.
"""

import base64
import json
import random
import sys
import tarfile
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mailvault.archive.archive import Archive
from mailvault.mail.changes import MailboxFinished
from mailvault.mail.model import (
    INBOX,
    Arrival,
    Batch,
    Cursor,
    Flag,
    FlagsChange,
    Mailbox,
    MailboxName,
    Uid,
    Unreadable,
)

DATE = datetime(2020, 2, 29, 12, 30, 45, tzinfo=UTC)


class Clock:
    """A second passes at every look."""

    def __init__(self) -> None:
        self._seconds = 0

    def now(self) -> datetime:
        self._seconds += 1
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        return float(self._seconds)

    def sleep(self, seconds: float) -> None:
        pass


def message(number: int) -> bytes:
    """Ordinary mail; every third one with an attachment, one in Latin-1, one that is none."""
    if number == 11:
        return b"\x00\xff no mail at all"
    head = (
        f"Message-ID: <{number}@example.com>\r\nFrom: Ada <ada@example.com>\r\n"
        f"To: Charles <charles@example.com>\r\nSubject: On lifting {number}\r\n"
        "Date: Sat, 29 Feb 2020 12:30:45 +0000\r\n"
    ).encode()
    if number % 3:
        return head + b"\r\n" + f"Gr\xfc\xdfe {number}\r\n".encode("latin-1") * 20
    part = base64.encodebytes(random.Random(number % 2).randbytes(4000))
    return (
        head + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b'--b\r\nContent-Type: application/pdf; name="a.pdf"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n"
        + part.replace(b"\n", b"\r\n")
        + b"--b--\r\n"
    )


def arrivals(*numbers: int) -> tuple[Arrival, ...]:
    return tuple(
        Arrival(Uid(n), message(n), frozenset({Flag("\\Seen")} if n % 2 else ()), DATE)
        for n in numbers
    )


def fill(archive: Archive) -> None:
    """Three runs: mail arrives, changes and goes; a mailbox is renamed, and vanishes."""
    run = archive.start_run()
    work = run.account("work", "imap")
    inbox = run.describe(work, Mailbox(INBOX, is_subscribed=True))
    lists = run.describe(work, Mailbox(MailboxName(("Lists", "Läbel")), special_use="\\Junk"))
    unreadable = (Unreadable(Uid(99), "the server would not give it"),)
    run.add(inbox, Batch(7, Cursor("c1"), arrivals(1, 2, 3, 4, 5, 6), unreadable=unreadable))
    run.add(lists, Batch(8, Cursor("d1"), arrivals(3, 7, 11), is_complete=True))
    run.mailbox_finished(MailboxFinished(inbox, 6, 0, 0, 1, 9000, 0.25))
    run.account_finished(work, None)
    run.finish(3)
    run = archive.start_run()
    flags = (FlagsChange(Uid(2), frozenset({Flag("$Forwarded"), Flag("später")})),)
    run.describe(work, Mailbox(MailboxName(("Renamed",))), mailbox_id=lists)
    run.add(inbox, Batch(7, Cursor("c2"), (), flags_changed=flags, expunged=(Uid(1), Uid(3))))
    run.suspect(work, inbox, "much went at once")
    run.account_finished(work, "the server went away")
    run.finish(10)
    run = archive.start_run()
    run.add(inbox, Batch(70, Cursor("c3"), arrivals(2, 4, 5, 8), is_complete=True))
    run.gone(lists)
    run.account_finished(work, None)
    run.finish(0)


def expectation(archive: Archive) -> dict[str, object]:
    """What the archive says of itself."""
    catalog = archive.catalog
    times = {"present": {}, "run 1": {"at": 1}, "gone": {"gone": True}}
    return {
        **{
            name: [
                {
                    "account": view.account,
                    "mailbox": list(view.mailbox.parts),
                    "uidvalidity": view.uidvalidity,
                    "uid": view.uid,
                    "digest": str(view.digest),
                    "size": view.size,
                    "internal_date": str(view.internal_date),
                    "flags": sorted(view.flags),
                    "subject": view.subject,
                    "first_seen": str(view.first_seen),
                    "gone_since": str(view.gone_since),
                }
                for view in catalog.placements(**options)  # type: ignore[arg-type]  # as named above
            ]
            for name, options in times.items()
        },
        "mailboxes": [[str(v.name), v.messages, v.octets] for v in catalog.mailboxes()],
        "debts": [[debt.uid, debt.reason] for debt in catalog.debts()],
        "suspicions": [each.reason for each in catalog.suspicions()],
        "runs": [[each.run, each.exit_code] for each in catalog.runs()],
    }


def main() -> None:
    target, store = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "sqlite"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archive"
        with Archive.create(path, store=store, clock=Clock()) as archive:
            fill(archive)
            expected = expectation(archive)
        with tarfile.open(f"{target}.tar.xz", "w:xz") as tar:
            tar.add(path, "archive")
    text = json.dumps(expected, indent=1, ensure_ascii=False, sort_keys=True)
    Path(f"{target}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
