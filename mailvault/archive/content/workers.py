"""Processes that make messages ready, so that more than one processor does.

Hashing, taking apart and compressing is more than half of what a first sync does, and Python
runs one thread at a time. Only the process that holds the archive's lock ever writes.
"""

import fcntl
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from mailvault.archive.codec import Dictionary
from mailvault.archive.content.prepared import Frame, PreparedMessage, PreparedObject
from mailvault.archive.content.training import Training
from mailvault.archive.content.tray import Tray
from mailvault.archive.content.worker_words import ObjectWords, Reply, Request
from mailvault.archive.header_index import Fields
from mailvault.errors import ArchiveError
from mailvault.housekeeping import PREPARING
from mailvault.mail.model import Digest

_LANES = 2
"""Requests under way to each: one is handed over while the other is served."""

_END = 10.0
"""Seconds in which a worker ends once its pipes are closed."""

_PIPE_OCTETS = 1 << 20
"""Linux gives anybody pipes of so many octets."""


class WorkerLost(ArchiveError):
    """A process that prepares mail ended before it answered."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """A message made ready by a worker, with the fields of its index."""

    message: PreparedMessage
    index: Fields | None


@dataclass(frozen=True, slots=True)
class _Lane:
    """Two pipes to a worker: a question goes out, and its answer comes back."""

    worker: "_Worker"
    requests: BinaryIO
    replies: BinaryIO
    tray: Tray

    def ask(self, request: Request) -> Reply:
        try:
            pickle.dump(tuple(request), self.requests, pickle.HIGHEST_PROTOCOL)
            self.requests.flush()
            reply: Reply | Exception = pickle.load(self.replies)  # noqa: S301 - our own
        except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
            raise WorkerLost("a process that prepares mail ended unexpectedly") from error
        if isinstance(reply, Exception):
            raise reply
        return reply

    def close(self) -> None:
        for file in (self.requests, self.replies):
            try:
                file.close()
            except BrokenPipeError:
                continue  # the worker ended first
        self.tray.close()


class _Worker:
    """One process, and what it has been told."""

    def __init__(self, command: Sequence[str]) -> None:
        self.lanes: list[_Lane] = []
        self.dictionary: int | None = None  # the one it has answered with
        self._told: list[bytes] = []
        self._lock = threading.Lock()
        theirs: list[int] = []
        try:
            arguments = [self._add_lane(theirs) for _ in range(_LANES)]
            trays = [lane.tray.descriptor for lane in self.lanes]
            self._process = subprocess.Popen(
                [*command, *arguments],
                env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                pass_fds=[*theirs, *filter(None, trays)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        except BaseException:
            for lane in self.lanes:
                lane.close()
            raise
        finally:
            for descriptor in theirs:
                os.close(descriptor)

    def _add_lane(self, theirs: list[int]) -> str:
        """Make a lane, note the ends that the process gets, and say how it is told of them."""
        asked, ours = _wide_pipe()
        theirs.append(asked)
        requests = os.fdopen(ours, "wb")
        mine, answered = _wide_pipe()
        theirs.append(answered)
        tray = Tray.make()
        self.lanes.append(_Lane(self, requests, os.fdopen(mine, "rb"), tray))
        return f"{asked},{answered},{tray.descriptor or 0}"

    def tell(self, digest: bytes) -> None:
        with self._lock:
            self._told.append(digest)

    def news(self) -> list[bytes]:
        with self._lock:
            told, self._told = self._told, []
        return told

    def close(self) -> None:
        for lane in self.lanes:
            lane.close()
        try:
            self._process.wait(_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _wide_pipe() -> tuple[int, int]:
    """A pipe that takes a whole batch, where the system can: each end wakes the other less."""
    reading, writing = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):  # a user may only have so many of them
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_OCTETS)
    return reading, writing


class Workers:
    """Some worker processes for one store. Any thread may ask; one thread tells."""

    def __init__(self, workers: Sequence[_Worker], training: Training) -> None:
        self._workers = workers
        self._training = training
        self._free: queue.SimpleQueue[_Lane] = queue.SimpleQueue()
        for lanes in zip(*(worker.lanes for worker in workers), strict=True):
            for lane in lanes:
                self._free.put(lane)

    @classmethod
    def start(cls, folder: Path, archive_id: str, training: Training) -> Self:
        """Raises OSError where the system grants no more processes, memory or files."""
        # -P: nothing in the folder we happen to be in may pass for a module.
        module = "mailvault.archive.content.worker"
        command = [sys.executable, "-P", "-m", module, str(folder), archive_id]
        with ExitStack() as started:
            workers = []
            for _ in range(PREPARING):
                workers.append(_Worker(command))
                started.callback(workers[-1].close)
            started.pop_all()
        return cls(workers, training)

    @property
    def lanes(self) -> int:
        """How many threads may ask at a time; more would wait for each other."""
        return sum(len(worker.lanes) for worker in self._workers)

    def prepare(self, messages: Sequence[bytes]) -> list[Indexed | str]:
        """Make messages ready; where one could not be, say why. Raises as the store does."""
        lane = self._free.get()
        try:
            return self._ask(lane, messages)
        finally:
            self._free.put(lane)

    def _ask(self, lane: _Lane, messages: Sequence[bytes]) -> list[Indexed | str]:
        worker, dictionary = lane.worker, self._training.current
        named = None
        if dictionary is not None:
            is_known = dictionary.number == worker.dictionary
            named = dictionary.number, None if is_known else dictionary.content
        is_collecting = self._training.is_collecting
        parcel = lane.tray.pack(messages)
        reply = lane.ask(Request(parcel, worker.news(), is_collecting, named))
        if dictionary is not None:
            worker.dictionary = dictionary.number
        frames = lane.tray.unpack(reply.frames)
        return [
            each if isinstance(each, str) else _indexed(each, frames, dictionary)
            for each in reply.words
        ]

    def tell(self, digest: bytes) -> None:
        """The store has an object now: no worker need prepare it again."""
        for worker in self._workers:
            worker.tell(digest)

    def close(self) -> None:
        for worker in self._workers:
            worker.close()


def _indexed(
    words: tuple[bytes, int, Fields | None, Sequence[ObjectWords]],
    frames: Iterator[bytes],
    dictionary: Dictionary | None,
) -> Indexed:
    digest, size, index, objects = words
    message = PreparedMessage(
        Digest(digest), size, None, tuple(_object(each, frames, dictionary) for each in objects)
    )
    return Indexed(message, index)


def _object(
    words: ObjectWords, frames: Iterator[bytes], dictionary: Dictionary | None
) -> PreparedObject:
    digest, kind, parts, is_replacement, is_text = words
    return PreparedObject(
        digest,
        kind,
        tuple(
            Frame(next(frames), size, dictionary if has_dictionary else None, is_compressed)
            for size, has_dictionary, is_compressed in parts
        ),
        is_replacement,
        is_text,
    )
