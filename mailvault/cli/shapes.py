"""The shapes that ``list`` and ``mailboxes`` print, for programs and for people."""

from collections.abc import Sequence
from dataclasses import dataclass

from mailvault.archive.catalog.views import MailboxView, PlacementView
from mailvault.cli.output import JsonValue, json_time
from mailvault.cli.render import columns, count_text, size_text, table, time_text
from mailvault.mail.model import Flags, Mailbox

LETTERS = {"\\Seen": "S", "\\Answered": "R", "\\Flagged": "F", "\\Deleted": "T", "\\Draft": "D"}
ID_DIGITS = 12
WIDTHS = (ID_DIGITS, 16, 8, 5, 20, 28, 60)


def placement_json(view: PlacementView) -> dict[str, JsonValue]:
    return {
        "account": view.account,
        "mailbox": str(view.mailbox),
        "uidvalidity": view.uidvalidity,
        "remote_id": view.remote_id,
        "digest": str(view.digest),
        "size": view.size,
        "internal_date": json_time(view.internal_date),
        "flags": sorted(view.flags),
        "message_id": view.message_id,
        "date": json_time(view.date),
        "from": view.from_,
        "subject": view.subject,
        "first_seen": json_time(view.first_seen),
        "gone_since": json_time(view.gone_since),
        "labels": None if view.labels is None else sorted(view.labels),
    }


def placement_line(view: PlacementView) -> str:
    when = view.date or view.internal_date
    cells = (
        str(view.digest)[:ID_DIGITS],
        time_text(when),
        size_text(view.size),
        flag_letters(view.flags),
        str(view.mailbox),
        view.from_ or "",
        view.subject or "",
    )
    line = columns(cells, WIDTHS)
    return f"{line}  (gone {time_text(view.gone_since)})" if view.gone_since else line


def flag_letters(flags: Flags) -> str:
    """The letters that Maildir has for flags; ``+`` for any others."""
    known = "".join(sorted(LETTERS[flag] for flag in flags if flag in LETTERS))
    return known + ("+" if any(flag not in LETTERS for flag in flags) else "")


@dataclass(frozen=True, slots=True)
class MailboxLine:
    """A mailbox of the archive or of a server; None is what a server does not tell."""

    account: str
    mailbox: str
    messages: int | None
    octets: int | None
    special_use: str | None
    is_subscribed: bool | None
    uidvalidity: int | None

    @classmethod
    def of_archive(cls, view: MailboxView) -> "MailboxLine":
        return cls(
            account=view.account,
            mailbox=str(view.name),
            messages=view.messages,
            octets=view.octets,
            special_use=view.special_use,
            is_subscribed=view.is_subscribed,
            uidvalidity=view.uidvalidity,
        )

    @classmethod
    def of_server(cls, account: str, mailbox: Mailbox) -> "MailboxLine":
        return cls(
            account=account,
            mailbox=str(mailbox.name),
            messages=mailbox.state.messages,
            octets=None,
            special_use=mailbox.special_use,
            is_subscribed=mailbox.is_subscribed,
            uidvalidity=mailbox.state.uidvalidity,
        )


def mailbox_json(line: MailboxLine) -> dict[str, JsonValue]:
    return {
        "account": line.account,
        "mailbox": line.mailbox,
        "messages": line.messages,
        "octets": line.octets,
        "special_use": line.special_use,
        "subscribed": line.is_subscribed,
        "uidvalidity": line.uidvalidity,
    }


def mailbox_lines(lines: Sequence[MailboxLine]) -> list[str]:
    rows = [
        (
            line.account,
            line.mailbox,
            "-" if line.messages is None else count_text(line.messages),
            "-" if line.octets is None else size_text(line.octets),
            line.special_use or "",
        )
        for line in lines
    ]
    return table(("account", "mailbox", "messages", "size", "use"), rows, right=(2, 3))
