"""Secrets are found where the configuration says, and no message ever holds one."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from mailvault.config import secrets
from mailvault.config.load import parse
from mailvault.config.model import (
    CommandSecret,
    EnvironmentSecret,
    FileSecret,
    KeyringSecret,
    LiteralSecret,
    SecretSource,
)
from mailvault.config.secret_marks import SecretMark
from mailvault.config.secrets import AccountSecret, read_secret
from mailvault.errors import ConfigurationError

CANARY = "kanarienvogel-4711"


def python(code: str) -> CommandSecret:
    return CommandSecret((sys.executable, "-c", code))


def refusal(source: SecretSource | None, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_secret("work", source, environment or {})
    seen: BaseException | None = caught.value
    chain = []
    while seen is not None:  # what a traceback would show
        chain.append(f"{seen!r} {seen}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    assert CANARY not in " ".join(chain) + str(caught.value.hint)
    return str(caught.value)


@pytest.mark.parametrize("line_end", ["", "\\n", "\\r\\n", "\\nsecond line\\n"])
def test_a_command_gives_its_first_line(line_end: str) -> None:
    source = python(f"print(' pass wörd {line_end}', end='')")

    assert read_secret("work", source, {}) == " pass wörd "


def test_a_command_that_fails_is_named_without_what_it_printed() -> None:
    message = refusal(python(f"print('{CANARY}'); raise SystemExit(3)"))

    assert message.startswith("accounts.work.password_command: ")
    assert message.endswith("ended with exit code 3")


def test_a_command_that_is_not_there_is_named() -> None:
    message = refusal(CommandSecret(("no-such-password-manager", CANARY)))

    assert "no-such-password-manager cannot be run: No such file" in message


def test_a_command_that_waits_for_ever_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "COMMAND_SECONDS", 0.3)

    message = refusal(
        python(f"print('{CANARY}', flush=True); input(); import time; time.sleep(60)")
    )

    assert "ended with exit code" in message or "no password within" in message


def test_a_command_does_not_read_the_terminal() -> None:
    source = python("import sys; print(repr(sys.stdin.read()))")

    assert read_secret("work", source, {}) == "''"


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\nsecond\n"])
def test_an_empty_password_is_refused(content: bytes, tmp_path: Path) -> None:
    path = private_file(tmp_path, content)

    assert "the password is empty" in refusal(FileSecret(path))


def test_a_password_may_be_empty_where_it_is_written_so() -> None:
    text = '[archive]\npath = "x"\n[accounts.work]\nprotocol = "imap"\nhost = "h"\nuser = "u"\n'

    def parsed(line: str) -> SecretSource | None:
        path = Path("/etc/mailvault.toml")
        configuration = parse((text + line).encode(), path, is_private=True)
        return configuration.accounts["work"].secret

    source = parsed('password = ""')
    assert read_secret("work", source, {}) == ""
    with pytest.raises(ConfigurationError):
        parsed('password_env = ""')


def test_a_password_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = private_file(tmp_path, CANARY.encode() + b"\xff")

    assert "the password is not UTF-8" in refusal(FileSecret(path))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602])
def test_a_file_that_others_can_reach_is_refused(mode: int, tmp_path: Path) -> None:
    path = private_file(tmp_path, CANARY.encode())
    path.chmod(mode)

    assert f"others can read {path} (mode {mode:04o})" in refusal(FileSecret(path))


def test_a_private_file_gives_its_first_line(tmp_path: Path) -> None:
    path = private_file(tmp_path, b"secret \nsecond\n")

    assert read_secret("work", FileSecret(path), {}) == "secret "


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "No such file" in refusal(FileSecret(tmp_path / "missing"))


def test_an_environment_variable_is_read() -> None:
    assert read_secret("work", EnvironmentSecret("WORK"), {"WORK": "secret"}) == "secret"


def test_an_unset_variable_is_named() -> None:
    assert "$WORK is not set" in refusal(EnvironmentSecret("WORK"), {"WORK": ""})


def test_a_variable_that_is_not_utf8_is_refused() -> None:
    message = refusal(EnvironmentSecret("WORK"), {"WORK": CANARY + "\udcff"})

    assert message.endswith("the value of $WORK is not UTF-8")


def test_a_literal_is_itself() -> None:
    assert read_secret("work", LiteralSecret(CANARY), {}) == CANARY


def test_a_missing_keyring_library_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)

    assert "the keyring library is not installed" in refusal(KeyringSecret())


class KeyRing(KeyringBackend):
    """A key ring in memory; a password of None says that it cannot be opened."""

    priority = 1.0

    def __init__(self, passwords: dict[tuple[str, str], str] | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring's own lacks types
        self._passwords = passwords

    def get_password(self, service: str, username: str) -> str | None:
        if self._passwords is None:
            raise KeyringLocked(CANARY)
        return self._passwords.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError("nobody may change the key ring")


@pytest.fixture
def use_ring() -> Iterator[Callable[[KeyRing], None]]:
    before = keyring.get_keyring()
    yield keyring.set_keyring
    keyring.set_keyring(before)


def test_the_key_ring_gives_the_password_of_the_account(
    use_ring: Callable[[KeyRing], None],
) -> None:
    use_ring(KeyRing({("mailvault", "work"): "pässwörd", ("mailvault", "other"): CANARY}))

    assert read_secret("work", KeyringSecret(), {}) == "pässwörd"


@pytest.mark.parametrize(
    ("passwords", "said"),
    [({("other", "work"): CANARY}, "holds no password"), (None, "cannot be opened")],
    ids=["nothing", "locked"],
)
def test_a_key_ring_without_the_password_says_so(
    use_ring: Callable[[KeyRing], None],
    passwords: dict[tuple[str, str], str] | None,
    said: str,
) -> None:
    use_ring(KeyRing(passwords))

    assert said in refusal(KeyringSecret())


def test_systemd_credentials_are_used_when_nothing_is_configured(tmp_path: Path) -> None:
    credential = tmp_path / "work"
    credential.write_bytes(b"secret\n")
    credential.chmod(0o440)

    assert read_secret("work", None, {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == "secret"


@pytest.mark.parametrize("environment", [{}, {"CREDENTIALS_DIRECTORY": "/nowhere"}])
def test_no_password_anywhere_says_how_to_configure_one(environment: dict[str, str]) -> None:
    assert refusal(None, environment) == "accounts.work: no password is configured"


def test_parallel_connections_ask_the_password_manager_once(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    source = python(f"open({str(marks)!r}, 'a').write('x'); print('secret')")
    secret = AccountSecret("work", source, {})

    given = {secret(), secret(), secret()}

    assert given == {"secret"}
    assert marks.read_text() == "x"


def test_an_account_secret_never_shows_itself() -> None:
    secret = AccountSecret("work", LiteralSecret(CANARY), {})

    assert secret() == CANARY
    assert CANARY not in f"{secret!r} {secret}"


def test_a_mark_tells_another_secret_from_the_same_one() -> None:
    marks = [SecretMark(lambda: CANARY, salt=partial(str, n)).mark() for n in range(20)]

    assert all(SecretMark(lambda: CANARY).is_still(mark) for mark in marks)
    assert sum(SecretMark(lambda: CANARY + "x").is_still(mark) for mark in marks) < 3


def test_a_mark_keeps_eight_bits_of_a_secret() -> None:
    marks = {SecretMark(partial(str, n), salt=lambda: "0").mark() for n in range(600)}

    assert len(marks) <= 256
    assert all(len(mark) == len("0:ff") for mark in marks)


def private_file(folder: Path, content: bytes) -> Path:
    path = folder / "secret"
    path.write_bytes(content)
    path.chmod(0o600)
    return path
