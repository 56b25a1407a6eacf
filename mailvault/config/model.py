"""What a configuration says, checked and complete. Nothing here reads a file or a secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class CommandSecret:
    """A program whose first line of output is the secret."""

    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileSecret:
    """A file whose first line is the secret; nobody else may read it."""

    path: Path


@dataclass(frozen=True, slots=True)
class EnvironmentSecret:
    variable: str


@dataclass(frozen=True, slots=True)
class KeyringSecret:
    """The desktop's key ring, under the service ``mailvault`` and the account's name."""


@dataclass(frozen=True, slots=True)
class LiteralSecret:
    """The secret itself, from a configuration file that nobody else may read."""

    value: str = field(repr=False)


SecretSource: TypeAlias = (
    CommandSecret | FileSecret | EnvironmentSecret | KeyringSecret | LiteralSecret
)


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    path: Path
    store: str = "sqlite"


@dataclass(frozen=True, slots=True)
class OAuthSettings:
    """How an account gets access tokens: from a provider, or from ``token_command`` alone."""

    provider: str = "generic"
    client_id: str = ""
    client_secret: SecretSource | None = None
    tenant: str | None = None
    scopes: tuple[str, ...] = ()
    token_endpoint: str | None = None
    authorization_endpoint: str | None = None
    device_endpoint: str | None = None
    revocation_endpoint: str | None = None
    redirect_uri: str | None = None
    ca_file: Path | None = None
    token_command: tuple[str, ...] | None = None
    token_file: Path = Path()


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """One account. ``secret`` is None when only systemd's credentials can hold it."""

    name: str
    protocol: str
    host: str
    port: int
    tls: str
    user: str
    ca_file: Path | None = None
    tls_fingerprint: str | None = None
    insecure: bool = False
    secret: SecretSource | None = None
    oauth: OAuthSettings | None = None
    auth: str = "auto"
    mailboxes: tuple[str, ...] = ("*",)
    connections: int = 3
    max_message_size: int = 1 << 30
    timeout: float = 60.0
    max_rate: int | None = None
    daily_limit: int | None = None
    leave_on_server: bool = True
    delete_after_days: int | None = None
    schedule: str | None = None
    watch: bool = False
    watch_mailboxes: tuple[str, ...] = ("INBOX",)


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """When the daemon does what; None is never. ``verify_sample`` is a share of 100."""

    sync: str | None = None
    verify: str | None = None
    drill: str | None = None
    copy: str | None = None
    jitter: float = 0.0
    window: str | None = None
    verify_sample: int = 100
    copy_to: Path | None = None
    at_once: int = 4


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """A server that takes mail. ``oauth_account`` logs in with the tokens of that account."""

    host: str
    port: int
    tls: str
    ca_file: Path | None = None
    insecure: bool = False
    user: str | None = None
    secret: SecretSource | None = None
    auth: str = "auto"
    oauth_account: str | None = None


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """Whom to tell when a run fails, is suspicious, or none succeeded for long.

    Addresses may hold secrets, and ``apprise`` several of them, with blanks between.
    ``commands`` are those of single events: failure, suspicion, needs_login, recovery.
    ``digest`` is "daily" or "weekly", at an hour and a minute by the clock on the wall.
    """

    ping: SecretSource | None = None
    webhook: SecretSource | None = None
    http_ca_file: Path | None = None
    apprise: SecretSource | None = None
    command: tuple[str, ...] | None = None
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    email_to: tuple[str, ...] = ()
    email_from: str | None = None
    smtp: SmtpSettings | None = None
    no_success_for: float | None = None
    network_patience: float = 0.0
    remind_every: float | None = None
    digest: str | None = None
    digest_at: tuple[int, int] = (8, 0)


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Where Prometheus finds numbers: a file after each run, or the daemon's page."""

    textfile: Path | None = None
    listen: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class StatusSettings:
    """Where programs find what ``status --json`` says, without asking."""

    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    path: Path
    archive: ArchiveSettings
    accounts: Mapping[str, AccountSettings]
    schedule: ScheduleSettings = ScheduleSettings()
    notify: NotifySettings = NotifySettings()
    metrics: MetricsSettings = MetricsSettings()
    status: StatusSettings = StatusSettings()
