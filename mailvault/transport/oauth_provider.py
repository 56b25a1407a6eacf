"""What differs between OAuth2 providers: addresses, scopes, and how somebody signs in."""

from dataclasses import dataclass, field

GOOGLE_SCOPE = "https://mail.google.com/"
MICROSOFT_SCOPES = {
    "imap": "https://outlook.office.com/IMAP.AccessAsUser.All",
    "pop3": "https://outlook.office.com/POP.AccessAsUser.All",
}
# Domains of Microsoft's own mail service; anything else there is a company's.
CONSUMER_DOMAINS = ("outlook", "hotmail", "live", "msn")


@dataclass(frozen=True, slots=True)
class Provider:
    """Where tokens come from. Without a ``device_endpoint`` there is no device flow."""

    token_endpoint: str
    authorization_endpoint: str | None
    device_endpoint: str | None
    scopes: tuple[str, ...]
    redirect_uri: str = "http://127.0.0.1/callback"
    revocation_endpoint: str | None = None
    authorization_extras: dict[str, str] = field(default_factory=dict)

    @property
    def scope(self) -> str:
        return " ".join(self.scopes)


def google(scopes: tuple[str, ...]) -> Provider:
    """Google. Its device flow has no scope for mail, so there is none."""
    return Provider(
        token_endpoint="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
        authorization_endpoint="https://accounts.google.com/o/oauth2/v2/auth",
        device_endpoint=None,
        scopes=scopes or (GOOGLE_SCOPE,),
        redirect_uri="http://127.0.0.1",
        revocation_endpoint="https://oauth2.googleapis.com/revoke",
        # Without both there is no refresh token at the second login.
        authorization_extras={"access_type": "offline", "prompt": "consent"},
    )


def microsoft(protocol: str, tenant: str, scopes: tuple[str, ...]) -> Provider:
    base = f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0"
    return Provider(
        token_endpoint=f"{base}/token",
        authorization_endpoint=f"{base}/authorize",
        device_endpoint=f"{base}/devicecode",
        scopes=scopes or (MICROSOFT_SCOPES[protocol], "offline_access"),
        redirect_uri="http://localhost",
    )


def generic(
    token_endpoint: str,
    authorization_endpoint: str | None,
    device_endpoint: str | None,
    scopes: tuple[str, ...],
    revocation_endpoint: str | None = None,
) -> Provider:
    """Any other provider, by its addresses."""
    # OpenID Connect Core 11: offline_access is ignored unless consent is asked for.
    asks_for_refresh = "offline_access" in scopes
    extras = {"prompt": "consent"} if asks_for_refresh else {}
    return Provider(
        token_endpoint=token_endpoint,
        authorization_endpoint=authorization_endpoint,
        device_endpoint=device_endpoint,
        scopes=scopes,
        authorization_extras=extras,
        revocation_endpoint=revocation_endpoint,
    )


def tenant_of(user: str) -> str:
    """The tenant a Microsoft address belongs to, if nothing else is said."""
    domain = user.rpartition("@")[2].lower()
    is_consumer = domain.partition(".")[0] in CONSUMER_DOMAINS
    return "consumers" if is_consumer else "organizations"
