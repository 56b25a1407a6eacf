"""Alarms by mail through Dovecot's submission service: private, logged in, or not at all."""

import json
import signal
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailvault import wiring
from mailvault.alarms.alarms import send_all
from mailvault.alarms.channels import channels_of
from mailvault.alarms.ledger import Event, Notice
from mailvault.config.load import load
from tests.conftest import available
from tests.corpus.ordinary import generate
from tests.server.accounts import append_all
from tests.server.unattended import schedule, start_daemon
from tests.server.vault import Vault
from tests.servers.submission import SubmissionDovecot
from tests.servers.users import MailUser, new_user
from tests.servers.webhook import Listener

pytestmark = pytest.mark.server
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def submission() -> Iterator[SubmissionDovecot]:
    with available(server := SubmissionDovecot()):
        yield server


@pytest.fixture
def user(submission: SubmissionDovecot) -> MailUser:
    submission.postbox.messages.clear()
    return new_user(submission)


@pytest.fixture
def vault(tmp_path: Path, user: MailUser) -> Vault:
    vault = Vault(tmp_path, user)
    wiring.create_archive(load(vault.configuration)).close()
    return vault


def notify(vault: Vault, submission: SubmissionDovecot, **more: str) -> None:
    """Mail by STARTTLS, with a login; ``more`` are other keys, and win."""
    keys = {
        "email_to": '["me@example.com"]',
        "email_from": '"mailvault@example.com"',
        "smtp_host": '"localhost"',
        "smtp_tls": '"starttls"',
        "smtp_port": str(submission.ports["submission"]),
        "smtp_user": f'"{vault.user.name}"',
        "smtp_password": f'"{vault.user.password}"',
        "smtp_ca_file": f'"{submission.ca_file}"',
    } | more
    with vault.configuration.open("a") as file:
        lines = "".join(f"{key} = {value}\n" for key, value in keys.items() if value)
        file.write(f"\n[notify]\n{lines}")


@pytest.mark.parametrize("auth", ["auto", "plain", "login"])
def test_mail_goes_out_after_starttls_and_a_login(
    vault: Vault, submission: SubmissionDovecot, auth: str
) -> None:
    notify(vault, submission, smtp_auth=f'"{auth}"')

    vault.run("notify", "test")

    (mail,) = submission.postbox.messages
    assert mail["To"] == "me@example.com"


def test_mail_goes_out_with_tls_from_the_first_octet(
    vault: Vault, submission: SubmissionDovecot
) -> None:
    port = str(submission.ports["submissions"])
    notify(vault, submission, smtp_tls='"implicit"', smtp_port=port)

    vault.run("notify", "test")

    assert len(submission.postbox.messages) == 1


def test_mail_goes_out_without_tls_on_this_machine(
    vault: Vault, submission: SubmissionDovecot
) -> None:
    notify(vault, submission, smtp_host='"127.0.0.1"', smtp_tls='"none"', smtp_ca_file="")

    vault.run("notify", "test")

    assert len(submission.postbox.messages) == 1


REFUSED = {
    "a wrong password": ({"smtp_password": '"canary-4711"'}, "refuses the login"),
    "an authority nobody knows": ({"smtp_ca_file": ""}, "certificate"),
    "a mechanism that is not offered": (
        {"smtp_user": "", "smtp_password": ""},
        "does not take the mail",
    ),
}


