"""The whole way of a guard: it fires, nothing is lost, and a person has the last word."""

import re
from collections.abc import Callable, Iterator

import pytest

from mailvault.demo.mailbox import ServedAccount, ServedMailbox
from mailvault.demo.sample import PASSWORD, USER
from mailvault.demo.server import DemoServer
from mailvault.errors import UsageError
from mailvault.mail.changes import Suspected
from mailvault.mail.model import Batch, Mailbox, Uid
from mailvault.operations.accept import accept, suspected
from tests.servers.bent import BentServer
from tests.unit.archive.builders import INTERNAL_DATE, build_message, open_again
from tests.unit.cli.program import Json, Setting
from tests.unit.cli.test_init import on_a_terminal

MAILBOXES = ("INBOX", "Archive", "Lists", "Sent")


def build_account(first: int = 1, *, size: int = 30) -> ServedAccount:
    """Four mailboxes of ``size`` messages; other numbers make another user's."""
    account = ServedAccount(USER, PASSWORD)
    for place, name in enumerate(MAILBOXES):
        mailbox = account.create(name)
        for number in range(size):
            fill(mailbox, build_message(first + place * size + number))
    return account


def fill(mailbox: ServedMailbox, octets: bytes) -> None:
    mailbox.append(octets, flags=["\\Seen"], internal_date=INTERNAL_DATE)


def configured(setting: Setting, server: DemoServer, *more: str) -> None:
    setting.configure(
        work=f'protocol = "imap"\nhost = "127.0.0.1"\nport = {server.port}\n'
        f'tls = "none"\nuser = "{USER}"\npassword = "{PASSWORD}"\n' + "\n".join(more)
    )


def holdings(setting: Setting, *arguments: str) -> list[tuple[str, str]]:
    """Mailbox and digest of everything, now or then."""
    lines = setting.run("list", "--json", *arguments).lines()
    return sorted((line["mailbox"], line["digest"]) for line in lines)


def suspicions(setting: Setting) -> list[str]:
    shown = setting.run("accept", "work", "--dry-run", "--json").document()
    return sorted(f"{e['mailbox'] or '-'}: {e['reason']}" for e in shown["suspicions"])


@pytest.fixture
def account() -> ServedAccount:
    return build_account()


@pytest.fixture
def level(setting: Setting, account: ServedAccount) -> Iterator[Setting]:
    """An archive level with a server of 120 messages in four mailboxes."""
    with DemoServer(account, is_writable=True) as server:
        configured(setting, server)
        setting.run("init")
        assert setting.run("sync").code == 0
        yield setting


def emptied(account: ServedAccount) -> None:
    for mailbox in account.mailboxes():
        for uid in list(mailbox.messages):
            mailbox.expunge(uid)


def deleted(account: ServedAccount) -> None:
    for name in MAILBOXES[1:]:
        account.delete(name)
    emptied(account)


def encrypted(account: ServedAccount) -> None:
    """Every message again, with the same Message-ID and other octets."""
    for mailbox in account.mailboxes():
        for uid in list(mailbox.messages):
            octets = mailbox.expunge(uid).octets
            head, _, body = octets.partition(b"\r\n\r\n")
            fill(mailbox, head + b"\r\n\r\n" + body[::-1])


def renamed(account: ServedAccount) -> None:
    for name in MAILBOXES[1:]:
        account.rename(name, f"{name}.locked")


DISASTERS: dict[str, tuple[Callable[[ServedAccount], None], list[str]]] = {
    "emptied": (
        emptied,
        [f"{name}: the mailbox had 30 messages and now lists none" for name in MAILBOXES],
    ),
    "mailboxes-deleted": (
        deleted,
        [
            "-: of 3 mailboxes 0 have other names and 3 are gone at once",
            "-: 3 mailboxes with 90 of 120 messages are gone from the server",
            "INBOX: the mailbox had 30 messages and now lists none",
        ],
    ),
    "encrypted": (
        encrypted,
        [
            f"{name}: 30 of 30 messages came back with other octets under the same Message-ID"
            for name in MAILBOXES
        ],
    ),
    "renamed": (renamed, ["-: of 3 mailboxes 3 have other names and 0 are gone at once"]),
}


