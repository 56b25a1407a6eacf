"""The commands that heal and forget: what they ask, print and end with."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailvault import wiring
from mailvault.config.load import load
from tests.server.damage import damage_messages
from tests.unit.cli.program import Setting
from tests.unit.cli.sample import archived_sample


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """An archive after three runs, between which mail came, changed and went."""
    with archived_sample(tmp_path_factory.mktemp("synced")) as setting:
        assert setting.run("sync").code == 0
        yield setting


@pytest.fixture
def archived(synced: Setting, tmp_path: Path) -> Setting:
    """A copy of it for one test."""
    shutil.copytree(synced.folder, tmp_path, dirs_exist_ok=True)
    return Setting(tmp_path)


class TestPrune:
    def test_a_plan_is_shown_and_nothing_forgotten(self, archived: Setting) -> None:
        gone = len(
            {line["digest"] for line in archived.run("list", "--gone", "--json").lines()}
        )

        outcome = archived.run("prune", "--keep-last", "1", "--dry-run")

        assert outcome.code == 0
        assert "to forget" in outcome.stdout
        assert len(archived.run("list", "--gone", "--json").lines()) >= gone

    def test_what_was_expunged_is_forgotten_and_the_rest_is_whole(
        self, archived: Setting
    ) -> None:
        present = archived.run("list", "--json").lines()

        report = archived.run("prune", "--keep-last", "1", "--yes", "--json").document()

        assert report["pruned"]
        assert report["messages"] == sum(m["messages"] for m in report["mailboxes"]) > 0
        assert report["frozen"] == []
        assert archived.run("list", "--json").lines() == present
        assert archived.run("verify").code == 0
        again = archived.run("prune", "--keep-last", "1", "--yes", "--json").document()
        assert (again["pruned"], again["messages"]) == (False, 0)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ([], "nothing says what may be forgotten"),
            (["--gone-for", "soon"], "'soon' is not an age"),
            (["--keep-last", "1", "--account", "wrk"], "did you mean"),
            (["--keep-last", "1", "--mailbox", "Nosuch"], "no mailbox of the archive matches"),
            (["--keep-last", "1"], "--yes is missing"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else None,
    )
    def test_a_mistake_is_named(
        self, archived: Setting, arguments: list[str], said: str
    ) -> None:
        outcome = archived.run("prune", *arguments)

        assert outcome.code == 2
        assert said in outcome.stderr

    def test_an_account_under_suspicion_keeps_everything(self, archived: Setting) -> None:
        with wiring.open_archive(load(archived.configuration), writing=True) as archive:
            recorder = archive.start_run()
            recorder.suspect(recorder.account("work", "imap"), None, "it looks wrong")
            recorder.finish(3)

        outcome = archived.run("prune", "--keep-last", "1", "--yes")

        assert outcome.code == 3
        assert "work keeps everything" in outcome.stdout


class TestRepair:
    def test_nothing_is_done_to_a_sound_archive(self, archived: Setting) -> None:
        outcome = archived.run("repair")

        assert (outcome.code, outcome.stdout) == (0, "nothing is damaged\n")

    def test_a_damaged_message_is_fetched_again(self, archived: Setting) -> None:
        line = archived.run("list", "--json").lines()[0]
        damage_messages(archived.archive, [line["digest"]])

        plan = archived.run("repair", "--dry-run")
        outcome = archived.run("repair", "--yes")

        assert plan.code == 4
        assert "1 message damaged or missing" in plan.stdout
        assert outcome.code == 0
        assert outcome.stdout.endswith("1 message healed\nthe archive is whole\n")
        assert archived.run("verify").code == 0
        (job,) = [j for j in _jobs(archived) if j[0] == "repair"]
        assert job == ("repair", 0)

    def test_a_lost_message_is_named(self, archived: Setting) -> None:
        gone = archived.run("list", "--gone", "--json").lines()
        present = {line["digest"] for line in archived.run("list", "--json").lines()}
        line = next(each for each in gone if each["digest"] not in present)
        damage_messages(archived.archive, [line["digest"]])

        outcome = archived.run("repair", "--yes")

        assert outcome.code == 4
        assert "1 message lost; everything else is whole:" in outcome.stdout
        assert line["subject"] in outcome.stdout.split("lost;")[1]

    def test_json_has_the_fields_of_the_page(self, archived: Setting) -> None:
        report = archived.run("repair", "--json").document()

        assert report == {
            "schema": 1,
            "repaired": False,
            "plan": [],
            "damaged": [],
            "done": [],
            "healed": [],
            "lost": [],
            "unreachable": {},
            "orphans": 0,
            "dropped": 0,
        }


class TestDrill:
    def test_a_sample_is_restored(self, archived: Setting) -> None:
        report = archived.run("drill", "--sample", "100", "--json").document()

        assert report["restored"] == report["messages"] > 100
        assert report["failures"] == []

    def test_people_are_told_in_a_line(self, archived: Setting) -> None:
        outcome = archived.run("drill")

        assert outcome.code == 0
        assert outcome.stdout.endswith("and all are as they were archived\n")

    def test_a_share_beyond_all_is_a_mistake(self, archived: Setting) -> None:
        assert archived.run("drill", "--sample", "101").code == 2


def _jobs(setting: Setting) -> list[tuple[str, int]]:
    with wiring.open_archive(load(setting.configuration), writing=False) as archive:
        return [(job.kind, job.exit_code) for job in archive.catalog.jobs(9)]
