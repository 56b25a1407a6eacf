"""Alarms from the command line, to real listeners: HTTP, SMTP and a program."""

import json
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailvault.demo.sample import PASSWORD
from tests.servers.certificates import LOOPBACK_NAMES, Authority
from tests.servers.submission import Postbox
from tests.servers.webhook import CANARY, Listener
from tests.unit.cli.program import Setting


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    postbox = Postbox()
    yield postbox
    postbox.close()


def notify(setting: Setting, lines: str) -> None:
    with setting.configuration.open("a") as file:
        file.write(f"\n[notify]\n{lines}\n")


def mail_to(postbox: Postbox) -> str:
    return (
        'email_to = ["Jürgen <me@example.com>"]\nemail_from = "mailvault@example.com"\n'
        f'smtp_host = "127.0.0.1"\nsmtp_tls = "none"\nsmtp_port = {postbox.port}\n'
    )


def refusing(account: str) -> str:
    return account.replace(f'"{PASSWORD}"', f'"{CANARY}"')


def test_a_trouble_is_one_mail_and_its_end_is_one(
    setting: Setting, account: str, postbox: Postbox
) -> None:
    setting.configure(work=refusing(account))
    notify(setting, mail_to(postbox))
    setting.run("init")
    assert setting.run("sync").code == 11
    assert setting.run("sync").code == 11
    (mail,) = postbox.messages
    assert "work: failure" in mail["Subject"]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"]
    assert mail["Date"]

    setting.configure(work=account)
    notify(setting, mail_to(postbox))
    assert setting.run("sync").code == 0
    assert setting.run("sync").code == 0

    (_, over) = postbox.messages
    assert "work: recovered" in over["Subject"]
    assert CANARY not in mail.as_string() + over.as_string()


def test_no_log_and_no_file_holds_a_password_or_an_address(
    setting: Setting, account: str, listener: Listener
) -> None:
    listener.status = 500
    setting.configure(work=refusing(account))
    notify(setting, f'ping_url = "{listener.url}"\nwebhook_url = "{listener.url}"')
    setting.run("init")

    outcome = setting.run("-vv", "sync")

    assert "127.0.0.1" in outcome.stderr
    assert CANARY not in outcome.stderr + outcome.stdout
    assert CANARY.encode() not in (setting.archive / "alarms.json").read_bytes()


def test_an_alarm_that_nobody_took_is_sent_by_the_next_command(
    setting: Setting, account: str, listener: Listener
) -> None:
    setting.configure(work=refusing(account))
    notify(setting, f'webhook_url = "{listener.url}"')
    setting.run("init")
    listener.status = 503
    setting.run("sync")
    listener.heard.clear()
    listener.status = 200

    setting.run("verify")

    (posted,) = listener.posted()
    assert (posted["event"], posted["kind"], posted["account"]) == ("failure", "login", "work")


def test_pings_say_that_a_run_began_and_how_it_ended(
    setting: Setting, account: str, listener: Listener
) -> None:
    setting.configure(work=account)
    notify(setting, f'ping_url = "{listener.url}"')
    setting.run("init")
    setting.run("sync")
    assert listener.called()[-1] == ""
    setting.configure(work=refusing(account))
    notify(setting, f'ping_url = "{listener.url}"')

    setting.run("sync")

    assert listener.called()[-1] == "/fail"
    assert set(listener.called()) <= {"", "/start", "/fail"}


def test_one_channel_that_fails_stops_no_other(
    setting: Setting, account: str, listener: Listener, postbox: Postbox
) -> None:
    listener.status = 404
    setting.configure(work=refusing(account))
    notify(setting, mail_to(postbox) + f'webhook_url = "{listener.url}"\ncommand = "/absent"')
    setting.run("init")

    setting.run("sync")

    assert len(postbox.messages) == 1


def test_an_archive_that_is_not_there_is_one_alarm(
    setting: Setting, account: str, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(setting.folder / "state"))
    setting.configure(work=account)
    notify(setting, mail_to(postbox))

    assert setting.run("sync").code == 20
    assert setting.run("sync").code == 20

    (mail,) = postbox.messages
    assert "archive" in mail.get_content()


