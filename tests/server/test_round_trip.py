"""From server to server to server: what comes out is what went in, or the report names it."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from tests.corpus.ordinary import generate
from tests.server.accounts import append_all, append_oddities
from tests.server.movers import Movers
from tests.server.vault import RUN_SECONDS, Json
from tests.servers.courier import Courier
from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import Dovecot
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server

MAILBOXES = ("Work", "Work/2026", "Grüße & Co", "日本語", "With blank", "Empty")


@dataclass(frozen=True)
class Leg:
    """One restore on the way, and what the archive has of both ends afterwards."""

    report: Json
    sent: dict[str, list[Json]]
    received: dict[str, list[Json]]

    @property
    def named(self) -> set[str]:
        """The messages of which the report says that they are not there as they were."""
        return {each["digest"] for of in ("refused", "altered") for each in self.report[of]}

    @property
    def pairs(self) -> list[tuple[str, list[Json], list[Json]]]:
        """Each mailbox with its messages at both ends, those left out that are named."""
        found = []
        for each in self.report["mailboxes"]:
            sent = self.sent.get(each["mailbox"], [])
            received = self.received.get(each["target"], [])
            found.append((each["mailbox"], [m for m in sent if not self.is_named(m)], received))
        return found

    def is_named(self, message: Json) -> bool:
        return message["digest"] in self.named


@pytest.fixture(scope="module")
def start(dovecot: Dovecot) -> MailUser:
    user = new_user(dovecot)
    with user.session() as session:
        append_oddities(session, "INBOX")
        append_all(session, "INBOX", generate(1, 20))
        for number, name in enumerate(MAILBOXES):
            session.create(name)
            if name != "Empty":
                append_all(session, name, generate(number, 12))
        append_all(session, "Work", list(generate(9, 3)) * 2)  # twins
    return user


@pytest.fixture(scope="module")
def legs(
    start: MailUser,
    cyrus: Cyrus,
    courier: Courier,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Leg]:
    folder: Path = tmp_path_factory.mktemp("round") / "vault"
    folder.mkdir()
    users = {"dovecot": start, "cyrus": new_user(cyrus), "courier": new_user(courier)}
    vault = Movers(folder, users)
    vault.init()
    vault.sync("dovecot")
    return [travel(vault, "dovecot", "cyrus"), travel(vault, "cyrus", "courier")]


def travel(vault: Movers, source: str, target: str) -> Leg:
    words = ["restore", source, "--to", target, "--verify", "all", "--json"]
    with vault.start(*words) as process:
        printed, said = process.communicate(timeout=RUN_SECONDS)
    assert process.returncode in (0, 3), said.decode()  # 3: the server refused something
    vault.sync(target)
    return Leg(json.loads(printed), by_mailbox(vault, source), by_mailbox(vault, target))


def by_mailbox(vault: Movers, account: str) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for placement in vault.placements(account):
        found.setdefault(placement["mailbox"], []).append(placement)
    return found


@pytest.fixture(params=[0, 1], ids=["dovecot to cyrus", "cyrus to courier"])
def leg(request: pytest.FixtureRequest, legs: list[Leg]) -> Leg:
    number: int = request.param
    return legs[number]


def test_bodies_are_equal_or_named(leg: Leg) -> None:
    for name, sent, received in leg.pairs:
        arrived = Counter(message["digest"] for message in received)
        missing = Counter(message["digest"] for message in sent) - arrived
        assert not missing, f"{name}: {missing}"


def test_no_message_is_lost_or_doubled(leg: Leg) -> None:
    refused = Counter(each["mailbox"] for each in leg.report["refused"])
    for each in leg.report["mailboxes"]:
        sent = leg.sent.get(each["mailbox"], [])
        received = leg.received.get(each["target"], [])
        assert len(received) == len(sent) - refused[each["mailbox"]], each["mailbox"]


def test_few_messages_are_named(leg: Leg) -> None:
    total = sum(map(len, leg.sent.values()))

    assert len(leg.named) < total / 5
    assert all(each["how"] for each in leg.report["altered"])
    assert all(each["reason"] for each in leg.report["refused"])


def test_dates_are_equal_to_the_second(leg: Leg) -> None:
    for name, sent, received in leg.pairs:
        missing = Counter(map(dated, sent)) - Counter(map(dated, received))
        assert not missing, f"{name}: {missing}"


def dated(message: Json) -> tuple[str, datetime]:
    return message["digest"], datetime.fromisoformat(message["internal_date"])


def test_system_flags_are_all_there(leg: Leg) -> None:
    for name, sent, received in leg.pairs:
        missing = Counter(map(flagged, sent)) - Counter(map(flagged, received))
        assert not missing, f"{name}: {missing}"


def flagged(message: Json) -> tuple[str, tuple[str, ...]]:
    return message["digest"], tuple(flag for flag in message["flags"] if flag[0] == "\\")


def test_keywords_are_there_or_named(leg: Leg) -> None:
    cut = {each["mailbox"]: set(each["flags"]) for each in leg.report["flags_cut"]}
    for name, sent, received in leg.pairs:
        lost = cut.get(name, set())
        wanted = Counter((m["digest"], keywords(m) - lost) for m in sent)
        missing = wanted - Counter((m["digest"], keywords(m)) for m in received)
        assert not missing, f"{name}: {missing}"


def keywords(message: Json) -> frozenset[str]:
    return frozenset(flag for flag in message["flags"] if flag[0] != "\\")


def test_every_mailbox_arrives_under_a_name_of_its_own(legs: list[Leg]) -> None:
    for leg in legs:
        targets = [each["target"] for each in leg.report["mailboxes"]]
        assert None not in targets
        assert len(set(targets)) == len(targets)
    names = {each["mailbox"] for each in legs[0].report["mailboxes"]}
    assert {"INBOX", *MAILBOXES} <= names
