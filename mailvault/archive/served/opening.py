"""The Maildirs of an archive, where its store has any; only then is the room loaded."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.layout import Layout
from mailvault.archive.private import explained, replace_file
from mailvault.errors import ArchiveError
from mailvault.ports import ContentStore, Finding

if TYPE_CHECKING:
    from mailvault.archive.served.mailbox import Show
    from mailvault.archive.served.marker import Touched
    from mailvault.archive.served.tree import ServedTree


def served_tree(layout: Layout, content: ContentStore, catalog: Catalog) -> "ServedTree | None":
    """What keeps the Maildirs level; None for an archive without."""
    show = _show(layout, content, catalog)
    if show is None:
        return None
    from mailvault.archive.served.tree import ServedTree

    return ServedTree(layout.maildirs, show)


def check_maildirs(
    layout: Layout, content: ContentStore, catalog: Catalog, tree: "ServedTree | None"
) -> Iterator[Finding]:
    """Find where the Maildirs are not what the archive made them.

    Who keeps them level knows that all is shown; others know what the journal says.
    """
    show = _show(layout, content, catalog)
    if show is None:
        return iter(())
    from mailvault.archive.served.checking import check_tree
    from mailvault.archive.served.marker import NOTHING, Marker, touched_since

    def pending() -> "Touched":
        if tree is not None and tree.is_level:
            return NOTHING
        return touched_since(layout.journal, Marker(layout.maildirs).read())

    return check_tree(layout.maildirs, show, pending)


def require_fitting(folder: Path) -> None:
    """Try out what Maildirs need of a file system, in a folder for temporary files.

    Raises:
        ArchiveError: it has no hard links, or takes upper and lower case for the same.
    """
    one, other = folder / "case", folder / "link"
    with explained(folder):
        other.unlink(missing_ok=True)  # of one who was killed
        try:
            replace_file(one, b"")
            if (folder / "CASE").exists():
                raise _unfit(folder, "takes upper and lower case for the same")
            os.link(one, other)
        except OSError as error:
            raise _unfit(folder, f"has no hard links ({error.strerror})") from error
        finally:
            one.unlink(missing_ok=True)
            other.unlink(missing_ok=True)


def _unfit(folder: Path, reason: str) -> ArchiveError:
    return ArchiveError(
        f"the file system of {folder.parent} {reason}, which the store maildir needs",
        hint='choose another disk, or the store "sqlite"',
    )


def _show(layout: Layout, content: ContentStore, catalog: Catalog) -> "Show | None":
    if layout.identity.store != "maildir":
        return None
    from mailvault.archive.content.maildir import MaildirStore
    from mailvault.archive.served.mailbox import Show

    assert isinstance(content, MaildirStore), "the store is another one than the archive's"
    return Show(layout.identity.id, content, catalog)
