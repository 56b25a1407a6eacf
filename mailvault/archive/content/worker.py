"""A process that makes messages ready for a store which another process writes.

It reads the volumes and writes nothing. It lives as long as its pipes: when the process that
started it ends, however that ends, so does this.
"""

import gc
import os
import pickle
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from mailvault.archive.codec import Codec, Dictionary
from mailvault.archive.content.holdings import Holdings
from mailvault.archive.content.prepared import Frame, PreparedMessage
from mailvault.archive.content.preparing import Preparer
from mailvault.archive.content.reading import Reader
from mailvault.archive.content.volumes import Volumes
from mailvault.archive.content.worker_words import ObjectWords, Request, Words
from mailvault.archive.header_index import fields_of, index_message
from mailvault.errors import ArchiveError, MailvaultError

_OBJECTS = 200_000
"""New objects after which Python looks for cycles, as `mailvault.program` has it."""


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
        self._dictionaries: dict[int, Dictionary] = {}  # few: each serves four times the mail
        self._preparer = Preparer(codec, self._chosen, self._holdings.held, None)
        self._turn = threading.Lock()

    def serve(self, requests: BinaryIO, replies: BinaryIO) -> None:
        """Answer until the other end closes."""
        while (request := _load(requests)) is not None:
            try:
                with self._turn:
                    reply: list[Words] | Exception = self._answer(request)
            except Exception as error:  # noqa: BLE001 - raised again at the other end
                reply = _portable(error)
            pickle.dump(reply, replies, pickle.HIGHEST_PROTOCOL)
            replies.flush()
            del request, reply  # else their octets stay until the next request comes

    def _answer(self, request: Request) -> list[Words]:
        self._holdings.believe(request.told)
        self._chosen.is_collecting = request.is_collecting
        self._chosen.current = self._dictionary(request)
        try:
            return list(map(_words, self._preparer.prepare_all(request.messages)))
        except (MailvaultError, OSError):
            raise
        except Exception:  # noqa: BLE001 - one by one, to see which message it was
            return [self._alone(each) for each in request.messages]

    def _dictionary(self, request: Request) -> Dictionary | None:
        if request.dictionary is None:
            return None
        number, content = request.dictionary
        if content is not None and number not in self._dictionaries:
            self._dictionaries[number] = Dictionary(content)
        return self._dictionaries[number]

    def _alone(self, octets: bytes) -> Words:
        try:
            return _words(self._preparer.prepare(octets))
        except (MailvaultError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - it becomes a debt, with this reason
            return f"mailvault could not store it: {error!r}"


def _words(message: PreparedMessage) -> Words:
    index = None
    if message.outline is not None:
        index = fields_of(index_message(message.digest, message.outline))
    return message.digest.value, message.size, index, _objects(message)


def _objects(message: PreparedMessage) -> Sequence[ObjectWords]:
    return [
        (
            each.digest,
            each.kind,
            [
                (part.octets, part.size, part.dictionary is not None, part.is_compressed)
                for part in each.parts
                if isinstance(part, Frame)  # a spool is only for what no worker is given
            ],
            each.is_replacement,
            each.is_text,
        )
        for each in message.objects
    ]


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


def main(folder: str, archive_id: str, *descriptors: str) -> None:
    """``descriptors`` come in pairs: requests to read, replies to write."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # who started us is told, and closes the pipes
    gc.set_threshold(_OBJECTS, 20, 50)
    worker = Worker(Path(folder), archive_id)
    lanes = zip(descriptors[::2], descriptors[1::2], strict=True)
    threads = [
        threading.Thread(
            target=worker.serve, args=(os.fdopen(int(r), "rb"), os.fdopen(int(w), "wb"))
        )
        for r, w in lanes
    ]
    for thread in threads:
        thread.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
