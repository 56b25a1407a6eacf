"""The commands over a real archive of the sample mailbox: shapes, choices, exit codes."""

import hashlib
import re

import pytest

from mailvault.demo.sample import PASSWORD
from tests.unit.cli.program import Json, Setting

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
# The contract's fields; more may follow, none may go.
SYNC = {"schema", "run", "accounts"}
SYNC_ACCOUNT = {"account", "ok", "error", "mailboxes", "deleted_on_server"}
SYNC_MAILBOX = {
    *("mailbox", "arrived", "flags_changed", "expunged", "unreadable", "octets", "seconds"),
}
PLACEMENT = {
    *("account", "mailbox", "uidvalidity", "remote_id", "digest", "size", "internal_date"),
    *("flags", "message_id", "date", "from", "subject", "first_seen", "gone_since", "labels"),
}
MAILBOX = {
    *("account", "mailbox", "messages", "octets", "special_use", "subscribed", "uidvalidity"),
}
STATUS_ARCHIVE = {"path", "store", "messages", "placements", "octets", "stored_octets"}
STATUS_ACCOUNT = {
    *("account", "protocol", "last_run", "last_success", "age_seconds", "messages", "debts"),
    *("suspended", "suspended_until", "next_run"),
}


def digest_of(setting: Setting, **wanted: str) -> str:
    for line in setting.run("list", "--json").lines():
        if all(line[key] == value for key, value in wanted.items()):
            return str(line["digest"])
    raise LookupError(wanted)


class TestSync:
    def test_json_has_the_fields_of_the_contract(self, level: Setting) -> None:
        report = level.run("sync", "--json").document()

        (account,) = report["accounts"]
        assert set(report) >= SYNC
        assert set(account) >= SYNC_ACCOUNT
        assert (report["schema"], account["ok"], account["error"]) == (1, True, None)
        assert all(set(mailbox) >= SYNC_MAILBOX for mailbox in account["mailboxes"])

    def test_a_dry_run_is_no_run(self, level: Setting) -> None:
        runs = len(level.run("log", "--json").lines())

        report = level.run("sync", "--dry-run", "--json").document()

        assert report["run"] is None
        assert len(level.run("log", "--json").lines()) == runs

    def test_nothing_new_is_one_line(self, level: Setting) -> None:
        assert level.run("sync").stdout == "work: nothing new in 13 mailboxes\n"

    def test_quiet_is_quiet(self, level: Setting) -> None:
        outcome = level.run("sync", "-q")

        assert (outcome.code, outcome.stdout, outcome.stderr) == (0, "", "")

    def test_a_glob_that_selects_nothing_is_a_mistake(self, level: Setting) -> None:
        outcome = level.run("sync", "--mailbox", "Nosuch*")

        assert outcome.code == 2
        assert "no mailbox matches Nosuch*" in outcome.stderr

    def test_an_account_that_selects_nothing_is_a_mistake(
        self, setting: Setting, account: str
    ) -> None:
        setting.configure(work=account + 'mailboxes = ["Inbocks"]')
        setting.run("init")

        outcome = setting.run("sync")

        assert outcome.code == 2
        assert '"Inbocks" matches no mailbox of the account' in outcome.stderr
        assert "accounts.work.mailboxes: no mailbox is selected" in outcome.stderr

    def test_a_missing_password_stops_no_other_account(
        self, setting: Setting, account: str
    ) -> None:
        lines = [line for line in account.splitlines() if not line.startswith("password")]
        setting.configure(poor="\n".join(lines), work=account)
        setting.run("init")

        outcome = setting.run("sync", "--json")

        accounts = {each["account"]: each["ok"] for each in outcome.document()["accounts"]}
        assert outcome.code == 2
        assert accounts == {"poor": False, "work": True}
        assert "accounts.poor: no password is configured" in outcome.stderr

    def test_an_unreachable_account_stops_no_other_account(self, level: Setting) -> None:
        text = level.configuration.read_text()
        setting = Setting(level.folder)
        try:
            old = (
                '\n[accounts.old]\nprotocol = "pop3"\nhost = "127.0.0.1"\nport = 1\n'
                'user = "u"\npassword = "p"\n'
            )
            level.configuration.write_text(text + old)

            outcome = setting.run("sync", "--json")
        finally:
            level.configuration.write_text(text)

        by_name = {account["account"]: account for account in outcome.document()["accounts"]}
        assert outcome.code == 10
        assert by_name["work"]["ok"]
        assert "127.0.0.1:1" in by_name["old"]["error"]
        assert "127.0.0.1:1" in outcome.stderr


