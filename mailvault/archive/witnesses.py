"""Which archive a folder holds, by the word of its journal and of its content.

For when `archive.toml` is lost or says something else. A single file that somebody copied
there from another archive must not make another archive of this one.
"""

from collections import Counter
from pathlib import Path

from mailvault.archive.content.inspection import archive_ids
from mailvault.archive.identity import Identity
from mailvault.archive.journal import archive_ids_of
from mailvault.archive.layout import journal_folder
from mailvault.archive.served.marker import Marker


def witnessed(path: Path) -> Identity | None:
    """What the journal and the content agree on; None if they know nothing, or disagree."""
    store = "maildir" if (path / "maildir").is_dir() else "sqlite"
    of_content = set(archive_ids(path / "content") if store == "sqlite" else _marked(path))
    of_journal = Counter(archive_ids_of(journal_folder(path)))
    agreed = {
        each: count
        for each, count in of_journal.items()
        if not of_content or each in of_content
    }
    identifier = _foremost(agreed if of_journal else dict.fromkeys(of_content, 1))
    return None if identifier is None else Identity(identifier, store)


def _foremost(counts: dict[str, int]) -> str | None:
    """What is said most often; None where as many say something else."""
    most = max(counts.values(), default=0)
    said = [each for each, count in counts.items() if count == most]
    return said[0] if len(said) == 1 else None


def _marked(path: Path) -> list[str]:
    """The archive to which its Maildirs say that they belong."""
    found = Marker(path / "maildir").archive_id()
    return [] if found is None else [found]
