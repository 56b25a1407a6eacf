"""Puts the report together."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mailvault import wiring
from mailvault.errors import MailvaultError
from mailvault.mail.json_values import JsonValue
from mailvault.monitoring.doctor.finding import Finding, Gravity, Part, error
from mailvault.monitoring.doctor.program import examine_program
from mailvault.monitoring.doctor.redaction import Redaction
from mailvault.monitoring.doctor.servers import examine_servers
from mailvault.monitoring.doctor.service import examine_service
from mailvault.monitoring.doctor.settings import Read, examine_settings
from mailvault.monitoring.doctor.vault import examine_archive

INCOMPLETE = 3


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """The parts by name, in the order in which they are shown."""

    parts: Mapping[str, Part]

    @property
    def findings(self) -> list[tuple[str, Finding]]:
        """With the part each is of, the worst first."""
        found = [(name, each) for name, part in self.parts.items() for each in part.findings]
        order = list(Gravity)
        return sorted(found, key=lambda each: order.index(each[1].gravity))

    @property
    def exit_code(self) -> int:
        """What kept a part from being examined, or that something is wrong."""
        worst = max(part.exit_code for part in self.parts.values())
        is_wrong = any(each.gravity is not Gravity.NOTE for _, each in self.findings)
        return worst or (INCOMPLETE if is_wrong else 0)


def examine(
    path: Path | MailvaultError, *, is_offline: bool, shows_names: bool
) -> DoctorReport:
    """Examine everything. ``path`` is the configuration's, or why there is none."""
    parts = {"program": examine_program()}
    if isinstance(path, MailvaultError):
        what = error(str(path), path.hint)
        read = Read(Part({}, (what,), path.exit_code), None, None)
    else:
        read = examine_settings(path)
    parts["configuration"] = read.part
    if read.configuration is not None and not is_offline:
        parts["servers"] = examine_servers(read.configuration)
    lease = None
    if read.archive is not None:
        parts["archive"] = examine_archive(read.archive, wiring.SystemClock().now())
        lease = parts["archive"].facts.get("schedules_run_by")
    parts["service"] = examine_service(read.configuration, lease)
    if shows_names:
        return DoctorReport(parts)
    redact = Redaction(read.configuration, Path.home())
    return DoctorReport({name: _redacted(part, redact) for name, part in parts.items()})


def _redacted(part: Part, redact: Redaction) -> Part:
    facts: dict[str, JsonValue] = {key: redact(value) for key, value in part.facts.items()}
    findings = tuple(
        replace(each, what=redact.text(each.what), hint=each.hint and redact.text(each.hint))
        for each in part.findings
    )
    return Part(facts, findings, part.exit_code)
