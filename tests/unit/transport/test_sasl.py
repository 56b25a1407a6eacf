import base64
import hashlib
import hmac
from collections.abc import Callable

import pytest

from mailvault.errors import LoginRefused, MailvaultError, ProtocolViolation, TlsRefused
from mailvault.transport.endpoint import Login
from mailvault.transport.sasl import CramMd5, Exchange, LoginMechanism, Plain, choose
from mailvault.transport.saslprep import saslprep, saslprep_if_possible
from mailvault.transport.scram import Scram

EVERYTHING = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "XOAUTH2")


def pencil() -> str:
    return "pencil"


def never_asked() -> str:
    raise AssertionError("the password was asked for too early")


def fixed(nonce: str) -> Callable[[], str]:
    return lambda: nonce


def test_plain_says_what_rfc_4616_says() -> None:
    assert Plain("tim", lambda: "tanstaaftanstaaf").initial == b"\0tim\0tanstaaftanstaaf"


@pytest.mark.parametrize("password", ["", "pässwörd €", " blanks ", 'quo"te\\'])
def test_plain_and_login_send_any_password_as_it_is(password: str) -> None:
    login = LoginMechanism("jürgen", lambda: password)

    assert Plain("jürgen", lambda: password).initial == f"\0jürgen\0{password}".encode()
    assert login.respond(b"Username:") == "jürgen".encode()
    assert login.respond(b"Password:") == password.encode()


def test_plain_refuses_a_password_that_would_become_another_field() -> None:
    with pytest.raises(LoginRefused) as caught:
        _ = Plain("tim", lambda: "secret\0more").initial

    assert "secret" not in str(caught.value)


def test_cram_md5_answers_as_in_rfc_2195() -> None:
    exchange = CramMd5("tim", lambda: "tanstaaftanstaaf")

    answer = exchange.respond(b"<1896.697170952@postoffice.reston.mci.net>")

    assert answer == b"tim b913a602c7eda7a495b4e6e7334d3890"


