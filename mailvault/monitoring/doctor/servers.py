"""Whether each account's server can be reached, as far as that goes without logging in."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from mailvault import wiring
from mailvault.config.model import AccountSettings, Configuration
from mailvault.errors import MailvaultError
from mailvault.mail.json_values import JsonValue
from mailvault.monitoring.doctor.finding import Finding, Part, error

AT_ONCE = 8
PATIENCE = 15.0
"""Seconds for each step on the way to a server."""


def examine_servers(configuration: Configuration) -> Part:
    accounts = list(configuration.accounts.values())
    with ThreadPoolExecutor(AT_ONCE, "doctor") as pool:
        looked = list(pool.map(_look, accounts))
    return Part({"accounts": [facts for facts, _ in looked]}, _findings(looked))


def _findings(looked: Sequence[tuple[JsonValue, Finding | None]]) -> tuple[Finding, ...]:
    return tuple(finding for _, finding in looked if finding is not None)


def _look(account: AccountSettings) -> tuple[dict[str, JsonValue], Finding | None]:
    began = time.monotonic()
    facts: dict[str, JsonValue] = {"account": account.name, "is_reachable": False}
    try:
        patient = replace(account, timeout=min(account.timeout, PATIENCE))
        facts["capabilities"] = list[JsonValue](wiring.reach(patient))
    except MailvaultError as trouble:
        facts["error"] = str(trouble)
        return facts, error(f"{account.name}: {trouble}", trouble.hint)
    facts["is_reachable"] = True
    facts["milliseconds"] = round((time.monotonic() - began) * 1000)
    return facts, None
