"""Builds what the tests of the archive put into it, and a clock that they own."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import PlacementView
from mailvault.mail.model import (
    INBOX,
    Arrival,
    Batch,
    Cursor,
    FlagsChange,
    Mailbox,
    MailboxName,
    Recognition,
    RunNumber,
    Uid,
    Unreadable,
)
from tests.flags import build_flags

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
INTERNAL_DATE = datetime(2020, 2, 29, 12, 30, 45, tzinfo=UTC)


class SteppingClock:
    """Implements `ports.Clock`: every look at it is a second later, and sleeping is free."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def now(self) -> datetime:
        self._seconds += 1
        return BEGINNING + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        self._seconds += 0.001
        return self._seconds

    def sleep(self, seconds: float) -> None:
        self._seconds += seconds


def build_message(number: int, subject: str = "On lifting", body: str = "Hello.") -> bytes:
    return (
        f"Message-ID: <{number}@example.com>\r\n"
        "From: Ada <ada@example.com>\r\n"
        "To: Charles <charles@example.com>\r\n"
        f"Subject: {subject} {number}\r\n"
        "Date: Sat, 29 Feb 2020 12:30:45 +0000\r\n"
        f"\r\n{body}\r\n"
    ).encode()


def build_arrival(uid: int, *flags: str, octets: bytes | None = None) -> Arrival:
    return Arrival(
        Uid(uid),
        build_message(uid) if octets is None else octets,
        build_flags(*flags),
        INTERNAL_DATE,
    )


def build_batch(
    uidvalidity: int = 1,
    *,
    arrived: Iterable[int | Arrival] = (),
    recognised: tuple[Recognition, ...] = (),
    flags: dict[int, tuple[str, ...]] | None = None,
    expunged: Iterable[int] = (),
    unreadable: Iterable[int] = (),
    cursor: str | None = None,
    is_complete: bool = False,
    removed: Iterable[int] = (),
) -> Batch:
    return Batch(
        uidvalidity=uidvalidity,
        cursor=None if cursor is None else Cursor(cursor),
        arrived=tuple(
            each if isinstance(each, Arrival) else build_arrival(each) for each in arrived
        ),
        recognised=recognised,
        flags_changed=tuple(
            FlagsChange(Uid(uid), build_flags(*names)) for uid, names in (flags or {}).items()
        ),
        expunged=tuple(map(Uid, expunged)),
        unreadable=tuple(
            Unreadable(Uid(uid), "the server would not give it") for uid in unreadable
        ),
        is_complete=is_complete,
        removed=tuple(map(Uid, removed)),
    )


def named(name: str) -> Mailbox:
    return Mailbox(MailboxName.parse(name, "/"))


@dataclass
class Work:
    """An account with one mailbox, to which each `sync` is a run of its own."""

    archive: Archive
    mailbox_id: int = 0
    account_id: int = 0

    def sync(self, *batches: Batch, exit_code: int = 0) -> RunNumber:
        recorder = self.archive.start_run()
        self.account_id = recorder.account("work", "imap")
        self.mailbox_id = recorder.describe(
            self.account_id, Mailbox(INBOX), mailbox_id=self.mailbox_id or None
        )
        for batch in batches:
            recorder.add(self.mailbox_id, batch)
        recorder.account_finished(self.account_id, None)
        recorder.finish(exit_code)
        return recorder.run

    def present(self, at: RunNumber | None = None) -> dict[int, PlacementView]:
        return {view.uid: view for view in self.archive.catalog.placements(at=at)}

    def uids(self, at: RunNumber | None = None) -> list[int]:
        return list(self.present(at))

    def gone(self, at: RunNumber | None = None) -> list[int]:
        return [view.uid for view in self.archive.catalog.placements(at=at, gone=True)]

    def flags(self, uid: int, at: RunNumber | None = None) -> list[str]:
        return sorted(self.present(at)[uid].flags)


def create(path: Path, store: str = "sqlite") -> Archive:
    return Archive.create(path, store=store, clock=SteppingClock())


def open_again(path: Path, *, writing: bool = False) -> Archive:
    return Archive.open(path, writing=writing, clock=SteppingClock())
