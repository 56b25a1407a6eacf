"""Where a server is, how private the way there must be, and who logs in. Values only."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from mailvault.transport.allowance import Allowance


class TlsMode(StrEnum):
    IMPLICIT = "implicit"  # RFC 8314 3: TLS from the first octet
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The longest each wait may last, in seconds."""

    connect: float = 30.0
    tls: float = 30.0
    greeting: float = 60.0
    command: float = 60.0
    idle_read: float = 60.0
    logout: float = 10.0
    minimum_rate: int = 1000  # octets a second, measured over `rate_window` of waiting
    rate_window: float = 120.0
    stall: float = 1800.0  # a server may say "still here", but not for ever


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server. `tls_fingerprint` is ``sha256:`` and the hexadecimal digest of its certificate.

    A fingerprint alone stands in for certificate authority and host name, so that a
    self-signed certificate can be pinned; with a `ca_file` both must hold.
    """

    host: str
    port: int
    tls: TlsMode = TlsMode.IMPLICIT
    ca_file: Path | None = None
    tls_fingerprint: str | None = None
    insecure: bool = False
    timeouts: Timeouts = Timeouts()
    allowance: Allowance | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in. `secret` is called once for each login, as late as possible."""

    user: str
    secret: Callable[[], str] = field(repr=False)
    mechanism: str = "auto"