@pytest.mark.parametrize(("keys", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_nothing_is_sent_to_who_is_not_trusted_or_does_not_trust(
    vault: Vault, submission: SubmissionDovecot, keys: dict[str, str], words: str
) -> None:
    notify(vault, submission, **keys)

    tested = vault.run("notify", "test", code=10)

    assert words in tested.stderr
    assert "canary" not in tested.stderr
    assert not submission.postbox.messages


def test_starttls_that_the_server_does_not_have_is_no_reason_to_go_on_without(
    vault: Vault, submission: SubmissionDovecot
) -> None:
    # The postbox behind Dovecot speaks no TLS at all.
    notify(vault, submission, smtp_port=str(submission.postbox.port))

    tested = vault.run("notify", "test", code=10)

    assert "has no STARTTLS" in tested.stderr
    assert not submission.postbox.messages


def test_each_kind_of_alarm_reaches_a_mail_server_and_a_web_listener(
    vault: Vault, submission: SubmissionDovecot
) -> None:
    kinds = [each for each in Event if each is not Event.DIGEST]  # which has its own tests
    with closing(Listener()) as listener:
        notify(vault, submission, webhook_url=f'"{listener.url}"')
        channels = channels_of(load(vault.configuration))
        for event in kinds:
            notice = Notice(f"{event}-1", event, AT, "what happened", account="work")
            assert send_all(dict(channels), notice) == {"mail": None, "webhook": None}

    mails = submission.postbox.messages
    assert [each["X-Mailvault-Event"] for each in mails] == kinds
    assert all("what happened" in each.get_payload() for each in mails)
    assert [each["event"] for each in listener.posted()] == kinds


def test_an_emptied_mailbox_is_one_mail_until_it_is_accepted(
    vault: Vault, submission: SubmissionDovecot
) -> None:
    with vault.user.session() as session:
        append_all(session, "INBOX", generate(1, 60))
    notify(vault, submission)
    vault.sync()
    with vault.user.session() as session:
        session.select("INBOX")
        session.expunge("1:*")
    vault.run("sync", code=3)
    vault.run("sync")
    (mail,) = submission.postbox.messages
    assert "suspicious" in mail["Subject"]

    vault.run("accept", "work", "--yes")
    vault.run("sync")

    assert "recovered" in submission.postbox.messages[-1]["Subject"]
    assert len(submission.postbox.messages) == 2


def test_the_daemon_mails_the_digest_of_the_time_since_the_last(
    vault: Vault, submission: SubmissionDovecot
) -> None:
    with vault.user.session() as session:
        append_all(session, "INBOX", generate(1, 5))
    vault.sync()
    notify(vault, submission, digest='"weekly"', digest_at='"07:30"')
    long_ago = (wiring.SystemClock().now() - timedelta(days=8)).isoformat()
    ledger = {"schema": 1, "saved": 1, "known": {}, "troubles": {}, "outbox": []}
    document = json.dumps(ledger | {"digested_at": long_ago})
    (vault.archive / "alarms.json").write_text(document)
    schedule(vault, 'sync = "1h"')

    with start_daemon(vault) as daemon:
        (mail,) = submission.postbox.wait_for(1)
        assert daemon.end() == 0

    assert mail["Subject"].endswith("digest: all is well")
    assert mail["X-Mailvault-Event"] == "digest"
    content = mail.get_content()
    assert content.splitlines()[0] == "all is well"
    assert "new messages  5 (" in content


def test_the_daemon_tells_by_whom_the_last_configuration_names(
    vault: Vault, submission: SubmissionDovecot
) -> None:
    told = vault.folder / "told"
    vault.configure(vault.user, settings='password = "wrong"')
    schedule(vault, 'sync = "1h"')
    with vault.configuration.open("a") as file:
        file.write(f'\n[notify]\ncommand = ["sh", "-c", "cat >> {told}"]\n')
    with start_daemon(vault) as daemon:
        daemon.wait_for_log("sync work: ")
        vault.configuration.write_text("[archive]\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_log("keeps the old configuration")
        vault.configure(vault.user)
        schedule(vault, 'sync = "1h"')
        notify(vault, submission)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_log("the configuration is loaded anew")
        vault.run_when_free("sync")  # by hand, and its end is told by the new way

        assert daemon.end() == 0

    subjects = [mail["Subject"] for mail in submission.postbox.messages]
    assert any("work: recovered" in subject for subject in subjects)