@pytest.mark.parametrize("disaster", DISASTERS)
def test_a_disaster_is_suspicious_with_numbers_and_takes_nothing(
    level: Setting, account: ServedAccount, disaster: str
) -> None:
    happens, reasons = DISASTERS[disaster]
    before = holdings(level)
    with account.lock:
        happens(account)

    outcome = level.run("sync", "--json")

    assert outcome.code == 3
    assert suspicions(level) == sorted(reasons)
    assert all(reason.partition(": ")[2] in outcome.stderr for reason in reasons)
    assert holdings(level, "--at", "1") == before
    assert level.run("verify", "--json").document()["findings"] == []


def test_another_users_mailbox_is_suspicious_and_takes_nothing(
    level: Setting, account: ServedAccount
) -> None:
    before = holdings(level)
    other = build_account(1001)
    for mailbox in other.mailboxes():
        mailbox.uidvalidity += 1000
    with DemoServer(other) as server:
        configured(level, server)
        outcome = level.run("sync")

    assert outcome.code == 3
    assert suspicions(level) == sorted(
        f"{name}: all 30 messages are gone, and 30 others are there" for name in MAILBOXES
    )
    assert holdings(level, "--at", "1") == before


@pytest.mark.parametrize(
    ("refused", "code"),
    [(b"LIST", 10), (b"EXAMINE", 3), (b"UID FETCH", 3), (b"UID SEARCH", 3)],
    ids=["list", "examine", "fetch", "search"],
)
def test_a_server_that_answers_with_errors_takes_nothing(
    setting: Setting, account: ServedAccount, refused: bytes, code: int
) -> None:
    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        tag, _, rest = command.partition(b" ")
        return [tag + b" NO not today\r\n"] if rest.startswith(refused) else answer

    with DemoServer(account) as server:
        configured(setting, server)
        setting.run("init")
        setting.run("sync")
    before = holdings(setting)
    with account.lock:
        for mailbox in account.mailboxes():
            fill(mailbox, build_message(999))
    with BentServer(account, bend) as server:
        configured(setting, server)
        outcome = setting.run("sync")

    assert outcome.code == code, outcome.stderr
    assert holdings(setting) == before
    assert holdings(setting, "--gone") == []
    assert suspicions(setting) == []


def test_a_server_emptied_and_synced_thirty_times_loses_nothing(
    level: Setting, account: ServedAccount
) -> None:
    before = holdings(level)
    with account.lock:
        emptied(account)

    codes = [level.run("sync").code for _ in range(30)]
    pruned = level.run("prune", "--keep-last", "1", "--yes")

    assert codes == [3] + [0] * 29
    assert pruned.code == 3
    assert holdings(level, "--at", "1") == before
    assert level.run("verify", "--json").document()["checked"] == len(before)


def test_a_disaster_that_was_recorded_by_a_killed_sync_is_said_by_the_next(
    level: Setting, account: ServedAccount
) -> None:
    with account.lock:
        emptied(account)
    with open_again(level.archive, writing=True) as archive:
        killed = archive.start_run()
        number = killed.account("work", "imap")
        for view in archive.catalog.mailboxes("work"):
            killed.describe(number, Mailbox(view.name), mailbox_id=view.mailbox_id)
            gone = tuple(map(Uid, range(1, view.messages + 1)))
            killed.add(view.mailbox_id, Batch(view.uidvalidity or 0, expunged=gone))
        killed.flush()
        killed.abandon()

    codes = [level.run("sync").code for _ in range(2)]

    assert codes == [3, 0]
    assert suspicions(level) == sorted(
        f"{name}: the mailbox had 30 messages and now lists none" for name in MAILBOXES
    )


