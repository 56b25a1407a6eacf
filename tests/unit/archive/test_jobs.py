"""What commands other than sync leave behind: one record each, and no harm when they cannot."""

from datetime import timedelta

import pytest

from mailvault.archive import archive as module
from mailvault.archive.catalog.views import JobView
from mailvault.mail.changes import JobEnded
from tests.unit.archive.builders import BEGINNING, Work, build_batch, open_again


def build_job(kind: str, *, account: str | None = None, hours: int = 0) -> JobEnded:
    at = BEGINNING + timedelta(hours=hours)
    return JobEnded(kind, at, at + timedelta(minutes=1), 0, account, 3, 900, "full")


def kinds(jobs: list[JobView]) -> list[tuple[str, str | None, int]]:
    return [(e.kind, e.account, (e.started_at - BEGINNING).seconds // 3600) for e in jobs]


def test_a_job_is_read_back_as_it_was_noted(work: Work) -> None:
    job = JobEnded("drill", BEGINNING, BEGINNING + timedelta(seconds=7), 4, "work", 3, 5, "1%")

    assert work.archive.note_job(job)

    assert work.archive.catalog.jobs(10) == [
        JobView("drill", "work", job.started_at, job.at, 4, 3, 5, "1%")
    ]


def test_jobs_come_newest_first(work: Work) -> None:
    for hours, kind in enumerate(["verify", "copy", "verify"]):
        work.archive.note_job(build_job(kind, hours=hours))

    assert kinds(work.archive.catalog.jobs(2)) == [("verify", None, 2), ("copy", None, 1)]


def test_the_last_of_each_kind_and_account_is_known(work: Work) -> None:
    for hours, account in enumerate([None, "work", None, "work", "home"]):
        work.archive.note_job(build_job("verify", account=account, hours=hours))
    work.archive.note_job(build_job("copy", hours=9))

    assert kinds(work.archive.catalog.last_jobs()) == [
        ("verify", None, 2),
        ("verify", "work", 3),
        ("verify", "home", 4),
        ("copy", None, 9),
    ]


def test_a_reader_notes_its_job_too_and_runs_go_on(work: Work) -> None:
    work.sync(build_batch(arrived=[1]))
    work.archive.close()
    with open_again(work.archive.path) as reader:
        assert reader.note_job(build_job("verify"))

        assert kinds(reader.catalog.jobs(9)) == [("verify", None, 0)]

    with open_again(work.archive.path, writing=True) as archive:
        assert Work(archive, work.mailbox_id).sync(build_batch(arrived=[2])) == 2
        assert list(archive.check()) == []


def test_a_job_is_not_noted_while_another_process_writes(
    work: Work, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "NOTE_WAIT", 0.0)
    with open_again(work.archive.path) as reader:
        assert not reader.note_job(build_job("verify"))

    assert "this verify is not written down" in caplog.text
    assert work.archive.catalog.jobs(9) == []


def test_a_job_may_be_the_first_thing_in_a_journal(work: Work) -> None:
    work.archive.note_job(build_job("verify"))
    work.sync(build_batch(arrived=[1]))

    assert list(work.archive.check()) == []
