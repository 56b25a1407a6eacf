"""What `mailvault demo` does, step by step, in the words of a guide.

Every step takes the way a user's command takes: the same configuration file, wiring and
operations. Only the mail server is our own.
"""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from mailvault import wiring
from mailvault.cli.demo_exports import ExportCheck, check_exports
from mailvault.cli.demo_restore import RestoreCheck, check_restore
from mailvault.cli.render import count_text, size_text
from mailvault.cli.terminal import padded
from mailvault.config.load import load
from mailvault.config.model import Configuration
from mailvault.demo.mailbox import ServedPlacement
from mailvault.demo.sample import PASSWORD, USER, build_sample, change_sample
from mailvault.demo.server import DemoServer
from mailvault.mail.model import RunNumber
from mailvault.operations.reports import Silent, SyncReport
from mailvault.operations.verify import verify

UNEQUAL = 1
"""Exit code when the archive and the server differ: then mailvault has a bug."""

_CONFIGURATION = """\
# Written by `mailvault demo`. The server it names was there for the demonstration only.
[archive]
path = "archive"

[accounts.demo]
protocol = "imap"
host = "{host}"
port = {port}
tls = "none"                    # allowed on this machine only
user = "{user}"
password = "{password}"
"""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What one sync of the demonstration did."""

    arrived: int
    flags_changed: int
    expunged: int
    octets: int
    commands: int
    seconds: float
    equal_to_server: bool


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demonstration found out."""

    folder: str
    messages: int
    distinct_messages: int
    served_octets: int
    stored_octets: int
    runs: tuple[RunFacts, ...]
    first_run_still_shown: bool
    verified: int
    findings: int
    exports: tuple[ExportCheck, ...]
    restored: RestoreCheck
    seconds: float

    @property
    def exit_code(self) -> int:
        is_right = (
            all(run.equal_to_server for run in self.runs)
            and self.first_run_still_shown
            and not self.findings
            and all(export.is_equal for export in self.exports)
            and self.restored.is_equal
        )
        return 0 if is_right else UNEQUAL


