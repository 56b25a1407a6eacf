"""What Prometheus gets to read, by its own programs."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mailvault.archive.standings import Standing
from mailvault.errors import (
    ArchiveMissing,
    LoginPaused,
    LoginRefused,
    MailvaultError,
    TimeIsUp,
)
from mailvault.mail.model import MailboxName
from mailvault.monitoring.exposition import Exposition
from mailvault.monitoring.metrics import families_of, families_of_daemon, families_of_program
from mailvault.monitoring.overview import Overview
from mailvault.monitoring.shapes import account_json
from mailvault.monitoring.tally import Tally
from mailvault.operations.ended import RunBegan, RunEnded, Trouble
from mailvault.operations.reports import AccountReport, MailboxReport
from mailvault.schedule.due import Job, JobKind, Timing
from mailvault.schedule.rhythm import Every
from tests.servers.promtool import Promtool
from tests.unit.monitoring.overviews import NOW, build_account, build_overview, build_troubled

PAGE = Path(__file__).parents[3] / "docs" / "monitoring.md"
SYNC = Job(JobKind.SYNC, "work", Timing(Every(60.0)))

Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


def values_of(page: bytes) -> Values:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


def value_of(page: bytes, name: str, **labels: str) -> float | None:
    return values_of(page).get((name, frozenset(labels.items())))


def page_of(overview: Overview, tally: Tally | None = None) -> bytes:
    return Exposition(lambda: overview, tally).text()


def ended(code: int = 0, error: MailvaultError | None = None) -> RunEnded:
    report = AccountReport("work", (MailboxReport(MailboxName(("INBOX",)), 3, octets=700),))
    return RunEnded(
        SYNC,
        NOW,
        NOW + timedelta(seconds=2),
        code,
        "",
        report,
        error,
    )


def tally_of_everything() -> Tally:
    tally = Tally()
    verify = Job(JobKind.VERIFY, None, Timing(Every(60.0)))
    for event in (
        RunBegan(SYNC, NOW),
        ended(),
        RunBegan(SYNC, NOW),
        ended(11, error=LoginRefused("no")),
        ended(11, error=LoginPaused("not asked", until=NOW)),
        ended(3),
        ended(3, error=TimeIsUp("made room")),
        RunBegan(verify, NOW),
        Trouble(NOW, "a watch is lost"),
    ):
        tally(event)
    return tally


def test_prometheus_has_nothing_to_complain_of(promtool: Promtool) -> None:
    assert promtool.complaints(page_of(build_troubled(), tally_of_everything())) == ""


def test_promtool_would_complain(promtool: Promtool) -> None:
    assert "no help text" in promtool.complaints(b"# TYPE x counter\nx 1\n")


def test_every_number_is_there_for_every_account() -> None:
    page = page_of(build_troubled())

    accounts = {account.account for account in build_troubled().accounts}
    for name in ("messages", "bytes", "debts", "suspicions", "needs_login", "suspended"):
        for account in accounts:
            assert value_of(page, f"mailvault_account_{name}", account=account) is not None
    assert value_of(page, "mailvault_account_last_success_age_seconds", account="fine") == 300
    assert value_of(page, "mailvault_account_login_refusals", account="refused") == 3
    assert value_of(page, "mailvault_account_needs_login", account="signed-out") == 1
    assert value_of(page, "mailvault_account_overdue", account="overdue") == 1
    assert value_of(page, "mailvault_archive_stored_bytes") == 20_000_000
    assert value_of(page, "mailvault_job_last_exit_code", job="verify", account="") == 4


def test_what_never_was_has_no_number() -> None:
    page = page_of(build_troubled())

    for name in ("success_timestamp_seconds", "success_age_seconds", "run_failed"):
        assert value_of(page, f"mailvault_account_last_{name}", account="new") is None


def test_each_account_is_in_one_state() -> None:
    states = [
        dict(labels)
        for (name, labels), value in values_of(page_of(build_troubled())).items()
        if name == "mailvault_account_state" and value
    ]

    assert len(states) == 11
    assert {"account": "work", "state": "failing"} in states


def test_a_name_of_any_characters_is_read_back_as_it_is(promtool: Promtool) -> None:
    name = 'a"b\\c\nd{e},ü€'
    page = page_of(build_overview(build_account(name)))

    assert value_of(page, "mailvault_account_messages", account=name) == 1200
    assert promtool.complaints(page) == ""


def test_the_daemon_counts_what_it_did() -> None:
    page = page_of(build_overview(), tally_of_everything())

    work = {"account": "work", "job": "sync"}
    assert value_of(page, "mailvault_runs_total", **work, result="ok") == 1
    assert value_of(page, "mailvault_runs_total", **work, result="failed") == 2
    assert value_of(page, "mailvault_runs_total", **work, result="incomplete") == 1
    assert value_of(page, "mailvault_run_seconds_total", **work) == 10
    assert value_of(page, "mailvault_archived_messages_total", account="work") == 15
    assert value_of(page, "mailvault_archived_bytes_total", account="work") == 3500
    assert value_of(page, "mailvault_login_failures_total", account="work") == 1
    assert value_of(page, "mailvault_troubles_total") == 1
    assert value_of(page, "mailvault_running", job="verify", account="") == 1
    assert value_of(page, "mailvault_running", **work) is None


def test_without_an_archive_the_page_says_so_and_nothing_else() -> None:
    def read() -> Overview:
        raise ArchiveMissing("there is no archive")

    exposition = Exposition(read)
    page = exposition.text()

    assert value_of(page, "mailvault_archive_readable") == 0
    assert {name for name, _ in values_of(page)} == {
        "mailvault_build_info",
        "mailvault_archive_readable",
    }
    assert isinstance(exposition.error, ArchiveMissing)


def test_no_label_holds_more_than_names_of_ours() -> None:
    labels = {
        key
        for _, labels in values_of(page_of(build_troubled(), tally_of_everything()))
        for key, _ in labels
    }

    assert labels == {"account", "job", "result", "state", "version", "python"}


def test_every_metric_stands_on_the_page_and_no_other() -> None:
    families = [
        *families_of_program(is_readable=True),
        *families_of(build_troubled()),
        *families_of_daemon(tally_of_everything().count()),
    ]
    known = {f"{each.name}_total" if each.is_counter else each.name for each in families}

    described = set(re.findall(r"^\| `(mailvault_[a-z_]+)", PAGE.read_text(), re.MULTILINE))

    assert described == known


def test_the_pages_rules_are_rules_of_known_metrics(promtool: Promtool, tmp_path: Path) -> None:
    (rules,) = re.findall(r"```yaml\n(groups:.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "rules.yml").write_text(rules)
    known = set(re.findall(r"^\| `(mailvault_[a-z_]+)", PAGE.read_text(), re.MULTILINE))

    assert "SUCCESS" in promtool.check_rules(tmp_path / "rules.yml")
    assert set(re.findall(r"mailvault_[a-z_]+", rules)) <= known


@pytest.mark.parametrize("of", [build_troubled, build_overview], ids=["troubled", "empty"])
def test_a_page_is_the_same_whenever_it_is_read(of: Callable[[], Overview]) -> None:
    assert page_of(of()) == page_of(of())


def test_a_pause_until_the_year_9999_is_shown_no_more_than_it_is_kept() -> None:
    rotten = {"work": Standing(0, NOW + timedelta(days=365 * 7000), "the server was busy")}
    overview = build_overview(build_account("work"), standings=rotten)

    account = account_json(overview, overview.accounts[0])

    assert account["suspended"] is False
    assert account["suspended_until"] is None
