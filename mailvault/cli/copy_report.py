"""How ``copy`` and ``convert`` say what they did."""

from collections.abc import Iterator

from mailvault.cli.output import JsonValue
from mailvault.cli.render import count_text, size_text
from mailvault.cli.terminal import printable
from mailvault.cli.verify_report import verify_json, verify_lines
from mailvault.operations.convert import ConvertReport
from mailvault.operations.copy import CopyReport


def copy_json(report: CopyReport) -> dict[str, JsonValue]:
    verified = report.verified
    return {
        "schema": 1,
        "destination": str(report.path),
        "files": report.files,
        "octets": report.octets,
        "stored_octets": report.stored_octets,
        "seconds": round(report.seconds, 3),
        "verified": None if verified is None else verify_json(verified),
    }


def copy_lines(report: CopyReport, *, is_quiet: bool) -> Iterator[str]:
    if not is_quiet:
        new = f"{count_text(report.files, 'file')} ({size_text(report.octets)})"
        yield printable(f"{report.path} is level with the archive: {new} copied")
        yield f"the copy takes {size_text(report.stored_octets)}"
    if report.verified is not None:
        yield from verify_lines(report.verified, is_quiet=is_quiet)


def convert_json(report: ConvertReport) -> dict[str, JsonValue]:
    return {
        "schema": 1,
        "destination": str(report.path),
        "store": report.store,
        "messages": report.messages,
        "octets": report.octets,
        "stored_octets": report.stored_octets,
        "lost": [{"digest": str(digest), "detail": why} for digest, why in report.lost],
    }


def convert_lines(report: ConvertReport, *, is_quiet: bool) -> Iterator[str]:
    for digest, why in report.lost:
        yield printable(f"not converted: {digest}: {why}")
    if is_quiet:
        return
    messages = f"{count_text(report.messages, 'message')} ({size_text(report.octets)})"
    yield printable(f"{report.path} is an archive with the store {report.store}: {messages}")
    yield f"it takes {size_text(report.stored_octets)}"
    yield "to use it, set archive.path and archive.store in the configuration"