def test_a_mistake_on_the_command_line_alarms_nobody(
    setting: Setting, account: str, postbox: Postbox
) -> None:
    setting.configure(work=account)
    notify(setting, mail_to(postbox))
    setting.run("init")

    assert setting.run("sync", "nobody").code == 2
    assert setting.run("drill", "--sample", "0").code == 2

    assert postbox.messages == []


def test_a_program_gets_the_alarm_on_its_input_and_in_its_environment(
    setting: Setting, account: str
) -> None:
    script = setting.folder / "alarm.py"
    script.write_text(
        "import json, os, pathlib, sys\n"
        "told = json.load(sys.stdin) | {'variable': os.environ['MAILVAULT_EVENT']}\n"
        "pathlib.Path(sys.argv[1]).write_text(json.dumps(told))\n"
    )
    setting.configure(work=refusing(account))
    file = setting.folder / "told $(x).json"
    notify(setting, f"on_failure = {json.dumps([sys.executable, str(script), str(file)])}")
    setting.run("init")

    setting.run("sync")

    told = json.loads(file.read_text())
    assert (told["schema"], told["event"], told["variable"]) == (1, "failure", "failure")
    assert told["exit_code"] == 11


def test_damage_that_verify_finds_is_told_and_told_to_be_over_by_no_quick_look(
    setting: Setting, account: str, listener: Listener
) -> None:
    setting.configure(work=account)
    notify(setting, f'webhook_url = "{listener.url}"')
    setting.run("init")
    setting.run("sync")
    (volume,) = (setting.archive / "content").glob("*.db")
    content = bytearray(volume.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4000] = bytes(4000)
    volume.write_bytes(content)

    assert setting.run("verify").code == 4

    assert [each["kind"] for each in listener.posted()] == ["damage"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Apprise's own
def test_notify_test_says_of_each_channel_how_it_went(
    setting: Setting, listener: Listener, postbox: Postbox
) -> None:
    assert setting.run("notify", "test").code == 2
    url = listener.url.replace("http", "json")
    notify(
        setting, mail_to(postbox) + f'webhook_url = "{listener.url}"\napprise_urls = ["{url}"]'
    )

    tested = setting.run("notify", "test", "--json")

    assert tested.code == 0
    told = tested.document()["channels"]
    assert [each["channel"] for each in told] == ["mail", "webhook", "apprise"]
    assert len(listener.posted()) == 2
    listener.status = 302
    failed = setting.run("notify", "test", "--channel", "webhook")
    assert failed.code == 10
    assert "redirects" in failed.stderr
    assert CANARY not in failed.stderr


def test_an_https_listener_must_prove_who_it_is(setting: Setting) -> None:
    authority = Authority.create(setting.folder)
    certificate = authority.certify(*LOOPBACK_NAMES)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate_file, certificate.key_file)
    listener = Listener(context)
    try:
        notify(setting, f'webhook_url = "{listener.url}"')
        refused = setting.run("notify", "test")
        with setting.configuration.open("a") as file:
            file.write('http_ca_file = "ca.pem"\n')
        trusted = setting.run("notify", "test")
    finally:
        listener.close()

    assert refused.code == 10
    assert "certificate" in refused.stderr
    assert trusted.code == 0
    assert len(listener.posted()) == 1


def test_addresses_may_come_from_a_file_that_nobody_else_reads(
    setting: Setting, listener: Listener
) -> None:
    secret = Path(setting.folder / "hook.secret")
    secret.write_text(listener.url + "\n")
    secret.chmod(0o600)
    notify(setting, 'webhook_url_file = "hook.secret"')

    assert setting.run("notify", "test").code == 0

    assert len(listener.posted()) == 1


def test_an_account_that_never_succeeds_is_told_when_its_time_is_over(
    setting: Setting, account: str, listener: Listener
) -> None:
    setting.configure(work=account)
    notify(setting, f'webhook_url = "{listener.url}"\nno_success_for = "1s"')
    setting.run("init")
    setting.run("verify")  # sees the account for the first time
    for _ in range(200):
        setting.run("verify", "--quick")
        if listener.posted():
            break

    setting.run("sync")

    told = [(each["event"], each["kind"]) for each in listener.posted()]
    assert told == [("failure", "no-success"), ("recovery", "no-success")]
