"""What `ports.Destination` and `ports.RemoteDestination` promise, by IMAP on real servers."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from mailvault.destinations.imap import ImapDestination
from mailvault.mail.delivery import Letter, WantedMailbox
from mailvault.mail.model import FLAGGED, INBOX, SEEN, Digest, Flag, MailboxName, Octets, Uid
from mailvault.ports import RemoteDestination
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.imap_append import ImapWriter
from tests import oracle
from tests.contract.folders import HELLO, HOSTILE, NOON, Stream
from tests.corpus.ordinary import generate
from tests.oracle import Holdings
from tests.servers.process import HOST, MailServer
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server

WORK = MailboxName(("Work", "2026"))
MAIL = [letter.octets for letter in generate(1, 20)]


@pytest.fixture(params=["dovecot", "cyrus", "courier"])
def user(request: pytest.FixtureRequest) -> MailUser:
    server: MailServer = request.getfixturevalue(request.param)
    return new_user(server)


@pytest.fixture
def destination(user: MailUser) -> Iterator[RemoteDestination]:
    with open_destination(user) as opened:
        yield opened


def open_destination(user: MailUser) -> ImapDestination:
    endpoint = Endpoint(HOST, user.port, TlsMode.NONE)
    login = Login(user.name, lambda: user.password)
    return ImapDestination(lambda: ImapWriter.connect(endpoint, login, None), "imap x y")


def held(user: MailUser) -> Holdings:
    with user.session() as session:
        return oracle.read(session)


def digests(user: MailUser, mailbox: str | None = None) -> Counter[str]:
    return Counter(
        seen.digest
        for (name, _), seen in held(user).messages.items()
        if mailbox is None or name == mailbox
    )


def counted(messages: list[bytes]) -> Counter[str]:
    return Counter(str(Digest.of(octets)) for octets in messages)


def letter(octets: Octets, *flags: Flag, date: datetime | None = NOON) -> Letter:
    return Letter(Digest.of(b""), octets, frozenset(flags), date)


def append(
    destination: RemoteDestination, octets: Octets, mailbox: MailboxName = INBOX
) -> None:
    destination.append(mailbox, octets, flags=frozenset(), internal_date=NOON)


def place(destination: RemoteDestination, *parts: str) -> str:
    (found,) = destination.assign([WantedMailbox(MailboxName(parts))], making=True)
    assert found.path is not None
    return found.path


def test_the_octets_are_the_very_same(user: MailUser, destination: RemoteDestination) -> None:
    for octets in MAIL:
        append(destination, octets)

    assert digests(user) == counted(MAIL)


@pytest.mark.parametrize("piece", [1, 4096])
def test_a_message_in_pieces_is_the_same(
    user: MailUser, destination: RemoteDestination, piece: int
) -> None:
    octets = b"Subject: x\r\n\r\n" + b"From me\r\n.\r\nA1 LOGOUT\r\n{5+}\r\n" * 50

    append(destination, Stream(octets, piece))

    assert digests(user) == counted([octets])


def test_a_message_that_stands_twice_is_written_twice(
    user: MailUser, destination: RemoteDestination
) -> None:
    for _ in range(3):
        append(destination, HELLO)
    append(destination, HELLO, WORK)

    assert digests(user) == counted([HELLO] * 4)
    assert digests(user, "INBOX") == counted([HELLO] * 3)


def test_a_message_that_breaks_off_leaves_nothing(user: MailUser) -> None:
    torn = Stream(b"half of it\r\n" * 100, 64, is_torn=True)

    with open_destination(user) as destination:
        append(destination, HELLO)
        with pytest.raises(OSError, match="broken"):
            append(destination, torn)

    assert digests(user) == counted([HELLO])


def test_date_and_flags_come_back(user: MailUser, destination: RemoteDestination) -> None:
    east = datetime(2020, 2, 29, 1, 2, 3, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    flags = frozenset({SEEN, FLAGGED, Flag("$Forwarded")})

    destination.append(INBOX, HELLO, flags=flags, internal_date=east)

    (seen,) = held(user).messages.values()
    assert (seen.internal_date, seen.flags) == (east, flags)


def test_a_message_without_a_date_is_written(
    user: MailUser, destination: RemoteDestination
) -> None:
    destination.append(INBOX, HELLO, flags=frozenset(), internal_date=None)

    assert digests(user) == counted([HELLO])


def test_an_empty_mailbox_leaves_a_trace(
    user: MailUser, destination: RemoteDestination
) -> None:
    destination.create(WORK)

    assert any(name.endswith("Work/2026") for name in held(user).mailboxes)


def test_hostile_names_stay_apart(user: MailUser, destination: RemoteDestination) -> None:
    wanted = [WantedMailbox(MailboxName(parts)) for parts in HOSTILE]

    for number, found in enumerate(destination.assign(wanted, making=True)):
        assert found.path is not None, found.note
        list(destination.deliver(found.path, [[letter(b"A: %d\r\n\r\n" % number)]]))

    filled = Counter(name for name, _ in held(user).messages)
    assert not [name for name, count in filled.items() if count > 1]
    assert len(filled) == len(wanted)


def test_a_place_that_is_not_to_be_made_is_not_made(
    user: MailUser, destination: RemoteDestination
) -> None:
    (found,) = destination.assign([WantedMailbox(WORK)], making=False)

    assert found.is_new
    assert found.path is not None
    assert held(user).mailboxes == {"INBOX"} | (held(user).mailboxes - {found.path})
    assert not any("Work" in name for name in held(user).mailboxes)


def test_a_place_is_found_again(destination: RemoteDestination) -> None:
    (first,) = destination.assign([WantedMailbox(WORK)], making=True)
    (second,) = destination.assign([WantedMailbox(WORK)], making=True)

    assert (first.path, first.is_new) == (second.path, True)
    assert not second.is_new


def test_every_parcel_gets_an_answer_in_order(
    user: MailUser, destination: RemoteDestination
) -> None:
    path = place(destination, "Parcels")
    size = 4 if destination.takes_several else 1
    parcels = [[letter(octets) for octets in MAIL[n : n + size]] for n in range(0, 20, size)]

    deliveries = list(destination.deliver(path, parcels))

    assert [delivery.letters for delivery in deliveries] == parcels
    assert all(delivery.denial is None for delivery in deliveries)
    uids = [uid for delivery in deliveries for uid in delivery.uids or ()]
    assert uids == sorted(set(uids))
    assert len(uids) == len(MAIL)
    by_uid = {uid: seen.digest for (_, uid), seen in held(user).messages.items()}
    assert [by_uid[uid] for uid in uids] == [str(Digest.of(octets)) for octets in MAIL]


def test_what_was_delivered_is_seen(destination: RemoteDestination) -> None:
    path = place(destination, "Seen")
    before = destination.open(path)
    (delivery,) = destination.deliver(path, [[letter(HELLO, SEEN)]])
    assert delivery.uids is not None

    (glance,) = destination.glance(destination.uids())
    (fingerprint,) = destination.fingerprints(destination.uids())
    (served,) = destination.fetch(destination.uids())

    assert before.messages == 0
    assert delivery.uidvalidity == before.uidvalidity
    assert list(delivery.uids) == [glance.uid] == [fingerprint.uid] == [served.uid]
    assert glance.size == fingerprint.size == len(HELLO)
    assert glance.internal_date == fingerprint.internal_date == NOON
    assert (served.octets, served.internal_date) == (HELLO, NOON)
    assert SEEN in (served.flags or ())


def test_looking_takes_nothing_from_what_is_new(
    user: MailUser, destination: RemoteDestination
) -> None:
    append(destination, HELLO)
    before = recent(user)

    destination.open("INBOX")
    list(destination.fetch(destination.uids()))

    assert recent(user) == before
    assert not next(iter(held(user).messages.values())).flags


def recent(user: MailUser) -> bytes:
    with user.session() as session:
        replies, _ = session.command(b"STATUS INBOX (RECENT)")
    return replies[0][0]


def test_an_empty_mailbox_tells_which_flags_it_keeps(destination: RemoteDestination) -> None:
    state = destination.open(place(destination, "Flags"))

    assert state.keeps is not None
    assert state.keeps_any_keyword
    assert state.kept(frozenset({SEEN, Flag("$Label"), Flag("\\Odd")})) == {SEEN, "$Label"}


def test_messages_that_are_gone_are_left_out(destination: RemoteDestination) -> None:
    destination.open(place(destination, "Gone"))

    assert list(destination.fetch([Uid(5)])) == []
    assert list(destination.glance([])) == []


def test_a_mailbox_that_went_away_is_made_again(destination: RemoteDestination) -> None:
    path = place(destination, "Here")
    missing = path.replace("Here", "There")
    (refused,) = destination.deliver(missing, [[letter(HELLO)]])

    destination.make_again(missing)
    (taken,) = destination.deliver(missing, [[letter(HELLO)]])

    assert refused.denial is not None
    assert refused.denial.name == "NO_MAILBOX"
    assert taken.denial is None


def test_now_is_known_where_no_date_was_given(destination: RemoteDestination) -> None:
    path = place(destination, "Now")

    list(destination.deliver(path, [[letter(HELLO, date=None)]]))

    destination.open(path)
    (glance,) = destination.glance(destination.uids())
    assert glance.internal_date is not None
    assert abs(glance.internal_date - datetime.now(UTC)) < timedelta(days=1)
