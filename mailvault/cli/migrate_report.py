"""How a move is shown: both sides next to each other, and what to do next."""

from collections.abc import Iterator

from mailvault.cli.logs import explain
from mailvault.cli.output import JsonValue
from mailvault.cli.render import count_text, size_text, table, time_text
from mailvault.cli.restore_report import restore_json
from mailvault.cli.sync_report import explain_sync, sync_json
from mailvault.cli.terminal import printable
from mailvault.errors import AccountSuspended
from mailvault.mail.globs import MailboxGlobs
from mailvault.operations.migrate import MigrationReport
from mailvault.operations.reports import MailboxReport
from mailvault.operations.side_by_side import Held, Sides

SHOWN = 20
"""Messages that are named on a terminal; --json names all."""


def migrate_json(report: MigrationReport) -> dict[str, JsonValue]:
    (synced,) = report.synced.accounts
    return {
        "schema": 1,
        "old": report.old,
        "new": report.new,
        "complete": is_complete(report),
        "error": str(report.error) if report.error else None,
        "mailboxes": [_side_json(side) for side in report.sides],
        "sync": {"ok": synced.ok, "debts": synced.debts, **sync_json(report.synced)},
        "restore": restore_json(report.restored) if report.restored else None,
        "next": next_step(report),
    }


def _side_json(side: Sides) -> dict[str, JsonValue]:
    differences = side.differences
    return {
        "mailboxes": [str(name) for name in side.mailboxes],
        "target": None if side.target is None else str(side.target),
        "old": _held_json(side.old),
        "new": None if side.new is None else _held_json(side.new),
        "moved": side.moved,
        "refused": side.refused,
        "missing": differences.missing,
        "only_new": differences.only_new,
        "resized": differences.resized,
        "redated": differences.redated,
        "taken_away": side.taken_away,
        "error": str(side.error) if side.error else None,
    }


def _held_json(held: Held) -> dict[str, JsonValue]:
    return {"messages": held.messages, "octets": held.octets}


def is_complete(report: MigrationReport) -> bool:
    """Whether everything of the old side is, or was, at the new one."""
    restored = report.restored
    return not (
        report.is_interrupted
        or restored is None
        or restored.is_dry_run
        or restored.refused
        or report.missing
        or report.synced.exit_code  # something is owed, or suspicious
    )


def migrate_lines(report: MigrationReport) -> Iterator[str]:
    """The table, what else a person should know, and the next step."""
    if report.sides:
        yield from _table(report)
        yield ""
    restored = report.restored
    if restored is not None:
        for note in restored.notes:
            yield printable(f"note: {note}")
        for cut in restored.flags_cut:
            flags = " ".join(sorted(cut.flags))
            messages = count_text(cut.messages, "message")
            yield printable(
                f"{cut.mailbox}: {messages} without {flags}, which {report.new} lacks"
            )
        for altered in restored.altered[:SHOWN]:
            yield printable(f"{altered.mailbox}: {str(altered.digest)[:16]} {altered.how}")
        for refused in restored.refused[:SHOWN]:
            yield printable(f"{refused.mailbox}: {str(refused.digest)[:16]} {refused.reason}")
        more = max(0, len(restored.altered) - SHOWN) + max(0, len(restored.refused) - SHOWN)
        if more:
            yield f"... and {count_text(more, 'message')} more, see --json"
    yield next_step(report)


def _table(report: MigrationReport) -> list[str]:
    rows = [_row(side) for side in report.sides]
    total = Sides(
        (),
        None,
        Held(
            sum(side.old.messages for side in report.sides),
            sum(side.old.octets for side in report.sides),
        ),
        _total_new(report),
        moved=sum(side.moved for side in report.sides),
    )
    header = ("mailbox", report.old, "", report.new, "", "moved now", "differences")
    return table(header, [*rows, ("all", *_row(total)[1:])], right=(1, 2, 3, 4, 5))


def _total_new(report: MigrationReport) -> Held | None:
    known = [side.new for side in report.sides if side.new is not None]
    if not known:
        return None
    return Held(sum(each.messages for each in known), sum(each.octets for each in known))


def _row(side: Sides) -> tuple[str, ...]:
    names = ", ".join(map(str, side.mailboxes))
    if side.target is not None and side.mailboxes != (side.target,):
        names += f" -> {side.target}"
    new = ("-", "") if side.new is None else _held_text(side.new)
    return (names, *_held_text(side.old), *new, count_text(side.moved), _differences(side))


def _held_text(held: Held) -> tuple[str, str]:
    return count_text(held.messages), size_text(held.octets)


def _differences(side: Sides) -> str:
    found = side.differences
    counts = {
        "missing": found.missing,
        "refused": side.refused,
        "only there": found.only_new,
        "of another size": found.resized,
        "of another date": found.redated,
        "moved or deleted there since": side.taken_away,
    }
    texts = [f"{count:,} {words}" for words, count in counts.items() if count]
    if side.error is not None:
        texts.append(str(side.error))
    return ", ".join(texts) or ("none" if side.new is not None else "")


def next_step(report: MigrationReport) -> str:
    """One plain sentence or two on how to go on."""
    restored, old, new = report.restored, report.old, report.new
    if restored is not None and restored.is_dry_run:
        waiting = sum(mailbox.arrived for mailbox in _synced_mailboxes(report))
        moved = sum(each.appended for each in restored.mailboxes)
        return (
            f"Nothing was changed. {count_text(moved, 'message')} would be moved from {old} to "
            f"{new}, and {waiting:,} more that are not in the archive yet."
        )
    if report.is_interrupted:
        return (
            f"This is not all yet. Run the same command again{_later(report)}; it goes on "
            "where it stopped, and moves nothing twice."
        )
    if restored is not None and (restored.refused or report.missing):
        return (
            f"Some messages are not at {new}. Run it again with --rejects DIR to have what it "
            "refuses as files, or with --fix to change it so that it is taken."
        )
    moved = sum(side.moved for side in report.sides)
    if moved:
        return (
            f"Everything of {old} is at {new}. After the switch, and once more some days "
            "later, run the same command again: it moves only what came meanwhile."
        )
    return f"Nothing new at {old}: everything is at {new}."


def _later(report: MigrationReport) -> str:
    """When to go on, where somebody said."""
    errors = [report.error, *(account.error for account in report.synced.accounts)]
    if report.restored is not None:
        errors += [report.restored.error, *(each.error for each in report.restored.mailboxes)]
    times = [error.until for error in errors if isinstance(error, AccountSuspended)]
    if times:
        return f" after {time_text(max(times))}"
    return ", later if a server asked for that"


def _synced_mailboxes(report: MigrationReport) -> Iterator[MailboxReport]:
    for account in report.synced.accounts:
        yield from account.mailboxes


def explain_migration(
    report: MigrationReport, only: MailboxGlobs | None, log_format: str
) -> None:
    """Say on standard error why the exit code is not 0."""
    explain_sync(report.synced, only, log_format)
    errors = [report.error, report.restored.error if report.restored else None]
    for error in filter(None, errors):
        explain(str(error), error.hint, exit_code=report.exit_code, log_format=log_format)
    if report.missing:
        explain(
            f"{report.new} lacks {count_text(report.missing, 'message')} of {report.old}",
            None,
            exit_code=report.exit_code,
            log_format=log_format,
        )
