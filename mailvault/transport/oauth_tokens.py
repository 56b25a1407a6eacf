"""OAuth2 tokens, and the file that holds them between runs.

A refresh token works once: the provider that sees a second use takes all of them away. So
whoever refreshes holds the lock from reading to writing, and what came is on disk before
it is used.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from mailvault.errors import ConfigurationError

LONGEST_MARGIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token was given for; tokens of another grant are never used or sent."""

    user: str
    client_id: str
    token_endpoint: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token with its life, and what gets the next one."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    obtained: datetime
    expires: datetime
    scope: str = ""

    def is_fresh(self, now: datetime) -> bool:
        """Whether the access token will do for a while; a fifth of its life is kept back."""
        margin = min(LONGEST_MARGIN, (self.expires - self.obtained) / 5)
        return self.obtained - LONGEST_MARGIN <= now < self.expires - margin


class TokenFile:
    """One account's tokens, in a file of mode 0600 beside the configuration."""

    def __init__(self, path: Path, grant: Grant) -> None:
        self.path = path
        self._grant = grant
        self._refusal = path.with_suffix(".needs-login")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process and thread from reading tokens in order to renew them."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._unusable(error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def read(self) -> Tokens | None:
        """The tokens of this grant; None if there are none, or those of another one.

        Raises:
            ConfigurationError: others can read the file, or it is not ours.
        """
        try:
            with self.path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode & 0o777
                content = file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error
        if mode & 0o077:
            raise ConfigurationError(
                f"others can read {self.path} (mode {mode:04o})",
                hint=f"chmod 600 {self.path}",
            )
        return self._understood(content)

    def _understood(self, content: bytes) -> Tokens | None:
        try:
            fields = json.loads(content)
            if fields["grant"] != asdict(self._grant):
                return None
            return Tokens(
                access=str(fields["access_token"]),
                refresh=fields["refresh_token"],
                obtained=datetime.fromisoformat(fields["obtained"]),
                expires=datetime.fromisoformat(fields["expires"]),
                scope=str(fields["scope"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigurationError(  # the original error carries the content
                f"{self.path} is not a file of tokens", hint="remove it and sign in again"
            ) from None

    def write(self, tokens: Tokens) -> None:
        """Make tokens durable. They are the account's from here on; a refusal is over."""
        fields = {
            "grant": asdict(self._grant),
            "access_token": tokens.access,
            "refresh_token": tokens.refresh,
            "obtained": tokens.obtained.isoformat(),
            "expires": tokens.expires.isoformat(),
            "scope": tokens.scope,
        }
        self._replace(self.path, json.dumps(fields, indent=1))
        self._refusal.unlink(missing_ok=True)

    def refuse(self, reason: str) -> None:
        """Note that only a person can get tokens now, and why."""
        self._replace(self._refusal, json.dumps({"reason": reason}))

    def refusal(self) -> str | None:
        """Why a person has to sign in again; None while nobody has to."""
        try:
            return str(json.loads(self._refusal.read_bytes())["reason"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            return "the provider refused to renew the login"

    def remove(self) -> None:
        """Forget the tokens; those that are not there, too."""
        self.path.unlink(missing_ok=True)
        self._refusal.unlink(missing_ok=True)

    def _replace(self, path: Path, text: str) -> None:
        new = path.with_name(path.name + ".new")
        try:
            new.unlink(missing_ok=True)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"the tokens in {self.path} cannot be kept: {error.strerror}",
            hint="the folder must be writable for the user who runs mailvault",
        )
