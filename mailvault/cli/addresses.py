"""What ``init --address`` fills in: a provider known by heart, or what the domain says."""

from collections.abc import Callable
from dataclasses import replace

from mailvault.cli.setup import AccountOptions
from mailvault.config.providers import Preset, preset_for, preset_of_host
from mailvault.errors import UsageError
from mailvault.transport.autoconfig import Discovered


def described(
    account: AccountOptions, address: str, discover: Callable[[str], Discovered | None]
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
        return _filled(account, address, preset), preset.demands if preset else ()
    found = discover(address)
    if found is None:
        raise UsageError(
            f"nobody says where the mail of {domain} is",
            hint="ask the provider for its IMAP server, and name it with --host",
        )
    preset = Preset(domain.replace(".", "-"), found.host, found.port, found.tls)
    known = preset_of_host(found.host)
    demands = known.demands if known else ()
    told = f"{domain} says that its mail is at {found.host}: check that before you log in"
    account = replace(account, user=account.user or found.user)
    return _filled(account, address, preset), (told, *demands)


def _filled(account: AccountOptions, address: str, preset: Preset | None) -> AccountOptions:
    domain = address.rpartition("@")[2]
    name = account.name or (preset.name if preset else domain.replace(".", "-"))
    user = account.user or (preset.user(address) if preset else address)
    account = replace(account, name=name, user=user, protocol=account.protocol or "imap")
    if preset is None or account.protocol != "imap":
        return account
    if account.host not in (None, preset.host):
        return account
    return replace(
        account,
        host=preset.host,
        port=account.port or preset.port,
        tls=account.tls or preset.tls,
    )
