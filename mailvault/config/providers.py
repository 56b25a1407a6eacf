"""What large providers need: server, port, TLS, user name, and what they demand of people."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """How an address is read from its provider's server.

    ``oauth`` is who gives tokens; without ``takes_passwords`` there is no other login.
    In ``demands``, NAME stands for the account.
    """

    name: str
    host: str
    port: int = 993
    tls: str = "implicit"
    demands: tuple[str, ...] = ()
    user_is_local_part: bool = False
    pop3_host: str | None = None
    oauth: str | None = None
    takes_passwords: bool = True

    def host_of(self, protocol: str) -> str | None:
        return self.pop3_host if protocol == "pop3" else self.host

    def port_of(self, protocol: str) -> int:
        return 995 if (protocol, self.port) == ("pop3", 993) else self.port

    def user(self, address: str) -> str:
        return address.partition("@")[0] if self.user_is_local_part else address


GMAIL = Preset(
    "gmail",
    "imap.gmail.com",
    demands=(
        (
            "Gmail takes no account password: switch on 2-step verification, then make an app"
            " password at https://myaccount.google.com/apppasswords"
        ),
        "or sign in by OAuth2 with mailvault login: docs/oauth.md",
        (
            'Settings, Forwarding and POP/IMAP: every label needs "Show in IMAP", and no limit'
            " on the size of folders"
        ),
    ),
    pop3_host="pop.gmail.com",
    oauth="google",
)
OUTLOOK = Preset(
    "outlook",
    "outlook.office365.com",
    demands=(
        (
            "Microsoft takes no passwords any more: docs/oauth.md says how to get the client_id"
            " for the table [accounts.NAME.oauth]; then sign in with mailvault login NAME"
        ),
        "Outlook.com: switch on Settings, Mail, Forwarding and IMAP",
    ),
    pop3_host="outlook.office365.com",
    oauth="microsoft",
    takes_passwords=False,
)
YAHOO = Preset(
    "yahoo",
    "export.imap.mail.yahoo.com",  # the ordinary host shows 10,000 messages of a folder
    demands=(
        "Yahoo wants an app password: Account security, Generate app password",
        "export.imap.mail.yahoo.com is Yahoo's server that shows all messages of a folder",
    ),
    pop3_host="pop.mail.yahoo.com",
)
ICLOUD = Preset(
    "icloud",
    "imap.mail.me.com",
    demands=("iCloud wants an app-specific password: https://account.apple.com",),
    user_is_local_part=True,
)
FASTMAIL = Preset(
    "fastmail",
    "imap.fastmail.com",
    demands=(
        (
            "Fastmail wants an app password with access to IMAP: Settings, Privacy & Security,"
            " Manage app passwords; the Basic plan has no IMAP"
        ),
    ),
    pop3_host="pop.fastmail.com",
)
_GMX_DEMANDS = (
    "GMX refuses the login until IMAP is switched on: Settings, POP3 & IMAP",
    "with two-factor authentication GMX wants an application-specific password",
)
GMX_NET = Preset("gmx", "imap.gmx.net", demands=_GMX_DEMANDS, pop3_host="pop.gmx.net")
GMX_COM = Preset("gmx", "imap.gmx.com", demands=_GMX_DEMANDS, pop3_host="pop.gmx.com")
PROTON = Preset(
    "proton",
    "127.0.0.1",
    port=1143,
    tls="starttls",
    demands=(
        (
            "Proton is read through Proton Mail Bridge, which must run on this machine (paid"
            " plans only); the password is the one that Bridge shows"
        ),
        (
            "Bridge's certificate is its own: export it in Bridge's settings and name it with"
            " --ca-file, or its tls_fingerprint"
        ),
    ),
)

_PRESETS = {
    GMAIL: ("gmail.com", "googlemail.com"),
    OUTLOOK: (
        *("outlook.com", "hotmail.com", "live.com", "msn.com", "outlook.de", "hotmail.de"),
        *("hotmail.co.uk", "hotmail.fr", "live.de", "live.fr", "live.co.uk"),
    ),
    YAHOO: (
        *("yahoo.com", "ymail.com", "rocketmail.com", "yahoo.de", "yahoo.fr", "yahoo.it"),
        *("yahoo.es", "yahoo.co.uk", "yahoo.co.in", "yahoo.ca", "yahoo.com.br"),
    ),
    ICLOUD: ("icloud.com", "me.com", "mac.com"),
    FASTMAIL: ("fastmail.com", "fastmail.fm", "messagingengine.com"),
    GMX_NET: ("gmx.de", "gmx.net", "gmx.at", "gmx.ch"),
    GMX_COM: ("gmx.com", "gmx.us", "gmx.co.uk", "gmx.fr"),
    PROTON: ("proton.me", "protonmail.com", "protonmail.ch", "pm.me"),
}
_BY_DOMAIN = {domain: preset for preset, domains in _PRESETS.items() for domain in domains}
_BY_HOST = {
    "imap.gmail.com": GMAIL,
    "outlook.office365.com": OUTLOOK,
    "imap.mail.yahoo.com": YAHOO,
    "imap.mail.me.com": ICLOUD,
    "imap.fastmail.com": FASTMAIL,
}


def preset_for(domain: str) -> Preset | None:
    """The provider of a domain that is known by heart."""
    return _BY_DOMAIN.get(domain.lower())


def preset_of_host(host: str) -> Preset | None:
    """The provider whose server a domain of its customer's named."""
    return _BY_HOST.get(host.lower().rstrip("."))
