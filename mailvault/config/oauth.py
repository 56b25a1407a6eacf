"""Reads the tables ``[accounts.NAME.oauth]`` and says what does not fit an account's login."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from mailvault.config import values
from mailvault.config.model import AccountSettings, OAuthSettings
from mailvault.config.secret_keys import read_secret_source
from mailvault.config.section import Section

PROVIDERS = ("google", "microsoft", "generic")
TOKEN_MECHANISMS = ("xoauth2", "oauthbearer")
KEYS_OF_GENERIC = (
    *("token_endpoint", "authorization_endpoint", "device_endpoint", "revocation_endpoint"),
    "ca_file",
)
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def read_oauth(
    account: Section, path: Callable[[object], Path], token_file: Path, *, is_private: bool
) -> OAuthSettings | None:
    """Read an account's table ``oauth``, if it has one."""
    section = account.table("oauth")
    if "oauth" not in account:
        return None
    settings = OAuthSettings(
        provider=section.read("provider", values.choice(*PROVIDERS), "generic"),
        client_id=section.read("client_id", client_id, ""),
        client_secret=read_secret_source(
            section, path, is_private=is_private, name="client_secret"
        ),
        tenant=section.read("tenant", tenant, None),
        scopes=section.read("scopes", scopes, ()),
        token_endpoint=section.read("token_endpoint", endpoint, None),
        authorization_endpoint=section.read("authorization_endpoint", endpoint, None),
        device_endpoint=section.read("device_endpoint", endpoint, None),
        revocation_endpoint=section.read("revocation_endpoint", endpoint, None),
        redirect_uri=section.read("redirect_uri", redirect_uri, None),
        ca_file=section.read("ca_file", path, None),
        token_command=section.read("token_command", values.command, None),
        token_file=token_file,
    )
    section.finish()
    _complain(settings, section)
    return settings


def mechanism_of(account: AccountSettings) -> str:
    """What ``auto`` means for an account with tokens: the mechanism its provider takes."""
    if account.oauth is None or account.auth != "auto":
        return account.auth
    is_standard = account.oauth.provider == "generic" and not account.oauth.token_command
    return "oauthbearer" if is_standard else "xoauth2"


def complain_of_logins(account: AccountSettings, section: Section) -> None:
    """Note what contradicts itself between ``auth``, the password and the table ``oauth``."""
    if account.oauth is None:
        if account.auth in TOKEN_MECHANISMS:
            section.complain(f"needs a table [{section.path}.oauth]", "auth")
        return
    if account.auth not in ("auto", *TOKEN_MECHANISMS):
        section.complain('must be "xoauth2" or "oauthbearer" with a table oauth', "auth")
    if account.oauth.provider == "microsoft" and account.auth == "oauthbearer":
        section.complain('must be "xoauth2": Microsoft takes no other', "auth")
    if account.secret is not None:
        section.complain("has a password and a table oauth; keep one of them")


def client_id(value: object) -> str:
    """Empty as long as nobody has registered a client; a login then says so."""
    return "" if value == "" else values.text(value)


def endpoint(value: object) -> str:
    """An address tokens may be sent to: over TLS, or on this machine."""
    address = values.url(value)
    if not address.startswith("https://") and urlsplit(address).hostname not in LOOPBACK:
        raise ValueError("must begin with https://")
    return address


def redirect_uri(value: object) -> str:
    address = values.url(value)
    if urlsplit(address).scheme != "http" or urlsplit(address).hostname not in LOOPBACK:
        raise ValueError("must be on this machine, such as http://127.0.0.1/callback")
    return address


def tenant(value: object) -> str:
    name = values.text(value)
    # Tokens of "common" are not accepted for mail.
    if name == "common" or not name.replace("-", "").replace(".", "").isalnum():
        raise ValueError('must be "consumers", "organizations" or the name of a tenant')
    return name


def scopes(value: object) -> tuple[str, ...]:
    return tuple(values.text(value).split()) if isinstance(value, str) else _listed(value)


def _listed(value: object) -> tuple[str, ...]:
    names = values.text_list(value)
    if any(len(name.split()) != 1 for name in names):
        raise ValueError("must be a list of scopes without blanks")
    return names


def _complain(settings: OAuthSettings, section: Section) -> None:
    if settings.token_command is not None:
        for key in ("client_id", *KEYS_OF_GENERIC):
            if key in section:
                section.complain("means nothing with token_command; remove one of them", key)
        return
    if "client_id" not in section:
        section.complain(
            'missing; write for instance client_id = "..." (docs/oauth.md says where to '
            "get one), or token_command",
            "client_id",
        )
    if settings.tenant is not None and settings.provider != "microsoft":
        section.complain('is for provider = "microsoft"; remove it', "tenant")
    if settings.provider != "generic":
        for key in KEYS_OF_GENERIC:
            if key in section:
                section.complain('is for provider = "generic"; remove it', key)
    elif settings.token_endpoint is None:
        section.complain("missing; the provider's documentation names it", "token_endpoint")
    elif not (settings.authorization_endpoint or settings.device_endpoint):
        section.complain("needs authorization_endpoint or device_endpoint, or both")
