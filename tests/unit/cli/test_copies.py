"""`copy` and `convert` over a real archive of the sample mailbox."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.demo.sample import PASSWORD, USER, build_sample, change_sample
from mailvault.demo.server import DemoServer
from mailvault.wiring import SystemClock
from tests.unit.cli.program import Json, Setting
from tests.unit.cli.test_docs import section_of

LISTINGS = (
    ("list", "--json"),
    ("list", "--json", "--gone"),
    ("list", "--json", "--at", "1"),
    ("mailboxes", "--json"),
    ("log", "--json"),
    ("diff", "1", "2", "--json"),
)


@pytest.fixture(scope="module", params=["sqlite", "maildir"])
def level(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Setting]:
    """An archive after two runs, between which mail came, changed and went."""
    account = build_sample()
    with DemoServer(account) as server:
        setting = Setting(tmp_path_factory.mktemp("level"))
        lines = (
            f'protocol = "imap"\nhost = "127.0.0.1"\nport = {server.port}\n'
            f'tls = "none"\nuser = "{USER}"\npassword = "{PASSWORD}"\n'
        )
        configure(setting, "archive", request.param, f"[accounts.work]\n{lines}")
        assert setting.run("init").code == 0
        assert setting.run("sync").code == 0
        change_sample(account)
        assert setting.run("sync").code == 0
        yield setting


def configure(setting: Setting, path: str, store: str, accounts: str = "") -> None:
    setting.configuration.write_text(
        f'[archive]\npath = "{path}"\nstore = "{store}"\n{accounts}'
    )
    setting.configuration.chmod(0o600)


def store_of(setting: Setting) -> str:
    found = re.search('store = "(.*)"', setting.configuration.read_text())
    assert found is not None
    return found[1]


def looking_at(path: Path, folder: Path, store: str) -> Setting:
    """A configuration of its own for an archive that was made."""
    folder.mkdir()
    setting = Setting(folder)
    configure(setting, str(path), store)
    return setting


def told(setting: Setting) -> list[list[Json]]:
    return [setting.run(*command).lines() for command in LISTINGS]


def test_a_copy_tells_the_same(level: Setting, tmp_path: Path) -> None:
    outcome = level.run("copy", str(tmp_path / "copy"), "--verify", "--json")

    report = outcome.document()
    assert outcome.code == 0
    assert report["files"] >= 2
    assert report["verified"]["findings"] == []
    assert report["verified"]["checked"] > 10
    assert told(looking_at(tmp_path / "copy", tmp_path / "there", store_of(level))) == told(
        level
    )


def test_a_second_copy_copies_what_is_new(level: Setting, tmp_path: Path) -> None:
    level.run("copy", str(tmp_path / "copy"))
    report = level.run("copy", str(tmp_path / "copy"), "--json").document()
    text = level.run("copy", str(tmp_path / "copy")).stdout

    assert report["verified"] is None
    assert report["files"] <= 1  # that the first one ended stands in the journal
    assert "is level with the archive" in text


def test_how_a_copy_ended_is_written_down(level: Setting, tmp_path: Path) -> None:
    level.run("copy", str(tmp_path / "copy"), "--verify")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    refused = level.run("copy", str(tmp_path / "full"))

    with Archive.open(level.archive, writing=False, clock=SystemClock()) as archive:
        last, before = [job for job in archive.catalog.jobs(10) if job.kind == "copy"][:2]
    assert refused.code == 2
    assert "is not empty" in refused.stderr
    assert (last.exit_code, before.exit_code) == (2, 0)
    assert str(tmp_path / "full") in last.detail
    assert before.detail == str(tmp_path / "copy")


def test_damage_in_a_copy_is_told_by_its_exit_code(level: Setting, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    level.run("copy", str(copy))
    victim = max((copy / "content").rglob("*"), key=lambda path: path.stat().st_size)
    octets, times = bytearray(victim.read_bytes()), victim.stat()
    middle = len(octets) // 2
    octets[middle : middle + 2000] = bytes(len(octets[middle : middle + 2000]))
    victim.write_bytes(octets)
    os.utime(victim, ns=(times.st_mtime_ns, times.st_mtime_ns))

    outcome = level.run("copy", str(copy), "--verify", "--json")

    assert outcome.code == 4
    assert outcome.document()["verified"]["findings"]
    assert level.run("verify").code == 0


def test_a_converted_archive_tells_the_same(level: Setting, tmp_path: Path) -> None:
    other = {"sqlite": "maildir", "maildir": "sqlite"}[store_of(level)]

    outcome = level.run("convert", str(tmp_path / "other"), "--store", other, "--json")

    assert outcome.code == 0
    assert outcome.document()["store"] == other
    assert outcome.document()["lost"] == []
    converted = looking_at(tmp_path / "other", tmp_path / "there", other)
    assert told(converted) == told(level)
    assert converted.run("verify").code == 0
    again = level.run("convert", str(tmp_path / "other"), "--store", other)
    assert (again.code, "already holds an archive" in again.stderr) == (2, True)


def test_stores_that_cannot_be_are_refused(level: Setting, tmp_path: Path) -> None:
    for store in ("mbox", store_of(level)):
        assert level.run("convert", str(tmp_path / "new"), "--store", store).code == 2
        assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("command", ["copy", "convert"])
def test_the_json_has_the_fields_of_the_page(
    level: Setting, tmp_path: Path, command: str
) -> None:
    (block, *_) = re.findall(r"```json\n(.*?)```", section_of(command), re.DOTALL)
    other = {"sqlite": "maildir", "maildir": "sqlite"}[store_of(level)]
    options = ["--store", other] if command == "convert" else []

    printed = level.run(command, str(tmp_path / "new"), *options, "--json").document()

    assert set(printed) == set(json.loads(block))
