"""What is installed: releases of everything that matters, and the machine below it."""

import importlib.metadata
import platform
import ssl
import sys
import time
from pathlib import Path

from mailvault import __version__
from mailvault.archive.examination import sqlite_facts
from mailvault.monitoring.doctor.finding import Part

LIBRARIES = ("sqlalchemy", "alembic", "apscheduler", "cronsim", "zstandard", "typer", "rich")
EXTRAS = ("keyring", "dnspython", "httpx", "prometheus-client", "apprise")


def examine_program() -> Part:
    sqlite, options = sqlite_facts()
    return Part(
        {
            "mailvault": __version__,
            "python": f"{platform.python_implementation()} {platform.python_version()}",
            "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
            "distribution": _distribution(),
            "sqlite": sqlite,
            "sqlite_options": options,
            "openssl": ssl.OPENSSL_VERSION,
            "libraries": {name: _version(name) for name in LIBRARIES},
            "extras": {name: _version(name) for name in EXTRAS},
            "encoding": sys.getfilesystemencoding(),
            "time_zone": "/".join(time.tzname),
            "container": Path("/.dockerenv").exists() or Path("/run/.containerenv").exists(),
        }
    )


def _distribution() -> str | None:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        return None


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
