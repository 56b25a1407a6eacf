"""How the report of a restore is shown."""

from collections.abc import Iterator

from mailvault.cli.logs import explain
from mailvault.cli.output import JsonValue
from mailvault.cli.render import count_text, duration_text, flags_text, size_text, time_text
from mailvault.cli.terminal import printable
from mailvault.errors import AccountSuspended
from mailvault.operations.restore_report import RestoredMailbox, RestoreReport

SHOWN = 20
"""Messages that are named on a terminal; --json names all."""


def restore_json(report: RestoreReport) -> dict[str, JsonValue]:
    return {
        "schema": 1,
        "dry_run": report.is_dry_run,
        "error": str(report.error) if report.error else None,
        "mailboxes": [
            {
                "mailbox": str(each.mailbox),
                "target": None if each.target is None else str(each.target),
                "present": each.present,
                "appended": each.appended,
                "refused": each.refused,
                "seconds": round(each.seconds, 3),
            }
            for each in report.mailboxes
        ],
        "refused": [
            {"digest": str(each.digest), "mailbox": str(each.mailbox), "reason": each.reason}
            for each in report.refused
        ],
        "altered": [
            {"digest": str(each.digest), "mailbox": str(each.mailbox), "how": each.how}
            for each in report.altered
        ],
        "flags_cut": [
            {
                "mailbox": str(each.mailbox),
                "flags": sorted(each.flags),
                "messages": each.messages,
            }
            for each in report.flags_cut
        ],
        "notes": list(report.notes),
        "read_back": report.read_back,
    }


def restore_lines(report: RestoreReport, target: str) -> Iterator[str]:
    """One line for each mailbox, then what a person should know of it all."""
    for each in report.mailboxes:
        yield printable(_mailbox_line(each, is_dry_run=report.is_dry_run))
    for note in report.notes:
        yield printable(f"note: {note}")
    for cut in report.flags_cut:
        yield printable(
            f"{cut.mailbox}: {count_text(cut.messages, 'message')} without"
            f" {flags_text(cut.flags)}, which the server does not keep"
        )
    for changed in report.altered[:SHOWN]:
        yield printable(f"{changed.mailbox}: {str(changed.digest)[:16]} {changed.how}")
    for refused in report.refused[:SHOWN]:
        yield printable(f"{refused.mailbox}: {str(refused.digest)[:16]} {refused.reason}")
    more = max(0, len(report.altered) - SHOWN) + max(0, len(report.refused) - SHOWN)
    if more:
        yield f"... and {count_text(more, 'message')} more, see --json"
    yield printable(_summary(report, target))


def _mailbox_line(each: RestoredMailbox, *, is_dry_run: bool) -> str:
    name = str(each.mailbox)
    if each.target is not None and each.target != each.mailbox:
        name += f" -> {each.target}"
    verb = "to append" if is_dry_run else "appended"
    parts = [f"{each.appended:,} {verb}"]
    if each.octets:
        parts[0] += f" ({size_text(each.octets)})"
    if each.present:
        parts.append(f"{each.present:,} there already")
    if each.refused:
        parts.append(f"{each.refused:,} refused")
    took = f" in {duration_text(each.seconds)}" if each.seconds >= 0.1 else ""
    return f"{name}: {', '.join(parts)}{took}"


def _summary(report: RestoreReport, target: str) -> str:
    appended = sum(each.appended for each in report.mailboxes)
    present = sum(each.present for each in report.mailboxes)
    verb = "would be appended" if report.is_dry_run else "appended"
    text = f"{count_text(appended, 'message')} {verb} to {target}, {present:,} there already"
    if report.refused:
        text += f", {len(report.refused):,} refused"
    if report.read_back:
        text += f"; {report.read_back:,} fetched back and compared"
        text += f", {len(report.altered):,} altered" if report.altered else ": all the same"
    return text


def explain_restore(report: RestoreReport, log_format: str) -> None:
    """Say on standard error why the exit code is not 0."""
    if report.error is not None:
        hint = report.error.hint or "run the same command again; it goes on where it stopped"
        if isinstance(report.error, AccountSuspended):
            hint = f"run the same command again after {time_text(report.error.until)}; {hint}"
        explain(str(report.error), hint, exit_code=report.exit_code, log_format=log_format)
    elif report.refused:
        explain(
            f"{count_text(len(report.refused), 'message')} could not be restored",
            "each is named above with the reason, all of them in --json; see docs/restore.md",
            exit_code=report.exit_code,
            log_format=log_format,
        )
    elif report.exit_code:
        explain(
            "the target altered messages in a way that no known server does",
            "look at them before you rely on the target; --json names all",
            exit_code=report.exit_code,
            log_format=log_format,
        )
