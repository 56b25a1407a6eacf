"""The content store `maildir`: every message a file, as Dovecot's zlib plugin reads it.

Here lies the truth, under digests. The Maildirs that Dovecot serves are links to it, made by
`mailvault.archive.served` from the catalog.
"""

import errno
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from mailvault.archive.codec import FRAME_LIMIT, BadFrame, Codec
from mailvault.archive.content.mail_files import PreparedMail, place
from mailvault.archive.content.outlining import outline_of, outline_of_chunks
from mailvault.archive.content.page_cache import forget_file
from mailvault.archive.content.pool import Pool
from mailvault.archive.content.pool_upkeep import (
    inspect,
    orphans,
    reclaim,
    salvage,
    waste,
)
from mailvault.archive.content.proof import damaged, gathered, proven
from mailvault.archive.content.single_frame import octet_chunks, pack, unpack, unpacked_size
from mailvault.archive.instants import to_seconds
from mailvault.archive.private import explained
from mailvault.errors import ArchiveDamaged, ArchiveError, MailvaultError, MessageMissing
from mailvault.mail.changes import MailboxChanged, Record
from mailvault.mail.line_feeds import BareLineFeeds
from mailvault.mail.model import Digest, Octets, octet_count
from mailvault.mail.outline import Outline
from mailvault.ports import Finding, Prepared, Waste

_PROVEN_LIMIT = 100_000
_SIZES_LIMIT = 10_000

IsKept: TypeAlias = Callable[[Digest], bool]


