"""`python -m bench`: the whole measurement in one run, on one machine, against one server."""

import argparse
import compileall
import json
import os
import platform
import sqlite3
import sys
import tempfile
from pathlib import Path

import mailvault
from bench import contenders
from bench.contenders import Mailvault
from bench.mailbox import (
    ServedMail,
    from_folder,
    generated,
    in_inbox,
    one_large,
    served,
)
from bench.measure import Cost
from bench.report import MEGA, Report
from tests.servers.process import ServerUnavailable

QUICK, FULL = 2_000, 12_600
LARGE_OCTETS = 150 * MEGA
IMPORTS = "import typer, sqlalchemy"


def main() -> int:
    options = _options()
    mail = (
        from_folder(options.mail) if options.mail else generated(_count(options), options.seed)
    )
    work = tempfile.TemporaryDirectory(prefix="mailvault-bench-", dir=options.folder)
    compileall.compile_dir(Path(mailvault.__file__).parent, quiet=1)
    try:
        with work as folder, served(mail) as server:
            _say(f"serving {server.messages:,} messages, {server.octets / MEGA:,.1f} MB")
            report = Report(_machine(), server.messages, server.octets)
            _transfers(report, server, Path(folder), options.repeat)
            _sizes(report, server, Path(folder))
            _start_up(report, options.repeat)
        with work_folder(options.folder) as folder:
            _pop3(report, options, Path(folder))
        if not options.no_large:
            _large(report, options.folder)
    except ServerUnavailable as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    _publish(report, options.json)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help=f"{FULL:,} messages, not {QUICK:,}")
    parser.add_argument("--count", type=int, help="so many messages")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mail", type=Path, help="a folder of .eml files to use instead")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions of each transfer")
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary one)")
    parser.add_argument("--no-large", action="store_true", help="leave out the 150 MB message")
    parser.add_argument("--json", type=Path, help="also write the measurements to this file")
    return parser.parse_args()


def _count(options: argparse.Namespace) -> int:
    return options.count or (FULL if options.full else QUICK)


def _machine() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "processors": str(os.cpu_count()),
        "system": platform.platform(terse=True),
    }


def _transfers(report: Report, server: ServedMail, folder: Path, repeat: int) -> None:
    """First copies, in turn, so that a slow minute of the machine falls on all of them."""
    contenders.bare_wire(server)  # the server makes its index files at the first look
    mailvault = Mailvault(server, folder)
    for number in range(1, repeat + 1):
        _say(f"transfers: {number} of {repeat}")
        wire = contenders.bare_wire(server)
        report.row("bare wire").seconds.append(wire)
        first = _note(report, "mailvault sync, first", mailvault.first_sync())
        _ratio(report, "mailvault first sync / bare wire", first.seconds, wire)
        if contenders.is_installed("mbsync"):
            other = _note(report, "mbsync, first", contenders.mbsync(server, folder))
            _ratio(report, "mailvault first sync / mbsync", first.seconds, other.seconds)
        imports = _note(report, f"python: {IMPORTS}", contenders.interpreter(IMPORTS))
        idle = _note(report, "mailvault sync, nothing to do", mailvault.sync())
        _ratio(report, "nothing to do / those imports", idle.seconds, imports.seconds)
        _note(report, "mailvault verify", mailvault.verify())
        _push(report, server, mailvault, folder)
    report.row("mailvault sync, first").stored_octets = mailvault.octets()
    report.ratios["archive / mail"] = [mailvault.octets() / server.octets]


def _push(report: Report, server: ServedMail, mailvault: Mailvault, folder: Path) -> None:
    """The way back, into an empty account each."""
    back = _note(report, "mailvault restore", mailvault.restore(server.new_user()))
    if contenders.is_installed("mbsync"):
        pushed = contenders.mbsync_push(server, server.new_user(), folder)
        other = _note(report, "mbsync, push", pushed)
        _ratio(report, "mailvault restore / mbsync push", back.seconds, other.seconds)


def _sizes(report: Report, server: ServedMail, folder: Path) -> None:
    """Other ways to keep the same mail, once each."""
    _say("sizes of other archives")
    if contenders.is_installed("restic"):
        cost, octets = contenders.restic(server.maildir, folder)
        _note(report, "restic backup of the Maildir", cost)
        report.row("restic backup of the Maildir").stored_octets = octets
    if contenders.is_installed("tar", "zstd"):
        cost, octets = contenders.tar_zstd(server.maildir, folder)
        _note(report, "tar | zstd -9 --long", cost)
        report.row("tar | zstd -9 --long").stored_octets = octets


def _start_up(report: Report, repeat: int) -> None:
    _say("start-up")
    for _ in range(2 * repeat + 1):
        _note(report, "python: pass", contenders.interpreter("pass"))
        _note(report, "mailvault --help", contenders.help_text())


def work_folder(parent: Path | None) -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="mailvault-bench-", dir=parent)


def _pop3(report: Report, options: argparse.Namespace, folder: Path) -> None:
    """The same mail in one INBOX, by POP3."""
    mail = (
        from_folder(options.mail) if options.mail else generated(_count(options), options.seed)
    )
    with served(in_inbox(mail)) as server:
        _say(f"serving {server.messages:,} messages by POP3")
        contenders.bare_pop3(server)
        mailvault = Mailvault(server, folder, protocol="pop3")
        for _ in range(options.repeat):
            wire = contenders.bare_pop3(server)
            report.row("bare wire, POP3").seconds.append(wire)
            first = _note(report, "mailvault sync, first, POP3", mailvault.first_sync())
            _ratio(report, "mailvault first sync / bare wire, POP3", first.seconds, wire)
            _note(report, "mailvault sync, nothing to do, POP3", mailvault.sync())


def _large(report: Report, parent: Path | None) -> None:
    """What one very large message costs in memory."""
    _say(f"one message of {LARGE_OCTETS // MEGA} MB")
    with tempfile.TemporaryDirectory(prefix="mailvault-bench-", dir=parent) as folder:
        with served(one_large(LARGE_OCTETS)) as server:
            mailvault = Mailvault(server, Path(folder))
            _note(report, "mailvault sync, one 150 MB message", mailvault.first_sync())
        _note(report, "mailvault verify, one 150 MB message", mailvault.verify())


def _note(report: Report, name: str, cost: Cost) -> Cost:
    row = report.row(name)
    row.seconds.append(cost.seconds)
    row.cpu_seconds.append(cost.cpu_seconds)
    row.peak_octets.append(cost.peak_octets)
    return cost


def _ratio(report: Report, name: str, seconds: float, other: float) -> None:
    report.ratios.setdefault(name, []).append(seconds / other)


def _publish(report: Report, file: Path | None) -> None:
    print("\n".join(report.lines()))
    if file:
        file.write_text(json.dumps(report.as_json(), indent=2) + "\n", encoding="utf-8")


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
