"""Readers are never in the way of a run, nor a run in theirs."""

import threading
from concurrent.futures import ThreadPoolExecutor

from mailvault.mail.model import Uid
from tests.unit.archive.builders import Work, build_batch, open_again

ROUNDS = 12


def test_readers_go_on_while_a_run_commits(work: Work) -> None:
    work.sync(build_batch(arrived=[1]))
    is_over = threading.Event()

    def read() -> list[int]:
        counts: list[int] = []
        with open_again(work.archive.path) as archive:
            while not is_over.is_set() or not counts:
                uids = [view.uid for view in archive.catalog.placements()]
                assert uids == list(range(1, len(uids) + 1))
                counts.append(len(uids))
        return counts

    with ThreadPoolExecutor(2) as readers:
        readings = [readers.submit(read) for _ in range(2)]
        for number in range(2, 2 + ROUNDS):
            work.sync(build_batch(arrived=[number]))
        is_over.set()

    for reading in readings:
        assert reading.result() == sorted(reading.result())
    assert work.uids() == list(range(1, 2 + ROUNDS))


def test_a_source_may_ask_while_a_run_commits(work: Work) -> None:
    work.sync(build_batch(arrived=range(1, 50)))
    known = work.archive.known(work.mailbox_id)
    is_over = threading.Event()

    def ask() -> int:
        asked = 0
        while not is_over.is_set() or not asked:
            count = known.count()
            assert 49 <= count <= known.highest()
            assert known.uids_after(Uid(count - 1), 5)
            asked += 1
        return asked

    with ThreadPoolExecutor(2) as sources:
        askings = [sources.submit(ask) for _ in range(2)]
        recorder = work.archive.start_run()
        for number in range(50, 50 + ROUNDS):
            recorder.add(work.mailbox_id, build_batch(arrived=[number]))
            recorder.flush()
        recorder.finish(0)
        is_over.set()

    assert all(asking.result() for asking in askings)
    assert known.count() == 49 + ROUNDS
