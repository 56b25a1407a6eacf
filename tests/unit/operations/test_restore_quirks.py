"""What real servers object to, and what a restore makes of it: one bend a test."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.demo.mailbox import ServedAccount
from mailvault.destinations.eml import EmlDestination
from mailvault.destinations.imap import ImapDestination
from mailvault.errors import ConnectionLost, ServerBusy
from mailvault.mail.model import INBOX, Arrival, Batch, Mailbox, MailboxName, Uid
from mailvault.operations.reports import Silent
from mailvault.operations.restore import restore
from mailvault.operations.restore_report import ReadBack, RestoreOptions, RestoreReport
from mailvault.transport.endpoint import Endpoint, Login, Timeouts, TlsMode
from mailvault.transport.imap_append import ImapWriter
from tests.flags import build_flags
from tests.servers.bent import Bend, BentServer, HangUp, as_it_should
from tests.unit.archive.builders import SteppingClock

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
COUNT = 20

Restore = Callable[..., RestoreReport]


class PatientClock(SteppingClock):
    """Remembers how long was waited."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        super().sleep(seconds)


def octets_of(number: int) -> bytes:
    return b"Message-ID: <%d@x.example>\r\nSubject: number %d\r\n\r\n%s\r\n" % (
        number,
        number,
        b"body " * number,
    )


@pytest.fixture
def clock() -> PatientClock:
    return PatientClock()


@pytest.fixture
def archive(tmp_path: Path, clock: PatientClock) -> Iterator[Archive]:
    with Archive.create(tmp_path / "archive", clock=clock) as archive:
        yield archive


def keep(
    archive: Archive, *messages: bytes, name: MailboxName = INBOX, flags: str = ""
) -> None:
    """Archive messages, as a sync would."""
    recorder = archive.start_run()
    account = recorder.account("work", "imap")
    mailbox = recorder.describe(account, Mailbox(name))
    marked = build_flags(*flags.split())
    arrived = tuple(
        Arrival(Uid(uid), octets, marked, NOON + timedelta(minutes=uid))
        for uid, octets in enumerate(messages, 1)
    )
    recorder.add(mailbox, Batch(1, arrived=arrived, is_complete=True))
    recorder.account_finished(account, None)
    recorder.finish(0)


@pytest.fixture
def twenty(archive: Archive) -> list[bytes]:
    messages = [octets_of(number) for number in range(1, COUNT + 1)]
    keep(archive, *messages, flags="\\Seen")
    return messages


@pytest.fixture
def target() -> ServedAccount:
    account = ServedAccount("me", "secret")
    account.create("INBOX")
    return account


@pytest.fixture
def put_back(archive: Archive, target: ServedAccount, clock: PatientClock) -> Restore:
    def run(
        bend: Bend = as_it_should,
        *,
        server_options: dict[str, object] | None = None,
        **options: object,
    ) -> RestoreReport:
        settings = {"is_writable": True, **(server_options or {})}
        with BentServer(target, bend, **settings) as server:  # type: ignore[arg-type]
            endpoint = Endpoint(
                server.host, server.port, TlsMode.NONE, timeouts=Timeouts(command=20)
            )
            login = Login("me", lambda: "secret")

            def open_target() -> ImapDestination:
                return ImapDestination(
                    lambda: ImapWriter.connect(endpoint, login, None), "imap test me"
                )

            chosen = {"connections": 1, "read_back": ReadBack.ALL, **options}
            return restore(
                archive,
                "work",
                open_target,
                RestoreOptions(clock=clock, **chosen),  # type: ignore[arg-type]
                Silent(),
            )

    return run


def bodies(account: ServedAccount, path: str = "INBOX") -> list[bytes]:
    return [message.octets for message in account.mailbox(path).messages.values()]


def is_append(command: bytes) -> bool:
    return re.match(rb"\S+ APPEND ", command) is not None


def refusing(answer: bytes, *, having: bytes) -> dict[str, object]:
    """Refuse each APPEND that has these octets somewhere."""
    return {
        "refuse": lambda command: answer if is_append(command) and having in command else None
    }


def appended(report: RestoreReport) -> int:
    return sum(each.appended for each in report.mailboxes)


@pytest.mark.parametrize(
    "withheld",
    [
        (),
        (b"UIDPLUS",),
        (b"MULTIAPPEND",),
        (b"LITERAL+",),
        (b"UIDPLUS", b"MULTIAPPEND", b"LITERAL+"),
    ],
    ids=["all", "no UIDPLUS", "no MULTIAPPEND", "no LITERAL+", "none"],
)
def test_a_server_that_offers_less_gets_the_same(
    put_back: Restore, target: ServedAccount, twenty: list[bytes], withheld: tuple[bytes, ...]
) -> None:
    def without_uids(_: bytes, answer: list[bytes]) -> list[bytes]:
        return [re.sub(rb"\[APPENDUID [^\]]*\] ", b"", piece) for piece in answer]

    bend = without_uids if b"UIDPLUS" in withheld else as_it_should
    first = put_back(bend, server_options={"withheld": withheld})
    again = put_back(bend, server_options={"withheld": withheld})

    assert bodies(target) == twenty
    assert (appended(first), appended(again)) == (COUNT, 0)
    assert first.exit_code == again.exit_code == 0


