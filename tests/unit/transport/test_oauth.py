"""Tokens on disk and their renewal: once, early, under a lock, and never in vain."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailvault.errors import (
    ConfigurationError,
    ConnectionLost,
    LoginRefused,
    NeedsLogin,
    ProtocolViolation,
    ServerBusy,
)
from mailvault.transport.oauth import AccessToken
from mailvault.transport.oauth_client import OAuthClient, Pending
from mailvault.transport.oauth_loopback import code_in
from mailvault.transport.oauth_provider import generic, google, microsoft, tenant_of
from mailvault.transport.oauth_tokens import Grant, TokenFile, Tokens
from tests.clocks import FakeClock
from tests.unit.transport.scripted import HOST, Peer, ScriptedServer

START = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
GRANT = Grant("me", "client", "https://login.example.com/token")
CANARY = "kanarienvogel-4711"


def tokens(number: int, *, minutes: int = 60) -> Tokens:
    end = START + timedelta(minutes=minutes)
    return Tokens(f"access-{number}", f"refresh-{number}", START, end, "mail")


class Setting:
    """An account whose tokens come from a scripted provider."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock(START)
        self.file = TokenFile(folder / "tokens" / "work.json", GRANT)
        self.answers: list[tuple[int, object]] = []
        self.heard = b""
        self.asked = 0

    def script(self, peer: Peer) -> None:
        head = b""
        while line := peer.line():
            head += line + b"\r\n"
        status, body = self.answers[self.asked]
        self.asked += 1
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        peer.say(
            b"HTTP/1.1 %d said\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            % (status, len(content))
            + content
        )
        peer.wait_for_end()

    def keep(self, kept: Tokens) -> None:
        with self.file.locked():
            self.file.write(kept)


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


def client(setting: Setting, port: int) -> OAuthClient:
    address = f"http://{HOST}:{port}"
    provider = generic(f"{address}/token", None, f"{address}/device", ("mail",))
    return OAuthClient(provider, "client", lambda: "", setting.clock)


def access(setting: Setting, *answers: tuple[int, object], times: int = 1) -> list[str]:
    """Ask for the access token so many times while the provider answers so."""
    setting.answers = list(answers)
    setting.asked = 0
    with ScriptedServer(setting.script) as server:
        secret = AccessToken(
            "work", setting.file, lambda: client(setting, server.port), setting.clock
        )
        try:
            return [secret() for _ in range(times)]
        finally:
            setting.heard = bytes(server.heard)


def fresh(number: int, **more: object) -> tuple[int, object]:
    fields = {"access_token": f"access-{number}", "expires_in": 3600, "token_type": "Bearer"}
    return 200, fields | {"refresh_token": f"refresh-{number}"} | more


def test_a_fresh_token_is_used_without_asking(setting: Setting) -> None:
    setting.keep(tokens(1))

    assert access(setting) == ["access-1"]


def test_a_token_is_renewed_before_it_ends_and_only_once(setting: Setting) -> None:
    setting.keep(tokens(1))
    setting.clock.instant += timedelta(minutes=56)

    given = access(setting, fresh(2), times=3)

    assert given == ["access-2"] * 3
    assert b"refresh-1" in setting.heard


def test_a_renewed_token_is_on_disk_before_it_is_given(setting: Setting) -> None:
    setting.keep(tokens(1))
    setting.clock.instant += timedelta(hours=2)

    access(setting, fresh(2))

    kept = setting.file.read()
    assert kept is not None
    assert (kept.access, kept.refresh) == ("access-2", "refresh-2")
    assert setting.file.path.stat().st_mode & 0o777 == 0o600


def test_a_provider_without_rotation_keeps_the_refresh_token(setting: Setting) -> None:
    setting.keep(tokens(1))
    setting.clock.instant += timedelta(hours=2)

    access(setting, (200, {"access_token": "access-2", "expires_in": "3600"}))

    kept = setting.file.read()
    assert kept is not None
    assert kept.refresh == "refresh-1"


def test_threads_that_need_a_token_at_once_use_one_refresh(setting: Setting) -> None:
    setting.keep(tokens(1))
    setting.clock.instant += timedelta(hours=2)
    setting.answers = [fresh(2)]
    given: list[str] = []

    with ScriptedServer(setting.script) as server:

        def ask() -> None:  # each with an object of its own, as processes have
            secret = AccessToken(
                "work", setting.file, lambda: client(setting, server.port), setting.clock
            )
            given.append(secret())

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert given == ["access-2"] * 8


def test_a_refused_refresh_needs_a_login_and_is_not_repeated(setting: Setting) -> None:
    setting.keep(tokens(1))
    setting.clock.instant += timedelta(hours=2)
    refusal = {"error": "invalid_grant", "error_description": "refresh-1 is used up"}

    with pytest.raises(NeedsLogin) as first:
        access(setting, (400, refusal))
    with pytest.raises(NeedsLogin) as second:
        access(setting)

    assert "invalid_grant: *** is used up" in str(first.value)
    assert str(second.value) == str(first.value)
    assert second.value.exit_code == 11


@pytest.mark.parametrize(
    "answer",
    [(503, b"<html>"), (429, {"error": "slow"}), (400, {"error": "temporarily_unavailable"})],
    ids=["503", "429", "unavailable"],
)
def test_a_busy_provider_leaves_the_login_as_it_is(
    setting: Setting, answer: tuple[int, object]
) -> None:
    setting.keep(tokens(1))
    setting.clock.instant += timedelta(hours=2)

    with pytest.raises(ServerBusy):
        access(setting, answer)

    assert setting.file.refusal() is None
    assert access(setting, fresh(2)) == ["access-2"]


