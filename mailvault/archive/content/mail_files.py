"""Puts prepared messages into the files of the store `maildir`."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mailvault.archive.content.pool import Pool, write_draft
from mailvault.archive.content.spool import Spool
from mailvault.archive.durability import make_files_durable
from mailvault.archive.private import make_folder
from mailvault.mail.model import Digest
from mailvault.mail.outline import Outline


@dataclass(frozen=True, slots=True)
class PreparedMail:
    """A message made ready; ``packed`` is None for one that is stored and sound."""

    digest: Digest
    size: int
    outline: Outline | None = None
    packed: bytes | Spool | None = None
    is_replacement: bool = False


def place(
    pool: Pool, tmp: Path, staged: Sequence[PreparedMail], dates: Mapping[Digest, int]
) -> None:
    """Make messages files of the pool, durable when this returns; or leave none behind.

    Every file is complete before it gets its name, so a kill leaves whole files only. What
    a power failure leaves is read before it is believed, as all is that was there before.
    """
    if not staged:
        return
    drafts = [(each, _draft(tmp, each, dates.get(each.digest))) for each in staged]
    placed: list[Path] = []
    folders = {pool.folder}
    make_folder(pool.folder)
    try:
        for each, draft in drafts:
            target = pool.path(each.digest)
            folders.add(target.parent)
            make_folder(target.parent)
            draft.replace(target)
            if each.is_replacement:
                for copy in pool.copies(each.digest):
                    copy.unlink()  # as bad, perhaps; made again where they are needed
            else:
                placed.append(target)
        make_files_durable([pool.path(each.digest) for each in staged], sorted(folders))
    except BaseException:
        for path in (*placed, *(draft for _, draft in drafts)):
            with suppress(OSError):
                path.unlink(missing_ok=True)
        raise


def _draft(tmp: Path, prepared: PreparedMail, seconds: int | None) -> Path:
    assert prepared.packed is not None, "what is staged has octets"
    packed = prepared.packed
    path = tmp / f"{prepared.digest}.mail"
    write_draft(path, [packed] if isinstance(packed, bytes) else packed.chunks(), seconds)
    return path