def test_a_message_too_large_is_not_even_sent(
    put_back: Restore, target: ServedAccount, archive: Archive
) -> None:
    keep(archive, octets_of(1), b"Subject: large\r\n\r\n" + b"x" * 2_000, octets_of(2))

    def limited(command: bytes, answer: list[bytes]) -> list[bytes]:
        assert not is_append(command) or b"large" not in command
        return [re.sub(rb"UIDPLUS", b"UIDPLUS APPENDLIMIT=1000", piece) for piece in answer]

    report = put_back(limited)

    assert bodies(target) == [octets_of(1), octets_of(2)]
    assert [each.reason for each in report.refused] == [
        "2018 octets are more than the server takes: 1000"
    ]
    assert report.exit_code == 3


def test_one_refused_message_stops_no_other(
    put_back: Restore,
    target: ServedAccount,
    twenty: list[bytes],
    archive: Archive,
    tmp_path: Path,
) -> None:
    with EmlDestination(tmp_path / "rejects", outside=archive.path) as rejects:
        report = put_back(
            server_options=refusing(b"NO I do not like it", having=b"number 7\r\n"),
            rejects=rejects,
        )

    assert Counter(bodies(target)) == Counter(twenty) - Counter([twenty[6]])
    assert [each.reason for each in report.refused] == ["I do not like it"]
    assert [p.read_bytes() for p in (tmp_path / "rejects").rglob("*.eml")] == [twenty[6]]
    assert report.exit_code == 3


def test_a_full_quota_leaves_room_for_small_messages(
    put_back: Restore, target: ServedAccount, twenty: list[bytes]
) -> None:
    def full(command: bytes) -> bytes | None:
        held = sum(map(len, bodies(target)))
        sent = sum(int(n) for n in re.findall(rb"\{(\d+)\+?\}\r\n", command))
        return (
            b"NO [OVERQUOTA] Quota exceeded"
            if is_append(command) and held + sent > 700
            else None
        )

    report = put_back(server_options={"refuse": full, "withheld": (b"MULTIAPPEND",)})

    assert bodies(target)
    assert len(bodies(target)) + len(report.refused) == COUNT
    assert all("uota" in each.reason for each in report.refused)
    assert report.exit_code == 3


def test_flags_that_are_not_kept_are_cut_and_reported(
    put_back: Restore, target: ServedAccount, archive: Archive
) -> None:
    keep(archive, octets_of(1), octets_of(2), flags="\\Seen $Label \\Flagged")

    def few(_: bytes, answer: list[bytes]) -> list[bytes]:
        return [
            re.sub(rb"PERMANENTFLAGS \([^)]*\)", rb"PERMANENTFLAGS (\\Seen)", p) for p in answer
        ]

    report = put_back(few)

    assert {m.flags for m in target.mailbox("INBOX").messages.values()} == {
        frozenset({"\\Seen"})
    }
    (cut,) = report.flags_cut
    assert (cut.flags, cut.messages) == (build_flags("$Label", "\\Flagged"), 2)
    assert report.exit_code == 0


def test_a_flag_that_is_refused_costs_the_flag_and_not_the_message(
    put_back: Restore, target: ServedAccount, archive: Archive
) -> None:
    keep(archive, octets_of(1), flags="\\Seen $NotJunk")

    report = put_back(server_options=refusing(b"BAD Invalid system flag", having=b"$NotJunk"))

    (message,) = target.mailbox("INBOX").messages.values()
    assert message.flags == {"\\Seen"}
    assert [cut.flags for cut in report.flags_cut] == [{"$NotJunk"}]
    assert not report.refused


@pytest.mark.parametrize(
    ("octets", "having", "taken", "how"),
    [
        (b"A: b\r\n\r\nx\0y\r\n", b"\0", b"A: b\r\n\r\nx\x80y\r\n", "NUL"),
        (
            b"A: \xc3\xa4\r\n\r\nx\r\n",
            b"\xc3",
            b"A: =?utf-8?B?w6Q=?=\r\n\r\nx\r\n",
            "encoded words",
        ),
        (
            b"A: b\r\n\r\n" + b"x" * 1500 + b"\r\n",
            b"x" * 999,
            b"A: b\r\n\r\n" + b"x" * 998 + b"\r\n" + b"x" * 502 + b"\r\n",
            "broken",
        ),
    ],
    ids=["NUL", "header", "long line"],
)
def test_octets_are_changed_only_if_asked(
    put_back: Restore,
    target: ServedAccount,
    archive: Archive,
    octets: bytes,
    having: bytes,
    taken: bytes,
    how: str,
) -> None:
    keep(archive, octets)
    options = refusing(b"NO Not like this", having=having)

    refused = put_back(server_options=options)
    assert bodies(target) == []
    fixed = put_back(server_options=options, fix=True)
    again = put_back(server_options=options, fix=True)

    assert len(refused.refused) == 1
    assert bodies(target) == [taken]
    assert how in fixed.altered[0].how
    assert "Not like this" in fixed.altered[0].how
    assert appended(again) == 0


