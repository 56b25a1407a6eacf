"""The files that a configuration wants written when runs begin and end."""

import json
import logging
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from mailvault import wiring
from mailvault.config.model import Configuration
from mailvault.errors import MailvaultError
from mailvault.mail.json_values import JsonValue, json_time
from mailvault.monitoring.exposition import Exposition, require_library
from mailvault.monitoring.files import FOR_ALL, FOR_GROUP, replace_public
from mailvault.monitoring.overview import Overview, read_overview
from mailvault.monitoring.shapes import status_json
from mailvault.schedule.due import Job

log = logging.getLogger(__name__)


def has_files(configuration: Configuration) -> bool:
    return bool(configuration.metrics.textfile or configuration.status.file)


def write_files(
    configuration: Configuration, running: Mapping[Job, datetime] | None = None
) -> None:
    """Write what is configured. What cannot be written is logged: a backup goes before it."""
    if not has_files(configuration):
        return
    found = Found(configuration)
    if configuration.status.file is not None:
        document = status_file_json(found, running or {})
        content = json.dumps(document, indent=1).encode() + b"\n"
        _attempt(configuration.status.file, content, FOR_GROUP)
    if configuration.metrics.textfile is not None:
        try:
            require_library()
        except MailvaultError as error:
            log.warning("%s is not written: %s; %s", configuration.metrics.textfile, error,
                        error.hint)  # fmt: skip
            return
        _attempt(configuration.metrics.textfile, Exposition(found.overview).text(), FOR_ALL)


class Found:
    """An overview that is read once, or why it cannot be."""

    def __init__(self, configuration: Configuration) -> None:
        self.error: MailvaultError | None = None
        self._overview: Overview | None = None
        try:
            self._overview = read_overview(configuration)
        except MailvaultError as error:
            self.error = error

    def overview(self) -> Overview:
        if self._overview is None:
            assert self.error is not None
            raise self.error
        return self._overview


def status_file_json(found: Found, running: Mapping[Job, datetime]) -> dict[str, JsonValue]:
    """As ``status --json``, with what runs now; without an archive, why."""
    document: dict[str, JsonValue] = {"schema": 1}
    if found.error is None:
        document |= status_json(found.overview())
    return document | {
        "written": json_time(wiring.SystemClock().now()),
        "pid": os.getpid(),
        "error": None if found.error is None else str(found.error),
        "running": [
            {
                "job": job.name,
                "kind": str(job.kind),
                "account": job.account,
                "since": json_time(since),
            }
            for job, since in running.items()
        ],
    }


def _attempt(path: Path, content: bytes, mode: int) -> None:
    try:
        replace_public(path, content, mode)
    except MailvaultError as error:
        log.warning("%s; %s", error, error.hint)