class TestStatus:
    def test_json_has_the_fields_of_the_contract(self, level: Setting) -> None:
        report = level.run("status", "--json").document()

        accounts = {account["account"]: account for account in report["accounts"]}
        assert set(report) >= {"schema", "archive", "accounts"}
        assert set(report["archive"]) >= STATUS_ARCHIVE
        assert set(accounts["work"]) >= STATUS_ACCOUNT
        assert report["archive"]["store"] == "sqlite"
        assert TIME.fullmatch(accounts["work"]["last_success"])
        assert 0 <= accounts["work"]["age_seconds"] < 3600

    def test_an_account_never_synced_is_listed(self, setting: Setting, account: str) -> None:
        setting.configure(work=account)
        setting.run("init")

        (line,) = setting.run("status", "--json").document()["accounts"]

        assert (line["account"], line["last_run"], line["age_seconds"]) == ("work", None, None)
        assert "never synced" in setting.run("status").stdout


class TestMailboxes:
    def test_json_has_the_fields_of_the_contract(self, level: Setting) -> None:
        lines = level.run("mailboxes", "work", "--json").lines()

        assert all(set(line) >= MAILBOX for line in lines)
        assert "写真" in {line["mailbox"] for line in lines}

    def test_the_past_can_be_asked_for(self, level: Setting) -> None:
        then = level.run("mailboxes", "--at", "1", "--json").lines()

        assert sum(line["messages"] for line in then) == 196

    def test_remote_and_past_exclude_each_other(self, level: Setting) -> None:
        assert level.run("mailboxes", "--remote", "--at", "1").code == 2


class TestList:
    def test_json_has_the_fields_of_the_contract(self, level: Setting) -> None:
        lines = level.run("list", "--json").lines()

        assert all(set(line) >= PLACEMENT for line in lines)
        assert all(line["flags"] == sorted(line["flags"]) for line in lines)
        assert all(TIME.fullmatch(line["internal_date"]) for line in lines)
        assert all(isinstance(line["remote_id"], str) for line in lines)
        assert {line["gone_since"] for line in lines} == {None}

    def test_globs_narrow_it(self, level: Setting) -> None:
        lines = level.run("list", "--mailbox", "Lists/*", "--mailbox", "Sent", "--json").lines()

        assert {line["mailbox"] for line in lines} == {"Lists/orchard", "Sent"}

    def test_the_first_run_can_be_listed_as_it_was(self, level: Setting) -> None:
        assert len(level.run("list", "--at", "1", "--json").lines()) == 196
        assert len(level.run("list", "--at", "1", "--json", "work").lines()) == 196

    def test_what_is_gone_can_be_listed(self, level: Setting) -> None:
        gone = level.run("list", "--gone", "--json").lines()

        assert gone
        assert all(TIME.fullmatch(line["gone_since"]) for line in gone)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["wrk"], 'did you mean "work"?'),
            (["--mailbox", "Nosuch"], "no mailbox of the archive matches Nosuch"),
            (["--at", "99"], "there is no run 99 yet"),
            (["--at", "3d"], "the archive holds nothing from 3d or before"),
            (["--at", "soon"], "'soon' is not a point in time"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else None,
    )
    def test_a_wrong_choice_is_named(
        self, level: Setting, arguments: list[str], said: str
    ) -> None:
        outcome = level.run("list", *arguments)

        assert (outcome.code, outcome.stdout) == (2, "")
        assert said in outcome.stderr

    def test_people_get_one_line_a_message(self, level: Setting) -> None:
        lines = level.run("list").stdout.splitlines()

        assert len(lines) == len(level.run("list", "--json").lines())
        assert not any(re.search(r"[\x00-\x1f\x7f-\x9f]", line) for line in lines)