def test_a_mailbox_that_went_away_is_made_again(
    put_back: Restore, target: ServedAccount, archive: Archive
) -> None:
    away = MailboxName(("Away",))
    keep(archive, *map(octets_of, range(1, 6)), name=away)
    removed: list[bytes] = []

    def remove(command: bytes) -> bytes | None:
        if is_append(command) and not removed:
            target.delete("Away")
            removed.append(command)
        return None

    report = put_back(server_options={"refuse": remove})

    assert bodies(target, "Away") == [octets_of(number) for number in range(1, 6)]
    assert not report.refused


def test_a_busy_server_is_waited_for(
    put_back: Restore, target: ServedAccount, twenty: list[bytes], clock: PatientClock
) -> None:
    answers = [
        b"NO Request is throttled. Suggested Backoff Time: 299961 milliseconds",
        b"NO [UNAVAILABLE] Service temporarily unavailable",
    ]

    def busy(command: bytes) -> bytes | None:
        return answers.pop() if is_append(command) and answers else None

    report = put_back(server_options={"refuse": busy})

    assert Counter(bodies(target)) == Counter(twenty)
    assert report.exit_code == 0
    assert 299.961 in clock.waits


def test_a_server_that_stays_busy_ends_the_restore_and_keeps_what_it_took(
    put_back: Restore, target: ServedAccount, twenty: list[bytes]
) -> None:
    options: dict[str, object] = refusing(b"NO [THROTTLED] Later", having=b"number 9\r\n")

    report = put_back(server_options={**options, "withheld": (b"MULTIAPPEND",)})

    assert isinstance(report.error, ServerBusy)
    assert report.exit_code == 10
    assert len(bodies(target)) == COUNT - 1
    assert appended(put_back()) == 1
    assert Counter(bodies(target)) == Counter(twenty)


@pytest.mark.parametrize("is_stored", [True, False], ids=["stored", "not stored"])
@pytest.mark.parametrize(
    "farewell", [b"* BYE [UNAVAILABLE] Bye\r\n", b""], ids=["BYE", "silent"]
)
def test_what_was_under_way_when_the_connection_broke_is_settled(
    put_back: Restore,
    target: ServedAccount,
    twenty: list[bytes],
    is_stored: bool,
    farewell: bytes,
) -> None:
    broken: list[bytes] = []

    def hang_up(command: bytes, answer: list[bytes]) -> list[bytes]:
        if is_append(command) and b"number 9\r\n" in command and len(broken) < 2:
            broken.append(command)
            if not is_stored:
                inbox = target.mailbox("INBOX")
                for uid in [uid for uid, m in inbox.messages.items() if m.octets in command]:
                    inbox.expunge(uid)
            raise HangUp([farewell])
        return answer

    report = put_back(hang_up)

    assert broken
    assert Counter(bodies(target)) == Counter(twenty)
    assert appended(report) == COUNT
    assert report.exit_code == 0


def test_a_message_that_breaks_every_connection_is_left_alone(
    put_back: Restore, target: ServedAccount, twenty: list[bytes]
) -> None:
    def poison(command: bytes) -> bytes | None:
        if is_append(command) and b"number 9\r\n" in command:
            raise HangUp
        return None

    report = put_back(server_options={"refuse": poison})

    assert Counter(bodies(target)) == Counter(twenty) - Counter([twenty[8]])
    assert ["broke each time" in each.reason for each in report.refused] == [True]
    assert report.error is None


def test_a_server_that_is_gone_ends_the_restore_with_what_to_do(
    put_back: Restore, target: ServedAccount, twenty: list[bytes]
) -> None:
    def gone(command: bytes) -> bytes | None:
        if b" APPEND " in command or b" EXAMINE " in command:
            raise HangUp
        return None

    report = put_back(server_options={"refuse": gone})

    assert isinstance(report.error, ConnectionLost)
    assert report.exit_code == 10


def munged(octets: bytes) -> bytes:
    """As Cyrus stores it: octets above ASCII in the header become X."""
    head, blank, body = octets.partition(b"\r\n\r\n")
    return re.sub(rb"[\x80-\xff]", b"X", head) + blank + body


