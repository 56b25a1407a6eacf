"""What the alarms see of the configured archive; loaded only where somebody is to be told."""

from collections.abc import Mapping
from datetime import datetime

from mailvault import logins
from mailvault.alarms.alarms import Sight
from mailvault.clock import SystemClock
from mailvault.config.freshness import success_limits
from mailvault.config.model import Configuration
from mailvault.errors import MailvaultError
from mailvault.operations.freshness import Freshness, freshness_of
from mailvault.operations.roundup import Plight, Roundup, read_roundup
from mailvault.transport.printable import printable
from mailvault.wiring.archives import local_zone, open_archive, overdue_accounts


def sight() -> Sight:
    return Sight(_ages, _survey, local_zone)


def _ages(configuration: Configuration, since: Mapping[str, datetime]) -> list[Freshness]:
    limits = success_limits(configuration, SystemClock().now(), local_zone())
    with open_archive(configuration, writing=False) as archive:
        accounts = archive.catalog.status().accounts
    return freshness_of(limits, {each.account: each.last_success for each in accounts}, since)


def _survey(configuration: Configuration, since: datetime, until: datetime) -> Roundup:
    try:
        needed = logins.logins_needed(configuration)
        with open_archive(configuration, writing=False) as archive:
            overdue = {each.account for each in overdue_accounts(archive, configuration)}
            plight = Plight(overdue, needed)
            return read_roundup(archive, configuration.accounts.keys(), plight, since, until)
    except MailvaultError as error:
        return Roundup(since, until, error=printable(str(error)))
