"""An archive that has lived: mail came, went, moved and changed; mailboxes, too."""

from mailvault.archive.archive import Archive
from mailvault.mail.model import INBOX, Digest, Flag, Mailbox, MailboxName, Recognition, Uid
from tests.unit.archive.builders import (
    INTERNAL_DATE,
    build_arrival,
    build_batch,
    build_message,
)

LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * 270_000 + b"\r\n"
ATTACHED = (
    b"Subject: attached\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + b"QUJDREVGR0hJ\r\n" * 900
)
UNIX = b"Subject: unix\n\nlines\nof LF\n"
"""Bare LF: one size in the archive, another over IMAP."""


def live(archive: Archive) -> None:
    """Three runs: first mail, changes, and mailboxes renamed, renumbered and gone."""
    first = archive.start_run()
    account = first.account("work", "imap")
    inbox = first.describe(account, Mailbox(INBOX, is_subscribed=True))
    old = first.describe(account, Mailbox(MailboxName(("Old",)), is_subscribed=True))
    going = first.describe(account, Mailbox(MailboxName(("Going", "soon"))))
    arrived = [
        build_arrival(1, "\\Seen", "$Forwarded"),
        build_arrival(2, "\\Flagged"),
        build_arrival(3),
        build_arrival(7, octets=LARGE),
        build_arrival(8, octets=ATTACHED),
        build_arrival(9, "Work", octets=UNIX),
        build_arrival(10, octets=b""),
    ]
    first.add(inbox, build_batch(11, arrived=arrived, cursor="1", is_complete=True))
    first.add(
        old, build_batch(12, arrived=[build_arrival(5, octets=build_message(1))], cursor="1")
    )
    first.add(going, build_batch(13, arrived=[1, 2], cursor="1"))
    first.account_finished(account, None)
    first.finish(0)

    second = archive.start_run()
    second.account("work", "imap")
    second.add(inbox, build_batch(11, arrived=[20], flags={2: ()}, expunged=[1, 3], cursor="2"))
    second.gone(going)
    moved = (_same(build_message(3), 31),)
    second.add(old, build_batch(12, recognised=moved, unreadable=[32], cursor="2"))
    second.account_finished(account, None)
    second.finish(0)

    third = archive.start_run()
    third.account("work", "imap")
    third.describe(account, Mailbox(MailboxName(("New", "Entwürfe"))), mailbox_id=old)
    third.add(
        old,
        build_batch(
            99,
            recognised=(_same(build_message(1), 1), _same(build_message(3), 2)),
            cursor="3",
            is_complete=True,
        ),
    )
    third.account_finished(account, None)
    third.finish(0)


def _same(octets: bytes, uid: int) -> Recognition:
    flags = frozenset({Flag("\\Answered")})
    return Recognition(Uid(uid), Digest.of(octets), flags, INTERNAL_DATE)