@pytest.mark.parametrize("is_journal_lost", [False, True], ids=["journal", "no journal"])
def test_a_message_the_server_altered_is_known_again_and_named(
    put_back: Restore, target: ServedAccount, archive: Archive, is_journal_lost: bool
) -> None:
    keep(archive, b"Subject: \xe4\xf6\xfc\r\n\r\nx\r\n", b"Message-ID: <\xe4>\r\n\r\nx\xff\r\n")

    def munge(command: bytes) -> bytes:
        if not is_append(command):
            return command
        line, rest = command.split(b"\r\n", 1)
        return (
            line
            + b"\r\n"
            + re.sub(rb"(?<=Subject: |age-ID: <)[\x80-\xff]+", lambda m: b"X" * len(m[0]), rest)
        )

    first = put_back(server_options={"translate": munge})
    if is_journal_lost:
        for path in (archive.path / "restores").rglob("*.jsonl"):
            path.unlink()
    again = put_back(server_options={"translate": munge})

    assert len(bodies(target)) == 2
    assert {each.how for each in first.altered} == {"octets above ASCII in the header became X"}
    assert first.exit_code == 0
    assert appended(again) == 0


def test_an_alteration_nobody_can_explain_is_suspicious(
    put_back: Restore, archive: Archive
) -> None:
    keep(archive, b"A: b\r\n\r\nthe whole of it\r\n")

    report = put_back(
        server_options={
            "translate": lambda command: command.replace(b"the whole of it", b"a part of it...")
        }
    )

    assert [each.is_known for each in report.altered] == [False]
    assert report.exit_code == 3


def test_a_server_that_forgets_a_flag_is_told_on(put_back: Restore, archive: Archive) -> None:
    keep(archive, octets_of(1), flags="\\Seen \\Flagged")

    def forget(command: bytes) -> bytes:
        return command.replace(b"\\Flagged ", b"") if is_append(command) else command

    report = put_back(server_options={"translate": forget})

    assert [each.how for each in report.altered] == ["flags were lost: \\flagged"]


def test_a_server_that_cannot_tell_names_apart_loses_none(
    put_back: Restore, target: ServedAccount, archive: Archive
) -> None:
    for number, name in enumerate(("Trash", "trash", "TRASH"), 1):
        keep(archive, octets_of(number), name=MailboxName((name,)))

    def one_case(command: bytes) -> bytes | None:
        found = re.match(rb'\S+ CREATE "([^"]*)"', command)
        made = {str(mailbox.name).lower() for mailbox in target.mailboxes()}
        is_taken = found is not None and found[1].decode().lower() in made
        return b"NO [ALREADYEXISTS] There is one" if is_taken else None

    report = put_back(server_options={"refuse": one_case})
    again = put_back(server_options={"refuse": one_case})

    targets = [str(each.target) for each in report.mailboxes]
    assert targets == ["TRASH", "Trash (2)", "trash (3)"]
    assert [bodies(target, path) for path in targets] == [[octets_of(n)] for n in (3, 1, 2)]
    assert appended(again) == 0
    assert any("Trash goes to Trash (2)" in note for note in report.notes)


def test_a_mailbox_without_a_place_is_listed_message_by_message(
    put_back: Restore, archive: Archive
) -> None:
    keep(archive, octets_of(1), octets_of(2), name=MailboxName(("Odd",)))

    report = put_back(
        server_options={
            "refuse": lambda command: b"NO Never" if b" CREATE " in command else None
        }
    )

    assert [each.reason for each in report.refused] == ["no mailbox for it: Never"] * 2
    assert [each.target for each in report.mailboxes] == [None]


def test_a_dry_run_foresees_what_it_can(put_back: Restore, archive: Archive) -> None:
    keep(archive, b"A: \xe4\r\n\r\n\0" + b"x" * 1200, octets_of(1), flags="$Label")

    def limited(command: bytes, answer: list[bytes]) -> list[bytes]:
        assert not re.match(rb"\S+ (APPEND|CREATE|SUBSCRIBE)", command)
        answer = [re.sub(rb"UIDPLUS", b"UIDPLUS QUOTA", piece) for piece in answer]
        answer = [re.sub(rb"PERMANENTFLAGS \([^)]*\)", b"PERMANENTFLAGS ()", p) for p in answer]
        if b" GETQUOTAROOT " in command:
            tag = command.partition(b" ")[0]
            return [b'* QUOTAROOT INBOX ""\r\n* QUOTA "" (STORAGE 9 10)\r\n', tag + b" OK\r\n"]
        return answer

    report = put_back(limited, dry_run=True)

    said = " ".join(report.notes)
    assert all(word in said for word in ("NUL", "above ASCII", "998", "line end", "quota"))
    assert [cut.flags for cut in report.flags_cut] == [{"$Label"}]
    assert appended(report) == 2
