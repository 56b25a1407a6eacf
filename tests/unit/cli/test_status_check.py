"""`status --check`: for monitoring."""

from datetime import timedelta

from mailvault.clock import SystemClock
from tests.unit.cli.program import Setting


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
