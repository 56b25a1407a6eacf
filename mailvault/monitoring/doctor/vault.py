"""The archive: what it holds, whether it is whole on the surface, and the disk below it."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from mailvault.archive.examination import (
    Contents,
    abilities,
    exposed,
    holders,
    leftovers,
    read_contents,
)
from mailvault.archive.lock import LEASE, LOCK
from mailvault.errors import MailvaultError
from mailvault.mail.json_values import JsonValue, json_time
from mailvault.monitoring.doctor.finding import Finding, Part, error, note, warning
from mailvault.monitoring.doctor.growth import LITTLE, LOOKED_BACK, SOON, Forecast, forecast
from mailvault.monitoring.overview import free_octets
from mailvault.real_paths import real

SHOWN = 5
DOUBTFUL = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "vboxsf", "vfat", "exfat"}
)


def examine_archive(path: Path, now: datetime) -> Part:
    facts: dict[str, JsonValue] = {"path": str(path)}
    if path.is_dir():
        facts |= _disk(path)
    try:
        contents = read_contents(path, now - LOOKED_BACK)
    except MailvaultError as trouble:
        findings = (error(str(trouble), trouble.hint), *_of_folder(path, facts))
        return Part(facts, findings, trouble.exit_code)
    free = free_octets(path)
    outlook = forecast(contents, free, now)
    facts |= _held(contents) | {
        "grows_octets_per_day": None if outlook.per_day is None else round(outlook.per_day),
        "lasts_days": None if outlook.days_left is None else round(outlook.days_left),
    }
    findings = (
        *_of_contents(contents, now),
        *_of_space(free, outlook),
        *_of_folder(path, facts),
    )
    return Part(facts, findings)


def _disk(path: Path) -> dict[str, JsonValue]:
    held = holders(path)
    return {
        "file_system": file_system_of(path),
        "can": dict(abilities(path)),
        "free_octets": free_octets(path),
        "written_by": held[LOCK],
        "schedules_run_by": held[LEASE],
        "temporary_files": leftovers(path),
    }


def _held(contents: Contents) -> dict[str, JsonValue]:
    return {
        "store": contents.store,
        "messages": contents.messages,
        "octets": contents.octets,
        "stored_octets": contents.stored_octets,
        "never_verified": contents.never_verified,
        "runs": contents.runs,
        "last_run": json_time(contents.last_run),
        "catalog_checked": contents.is_checked,
    }


def _of_contents(contents: Contents, now: datetime) -> Iterator[Finding]:
    if not contents.is_current:
        hint = "any command that writes brings it up to date; a copy of it is kept"
        yield note("the catalog is that of an older release", hint)
    for fault in contents.faults[:SHOWN]:
        yield error(f"the catalog is damaged: {fault}", "mailvault rebuild makes it anew")
    if contents.untold_groups:
        groups = contents.untold_groups
        yield note(
            f"{groups} groups of the journal are not in the catalog yet",
            "the next command that writes brings them in",
        )
    if contents.has_torn_tail:
        what = "the journal ends in the trace of a crash or of a write under way"
        yield note(what, "the next command that writes cuts it off")
    if contents.last_run is not None and (contents.last_run - now).total_seconds() > 60:
        yield warning(
            "the last run is in the future: the clock was wrong then, or is now",
            "set the clock; schedules go on by themselves",
        )


def _of_space(free: int | None, outlook: Forecast) -> Iterator[Finding]:
    if free is not None and free < LITTLE:
        yield error("hardly any space is left on the archive's disk", "make room")
    elif outlook.days_left is not None and outlook.days_left < SOON:
        days = f"{outlook.days_left:.0f} days"
        yield warning(f"at the present growth the disk is full in {days}", "plan for more")


def _of_folder(path: Path, facts: dict[str, JsonValue]) -> Iterator[Finding]:
    if not path.is_dir():
        return
    try:
        found = list(exposed(path))
    except OSError as trouble:
        what = f"{path} cannot be looked through: {trouble.strerror}"
        yield error(what, "run mailvault as the user whom the archive belongs to")
        return
    for entry, why in found[:SHOWN]:
        yield warning(f"{entry} {why}; only its owner should see it", f"chmod -R go= {path}")
    if len(found) > SHOWN:
        yield note(f"{len(found) - SHOWN} more files and folders are like that")
    can = facts.get("can")
    tried = can if isinstance(can, dict) else {}
    lacking = [name for name, is_able in tried.items() if not is_able]
    if lacking:
        yield warning(f"the file system has no {', '.join(lacking)}", "use another one")
    if facts.get("file_system") in DOUBTFUL:
        what = f"the archive is on {facts['file_system']}, whose locks and fsync may lie"
        yield warning(what, "keep it on a disk of this machine, and copy it: mailvault copy")
    if facts.get("temporary_files") and facts.get("written_by") is None:
        what = f"{facts['temporary_files']} temporary files are left of a run that was killed"
        yield note(what, "the next command that writes removes them")


def file_system_of(path: Path) -> str | None:
    """The type of the file system (proc_pid_mountinfo(5)); None where nobody says."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text()
    except OSError:
        return None
    resolved = real(path)
    best: tuple[int, str | None] = (-1, None)
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        point = Path(fields[4].encode().decode("unicode_escape"))
        if resolved.is_relative_to(point):
            best = max(best, (len(point.parts), after.split()[0]), key=lambda each: each[0])
    return best[1]
