"""The commands verify and rebuild over a real archive of the sample mailbox."""

from pathlib import Path

import pytest

from tests.unit.cli.program import Setting
from tests.unit.cli.sample import copied


class TestVerify:
    @pytest.mark.parametrize("mode", [[], ["--full"], ["--quick"], ["--sample", "50%"]])
    def test_a_sound_archive_is_whole(self, level: Setting, mode: list[str]) -> None:
        report = level.run("verify", *mode, "--json").document()

        assert set(report) >= {"schema", "checked", "octets", "findings"}
        assert report["findings"] == []
        assert (report["checked"] == 0) == (mode == ["--quick"])

    @pytest.mark.parametrize("share", ["0", "101", "-1"])
    def test_a_share_is_between_0_and_100(self, level: Setting, share: str) -> None:
        assert level.run("verify", "--sample", share).code == 2

    def test_samples_cover_everything_in_the_end(self, tmp_path: Path, level: Setting) -> None:
        setting = copied(level, tmp_path)
        setting.run("rebuild")  # which forgets what was read
        states = []
        for _ in range(4):
            setting.run("verify", "--sample", "30")
            archive = setting.run("status", "--json").document()["archive"]
            states.append((archive["never_verified"], archive["oldest_unverified"]))

        runs = setting.run("log", "--json").lines()
        never = [count for count, _ in states]
        assert never[0] > never[1] > never[2] > never[3] == 0
        assert states[0][1] == runs[-1]["started"]
        assert states[3][1] > runs[0]["started"]

    def test_status_tells_how_the_last_verify_ended(
        self, tmp_path: Path, level: Setting
    ) -> None:
        setting = copied(level, tmp_path)
        setting.run("verify", "--quick")
        setting.run("verify", "--sample", "10")

        jobs = setting.run("status", "--json").document()["archive"]["jobs"]

        (job,) = [each for each in jobs if each["kind"] == "verify"]
        assert (job["exit_code"], job["detail"], job["account"]) == (0, "sample 10%", None)
        assert " ago (sample 10%): done" in setting.run("status").stdout

    def test_names_are_for_comparing_with_a_server(self, level: Setting) -> None:
        outcome = level.run("verify", "work")

        assert outcome.code == 2
        assert "--remote" in outcome.stderr

    def test_a_server_is_compared_with_the_fields_of_the_contract(self, level: Setting) -> None:
        outcome = level.run("verify", "--remote", "--sample", "20", "--json")

        report = outcome.document()
        (account,) = report["accounts"]
        assert (outcome.code, account["complete"], report["findings"]) == (0, True, [])
        assert set(report) >= {"schema", "checked", "octets", "findings"}
        assert report["checked"] == sum(box["on_server"] for box in account["mailboxes"])
        assert report["octets"] > 0

    def test_one_mailbox_can_be_compared(self, level: Setting) -> None:
        outcome = level.run("verify", "--remote", "--mailbox", "INBOX")

        lines = outcome.stdout.splitlines()
        assert len(lines) == 3
        assert lines[-1].startswith("work: everything on the server is in the archive")

    def test_damage_is_exit_code_4_and_named(self, tmp_path: Path, level: Setting) -> None:
        damaged = copied(level, tmp_path)
        (volume,) = (damaged.archive / "content").glob("*.db")
        octets = bytearray(volume.read_bytes())
        for place in range(len(octets) // 2, len(octets) - 8192, 16384):
            octets[place] ^= 0x55
        volume.write_bytes(octets)

        outcome = damaged.run("verify", "--json")

        findings = outcome.document()["findings"]
        assert outcome.code == 4
        assert {frozenset(finding) for finding in findings} == {
            frozenset({"kind", "digest", "account", "mailbox", "remote_id", "detail"})
        }
        assert damaged.run("verify").stdout.splitlines()[-1].endswith("findings")


class TestRebuild:
    def test_the_catalog_comes_back_equal(self, tmp_path: Path, level: Setting) -> None:
        setting = copied(level, tmp_path)
        before = [setting.run("list", "--json").stdout, setting.run("log", "--json").stdout]
        for path in setting.archive.glob("catalog.db*"):
            path.unlink()

        outcome = setting.run("rebuild", "--json")

        assert outcome.code == 0, outcome.stderr
        assert [
            setting.run("list", "--json").stdout,
            setting.run("log", "--json").stdout,
        ] == before
