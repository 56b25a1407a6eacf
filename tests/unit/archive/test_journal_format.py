"""Records survive being written as JSON lines, whatever text they hold."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.archive.drafts import storable_date
from mailvault.archive.instants import from_microseconds
from mailvault.archive.journal_format import decode, encode
from mailvault.mail.changes import (
    Accepted,
    AccountAdded,
    AccountFinished,
    Healed,
    JobEnded,
    MailboxChanged,
    MailboxDescribed,
    MailboxFinished,
    MailboxGone,
    MemoryLost,
    Owed,
    Placed,
    Pruned,
    Quarantined,
    Record,
    Reflagged,
    RunFinished,
    RunStarted,
    Suspected,
)
from mailvault.mail.model import Cursor, Digest, Flag, MailboxName, RunNumber, Uid

texts = st.text(st.characters(codec=None), max_size=20)  # lone surrogates and NUL too
numbers = st.integers(0, 2**63 - 1)
uids = st.integers(1, 2**32 - 1).map(Uid)
flags = st.frozensets(texts.map(Flag), max_size=4)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.integers(-(10**15), 10**16).map(from_microseconds)
internal_dates = st.none() | st.datetimes(timezones=zones).map(storable_date)
labels = st.none() | st.frozensets(texts, max_size=3)

digests = st.binary(min_size=32, max_size=32).map(Digest)

placed = st.builds(
    Placed,
    uid=uids,
    digest=digests,
    size=numbers,
    flags=flags,
    internal_date=internal_dates,
    uidl=st.none() | texts,
    email_id=st.none() | texts,
    labels=labels,
)
changed = st.builds(
    MailboxChanged,
    mailbox_id=numbers,
    uidvalidity=numbers,
    cursor=st.none() | texts.map(Cursor),
    placed=st.lists(placed, max_size=4).map(tuple),
    reflagged=st.lists(st.builds(Reflagged, uids, flags, labels), max_size=4).map(tuple),
    expunged=st.lists(uids, max_size=4).map(tuple),
    owed=st.lists(st.builds(Owed, uids, texts), max_size=4).map(tuple),
    is_complete=st.booleans(),
    removed=st.lists(uids, max_size=4).map(tuple),
)
records: st.SearchStrategy[Record] = st.one_of(
    changed,
    st.builds(RunStarted, numbers.map(RunNumber), instants),
    st.builds(AccountAdded, numbers, texts, texts),
    st.builds(
        MailboxDescribed,
        mailbox_id=numbers,
        account_id=numbers,
        name=st.lists(texts, min_size=1, max_size=3).map(lambda each: MailboxName(tuple(each))),
        special_use=st.none() | texts,
        is_subscribed=st.none() | st.booleans(),
        attributes=st.frozensets(texts, max_size=3),
        is_selectable=st.booleans(),
    ),
    st.builds(MailboxGone, numbers),
    st.builds(Suspected, numbers, st.none() | numbers, texts),
    st.builds(Accepted, numbers),
    st.builds(
        MailboxFinished,
        numbers, numbers, numbers, numbers, numbers, numbers,
        st.integers(0, 10**9).map(lambda milliseconds: milliseconds / 1000),
        st.none() | texts,
    ),
    st.builds(AccountFinished, numbers, instants, st.none() | texts),
    st.builds(RunFinished, instants, st.integers(0, 255)),
    st.builds(
        JobEnded,
        texts, instants, instants, st.integers(0, 255), st.none() | texts,
        numbers, numbers, texts,
    ),
    st.builds(Pruned, st.lists(digests, max_size=3).map(tuple)),
    st.builds(Quarantined, instants, st.lists(digests, max_size=3).map(tuple)),
    st.builds(Healed, st.lists(digests, max_size=3).map(tuple)),
    st.builds(MemoryLost, texts),
)  # fmt: skip


@given(records)
def test_a_record_comes_back_as_it_was_written(record: Record) -> None:
    assert decode(encode(record)) == record


@given(records)
def test_a_record_is_one_line_of_ascii(record: Record) -> None:
    line = encode(record)

    assert line.isascii()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1


@given(st.datetimes(timezones=zones))
def test_an_internal_date_keeps_its_instant_and_its_zone(instant: datetime) -> None:
    stored = storable_date(instant)

    assert stored is None or (
        stored == instant.replace(microsecond=0) and stored.utcoffset() == instant.utcoffset()
    )


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b"7",
        b"[7]",
        b'["a word of tomorrow",1]',
        b'["run"]',
        b'["run","one",2]',
        b'["mailbox-gone","x"]',
        b'["changed",1,2,null,0,[],[[1,"00",5,0,null,0]],[],[],[]]',
        b'["changed",1,2,null,0,[],[],[[1,0]],[],[]]',
        b'["job","verify",1,2,0,null,3,4]',
        b'["account-finished",1,99999999999999999999999,null]',
        b"\xff",
    ],
)
def test_what_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the journal says where it stands
        decode(line)
