"""Fetches secrets from where the configuration says they are.

A secret is read as late as possible, handed on at once, and stands in no message, log line
or representation. A foreign error that could carry one is not chained.
"""

import importlib
import logging
import os
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from mailvault.config.model import (
    CommandSecret,
    EnvironmentSecret,
    FileSecret,
    KeyringSecret,
    LiteralSecret,
    SecretSource,
)
from mailvault.errors import ConfigurationError

COMMAND_SECONDS = 120.0  # time enough to find and touch a hardware key
SECRET_OCTETS = 64 * 1024

EMPTY_ON_PURPOSE = 'A password that is empty on purpose is written password = ""'

log = logging.getLogger(__name__)


class AccountSecret:
    """The secret of one account, read at the first call and then remembered.

    Parallel connections share one, so that a password manager asks its user once.
    """

    def __init__(
        self, account: str, source: SecretSource | None, environment: Mapping[str, str]
    ) -> None:
        self._account = account
        self._source = source
        self._environment = environment
        self._value: str | None = None
        self._lock = Lock()

    def __call__(self) -> str:
        with self._lock:
            if self._value is None:
                self._value = read_secret(self._account, self._source, self._environment)
            return self._value

    def __repr__(self) -> str:
        return f"AccountSecret({self._account!r})"


class TokenCommand:
    """An access token from a program, asked anew for each login: tokens do not last."""

    def __init__(self, account: str, command: tuple[str, ...]) -> None:
        self._where = f"accounts.{account}.oauth.token_command"
        self._command = command

    def __call__(self) -> str:
        return _from_command(self._where, self._command, "token")


def read_client_secret(
    account: str, source: SecretSource | None, environment: Mapping[str, str]
) -> str:
    """Read what identifies the client to an OAuth2 provider; many clients have none."""
    if source is None:
        return ""
    return read_secret(f"{account}.oauth", source, environment, "client_secret")


def read_secret(
    account: str,
    source: SecretSource | None,
    environment: Mapping[str, str],
    name: str = "password",
) -> str:
    """Read the secret of an account.

    Raises:
        ConfigurationError: it is not there, empty, or lies open to others.
    """
    where = f"accounts.{account}"
    match source:
        case CommandSecret(command):
            return _from_command(f"{where}.{name}_command", command, name)
        case FileSecret(path):
            return _from_file(f"{where}.{name}_file", path, must_be_private=True)
        case EnvironmentSecret(variable):
            return _from_environment(f"{where}.{name}_env", variable, environment)
        case KeyringSecret():
            return _from_keyring(where, account)
        case LiteralSecret(value):
            return value
        case None:
            return _from_credentials(where, account, environment)


def read_address(key: str, source: SecretSource, environment: Mapping[str, str]) -> str:
    """Read an address of ``[notify]``, which may hold a secret. Raises as `read_secret`."""
    match source:
        case CommandSecret(command):
            return _from_command(f"notify.{key}_command", command, "address")
        case FileSecret(path):
            return _from_file(f"notify.{key}_file", path, must_be_private=True)
        case EnvironmentSecret(variable):
            return _from_environment(f"notify.{key}_env", variable, environment)
        case LiteralSecret(value):
            return value
        case KeyringSecret():
            raise AssertionError("no address lies in a key ring")


def _from_command(where: str, command: tuple[str, ...], name: str) -> str:
    program = os.path.expanduser(command[0])  # noqa: PTH111 - a bare name must stay bare
    log.debug("%s: running %s", where, program)
    try:
        done = subprocess.run(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except OSError as error:
        raise ConfigurationError(
            f"{where}: {program} cannot be run: {error.strerror}",
            hint="install it, or write its full path",
        ) from error
    except subprocess.TimeoutExpired:
        raise ConfigurationError(
            f"{where}: {program} gave no {name} within {COMMAND_SECONDS:.0f} s",
            hint="run the command by hand; it may be waiting for you to unlock something",
        ) from None  # the original error carries what was printed so far
    if done.returncode != 0:
        raise ConfigurationError(
            f"{where}: {program} ended with exit code {done.returncode}",
            hint="run the command by hand and see what it says",
        )
    return _first_line(where, done.stdout, hint=f"the first line it prints must be the {name}")


def _from_file(where: str, path: Path, *, must_be_private: bool) -> str:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if must_be_private and mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise ConfigurationError(
                    f"{where}: others can read {path} (mode {mode:04o})",
                    hint=f"chmod 600 {path}",
                )
            content = file.read(SECRET_OCTETS)
    except OSError as error:
        raise ConfigurationError(f"{where}: {path} cannot be read: {error.strerror}") from error
    return _first_line(where, content, hint=f"the first line of {path} must be the password")


def _from_environment(where: str, variable: str, environment: Mapping[str, str]) -> str:
    value = environment.get(variable, "")
    if not value:
        raise ConfigurationError(
            f"{where}: ${variable} is not set",
            hint=f"set it, or leave out {where}. {EMPTY_ON_PURPOSE}",
        )
    if not _is_text(value):
        raise ConfigurationError(f"{where}: the value of ${variable} is not UTF-8")
    return value


def _is_text(value: str) -> bool:
    """Octets of the environment that are not UTF-8 come as lone surrogates (PEP 383)."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _from_keyring(where: str, account: str) -> str:
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        raise ConfigurationError(
            f"{where}.keyring: the keyring library is not installed",
            hint="install mailvault-archive[keyring], or use password_command",
        ) from None
    try:
        value = keyring.get_password("mailvault", account)
    except keyring.errors.KeyringError as error:
        raise ConfigurationError(
            f"{where}.keyring: the key ring cannot be opened ({type(error).__name__})",
            hint="unlock it, or use password_command where no desktop runs",
        ) from None
    if not value:
        raise ConfigurationError(
            f"{where}.keyring: the key ring holds no password for this account",
            hint=f"put it there with: keyring set mailvault {account}",
        )
    return str(value)


def _from_credentials(where: str, account: str, environment: Mapping[str, str]) -> str:
    # systemd.exec(5): LoadCredential= puts files into $CREDENTIALS_DIRECTORY, which only the
    # service can enter; access lists there can look like group permissions.
    folder = environment.get("CREDENTIALS_DIRECTORY", "")
    path = Path(folder) / account
    if not folder or not path.is_file():
        raise ConfigurationError(
            f"{where}: no password is configured",
            hint='add for instance password_command = "pass show mail/work", or '
            "password_file, password_env, keyring = true",
        )
    return _from_file(where, path, must_be_private=False)


def _first_line(where: str, content: bytes, *, hint: str) -> str:
    try:
        line = content.split(b"\n", 1)[0].rstrip(b"\r").decode()
    except UnicodeDecodeError:
        raise ConfigurationError(f"{where}: the password is not UTF-8", hint=hint) from None
    if not line:
        raise ConfigurationError(
            f"{where}: the password is empty", hint=f"{hint}. {EMPTY_ON_PURPOSE}"
        )
    return line
