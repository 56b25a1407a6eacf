"""The ways a configuration names to tell somebody. Secrets are read when they are needed."""

import os
import socket
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from mailvault import logins
from mailvault.alarms import wording
from mailvault.alarms.ledger import Event, Notice
from mailvault.alarms.wording import Place
from mailvault.config.model import Configuration, NotifySettings, SmtpSettings
from mailvault.config.secrets import read_address, read_secret

if TYPE_CHECKING:
    from mailvault.transport.endpoint import Login

Send: TypeAlias = Callable[[Notice], None]
"""Raises MailvaultError where it was not taken."""

COMMAND_SECONDS = 60.0
_GOOD = frozenset({Event.RECOVERY, Event.TEST})
_OWN = {Event.SUSPICION: "suspicion", Event.NEEDS_LOGIN: "needs_login"}


def channels_of(configuration: Configuration) -> Mapping[str, Send]:
    """By name, in the order of docs/alarms.md."""
    notify, place = configuration.notify, place_of(configuration)
    found: dict[str, Send] = {}
    if notify.email_to and notify.smtp is not None:
        found["mail"] = partial(_mail, configuration, place)
    if notify.webhook is not None:
        found["webhook"] = partial(_post, notify, place)
    if notify.command is not None or notify.commands:
        found["command"] = partial(_run, notify, place)
    if notify.apprise is not None:
        found["apprise"] = partial(_apprise, notify, place)
    return found


def place_of(configuration: Configuration) -> Place:
    return Place(socket.gethostname(), str(configuration.archive.path))


def ping(notify: NotifySettings, ending: str) -> None:
    """Call the ping's address: ``ending`` is "start", "fail", or "" for well."""
    from mailvault.transport.posting import call

    assert notify.ping is not None
    address = read_address("ping_url", notify.ping, os.environ).rstrip("/")
    call(f"{address}/{ending}" if ending else address, ca_file=notify.http_ca_file)


def _post(notify: NotifySettings, place: Place, notice: Notice) -> None:
    from mailvault.transport.posting import call

    assert notify.webhook is not None
    address = read_address("webhook_url", notify.webhook, os.environ)
    call(address, content=wording.as_json(notice, place), ca_file=notify.http_ca_file)


def _run(notify: NotifySettings, place: Place, notice: Notice) -> None:
    from mailvault.transport.programs import tell

    for command in filter(None, (notify.command, _own_command(notify, notice.event))):
        content, fields = wording.as_json(notice, place), wording.variables(notice)
        tell(command, content, fields, wait=COMMAND_SECONDS)


def _own_command(notify: NotifySettings, event: Event) -> tuple[str, ...] | None:
    commands = notify.commands
    match event:
        case Event.RECOVERY:
            return commands.get("recovery")
        case Event.DIGEST:
            return None
        case _:
            return commands.get(_OWN.get(event, "failure")) or commands.get("failure")


def _apprise(notify: NotifySettings, place: Place, notice: Notice) -> None:
    from mailvault.transport.apprising import apprise

    assert notify.apprise is not None
    apprise(
        read_address("apprise_urls", notify.apprise, os.environ),
        wording.title(notice, place),
        wording.text(notice, place),
        is_bad=_is_bad(notice),
    )


def _is_bad(notice: Notice) -> bool:
    if notice.roundup is not None:
        return bool(notice.roundup.attention())
    return notice.event not in _GOOD


def _mail(configuration: Configuration, place: Place, notice: Notice) -> None:
    from mailvault.transport.endpoint import Endpoint, Timeouts, TlsMode
    from mailvault.transport.submission import MailServer, submit

    notify = configuration.notify
    smtp = notify.smtp
    assert smtp is not None
    endpoint = Endpoint(
        smtp.host,
        smtp.port,
        TlsMode(smtp.tls),
        ca_file=smtp.ca_file,
        timeouts=Timeouts(command=20.0),
    )
    recipients = [parseaddr(each)[1] for each in notify.email_to]
    sender = parseaddr(notify.email_from or "")[1]
    server = MailServer(endpoint, _login(configuration, smtp))
    submit(server, letter(notify, place, notice), sender, recipients)


def letter(notify: NotifySettings, place: Place, notice: Notice) -> EmailMessage:
    """A notice as a message; nobody's absence notice answers it (RFC 3834 5)."""
    message = EmailMessage()
    message["From"] = notify.email_from or ""
    message["To"] = ", ".join(notify.email_to)
    message["Subject"] = wording.title(notice, place)
    message["Date"] = format_datetime(notice.at)
    domain = parseaddr(notify.email_from or "")[1].rpartition("@")[2]
    message["Message-ID"] = make_msgid(notice.id, domain or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message["X-Mailvault-Event"] = str(notice.event)
    message.set_content(wording.text(notice, place))
    return message


def _login(configuration: Configuration, smtp: SmtpSettings) -> "Login | None":
    from mailvault.transport.endpoint import Login

    if smtp.oauth_account is not None:
        login = logins.login(configuration.accounts[smtp.oauth_account])
        return Login(smtp.user or login.user, login.secret, "xoauth2")
    if smtp.user is None:
        return None
    secret = partial(read_secret, "notify.smtp", smtp.secret, os.environ)
    return Login(smtp.user, secret, smtp.auth)