class TestCat:
    def test_the_octets_are_exact(self, level: Setting) -> None:
        digest = digest_of(level)

        assert hashlib.sha256(level.run("cat", digest).octets).hexdigest() == digest

    def test_a_prefix_in_any_case_is_enough(self, level: Setting) -> None:
        digest = digest_of(level)

        assert level.run("cat", digest[:16].upper()).octets == level.run("cat", digest).octets

    def test_an_ambiguous_prefix_lists_the_matches(self, level: Setting) -> None:
        digests = {line["digest"] for line in level.run("list", "--json").lines()}
        prefix = next(d[0] for d in digests if sum(o[0] == d[0] for o in digests) > 1)

        outcome = level.run("cat", prefix)

        listed = re.findall(r"^  ([0-9a-f]{64})$", outcome.stderr, re.MULTILINE)
        assert (outcome.code, outcome.octets) == (2, b"")
        assert len(listed) > 1
        assert all(digest.startswith(prefix) for digest in listed)

    @pytest.mark.parametrize("prefix", ["", "xyz", "0" * 63, "0" * 65, "../etc"])
    def test_what_is_no_digest_is_refused(self, level: Setting, prefix: str) -> None:
        outcome = level.run("cat", prefix)

        assert (outcome.code, outcome.octets) == (2, b"")


class TestShow:
    def test_a_person_sees_header_places_and_text(self, level: Setting) -> None:
        outcome = level.run("show", digest_of(level, subject="Frost"))

        assert re.search(r"^Subject:    Frost$", outcome.stdout, re.MULTILINE)
        assert re.search(r"^In:         work \S+, number \d+", outcome.stdout, re.MULTILINE)
        assert outcome.stdout.count("\n\n") >= 1

    def test_attachments_are_listed(self, level: Setting) -> None:
        shown = [
            level.run("show", line["digest"], "--json").document()
            for line in level.run("list", "--mailbox", "Projekte/*", "--json").lines()
        ]

        names = {each["name"] for message in shown for each in message["attachments"]}
        assert "Plan Brücke.pdf" in names

    def test_json_holds_the_placements_as_list_does(self, level: Setting) -> None:
        digest = digest_of(level)

        message = level.run("show", digest, "--json").document()

        assert message["digest"] == digest
        assert all(set(each) >= PLACEMENT for each in message["placements"])


class TestLog:
    def test_runs_are_listed_newest_first(self, level: Setting) -> None:
        runs = level.run("log", "--json").lines()

        numbers = [run["run"] for run in runs]
        assert numbers == sorted(numbers, reverse=True)
        assert changed(runs[-1], "arrived") == 196
        assert TIME.fullmatch(runs[0]["started"])

    def test_it_can_be_cut_short(self, level: Setting) -> None:
        assert len(level.run("log", "--limit", "1", "--json").lines()) == 1
        assert "run 1  " in level.run("log").stdout


def changed(run: Json, key: str) -> int:
    counts = [mailbox[key] for account in run["accounts"] for mailbox in account["mailboxes"]]
    return sum(counts)


def test_a_configured_password_is_in_no_output(level: Setting) -> None:
    commands = (["-vv", "sync"], ["-vv", "check", "--json"], ["-vv", "status"], ["-vv", "log"])

    said = [level.run(*command) for command in commands]

    assert not any(PASSWORD in outcome.stderr for outcome in said)
    assert not any(f'"{PASSWORD}"' in outcome.stdout for outcome in said)


def test_no_file_of_the_archive_is_open_to_others(level: Setting) -> None:
    modes = {path: path.stat().st_mode & 0o077 for path in level.archive.rglob("*")}

    assert not [path for path, mode in modes.items() if mode]
    assert level.archive.stat().st_mode & 0o077 == 0