def test_while_the_provider_is_busy_the_present_token_will_do(setting: Setting) -> None:
    setting.keep(tokens(1))
    setting.clock.instant += timedelta(minutes=57)

    assert access(setting, (503, b"")) == ["access-1"]


def test_a_provider_that_cannot_be_reached_may_be_tried_again(setting: Setting) -> None:
    setting.keep(tokens(1))
    setting.clock.instant += timedelta(hours=2)
    with ScriptedServer(setting.script) as server:
        port = server.port
    gone = AccessToken("work", setting.file, lambda: client(setting, port), setting.clock)

    with pytest.raises(ConnectionLost) as caught:
        gone()

    assert "refresh-1" not in str(caught.value)
    assert setting.file.refusal() is None


@pytest.mark.parametrize(
    "answer", [{"expires_in": 1}, {"access_token": ""}, {"access_token": 7}]
)
def test_an_answer_without_a_token_changes_nothing(setting: Setting, answer: object) -> None:
    setting.keep(tokens(1))
    setting.clock.instant += timedelta(hours=2)

    with pytest.raises(ProtocolViolation):
        access(setting, (200, answer))

    assert setting.file.read() == tokens(1)


def test_a_clock_that_went_back_makes_a_token_stale() -> None:
    assert not tokens(1).is_fresh(START - timedelta(days=1))


def test_tokens_of_another_user_or_provider_are_not_used(setting: Setting) -> None:
    setting.keep(tokens(1))

    for other in (
        Grant("you", GRANT.client_id, GRANT.token_endpoint),
        Grant("me", "other", GRANT.token_endpoint),
        Grant("me", GRANT.client_id, "https://evil.example.com/token"),
    ):
        assert TokenFile(setting.file.path, other).read() is None


def test_a_file_that_others_can_read_is_refused(setting: Setting) -> None:
    setting.keep(tokens(1))
    setting.file.path.chmod(0o640)

    with pytest.raises(ConfigurationError, match="others can read"):
        setting.file.read()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", CANARY.encode(), b'{"grant": 1'])
def test_a_damaged_file_is_named_without_its_content(setting: Setting, content: bytes) -> None:
    setting.keep(tokens(1))
    setting.file.path.write_bytes(content)

    with pytest.raises(ConfigurationError) as caught:
        setting.file.read()

    assert CANARY not in str(caught.value)
    assert caught.value.__suppress_context__


def test_tokens_never_show_themselves(setting: Setting) -> None:
    shown = repr(tokens(1)) + repr(client(setting, 1))
    shown += repr(AccessToken("work", setting.file, lambda: client(setting, 1), setting.clock))

    assert "access-1" not in shown
    assert "refresh-1" not in shown


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("authorization_pending", Pending),
        ("slow_down", Pending),
        ("expired_token", LoginRefused),
        ("access_denied", LoginRefused),
        ("invalid_client", LoginRefused),
    ],
)
def test_each_answer_to_a_device_code_is_understood(
    setting: Setting, error: str, kind: type[Exception]
) -> None:
    device = {"device_code": CANARY, "user_code": "ABCD", "verification_uri": "https://x"}
    setting.answers = [(200, device), (400, {"error": error})]

    with ScriptedServer(setting.script) as server:
        asking = client(setting, server.port)
        code = asking.device_code()
        with pytest.raises(kind) as caught:
            asking.by_device_code(code)

    assert CANARY not in str(caught.value)


def test_a_redirect_gives_its_code() -> None:
    assert code_in(" http://127.0.0.1:1/callback?code=a%2Fb&state=s\n", "s") == "a/b"


@pytest.mark.parametrize(
    "address", ["", "code", "http://x/?code=1", "http://x/?code=1&state=t", "http://x/?error=no&state=s"]
)  # fmt: skip
def test_a_redirect_of_another_login_is_refused(address: str) -> None:
    with pytest.raises(LoginRefused):
        code_in(address, "s")


def test_the_code_challenge_is_that_of_rfc_7636() -> None:
    provider = generic(
        "https://x/token", "https://x/authorize", None, ("mail", "offline_access")
    )
    asking = OAuthClient(provider, "client", lambda: "", FakeClock(START))

    page = asking.authorization_page(
        "http://127.0.0.1:1/callback", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "state"
    )

    assert "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" in page
    assert "code_challenge_method=S256" in page


def test_the_large_providers_are_asked_for_mail_alone() -> None:
    assert google(()).scope == "https://mail.google.com/"
    assert google(()).device_endpoint is None
    assert "IMAP.AccessAsUser.All" in microsoft("imap", "consumers", ()).scope
    assert "POP.AccessAsUser.All" in microsoft("pop3", "organizations", ()).scope


@pytest.mark.parametrize(
    ("user", "tenant"),
    [
        ("me@outlook.com", "consumers"),
        ("me@hotmail.co.uk", "consumers"),
        ("me@example.com", "organizations"),
        ("me@example.onmicrosoft.com", "organizations"),
    ],
)
def test_the_tenant_follows_from_the_address(user: str, tenant: str) -> None:
    assert tenant_of(user) == tenant
