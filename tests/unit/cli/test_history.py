"""Looking back from the command line: every form of WHEN, changes, and one message's life."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailvault.demo.sample import PASSWORD, USER, build_sample, change_sample
from mailvault.demo.server import DemoServer
from tests.unit.cli.program import Json, Setting

CHANGE = {
    *("change", "account", "mailbox", "mailbox_before", "uidvalidity", "remote_id", "digest"),
    *("size", "internal_date", "flags", "flags_before", "message_id", "date", "from"),
    "subject",
}


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """An archive after two runs, between which mail came, moved, changed and went."""
    account = build_sample()
    with DemoServer(account) as server:
        setting = Setting(tmp_path_factory.mktemp("changed"))
        setting.configure(
            work=f'protocol = "imap"\nhost = "127.0.0.1"\nport = {server.port}\n'
            f'tls = "none"\nuser = "{USER}"\npassword = "{PASSWORD}"\n'
        )
        setting.run("init")
        setting.run("sync")
        change_sample(account)
        setting.run("sync")
        yield setting


def started(setting: Setting, run: int) -> str:
    (found,) = [line for line in setting.run("log", "--json").lines() if line["run"] == run]
    return str(found["started"])


def changes(setting: Setting, *arguments: str) -> list[Json]:
    return setting.run("diff", *arguments, "--json").lines()


@pytest.mark.parametrize("command", ["list", "mailboxes", "log"])
def test_every_form_of_when_names_the_same_run(changed: Setting, command: str) -> None:
    first, last = (
        [
            changed.run(command, "--at", when, "--json").stdout
            for when in (run, started(changed, int(run)), *more)
        ]
        for run, more in (("1", ()), ("2", ("0s", "now", "9999-12-31")))
    )

    assert len(set(first)) == len(set(last)) == 1
    assert first[0] != last[0]


def test_export_takes_every_form_of_when(changed: Setting, tmp_path: Path) -> None:
    exported = []
    for number, when in enumerate(("1", started(changed, 1))):
        folder = tmp_path / str(number)
        done = changed.run("export", str(folder), "--format", "eml", "--at", when)
        assert done.code == 0
        exported.append(len(list(folder.rglob("*.eml"))))

    assert exported == [len(changed.run("list", "--at", "1", "--json").lines())] * 2


def test_the_log_ends_where_it_is_told_to(changed: Setting) -> None:
    runs = [line["run"] for line in changed.run("log", "--at", "1", "--json").lines()]

    assert runs == [1]


def test_every_change_has_all_fields(changed: Setting) -> None:
    found = changes(changed, "1", "2")

    assert {frozenset(change) for change in found} == {frozenset(CHANGE)}
    assert {change["change"] for change in found} == {
        *("mailbox-created", "mailbox-renamed", "arrived", "moved", "flags", "gone"),
    }


def test_diff_takes_every_form_of_when(changed: Setting) -> None:
    told = [
        changed.run("diff", first, last).stdout
        for first in ("1", started(changed, 1))
        for last in ("2", "now", "0s")
    ]

    assert len(set(told)) == 1
    assert changed.run("diff", "2020-01-01", "now").code == 0


def test_the_summary_counts_what_was_listed(changed: Setting) -> None:
    *_, summary = changed.run("diff", "1", "2").stdout.splitlines()

    counts = Counter(change["change"] for change in changes(changed, "1", "2"))
    assert f"{counts['arrived']} arrived" in summary
    assert f"{counts['moved']} moved" in summary
    assert f"{counts['flags']} with other flags" in summary
    assert "1 mailbox renamed" in summary


def test_nothing_is_different_between_a_time_and_itself(changed: Setting) -> None:
    assert changed.run("diff", "2", "now").stdout == "nothing is different\n"
    assert changes(changed, "2", "2") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["2", "1"], "1 is before 2"),
        (["1", "9"], "there is no run 9 yet"),
        (["1", "yesterday"], "is not a point in time"),
        (["1", "2", "wrok"], "there is no account 'wrok'"),
        (["1", "2", "--mailbox", "Nosuch"], "no mailbox of the archive matches Nosuch"),
    ],
    ids=["backwards", "future", "no-time", "no-account", "no-mailbox"],
)
def test_what_cannot_be_compared_is_refused(
    changed: Setting, arguments: list[str], said: str
) -> None:
    outcome = changed.run("diff", *arguments)

    assert (outcome.code, outcome.stdout) == (2, "")
    assert said in outcome.stderr


def test_the_life_of_a_message_that_moved(changed: Setting) -> None:
    moved = next(each for each in changes(changed, "1", "2") if each["change"] == "moved")

    told = changed.run("history", moved["digest"][:16], "--json").document()

    (event,) = [each for each in told["events"] if each["event"] == "moved"]
    assert event["mailbox_before"] == moved["mailbox_before"]
    assert (event["run"], event["at"]) == (2, started(changed, 2))
    assert moved["mailbox"] in [place["mailbox"] for place in told["present"]]
    shown = changed.run("history", moved["digest"]).stdout
    assert f"moved from {moved['mailbox_before']} to work {moved['mailbox']}" in shown


def test_a_message_that_is_gone_is_present_nowhere(changed: Setting) -> None:
    gone = next(each for each in changes(changed, "1", "2") if each["change"] == "gone")

    told = changed.run("history", gone["digest"], "--json").document()

    assert told["present"] == []
    assert told["events"][-1]["event"] == "gone"


def test_the_json_of_the_page_has_the_fields_of_history(changed: Setting) -> None:
    digest = changed.run("list", "--json").lines()[0]["digest"]

    told = changed.run("history", digest, "--json").document()

    assert set(told) == {
        *("schema", "digest", "size", "message_id", "date", "from", "subject"),
        *("events", "present"),
    }