def test_what_waits_for_a_person_is_said_by_every_sync(
    level: Setting, account: ServedAccount
) -> None:
    with account.lock:
        emptied(account)
    level.run("sync")

    outcome = level.run("sync", "--json")

    (report,) = outcome.document()["accounts"]
    assert (outcome.code, report["unaccepted"]) == (0, 4)
    assert "4 suspicions of earlier runs not accepted" in outcome.stderr
    assert "mailvault accept work" in outcome.stderr


class TestAccept:
    @pytest.fixture
    def suspicious(self, level: Setting, account: ServedAccount) -> Setting:
        with account.lock:
            emptied(account)
        level.run("sync")
        return level

    def shown(self, setting: Setting) -> Json:
        return setting.run("accept", "work", "--dry-run", "--json").document()

    def test_says_what_accepting_means(self, suspicious: Setting) -> None:
        outcome = suspicious.run("accept", "work", "--dry-run")

        assert outcome.code == 3
        assert "INBOX: the mailbox had 30 messages and now lists none" in outcome.stdout
        assert "the server has lost 120 messages (" in outcome.stdout
        assert len(self.shown(suspicious)["suspicions"]) == 4
        assert self.shown(suspicious)["gone"]["messages"] == 120

    @pytest.mark.parametrize("asked", ["status", "accept work --dry-run"])
    def test_what_it_says_against_a_loss_brings_everything_back(
        self, suspicious: Setting, asked: str
    ) -> None:
        said = suspicious.run(*asked.split()).stdout
        (command, *_) = re.findall(r"mailvault (restore work --to ACCOUNT --at \d+)", said)

        restored = suspicious.run(*command.replace("ACCOUNT", "work").split(), "--json")
        suspicious.run("sync")

        assert restored.code == 0, restored.stderr
        assert holdings(suspicious) == holdings(suspicious, "--at", "1")

    def test_accepts_with_yes(self, suspicious: Setting) -> None:
        outcome = suspicious.run("accept", "work", "--yes", "--json")

        assert (outcome.code, outcome.document()["accepted"]) == (0, True)
        assert self.shown(suspicious)["suspicions"] == []
        assert suspicious.run("accept", "work").stdout == "work: nothing is suspicious\n"
        assert suspicious.run("sync").code == 0

    def test_accepts_nothing_where_nobody_can_be_asked(self, suspicious: Setting) -> None:
        outcome = suspicious.run("accept", "work")

        assert outcome.code == 2
        assert "--yes" in outcome.stderr
        assert len(self.shown(suspicious)["suspicions"]) == 4

    @pytest.mark.parametrize(("answer", "left"), [("yes", 0), ("no", 4), ("", 4)])
    def test_asks_on_a_terminal(self, suspicious: Setting, answer: str, left: int) -> None:
        command = ["--config", str(suspicious.configuration), "accept", "work"]
        answers = [answer] if answer else ["", "no"]  # an empty answer is none

        code, said = on_a_terminal(command, answers, suspicious.folder)

        assert "was all of this meant? yes or no" in said
        assert code == (3 if left else 0)
        assert len(self.shown(suspicious)["suspicions"]) == left

    def test_refuses_what_was_suspected_after_it_was_shown(self, suspicious: Setting) -> None:
        with open_again(suspicious.archive, writing=True) as archive:
            shown = suspected(archive, "work")
            archive.tell([Suspected(1, None, "something else")])

            with pytest.raises(UsageError, match="other things are suspected now"):
                accept(archive, shown)

            assert len(archive.catalog.suspicions("work")) == 5

    def test_is_remembered_by_a_rebuilt_catalog(self, suspicious: Setting) -> None:
        suspicious.run("accept", "work", "--yes")

        assert suspicious.run("rebuild").code == 0
        assert self.shown(suspicious)["suspicions"] == []

    def test_knows_the_accounts(self, suspicious: Setting) -> None:
        outcome = suspicious.run("accept", "wrok", "--yes")

        assert outcome.code == 2
        assert "work" in outcome.stderr
