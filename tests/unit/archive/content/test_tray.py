"""What one process lays into a tray, another takes out as it was."""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest

from mailvault.archive.content.tray import SIZE, Parcel, Tray
from tests.unit.archive.content.stored_mail import random_octets


@contextmanager
def both_ends() -> Iterator[tuple[Tray, Tray]]:
    with ExitStack() as ends:
        ours = Tray.make()
        ends.callback(ours.close)
        theirs = Tray(None if ours.descriptor is None else os.dup(ours.descriptor))
        ends.callback(theirs.close)
        yield ours, theirs


LOADS = {
    "nothing": [],
    "empty": [b"", b""],
    "some": [b"one", b"", b"\0two\r\n", random_octets(70_000, 1)],
    "full": [random_octets(SIZE - 1, 2), b"x"],
}


@pytest.mark.parametrize("pieces", LOADS.values(), ids=LOADS)
def test_octets_laid_into_a_tray_come_out_at_the_other_end(pieces: Sequence[bytes]) -> None:
    with both_ends() as (ours, theirs):
        parcel = ours.pack(pieces)

        assert parcel.carried is None
        assert list(theirs.unpack(parcel)) == pieces


def test_what_does_not_fit_is_carried() -> None:
    pieces = [random_octets(SIZE, 3), b"x"]
    with both_ends() as (ours, theirs):
        parcel = ours.pack(pieces)

        assert parcel == Parcel([SIZE, 1], pieces)
        assert list(theirs.unpack(parcel)) == pieces


def test_the_other_end_may_answer_in_the_same_tray() -> None:
    with both_ends() as (ours, theirs):
        asked = list(theirs.unpack(ours.pack([b"a question", b"and another"])))
        answer = theirs.pack([each.upper() for each in asked])

        assert list(ours.unpack(answer)) == [b"A QUESTION", b"AND ANOTHER"]


def test_without_memory_in_common_everything_is_carried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "memfd_create")
    with both_ends() as (ours, theirs):
        parcel = ours.pack([b"one", b"two"])

        assert ours.descriptor is None
        assert list(theirs.unpack(parcel)) == [b"one", b"two"]


def test_where_memory_in_common_is_refused_everything_is_carried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_name: str) -> int:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "memfd_create", refuse)
    with both_ends() as (ours, theirs):
        parcel = ours.pack([b"one"])

        assert ours.descriptor is None
        assert list(theirs.unpack(parcel)) == [b"one"]