class Tour:
    """The demonstration in a folder; ``say`` hears what a person shall read."""

    def __init__(self, folder: Path, *, is_kept: bool, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._is_kept = is_kept
        self._say = say
        self._served = build_sample()
        self._steps = 0

    def run(self) -> DemoReport:
        started = perf_counter()
        with DemoServer(self._served) as server:
            configuration = self._set_up(server)
            before = self._served.placements()
            first = self._first_sync(configuration, server)
            self._change()
            second = self._second_sync(configuration, server)
            idle = self._idle_sync(configuration, server)
        report = self._look_back(configuration, before, (first, second, idle), started)
        self._farewell(report)
        return report

    # With the server

    def _set_up(self, server: DemoServer) -> Configuration:
        self._step("A mail server, and an archive")
        path = self._folder / "mailvault.toml"
        path.touch(mode=0o600)
        path.write_text(
            _CONFIGURATION.format(
                host=server.host, port=server.port, user=USER, password=PASSWORD
            ),
            encoding="utf-8",
        )
        configuration = load(path)
        wiring.create_archive(configuration).close()
        self._say(
            f"A small IMAP server of our own runs at {server.host}:{server.port}. Nothing"
        )
        self._say(
            "beyond this machine can reach it. It serves the mail of nobody in particular:"
        )
        self._say(f"{self._size()}, {size_text(self._served.octets())}.")
        self._say(f"The archive is a folder: {configuration.archive.path}")
        return configuration

    def _size(self) -> str:
        messages = count_text(len(self._served.placements()), "message")
        return f"{messages} in {len(self._served.mailboxes())} mailboxes"

    def _first_sync(self, configuration: Configuration, server: DemoServer) -> RunFacts:
        self._step("The first sync", "mailvault sync")
        report, facts = self._sync(configuration, server)
        for account in report.accounts:
            for mailbox in account.mailboxes:
                name = padded(str(mailbox.mailbox), 26)
                self._say(f"  {name} {count_text(mailbox.arrived):>5} new")
        self._say(f"All of it is in the archive after {facts.seconds:.1f} s.")
        self._say_whether_equal(facts)
        return facts

    def _change(self) -> None:
        self._step("A week goes by on the server")
        for change in change_sample(self._served):
            self._say(f"  {change}")

    def _second_sync(self, configuration: Configuration, server: DemoServer) -> RunFacts:
        self._step("The second sync", "mailvault sync")
        _, facts = self._sync(configuration, server)
        self._say(
            f"Only what changed was asked for: {count_text(facts.arrived, 'message')} "
            f"({size_text(facts.octets)}) fetched,"
        )
        self._say(
            f"{facts.flags_changed} with other flags, {facts.expunged} gone from a mailbox: "
            f"{facts.seconds:.1f} s."
        )
        self._say_whether_equal(facts)
        return facts

    def _idle_sync(self, configuration: Configuration, server: DemoServer) -> RunFacts:
        _, facts = self._sync(configuration, server)
        self._say(
            f"A third sync has nothing to do: {facts.commands} commands, {facts.seconds:.2f} s."
        )
        return facts

    def _sync(
        self, configuration: Configuration, server: DemoServer
    ) -> tuple[SyncReport, RunFacts]:
        asked = len(server.commands)
        started = perf_counter()
        with wiring.open_archive(configuration, writing=True) as archive:
            report = wiring.sync(
                archive,
                list(configuration.accounts.values()),
                only=None,
                accept_empty=False,
                progress=Silent(),
            )
        seconds = perf_counter() - started
        kept = _archived(configuration)
        mailboxes = [mailbox for account in report.accounts for mailbox in account.mailboxes]
        return report, RunFacts(
            arrived=sum(mailbox.arrived for mailbox in mailboxes),
            flags_changed=sum(mailbox.flags_changed for mailbox in mailboxes),
            expunged=sum(mailbox.expunged for mailbox in mailboxes),
            octets=sum(mailbox.octets for mailbox in mailboxes),
            commands=len(server.commands) - asked,
            seconds=round(seconds, 3),
            equal_to_server=report.exit_code == 0 and kept == self._served.placements(),
        )

    def _say_whether_equal(self, facts: RunFacts) -> None:
        if facts.equal_to_server:
            self._say(
                "Compared with the server, message by message: mailbox, UID, flags, arrival"
            )
            self._say("date and SHA-256 of the octets are equal.")
        else:
            self._say("The archive and the server DIFFER. This is a bug; please report it.")

    # After the server is gone

    def _look_back(
        self,
        configuration: Configuration,
        before: list[ServedPlacement],
        runs: tuple[RunFacts, ...],
        started: float,
    ) -> DemoReport:
        stored, distinct = self._show_sizes(configuration)
        is_shown = self._show_first_run(configuration, before)
        verified, findings = self._verify(configuration)
        exports = self._export(configuration)
        restored = self._restore(configuration)
        return DemoReport(
            folder=str(self._folder),
            messages=len(self._served.placements()),
            distinct_messages=distinct,
            served_octets=self._served.octets(),
            stored_octets=stored,
            runs=runs,
            first_run_still_shown=is_shown,
            verified=verified,
            findings=findings,
            exports=exports,
            restored=restored,
            seconds=round(perf_counter() - started, 3),
        )

    def _show_sizes(self, configuration: Configuration) -> tuple[int, int]:
        self._step("What it takes to keep it", "mailvault status")
        with wiring.open_archive(configuration, writing=False) as archive:
            status = archive.catalog.status()
        stored = _folder_octets(configuration.archive.path)
        served = self._served.octets()
        self._say(f"  on the server now      {size_text(served):>9}  {self._size()}")
        self._say(
            f"  each message once      {size_text(status.octets):>9}  "
            f"{count_text(status.messages, 'message')}, those deleted since among them"
        )
        self._say(
            f"  the archive's folder   {size_text(stored):>9}  {stored / served:.0%} of served"
        )
        self._say(
            "Mail that lies in two mailboxes and files attached to many mails are kept once;"
        )
        self._say("text is compressed, attachments are compressed as what they are.")
        return stored, status.messages

    def _show_first_run(
        self, configuration: Configuration, before: list[ServedPlacement]
    ) -> bool:
        self._step("Back in time", "mailvault list --at 1")
        is_equal = _archived(configuration, RunNumber(1)) == before
        if is_equal:
            self._say(
                f"As of run 1 the archive shows all {len(before)} messages as they were then:"
            )
            self._say("in the mailboxes and with the flags of that day, the deleted ones too.")
        else:
            self._say("The archive does NOT show the first run as it was. This is a bug.")
        return is_equal

    def _verify(self, configuration: Configuration) -> tuple[int, int]:
        self._step("Is it whole?", "mailvault verify")
        with wiring.open_archive(configuration, writing=False) as archive:
            report = verify(archive)
        self._say(
            f"{count_text(report.checked, 'message')} ({size_text(report.octets)}) read back "
            f"from the disk and hashed: {count_text(len(report.findings), 'finding')}."
        )
        return report.checked, len(report.findings)

    def _export(self, configuration: Configuration) -> tuple[ExportCheck, ...]:
        self._step("Out again", "mailvault export FOLDER --format maildir")
        checks = check_exports(configuration, self._folder, self._served.placements())
        for check in checks:
            verdict = (
                "octet for octet what was served" if check.is_equal else "DIFFERENT: a bug"
            )
            self._say(f"  {check.format:8} {check.messages} messages, {verdict}")
        self._say(
            "Each was read back and compared with the server's mail. The Maildirs have flags"
        )
        self._say("and dates, too; other mail programs and servers can open them.")
        return checks

    def _restore(self, configuration: Configuration) -> RestoreCheck:
        self._step("To another server", "mailvault restore demo --to second")
        check = check_restore(configuration, self._served.placements())
        self._say(
            "The first server is gone. A second one with an empty mailbox takes the mail:"
        )
        self._say(
            f"{count_text(check.messages, 'message')} in {check.mailboxes} mailboxes, "
            f"{check.seconds:.1f} s. The same again adds {check.appended_again or 'nothing'}."
        )
        if check.is_equal:
            self._say(
                "Octets, mailboxes, flags and arrival dates are those of the first server."
            )
        else:
            self._say("The second server's mail DIFFERS from the first's. This is a bug.")
        return check

    def _farewell(self, report: DemoReport) -> None:
        command = _own_command()
        self._say("")
        verdict = (
            "Something is wrong." if report.exit_code else "Everything came back as it was."
        )
        self._say(f"{verdict} The whole demonstration took {report.seconds:.1f} s.")
        if self._is_kept:
            configuration = self._folder / "mailvault.toml"
            self._say(f"It is all in {self._folder}; look around, for example:")
            self._say(f"  {command} --config {configuration} list --mailbox INBOX")
        else:
            self._say(f"Its folder has been removed. To keep one:  {command} demo FOLDER")
        self._say("The same with your own account, which is only read and never changed:")
        self._say(f"  {command} init     asks for the server, writes the configuration")
        self._say(f"  {command} check    tries to log in and lists the mailboxes")
        self._say(f"  {command} sync     fills the archive; again later for what is new")

    def _step(self, title: str, command: str = "") -> None:
        self._steps += 1
        if self._steps > 1:
            self._say("")
        heading = f"{self._steps}. {title}"
        self._say(f"{heading:40} $ {command}".rstrip() if command else heading)


def _own_command() -> str:
    """How to call this program: by its name where the shell would find it."""
    return "mailvault" if shutil.which("mailvault") else sys.argv[0]


def _archived(
    configuration: Configuration, at: RunNumber | None = None
) -> list[ServedPlacement]:
    """What the archive holds, in the form of what the server serves."""
    with wiring.open_archive(configuration, writing=False) as archive:
        return sorted(
            ServedPlacement(
                mailbox=str(view.mailbox),
                uidvalidity=view.uidvalidity,
                uid=view.uid,
                digest=str(view.digest),
                flags=tuple(sorted(view.flags)),
                internal_date=view.internal_date,
            )
            for view in archive.catalog.placements(at=at)
            if view.internal_date is not None
        )


def _folder_octets(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
