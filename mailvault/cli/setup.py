"""What ``init`` does: gathers the answers, writes the configuration, creates the archive."""

import os
from dataclasses import dataclass, fields
from pathlib import Path

from mailvault.cli.prompts import ask, can_ask
from mailvault.cli.terminal import printable
from mailvault.config.load import (
    ConfigurationMissing,
    chosen_file,
    find,
    load,
    parse,
    user_file,
)
from mailvault.config.model import Configuration
from mailvault.config.template import AccountAnswers, OAuthAnswers, compose
from mailvault.errors import ArchiveMissing, ConfigurationError, UsageError

_ASKED = ("name", "protocol", "host", "user", "client_id", "oauth_provider")


@dataclass(frozen=True, slots=True)
class ArchiveOptions:
    path: str | None
    store: str | None


@dataclass(frozen=True, slots=True)
class AccountOptions:
    """What the command line says of the first account."""

    name: str | None
    protocol: str | None
    host: str | None
    user: str | None
    tls: str | None
    port: int | None
    ca_file: Path | None
    tls_fingerprint: str | None
    insecure: bool
    password_command: str | None
    password_file: Path | None
    password_env: str | None
    keyring: bool
    client_id: str | None = None
    oauth_provider: str | None = None
    """Who gives tokens to this client; it follows from the address."""

    @property
    def has_password(self) -> bool:
        sources = (self.password_command, self.password_file, self.password_env)
        return self.keyring or any(source is not None for source in sources)

    def given(self) -> dict[str, str | int | bool]:
        """The options that were used. Paths become absolute: the file lies elsewhere."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            key: str(value.expanduser().absolute()) if isinstance(value, Path) else value
            for key, value in values.items()
            if value
        }


@dataclass(frozen=True, slots=True)
class SetUp:
    configuration: str
    configuration_created: bool
    archive: str
    store: str
    archive_created: bool
    unconfigured: tuple[str, ...]
    """Accounts that the archive holds and the configuration does not."""

    def lines(self) -> list[str]:
        created = {True: "created", False: "was already there, unchanged:"}
        return [
            f"{created[self.configuration_created]} the configuration {self.configuration}",
            f"{created[self.archive_created]} the archive {self.archive} ({self.store})",
            *self._what_it_holds(),
            "next: mailvault check, then mailvault sync",
        ]

    def _what_it_holds(self) -> list[str]:
        """Under another name an account would be archived anew, from its beginning."""
        if not self.unconfigured:
            return []
        names = printable(", ".join(self.unconfigured))
        return [
            f"it holds what the configuration does not name: {names}",
            "to go on syncing such an account, configure it under that very name",
        ]


def set_up(config: Path | None, archive: ArchiveOptions, account: AccountOptions) -> SetUp:
    """Make what is missing. Nothing that exists is changed.

    Raises:
        UsageError: an answer is missing, or contradicts the configuration that exists.
    """
    try:
        configuration = load(find(config, os.environ))
    except ConfigurationMissing:
        target = chosen_file(config, os.environ) or user_file(os.environ)
        text = _composed(archive, account)
        configuration = parse(text.encode(), target, is_private=True)
        held = _ensure_archive(configuration)
        _write(target, text)
        return _set_up(configuration, True, held)
    _refuse_contradictions(configuration, archive, account)
    return _set_up(configuration, False, _ensure_archive(configuration))


def _set_up(configuration: Configuration, is_new: bool, held: tuple[str, ...] | None) -> SetUp:
    settings = configuration.archive
    return SetUp(
        str(configuration.path),
        is_new,
        str(settings.path),
        settings.store,
        held is None,
        tuple(name for name in held or () if name not in configuration.accounts),
    )


def _composed(archive: ArchiveOptions, account: AccountOptions) -> str:
    """Write the configuration, asking for what the options leave open."""
    default = "~/mailvault" if can_ask() else None
    path = archive.path or ask("Folder of the archive", "--path", default=default)
    if not path.startswith("~"):
        path = str(Path(path).absolute())
    return compose(path, _store(Path(path).expanduser(), archive.store), _account(account))


def _store(path: Path, wanted: str | None) -> str:
    """The store of the archive: of one that is there, what it is."""
    from mailvault import wiring

    present = wiring.store_of(path)
    if present is None or wanted in (None, present):
        return present or wanted or "sqlite"
    raise UsageError(
        f"--store {wanted}: the archive in {path} has the store {present}",
        hint="leave --store away; mailvault convert makes a copy with another store",
    )


def _account(account: AccountOptions) -> AccountAnswers | None:
    given = account.given()
    name = account.name or ask("Name of an account (empty: none yet)", "--account", default="")
    if not name:
        if given:
            raise UsageError("the account has no name", hint="add --account NAME, such as work")
        return None
    if account.client_id is not None and account.oauth_provider is None:
        raise UsageError(
            "--client-id is for accounts that sign in by OAuth2 at Google or Microsoft",
            hint="name the account by its --address, or add a table oauth: docs/oauth.md",
        )
    protocol = account.protocol or ask("Protocol", "--protocol", default="imap")
    host = account.host or ask("Server", "--host")
    user = account.user or ask("User name", "--user")
    extra = {key: value for key, value in given.items() if key not in _ASKED}
    if account.oauth_provider is not None:
        return AccountAnswers(name, protocol, host, user, extra, _oauth(account))
    if not account.has_password:
        command = ask("Command that prints the password (empty: later)", "", default="")
        extra |= {"password_command": command} if command else {}
    return AccountAnswers(name, protocol, host, user, extra)


def _oauth(account: AccountOptions) -> OAuthAnswers:
    assert account.oauth_provider is not None
    where = "Client id of your own registration (docs/oauth.md; empty: later)"
    client_id = account.client_id or ask(where, "--client-id", default="")
    return OAuthAnswers(account.oauth_provider, client_id)


def _refuse_contradictions(
    configuration: Configuration, archive: ArchiveOptions, account: AccountOptions
) -> None:
    """Options that an existing configuration does not bear out would be silently lost."""
    settings = configuration.archive
    edit = f"the configuration exists and is never overwritten; edit {configuration.path}"
    if archive.path and Path(archive.path).expanduser().absolute() != settings.path.absolute():
        raise UsageError(
            f"--path {archive.path} is not archive.path ({settings.path})", hint=edit
        )
    if archive.store and archive.store != settings.store:
        raise UsageError(f"--store {archive.store} is not archive.store", hint=edit)
    given = account.given()
    known = configuration.accounts.get(account.name or "")
    if given and (known is None or not _agrees(known.host, known.user, account)):
        raise UsageError(
            f"{configuration.path} exists, and the account is not in it as described", hint=edit
        )


def _agrees(host: str, user: str, account: AccountOptions) -> bool:
    return account.host in (None, host) and account.user in (None, user)


def _ensure_archive(configuration: Configuration) -> tuple[str, ...] | None:
    """The accounts of the archive that is there; None if it was created now."""
    from mailvault import wiring

    try:
        with wiring.open_archive(configuration, writing=False) as archive:
            return tuple(view.name for view in archive.catalog.accounts())
    except ArchiveMissing:
        with wiring.create_archive(configuration):
            return None


def _write(path: Path, text: str) -> None:
    """Write a new file that only its owner can read, whatever the umask. Never overwrites."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}", hint="choose another with --config"
        ) from error
