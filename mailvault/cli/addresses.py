"""What ``init --address`` fills in: a provider known by heart, or what the domain says."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from mailvault.cli.setup import AccountOptions
from mailvault.config.providers import Preset, preset_for, preset_of_host
from mailvault.errors import UsageError
from mailvault.transport.autoconfig import Discovered

Discover: TypeAlias = Callable[[str, str], Discovered | None]
"""From an address and a protocol to the server that the domain names."""


def described(
    account: AccountOptions, address: str, discover: Discover
) -> tuple[AccountOptions, tuple[str, ...]]:
    """Complete the options that were not given, and say what the provider demands.

    Raises:
        UsageError: this is no address, or nobody says where its mail is.
    """
    local, _, domain = address.rpartition("@")
    if (
        not local
        or "." not in domain
        or any(not c.isprintable() or c.isspace() for c in address)
    ):
        raise UsageError(f"{address!r} is no address", hint="such as me@example.com")
    preset = preset_for(domain)
    if preset is not None or account.host:
        filled = _filled(account, address, preset)
        return filled, _demands(preset, filled)
    found = discover(address, account.protocol or "imap")
    if found is None:
        raise UsageError(
            f"nobody says where the mail of {domain} is",
            hint="ask the provider for its server, and name it with --host",
        )
    told = f"{domain} says that its mail is at {found.host}: check that before you log in"
    known = preset_of_host(found.host)
    account = replace(account, user=account.user or found.user)
    filled = _filled(account, address, _preset_of(domain, found, known))
    return filled, (told, *_demands(known, filled))


def _preset_of(domain: str, found: Discovered, known: Preset | None) -> Preset:
    """What a domain says of its server, and what is known of whose server that is."""
    name = domain.replace(".", "-")
    if known is None:
        return Preset(name, found.host, found.port, found.tls, pop3_host=found.host)
    return replace(
        known, name=name, host=found.host, port=found.port, tls=found.tls, pop3_host=found.host
    )


def _demands(preset: Preset | None, account: AccountOptions) -> tuple[str, ...]:
    demands = preset.demands if preset else ()
    return tuple(demand.replace("NAME", account.name or "NAME") for demand in demands)


def _filled(account: AccountOptions, address: str, preset: Preset | None) -> AccountOptions:
    domain = address.rpartition("@")[2]
    name = account.name or (preset.name if preset else domain.replace(".", "-"))
    user = account.user or (preset.user(address) if preset else address)
    protocol = account.protocol or "imap"
    account = replace(account, name=name, user=user, protocol=protocol)
    host = preset.host_of(protocol) if preset else None
    if preset is None or host is None or account.host not in (None, host):
        return account
    return replace(
        account,
        host=host,
        port=account.port or preset.port_of(protocol),
        tls=account.tls or preset.tls,
        oauth_provider=_oauth_provider(account, preset),
    )


def _oauth_provider(account: AccountOptions, preset: Preset) -> str | None:
    """Who gives tokens: where there is no other login, or the options ask for it."""
    if account.has_password or (preset.takes_passwords and account.client_id is None):
        return None
    return preset.oauth
