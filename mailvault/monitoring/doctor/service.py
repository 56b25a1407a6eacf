"""What runs the schedules: a daemon, a unit of systemd, or nothing that can be seen."""

import os
from pathlib import Path

from mailvault.config.jobs import jobs_of
from mailvault.config.model import Configuration
from mailvault.mail.json_values import JsonValue
from mailvault.monitoring.doctor.finding import Finding, Part, note

UNITS = ("mailvault.service", "mailvault.timer")


def examine_service(configuration: Configuration | None, lease: object) -> Part:
    folders = (Path("/etc/systemd/system"), Path("~/.config/systemd/user").expanduser())
    found = [str(folder / unit) for folder in folders for unit in UNITS
             if (folder / unit).exists()]  # fmt: skip
    facts: dict[str, JsonValue] = {
        "systemd": Path("/run/systemd/system").is_dir(),
        "units": found,
        "journal": "JOURNAL_STREAM" in os.environ,
    }
    findings: tuple[Finding, ...] = ()
    if configuration is not None and not found and lease is None:
        if jobs_of(configuration):
            what = "no daemon runs and no unit is installed; does a crontab run the schedules?"
            findings = (note(what, "mailvault service install, or a line in a crontab"),)
        elif configuration.accounts:
            what = "nothing is scheduled"
            findings = (note(what, "add [schedule]: docs/unattended.md"),)
    return Part(facts, findings)
