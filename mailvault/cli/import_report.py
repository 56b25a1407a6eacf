"""How the report of an import is shown."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailvault.cli.logs import explain
from mailvault.cli.output import JsonValue
from mailvault.cli.render import count_text, size_text, table
from mailvault.cli.sync_report import sync_json
from mailvault.cli.terminal import printable
from mailvault.errors import UsageError
from mailvault.mail.findings import Findings, FoundMailbox, LeftOut
from mailvault.mail.globs import MailboxGlobs
from mailvault.operations.import_files import ImportReport
from mailvault.operations.reports import AccountReport, MailboxReport

if TYPE_CHECKING:
    from mailvault.config.model import Configuration

_FORMATS = ("auto", "maildir", "mbox", "eml")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked to be imported."""

    path: Path
    globs: Sequence[str] | None = None
    file_format: str = "auto"


def check_import(account: str, file_format: str, settings: "Configuration") -> None:
    """Refuse what cannot be meant. Raises UsageError."""
    if not account.strip() or not account.isprintable():
        raise UsageError(
            "--account is missing" if not account else f"{account!r} is no name",
            hint="name the account that the mail is kept under: --account old-laptop",
        )
    if account in settings.accounts:
        raise UsageError(
            f"accounts.{account} is configured to be synced, so nothing is imported into it",
            hint=f"import under another name, such as --account {account}-import;"
            " what both hold is stored once",
        )
    if file_format not in _FORMATS:
        raise UsageError(
            f"there is no format {file_format!r}",
            hint="choose --format auto, maildir, mbox or eml",
        )


def import_json(report: ImportReport, path: Path) -> dict[str, JsonValue]:
    return sync_json(report.sync) | {
        "path": str(path),
        "found": [
            {
                "mailbox": str(each.name),
                "formats": list(each.kinds),
                "paths": list(each.paths),
                "messages": each.messages,
            }
            for each in report.findings.mailboxes
        ],
        "left_out": _json(report.findings.left_out),
        "unreadable": _json(report.findings.unreadable),
        "other_files": report.findings.others,
    }


def _json(left_out: Sequence[LeftOut]) -> list[JsonValue]:
    return [{"path": each.where, "reason": each.reason} for each in left_out]


def import_lines(report: ImportReport, path: Path, *, verbosity: int) -> Iterator[str]:
    """What was found where, and what of it is new."""
    (account,) = report.sync.accounts
    if verbosity < 0 or not account.mailboxes:
        return
    new = {each.mailbox: each for each in account.mailboxes}
    found = [each for each in report.findings.mailboxes if each.name in new]
    if found:
        yield from table(
            ("MAILBOX", "FORMAT", "MESSAGES", "NEW", "PATH"),
            [_row(each, new[each.name]) for each in found],
            right=(2, 3),
        )
    yield printable(_summary(report, account, path))


def _row(found: FoundMailbox, new: MailboxReport) -> list[str]:
    messages = "-" if found.messages is None else f"{found.messages:,}"
    path, *others = found.paths or ("-",)
    path += f" and {len(others)} more" if others else ""
    kinds = ", ".join(found.kinds) or "-"
    return [str(found.name), kinds, messages, f"{new.arrived:,}", path]


def _summary(report: ImportReport, account: AccountReport, path: Path) -> str:
    arrived = sum(each.arrived for each in account.mailboxes)
    octets = sum(each.octets for each in account.mailboxes)
    flags = sum(each.flags_changed for each in account.mailboxes)
    verb = "to import" if report.sync.run is None else "imported"
    size = f" ({size_text(octets)})" if octets else ""
    changed = f", {count_text(flags, 'flag change')}" if flags else ""
    others = report.findings.others
    rest = f"; {count_text(others, 'other file')} left alone" if others else ""
    ended = "" if account.ok else ", not complete"
    where = count_text(len(account.mailboxes), "mailbox", "mailboxes")
    return (
        f"{account.name}: {count_text(arrived, 'message')}{size} {verb} from {path}"
        f" in {where}{changed}{ended}{rest}"
    )


def import_exit_code(report: ImportReport) -> int:
    (account,) = report.sync.accounts
    is_empty = account.ok and not account.mailboxes
    return UsageError.exit_code if is_empty else report.exit_code


def explain_import(report: ImportReport, asked: Asked, log_format: str) -> None:
    """Say on standard error what was not taken, and why."""
    code = import_exit_code(report)
    for what, hint in _troubles(report, asked):
        explain(what, hint, exit_code=code, log_format=log_format)


def _troubles(report: ImportReport, asked: Asked) -> Iterator[tuple[str, str | None]]:
    (account,) = report.sync.accounts
    if account.error is not None:
        yield str(account.error), account.error.hint
    elif not account.mailboxes:
        yield _nothing(report.findings, asked)
    for mailbox in account.mailboxes:
        if mailbox.error is not None:
            yield f"{mailbox.mailbox}: {mailbox.error}", mailbox.error.hint
    for each in report.findings.left_out:
        yield f"left out: {each.where}: {each.reason}", None
    yield from _unreadable(report.findings)
    if account.debts:
        owed = count_text(account.debts, "message")
        yield f"{account.name}: {owed} could not be read", _DEBT_HINT


def _unreadable(findings: Findings) -> Iterator[tuple[str, str | None]]:
    for each in findings.unreadable[:_SHOWN]:
        yield each.reason, None
    more = len(findings.unreadable) - _SHOWN + findings.more
    if more > 0:
        yield f"and {more:,} more", "--json names them"


def _nothing(findings: Findings, asked: Asked) -> tuple[str, str]:
    """Why there was nothing to import, and what to look at."""
    chosen = MailboxGlobs(asked.globs) if asked.globs else None
    there = [each for each in findings.mailboxes if chosen is None or chosen.matches(each.name)]
    if there:
        named = _named(f"{each.name} ({', '.join(each.kinds)})" for each in there)
        return f"{asked.path}: there is no message in {named}", f"{_UNCHANGED}; {_RIGHT_PATH}"
    if findings.mailboxes:
        what = f"no mailbox in {asked.path} matches {' '.join(asked.globs or ())}"
        return what, f"there are: {_named(str(each.name) for each in findings.mailboxes)}"
    others = 0 if asked.path.is_file() else findings.others
    rest = f", but {count_text(others, 'other file')}" if others else ""
    return f"{asked.path} holds no mail{rest}", f"{_UNCHANGED}; {_looked_for(asked)}"


def _named(things: Iterable[str]) -> str:
    first = list(things)
    more = f" and {len(first) - _NAMED:,} more" if len(first) > _NAMED else ""
    return ", ".join(first[:_NAMED]) + more


def _looked_for(asked: Asked) -> str:
    if asked.file_format != "auto":
        return (
            f"it was only looked for the format {asked.file_format}:"
            " leave out --format to look for all"
        )
    return (
        "looked for Maildir, mbox, .eml and .emlx files, also in zip and tar, and PST:"
        " see docs/import.md"
    )


_UNCHANGED = "nothing was imported"
_RIGHT_PATH = "is it the right path?"
_NAMED = 10
_SHOWN = 50

_DEBT_HINT = (
    "mailvault status counts them; import the path again when they can be read or are deleted"
)
