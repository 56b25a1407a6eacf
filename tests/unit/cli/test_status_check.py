"""`status --check`: for monitoring."""

from datetime import timedelta

from mailvault.clock import SystemClock
from mailvault.demo.mailbox import ServedAccount
from mailvault.demo.sample import PASSWORD, USER
from mailvault.demo.server import DemoServer
from tests.unit.cli.program import Setting, run_program
from tests.unit.cli.sample import account_lines


def test_an_account_that_never_succeeded_fails_the_check(
    setting: Setting, account: str
) -> None:
    setting.configure(work=account)
    setting.run("init")

    assert setting.run("status").code == 0
    checked = setting.run("status", "--check", "--json")
    assert checked.code == 3
    assert checked.document()["overdue"] == ["work"]
    assert "work: never had a success" in checked.stderr


def test_an_account_whose_first_sync_failed_is_said_to_have_had_no_success(
    setting: Setting, account: str
) -> None:
    setting.configure(work=account.replace(f'"{PASSWORD}"', '"wrong"'))
    setting.run("init")
    assert setting.run("sync").code == 11

    said = setting.run("status").stdout

    assert "work: it never had a success\n" in said
    assert "since -" not in said


def test_an_account_that_only_takes_mail_may_have_a_configuration_of_its_own(
    setting: Setting, account: str
) -> None:
    setting.configure(work=account)
    setting.run("init")
    setting.run("sync")
    target = ServedAccount(USER, PASSWORD)
    target.create("INBOX")
    takes_mail = setting.folder / "takes-mail.toml"

    with DemoServer(target, is_writable=True) as server:
        takes_mail.write_text(
            f'[archive]\npath = "archive"\n[accounts.new]\n{account_lines(server)}'
        )
        takes_mail.chmod(0o600)
        restored = run_program(
            "--config", str(takes_mail), "restore", "work", "--to", "new", "--json"
        )

    assert restored.code == 0, restored.stderr
    assert sum(each["appended"] for each in restored.document()["mailboxes"]) > 100
    checked = setting.run("status", "--check", "--json")
    assert checked.code == 0
    assert [each["account"] for each in checked.document()["accounts"]] == ["work"]


def test_a_fresh_account_passes_the_check_and_a_stale_one_is_named(
    setting: Setting, account: str
) -> None:
    setting.configure(work=account)
    setting.run("init")
    setting.run("sync")

    assert setting.run("status", "--check").code == 0

    with setting.configuration.open("a") as file:
        file.write('[notify]\nno_success_for = "1s"\n')
    end = SystemClock().monotonic() + timedelta(seconds=60).total_seconds()
    while (checked := setting.run("status", "--check")).code == 0:
        assert SystemClock().monotonic() < end
    assert checked.code == 3
    assert "work: no success for" in checked.stderr