def test_scram_sha_1_speaks_as_in_rfc_5802() -> None:
    exchange = Scram("sha1", "user", pencil, nonce=fixed("fyko+d2lbbFgONRv9qkxdawL"))

    assert exchange.initial == b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"
    assert exchange.respond(
        b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"
    ) == (b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")
    assert not exchange.is_proven
    assert exchange.respond(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=") == b""
    assert exchange.is_proven


def test_scram_sha_256_speaks_as_in_rfc_7677() -> None:
    exchange = Scram("sha256", "user", pencil, nonce=fixed("rOprNGfwEbeRWgbNEkqO"))

    assert exchange.initial == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert exchange.respond(
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    ) == (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
        b",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    assert exchange.respond(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=") == b""
    assert exchange.is_proven


def test_scram_asks_for_the_password_only_at_the_proof() -> None:
    exchange = Scram("sha256", "user", never_asked)

    assert exchange.initial.startswith(b"n,,n=user,r=")


def test_scram_writes_commas_and_equals_signs_of_a_name_as_codes() -> None:
    assert Scram("sha1", "a=b,c", pencil, nonce=fixed("x")).initial == b"n,,n=a=3Db=2Cc,r=x"


def test_scram_never_uses_a_nonce_twice() -> None:
    assert Scram("sha1", "u", pencil).initial != Scram("sha1", "u", pencil).initial


@pytest.mark.parametrize(
    "server_first",
    [
        b"r=other,s=QSXCR+Q6sek8bf92,i=4096",
        b"r=mine,s=QSXCR+Q6sek8bf92,i=4096",
        b"r=mineX,s=QSXCR+Q6sek8bf92,i=1",
        b"r=mineX,s=QSXCR+Q6sek8bf92,i=99999999999999",
        b"r=mineX,s=QSXCR+Q6sek8bf92,i=2000001",
        b"r=mineX,s=!!!,i=4096",
        b"r=mineX,s=QSXCR+Q6sek8bf92,i=many",
        b"m=ext,r=mineX,s=QSXCR+Q6sek8bf92,i=4096",
        b"",
        b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ],
)
def test_scram_proves_nothing_to_a_challenge_that_is_unsafe(server_first: bytes) -> None:
    exchange = Scram("sha1", "user", never_asked, nonce=fixed("mine"))

    with pytest.raises(ProtocolViolation):
        exchange.respond(server_first)


@pytest.mark.parametrize(
    "server_final",
    [b"v=AAAAAAAAAAAAAAAAAAAAAAAAAAA=", b"v=", b"", b"e=invalid-proof", b"v=?", b"x=1"],
)
def test_scram_believes_no_server_without_its_proof(server_final: bytes) -> None:
    exchange = Scram("sha1", "user", pencil, nonce=fixed("mine"))
    exchange.respond(b"r=mineX,s=QSXCR+Q6sek8bf92,i=4096")

    with pytest.raises(LoginRefused):
        exchange.respond(server_final)
    assert not exchange.is_proven


@pytest.mark.parametrize("password", ["", "pässwörd", "\u00adx\u00aa", "\x07bell", "日本語"])
def test_scram_agrees_with_a_server_about_any_password(password: str) -> None:
    exchange = Scram("sha256", "jürgen", lambda: password)
    first_bare = exchange.initial.removeprefix(b"n,,")
    nonce = first_bare.partition(b"r=")[2]
    server_first = b"r=" + nonce + b"server,s=" + base64.b64encode(b"salty") + b",i=4096"

    final = exchange.respond(server_first)

    salted = hashlib.pbkdf2_hmac(
        "sha256", saslprep_if_possible(password).encode(), b"salty", 4096
    )
    without_proof, _, proof = final.rpartition(b",p=")
    message = b",".join((first_bare, server_first, without_proof))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
    expected = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    assert base64.b64decode(proof) == expected


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("", ""),
    ],
)
def test_saslprep_prepares_as_rfc_4013_shows(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared


@pytest.mark.parametrize(
    "text", ["\u0007", "\u0627\u0031", "\u0627a\u0627", "\ud800", "\ue000"]
)
def test_saslprep_refuses_what_rfc_4013_forbids(text: str) -> None:
    with pytest.raises(ValueError, match=r"character|text"):
        saslprep(text)


def chosen(
    offered: tuple[str, ...],
    *,
    mechanism: str = "auto",
    is_private: bool = True,
    may_carry_secrets: bool = True,
    may_use_command: bool = True,
) -> str | None:
    exchange = choose(
        Login("tim", never_asked, mechanism),
        offered,
        is_private=is_private,
        may_carry_secrets=may_carry_secrets,
        may_use_command=may_use_command,
    )
    return exchange.name if exchange else None


@pytest.mark.parametrize(
    ("offered", "name"),
    [
        (EVERYTHING, "SCRAM-SHA-256"),
        (("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1"), "SCRAM-SHA-1"),
        (("PLAIN", "LOGIN", "CRAM-MD5"), "PLAIN"),
        (("LOGIN", "CRAM-MD5"), "LOGIN"),
        (("CRAM-MD5",), "CRAM-MD5"),
        (("XOAUTH2",), None),
        ((), None),
    ],
)
def test_the_best_mechanism_under_tls_is_chosen(
    offered: tuple[str, ...], name: str | None
) -> None:
    assert chosen(offered) == name


@pytest.mark.parametrize(
    ("offered", "name"),
    [(EVERYTHING, "SCRAM-SHA-256"), (("PLAIN", "LOGIN", "CRAM-MD5"), "CRAM-MD5")],
)
def test_without_tls_a_challenge_is_preferred_to_the_password(
    offered: tuple[str, ...], name: str
) -> None:
    assert chosen(offered, is_private=False) == name


@pytest.mark.parametrize("offered", [("PLAIN", "LOGIN"), ()])
def test_the_password_is_never_sent_where_others_can_read_it(offered: tuple[str, ...]) -> None:
    with pytest.raises(TlsRefused):
        chosen(offered, is_private=False, may_carry_secrets=False)


@pytest.mark.parametrize("mechanism", ["plain", "login"])
def test_not_even_a_configured_mechanism_shows_the_password(mechanism: str) -> None:
    with pytest.raises(TlsRefused):
        chosen(EVERYTHING, mechanism=mechanism, is_private=False, may_carry_secrets=False)


@pytest.mark.parametrize("name", ["plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256"])
def test_a_configured_mechanism_is_the_one_used(name: str) -> None:
    assert chosen(EVERYTHING, mechanism=name) == name.upper()


def test_a_configured_mechanism_that_is_not_offered_is_refused() -> None:
    with pytest.raises(LoginRefused, match="does not offer cram-md5"):
        chosen(("PLAIN",), mechanism="cram-md5")


def test_logindisabled_leaves_no_way_when_nothing_else_is_offered() -> None:
    with pytest.raises(LoginRefused):
        chosen((), may_use_command=False)


EXCHANGES: list[Exchange] = [
    Plain("tim", lambda: "hunter2"),
    LoginMechanism("tim", lambda: "hunter2"),
    CramMd5("tim", lambda: "hunter2"),
    Scram("sha256", "tim", lambda: "hunter2"),
]


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.name)
def test_no_exchange_shows_its_password_or_goes_on_for_ever(exchange: Exchange) -> None:
    _ = exchange.initial
    assert "hunter2" not in repr(exchange)

    def go_on() -> None:
        for _ in range(5):
            exchange.respond(b"more")

    with pytest.raises(MailvaultError) as caught:
        go_on()
    assert "hunter2" not in str(caught.value)


def test_a_login_does_not_show_its_secret() -> None:
    assert "hunter2" not in repr(Login("tim", lambda: "hunter2"))
