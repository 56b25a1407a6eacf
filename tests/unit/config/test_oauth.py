"""What the table ``oauth`` of an account may say, and what contradicts itself."""

from pathlib import Path

import pytest

from mailvault.config.load import parse
from mailvault.config.model import AccountSettings
from mailvault.errors import ConfigurationError

HEAD = (
    '[archive]\npath = "x"\n[accounts.work]\nprotocol = "imap"\nhost = "h"\nuser = "me@x.org"\n'
)
MICROSOFT = '[accounts.work.oauth]\nprovider = "microsoft"\nclient_id = "c"\n'
GENERIC = (
    '[accounts.work.oauth]\nclient_id = "c"\ntoken_endpoint = "https://x/token"\n'
    'device_endpoint = "https://x/device"\n'
)


def account(text: str) -> AccountSettings:
    path = Path("/etc/mail/mailvault.toml")
    return parse(text.encode(), path, is_private=True).accounts["work"]


MISTAKES = {
    "common": (MICROSOFT + 'tenant = "common"', 'work.oauth.tenant: must be "consumers"'),
    "tenant elsewhere": (GENERIC + 'tenant = "x"', "work.oauth.tenant: is for provider"),
    "no client": (
        '[accounts.work.oauth]\nprovider = "google"',
        "work.oauth.client_id: missing",
    ),
    "no tls": (GENERIC.replace("https://x/t", "http://x/t"), "must begin with https://"),
    "no way": (
        GENERIC.replace("device_end", "authorisation_end"),
        "needs authorization_endpoint",
    ),
    "password too": ('password_env = "X"\n' + GENERIC, "has a password and a table oauth"),
    "no table": (
        'auth = "xoauth2"\n',
        "accounts.work.auth: needs a table [accounts.work.oauth]",
    ),
    "plain": ('auth = "plain"\n' + GENERIC, 'accounts.work.auth: must be "xoauth2"'),
    "bearer there": ('auth = "oauthbearer"\n' + MICROSOFT, "Microsoft takes no other"),
    "redirect away": (GENERIC + 'redirect_uri = "http://x.org/"', "must be on this machine"),
    "command and client": (GENERIC + 'token_command = "x"', "means nothing with token_command"),
    "endpoint there": (
        MICROSOFT + 'token_endpoint = "https://x"',
        'is for provider = "generic"',
    ),
}


@pytest.mark.parametrize(("text", "mistake"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_named(text: str, mistake: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        account(HEAD + text)

    assert mistake in str(caught.value)


@pytest.mark.parametrize(
    ("text", "mechanism"),
    [
        (GENERIC, "oauthbearer"),
        (MICROSOFT, "xoauth2"),
        ('[accounts.work.oauth]\nprovider = "google"\nclient_id = "c"\n', "xoauth2"),
        ('[accounts.work.oauth]\ntoken_command = "x"\n', "xoauth2"),
        ('auth = "xoauth2"\n' + GENERIC, "xoauth2"),
    ],
    ids=["generic", "microsoft", "google", "command", "chosen"],
)
def test_auto_is_what_the_provider_takes(text: str, mechanism: str) -> None:
    assert account(HEAD + text).auth == mechanism


def test_tokens_are_kept_beside_the_configuration() -> None:
    settings = account(HEAD + GENERIC).oauth

    assert settings is not None
    assert settings.token_file == Path("/etc/mail/mailvault.tokens/work.json")
