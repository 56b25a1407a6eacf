"""How the changes between two times are shown, to programs and to people."""

from collections import Counter
from dataclasses import dataclass, field

from mailvault.cli.output import JsonValue, json_time
from mailvault.cli.render import columns, count_text, flags_text, time_text
from mailvault.cli.shapes import ID_DIGITS
from mailvault.cli.terminal import printable
from mailvault.operations.diff import Change, ChangeKind, MailboxChange, MessageChange

WIDTHS = (12, ID_DIGITS, 16, 32, 24, 44)

WORDS = {
    ChangeKind.ARRIVED: "arrived",
    ChangeKind.MOVED: "moved",
    ChangeKind.GONE: "gone",
    ChangeKind.FLAGS: "with other flags",
}
MAILBOX_WORDS = {
    ChangeKind.MAILBOX_CREATED: "created",
    ChangeKind.MAILBOX_RENAMED: "renamed",
    ChangeKind.MAILBOX_GONE: "gone",
}


@dataclass(slots=True)
class Tally:
    """Counts changes by their kind, for the last line."""

    counts: Counter[ChangeKind] = field(default_factory=Counter)

    def add(self, change: Change) -> None:
        self.counts[change.kind] += 1

    def line(self) -> str:
        parts = [f"{count_text(n)} {WORDS[k]}" for k, n in self.counts.items() if k in WORDS]
        parts += [
            f"{count_text(number, 'mailbox', 'mailboxes')} {MAILBOX_WORDS[kind]}"
            for kind, number in self.counts.items()
            if kind in MAILBOX_WORDS
        ]
        return ", ".join(parts) or "nothing is different"


def change_json(change: Change) -> dict[str, JsonValue]:
    """The same fields for every kind of change; null where there is no such thing."""
    fields = _mailbox_json(change) if isinstance(change, MailboxChange) else _message(change)
    return {"change": change.kind.value, **fields}


def _mailbox_json(change: MailboxChange) -> dict[str, JsonValue]:
    return {
        "account": change.account,
        "mailbox": str(change.after or change.before),
        "mailbox_before": str(change.before) if change.before else None,
        **dict.fromkeys(_MESSAGE_FIELDS),
    }


_MESSAGE_FIELDS = (
    "uidvalidity", "remote_id", "digest", "size", "internal_date", "flags", "flags_before",
    "message_id", "date", "from", "subject",
)  # fmt: skip


def _message(change: MessageChange) -> dict[str, JsonValue]:
    view, before, after = change.view, change.before, change.after
    return {
        "account": view.account,
        "mailbox": str(view.mailbox),
        "mailbox_before": str(before.mailbox) if before else None,
        "uidvalidity": view.uidvalidity,
        "remote_id": view.remote_id,
        "digest": str(view.digest),
        "size": view.size,
        "internal_date": json_time(view.internal_date),
        "flags": sorted(after.flags) if after else None,
        "flags_before": sorted(before.flags) if before else None,
        "message_id": view.message_id,
        "date": json_time(view.date),
        "from": view.from_,
        "subject": view.subject,
    }


def change_line(change: Change) -> str:
    if isinstance(change, MailboxChange):
        return printable(f"{_mailbox_word(change)}  {_mailbox_place(change)}")
    view = change.view
    cells = (
        change.kind.value,
        str(view.digest)[:ID_DIGITS],
        time_text(view.date or view.internal_date),
        _place(change),
        view.from_ or "",
        view.subject or "",
    )
    return columns(cells, WIDTHS)


def _mailbox_word(change: MailboxChange) -> str:
    return f"mailbox {MAILBOX_WORDS[change.kind]}"


def _mailbox_place(change: MailboxChange) -> str:
    if change.kind is ChangeKind.MAILBOX_RENAMED:
        return f"{change.account} {change.before} -> {change.after}"
    return f"{change.account} {change.after or change.before}"


def _place(change: MessageChange) -> str:
    before, after = change.before, change.after
    if before is not None and after is not None:
        if change.kind is ChangeKind.MOVED:
            return f"{before.mailbox} -> {after.mailbox}"
        more = " ".join(f"+{flag}" for flag in sorted(after.flags - before.flags))
        less = " ".join(f"-{flag}" for flag in sorted(before.flags - after.flags))
        return f"{after.mailbox} {flags_text(filter(None, (more, less)))}"
    return str(change.view.mailbox)
