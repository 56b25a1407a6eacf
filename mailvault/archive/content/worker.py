"""A process that makes messages ready for a store which another process writes.

It reads the volumes and writes nothing. It lives as long as its pipes: when the process that
started it ends, however that ends, so does this.
"""

import os
import pickle
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from mailvault.archive.codec import Codec, Dictionary
from mailvault.archive.content.holdings import Holdings
from mailvault.archive.content.prepared import Frame, PreparedMessage, PreparedObject
from mailvault.archive.content.preparing import Preparer
from mailvault.archive.content.reading import Reader
from mailvault.archive.content.tray import Tray
from mailvault.archive.content.volumes import Volumes
from mailvault.archive.content.worker_words import ObjectWords, Reply, Request, Words
from mailvault.archive.header_index import fields_of, index_message
from mailvault.errors import ArchiveError, MailvaultError
from mailvault.housekeeping import bound_heap, look_seldom


class _Chosen:
    """The dictionary that the request at hand is to be served with."""

    def __init__(self) -> None:
        self.current: Dictionary | None = None
        self.is_collecting = False


class Worker:
    """Serves one request at a time, while another one is being handed over."""

    def __init__(self, folder: Path, archive_id: str) -> None:
        codec = Codec(takes_turns=True)
        volumes = Volumes(folder, archive_id)
        self._holdings = Holdings(volumes, Reader(volumes, codec, None))
        self._chosen = _Chosen()
        self._dictionaries: dict[int, Dictionary] = {}  # few: each serves six times the mail
        self._preparer = Preparer(codec, self._chosen, self._holdings.held, None)
        self._turn = threading.Lock()

    def serve(self, requests: BinaryIO, replies: BinaryIO, tray: Tray) -> None:
        """Answer until the other end closes."""
        while (request := _load(requests)) is not None:
            reply = self._answer(request, tray)
            pickle.dump(reply, replies, pickle.HIGHEST_PROTOCOL)
            replies.flush()
            del request, reply  # else their octets stay until the next request comes

    def _answer(self, request: Request, tray: Tray) -> Reply | Exception:
        try:
            messages = list(tray.unpack(request.messages))
            with self._turn:
                return _reply(self._prepare(request, messages), tray)
        except Exception as error:  # noqa: BLE001 - raised again at the other end
            return _portable(error)

    def _prepare(
        self, request: Request, messages: Sequence[bytes]
    ) -> Sequence[PreparedMessage | str]:
        self._holdings.believe(request.told)
        self._chosen.is_collecting = request.is_collecting
        self._chosen.current = self._dictionary(request)
        try:
            return self._preparer.prepare_all(messages)
        except (MailvaultError, OSError):
            raise
        except Exception:  # noqa: BLE001 - one by one, to see which message it was
            return [self._alone(each) for each in messages]

    def _dictionary(self, request: Request) -> Dictionary | None:
        if request.dictionary is None:
            return None
        number, content = request.dictionary
        if content is not None and number not in self._dictionaries:
            self._dictionaries[number] = Dictionary(content)
        return self._dictionaries[number]

    def _alone(self, octets: bytes) -> PreparedMessage | str:
        try:
            return self._preparer.prepare(octets)
        except (MailvaultError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - it becomes a debt, with this reason
            return repr(error)


def _reply(prepared: Sequence[PreparedMessage | str], tray: Tray) -> Reply:
    frames = [
        part.octets
        for message in prepared
        if not isinstance(message, str)
        for each in message.objects
        for part in _frames(each)
    ]
    return Reply(list(map(_words, prepared)), tray.pack(frames))


def _words(message: PreparedMessage | str) -> Words:
    if isinstance(message, str):
        return message
    index = None
    if message.outline is not None:
        index = fields_of(index_message(message.digest, message.outline))
    return message.digest.value, message.size, index, list(map(_object, message.objects))


def _object(each: PreparedObject) -> ObjectWords:
    frames = [
        (part.size, part.dictionary is not None, part.is_compressed) for part in _frames(each)
    ]
    return each.digest, each.kind, frames, each.is_replacement, each.is_text


def _frames(each: PreparedObject) -> Iterator[Frame]:
    """A spool is only for what no worker is given."""
    return (part for part in each.parts if isinstance(part, Frame))


def _load(requests: BinaryIO) -> Request | None:
    try:
        return Request(*pickle.load(requests))  # noqa: S301 - of the process that started us
    except (EOFError, pickle.UnpicklingError):
        return None  # it was cut short: the other end is gone


def _portable(error: Exception) -> Exception:
    """What went wrong, as another process can raise it."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - just made
    except Exception:  # noqa: BLE001 - whatever an exception's own pickling may raise
        return ArchiveError(f"unexpected error: {error!r}")
    return error


def main(folder: str, archive_id: str, *lanes: str) -> None:
    """``lanes`` are descriptors: of requests to read, replies to write, and a tray or 0."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # who started us is told, and closes the pipes
    bound_heap()
    look_seldom()
    worker = Worker(Path(folder), archive_id)
    threads = []
    for lane in lanes:
        requests, replies, tray = map(int, lane.split(","))
        ends = os.fdopen(requests, "rb"), os.fdopen(replies, "wb"), Tray(tray or None)
        threads.append(threading.Thread(target=worker.serve, args=ends))
    for thread in threads:
        thread.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
