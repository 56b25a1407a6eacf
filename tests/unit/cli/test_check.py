"""`check` says what a server can do and what is misconfigured, and changes nothing."""

from mailvault.demo.sample import PASSWORD
from mailvault.demo.server import DemoServer
from tests.unit.cli.program import Setting


def test_a_sound_account_is_described(setting: Setting, account: str) -> None:
    setting.configure(work=account)

    outcome = setting.run("check")

    assert outcome.code == 0
    assert "12 mailboxes, 11 selected with 196 messages" in outcome.stdout
    assert "QRESYNC           yes" in outcome.stdout
    assert outcome.stderr == ""


def test_json_says_the_same(setting: Setting, account: str) -> None:
    setting.configure(work=account + 'mailboxes = ["*", "!Junk"]')

    (report,) = setting.run("check", "--json").lines()

    assert report["ok"]
    assert report["features"]["CONDSTORE"]
    assert {each["mailbox"] for each in report["mailboxes"] if not each["selected"]} == {
        "Junk",
        "Lists",
    }


def test_globs_that_match_nothing_are_named(setting: Setting, account: str) -> None:
    setting.configure(work=account + 'mailboxes = ["INBOX", "Inbocks", "!Nope"]')

    outcome = setting.run("check")

    assert outcome.code == 2
    assert '"!Nope" matches no mailbox' in outcome.stdout
    assert (
        outcome.stderr == 'mailvault: accounts.work.mailboxes: "Inbocks" matches no mailbox\n'
    )


def test_an_account_that_selects_nothing_is_a_mistake(setting: Setting, account: str) -> None:
    setting.configure(work=account + 'mailboxes = ["!*"]')

    outcome = setting.run("check")

    assert outcome.code == 2
    assert "no mailbox is selected" in outcome.stderr


def test_a_refused_login_is_exit_code_11_and_tells_no_password(
    setting: Setting, account: str
) -> None:
    setting.configure(work=account.replace(PASSWORD, "kanarienvogel-4711"))

    outcome = setting.run("-vv", "check")

    assert outcome.code == 11
    assert "kanarienvogel" not in outcome.stdout + outcome.stderr


def test_one_broken_account_does_not_stop_the_others(setting: Setting, account: str) -> None:
    setting.configure(broken=account.replace(PASSWORD, "wrong"), work=account)

    outcome = setting.run("check", "--json")

    assert outcome.code == 11
    assert [report["ok"] for report in outcome.lines()] == [False, True]


def test_the_port_of_another_protocol_is_said_to_be_one(setting: Setting, account: str) -> None:
    setting.configure(old=account.replace('"imap"', '"pop3"'))

    outcome = setting.run("check")

    assert outcome.code == 10
    assert "does not greet like a POP3 server" in outcome.stderr


def test_a_missing_password_is_named_before_anything_is_sent(
    setting: Setting, account: str, server: DemoServer
) -> None:
    lines = [line for line in account.splitlines() if not line.startswith("password")]
    setting.configure(work="\n".join(lines))

    outcome = setting.run("check")

    assert outcome.code == 2
    assert "accounts.work: no password is configured" in outcome.stderr
    assert not [command for command in server.commands if b"AUTH" in command]


def test_the_mailboxes_of_the_server_are_listed(setting: Setting, account: str) -> None:
    setting.configure(work=account + 'mailboxes = ["INBOX"]')

    lines = setting.run("mailboxes", "--remote", "--json").lines()

    assert [set(line) for line in lines[:1]] == [
        {"account", "mailbox", "messages", "octets", "special_use", "subscribed", "uidvalidity"}
    ]
    assert {"INBOX", "写真", "Projekte/Brücke Süd"} <= {line["mailbox"] for line in lines}
