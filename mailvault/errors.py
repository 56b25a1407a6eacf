"""Every failure mailvault can explain: what happened, what to do about it, and the exit code.

Exit codes are part of the command's contract: docs/exit-codes.md.
"""

from datetime import datetime


class MailvaultError(Exception):
    """A failure we understand well enough to say what to do about it."""

    exit_code = 1

    def __init__(self, what: str, *, hint: str | None = None) -> None:
        super().__init__(what)
        self.hint = hint


class UsageError(MailvaultError):
    """The command line or the configuration asks for something that cannot be done."""

    exit_code = 2


class ConfigurationError(UsageError):
    """The configuration file is missing, unreadable or wrong."""


class DestinationError(UsageError):
    """The place that mail was to be written to cannot take it."""


class DestinationLost(DestinationError):
    """What was written there a moment ago may be lost; nothing more can be written."""


class SourceError(MailvaultError):
    """Mail could not be read from a server or a file."""

    exit_code = 10


class ConnectionLost(SourceError):
    """The server could not be reached or went away; trying again later may help."""


class ServerRefused(SourceError):
    """The server answered, and the answer was no."""


class ServerBusy(ServerRefused):
    """The server answered: not now. Trying again later should help."""

    def __init__(
        self, what: str, *, hint: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(what, hint=hint)
        self.retry_after = retry_after  # seconds, where the server named them


class AccountSuspended(SourceError):
    """The account rests until later; what it brought so far is archived."""

    exit_code = 3

    def __init__(self, what: str, *, until: datetime, hint: str | None = None) -> None:
        super().__init__(what, hint=hint)
        self.until = until


class TimeIsUp(SourceError):
    """The account had to make room, or the program to end; the next run goes on from here."""

    exit_code = 3


class ProtocolViolation(SourceError):
    """The server sent something that its protocol or our limits do not allow."""


class LoginRefused(SourceError):
    """The server rejected the credentials; trying again will not help."""

    exit_code = 11


class NeedsLogin(LoginRefused):
    """Somebody has to sign in with a browser; no program can."""


class LoginPaused(LoginRefused):
    """The login was refused before, so nobody knocks again before the pause is over."""

    def __init__(self, what: str, *, until: datetime, hint: str | None = None) -> None:
        super().__init__(what, hint=hint)
        self.until = until


class TlsRefused(SourceError):
    """The connection could not be made private, so nothing secret was sent over it."""

    exit_code = 12


class ArchiveError(MailvaultError):
    """The archive could not be read or written."""

    exit_code = 20


class ArchiveMissing(ArchiveError):
    """There is no archive at the configured path."""


class ArchiveTooNew(ArchiveError):
    """The archive was written by a later release of mailvault."""


class ArchiveDamaged(ArchiveError):
    """Octets read from the archive are not the octets that were written."""


class MessageMissing(ArchiveError):
    """The archive holds no message with this digest."""


class NoSpace(ArchiveError):
    """The disk or the quota is full."""

    exit_code = 21


class ArchiveLocked(ArchiveError):
    """Another mailvault process is writing to this archive."""

    exit_code = 75