class MaildirStore:
    """A `ContentStore`. It touches nothing on the disk before it is asked to."""

    def __init__(self, folder: Path, *, tmp: Path) -> None:
        self.pool = Pool(folder)
        self.tmp = tmp
        self._codec = Codec()
        self._lock = threading.Lock()
        self._staged: dict[Digest, PreparedMail] = {}
        self._dates: dict[Digest, int] = {}
        self._proven: set[Digest] = set()
        self._crlf_sizes: OrderedDict[Digest, int] = OrderedDict()
        self._replaced: list[Digest] = []

    def prepare(self, octets: Octets) -> PreparedMail:
        """Hash and compress a message; from any thread."""
        digest, crlf_size = _measured(octets)
        self._remember_size(digest, crlf_size)
        is_damaged = False
        if digest in self._staged or digest in self:
            try:
                self._prove_once(digest)
            except (ArchiveDamaged, MessageMissing):
                is_damaged = True
            else:
                return PreparedMail(digest, octet_count(octets))
        packed = pack(octets, self._codec, self.tmp)
        outline = _outline(octet_chunks(octets), octet_count(octets))
        return PreparedMail(digest, octet_count(octets), outline, packed, is_damaged)

    def put(self, prepared: Prepared) -> None:
        """Stage a message for the next commit."""
        if not isinstance(prepared, PreparedMail):
            raise ArchiveError("a store takes only what it prepared")
        if prepared.digest in self._staged:
            return
        if prepared.packed is None:
            if prepared.digest not in self:
                self.rollback()
                raise ArchiveError(f"message {prepared.digest} was prepared, but is gone")
        elif prepared.is_replacement or prepared.digest not in self:
            self._staged[prepared.digest] = prepared

    def record(self, records: Sequence[Record]) -> None:
        """Learn the dates of messages: their files bear them."""
        for record in records:
            for each in record.placed if isinstance(record, MailboxChanged) else ():
                if each.internal_date is not None:
                    self._dates.setdefault(each.digest, to_seconds(each.internal_date))

    def commit(self) -> None:
        """Make everything staged durable. A failure takes the whole stage back."""
        staged = list(self._staged.values())
        try:
            with explained(self.pool.folder):
                place(self.pool, self.tmp, staged, self._dates)
        except MailvaultError:
            self.rollback()
            raise
        self._remember_proven({each.digest for each in staged})
        self._replaced += [each.digest for each in staged if each.is_replacement]
        self._staged, self._dates = {}, {}

    def rollback(self) -> None:
        """Forget everything staged."""
        self._staged, self._dates = {}, {}

    def get(self, digest: Digest) -> Octets:
        """Give back the exact octets; above 1 MiB in a temporary file."""
        try:
            return gathered(digest, self._chunks(digest), self._spool_folder())
        except (ArchiveDamaged, MessageMissing):
            for copy in self.pool.copies(digest):
                try:
                    return gathered(digest, self._unpacked(digest, copy), self._spool_folder())
                except ArchiveDamaged:
                    continue
            raise

    def prove(self, digest: Digest) -> int:
        """Read and hash a message; return its octets."""
        return proven(digest, self._chunks(digest))

    def forget(self) -> None:
        """Drop what is cached here and in the system."""
        with self._lock:
            self._proven = set()
        for path in self.pool.entries():
            forget_file(path)

    def outline(self, digest: Digest) -> Outline:
        """The text of a message without its base64 parts."""
        path = self.pool.path(digest)
        try:
            with explained(path):
                size = unpacked_size(path)
        except BadFrame as error:
            raise damaged(digest, f"{path}: {error}") from error
        except ArchiveError as error:
            raise _missing(digest, error) from error
        return _outline(self._chunks(digest), size)

    def __contains__(self, digest: Digest) -> bool:
        return self.pool.path(digest).exists()

    def digests(self) -> Iterator[Digest]:
        """All messages, in the order of their digests."""
        return self.pool.digests()

    def stored_octets(self) -> int:
        """Octets of the files."""
        with explained(self.pool.folder):
            return sum(path.lstat().st_size for path in self.pool.entries())

    def check(self) -> Iterator[Finding]:
        """Look for files that cannot be messages, without reading them."""
        return inspect(self.pool)

    def waste(self, forgotten: Collection[Digest], is_kept: IsKept) -> Waste:
        """Measure what forgotten messages take."""
        return waste(self.pool, [each for each in forgotten if not is_kept(each)])

    def reclaim(self, forgotten: Collection[Digest], is_kept: IsKept) -> int:
        """Remove forgotten messages."""
        dead = [each for each in forgotten if not is_kept(each)]
        with self._lock:
            self._proven.difference_update(dead)
        return reclaim(self.pool, dead)

    def salvage(self, set_aside: Path) -> Iterator[str]:
        """Move away what cannot be a message."""
        return salvage(self.pool, set_aside)

    def orphans(self, is_kept: IsKept) -> Iterator[Digest]:
        """Messages that nothing refers to."""
        return orphans(self.pool, is_kept)

    def close(self) -> None:
        """Nothing is held open; what was staged is forgotten."""
        self.rollback()

    # For the Maildirs

    def crlf_size(self, digest: Digest) -> int:
        """The octets of a message with every line ended by CR LF. Raises as `get` does."""
        with self._lock:
            known = self._crlf_sizes.get(digest)
        if known is None:
            line_feeds = BareLineFeeds()
            size = 0
            for chunk in self._chunks(digest):
                line_feeds.feed(chunk)
                size += len(chunk)
            known = size + line_feeds.count
            self._remember_size(digest, known)
        return known

    def prove_file(self, digest: Digest, path: Path) -> int:
        """As `prove`, for a file that should be the same message."""
        return proven(digest, self._unpacked(digest, path))

    def drop_bad_copies(self) -> None:
        """Remove copies for further dates that are not what they should be."""
        for path in self.pool.entries():
            digest = self.pool.digest_of(path)
            if digest is not None and path in self.pool.copies(digest):
                try:
                    self.prove_file(digest, path)
                except ArchiveDamaged:
                    path.unlink()

    def take_replaced(self) -> list[Digest]:
        """The messages whose damaged files were replaced since the last call."""
        replaced, self._replaced = self._replaced, []
        return replaced

    def _chunks(self, digest: Digest) -> Iterator[bytes]:
        return self._unpacked(digest, self.pool.path(digest))

    def _unpacked(self, digest: Digest, path: Path) -> Iterator[bytes]:
        try:
            with explained(path):
                yield from unpack(path, self._codec)
        except BadFrame as error:
            raise damaged(digest, f"{path}: {error}") from error
        except ArchiveError as error:
            raise _missing(digest, error) from error

    def _spool_folder(self) -> Path | None:
        return self.tmp if self.tmp.is_dir() else None

    def _prove_once(self, digest: Digest) -> None:
        if digest not in self._staged and digest not in self._proven:
            self.prove(digest)
            self._remember_proven({digest})

    def _remember_proven(self, digests: set[Digest]) -> None:
        with self._lock:
            if len(self._proven) + len(digests) > _PROVEN_LIMIT:
                self._proven = set()
            self._proven |= digests

    def _remember_size(self, digest: Digest, crlf_size: int) -> None:
        with self._lock:
            self._crlf_sizes[digest] = crlf_size
            if len(self._crlf_sizes) > _SIZES_LIMIT:
                self._crlf_sizes.popitem(last=False)


def _measured(octets: Octets) -> tuple[Digest, int]:
    """Hash a message; give its size with every line ended by CR LF, too."""
    hasher = hashlib.sha256()
    line_feeds = BareLineFeeds()
    for chunk in octet_chunks(octets):
        hasher.update(chunk)
        line_feeds.feed(chunk)
    return Digest(hasher.digest()), octet_count(octets) + line_feeds.count


def _outline(chunks: Iterator[bytes], size: int) -> Outline:
    """The same outline whether a message was just prepared or is read from its file."""
    return outline_of(b"".join(chunks)) if size <= FRAME_LIMIT else outline_of_chunks(chunks)


def _missing(digest: Digest, error: ArchiveError) -> ArchiveError:
    """What an error of the file means; there may just be none."""
    cause = error.__cause__
    if isinstance(cause, FileNotFoundError | NotADirectoryError):
        return MessageMissing(f"the archive holds no message {digest}")
    if isinstance(cause, OSError) and cause.errno == errno.ELOOP:
        return damaged(digest, f"{cause.filename} is a symbolic link")
    return error
