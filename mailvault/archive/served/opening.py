"""The Maildirs of an archive, where its store has any."""

from collections.abc import Iterator

from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.content.maildir import MaildirStore
from mailvault.archive.layout import Layout
from mailvault.archive.served.checking import check_tree
from mailvault.archive.served.mailbox import Show
from mailvault.archive.served.tree import ServedTree
from mailvault.ports import ContentStore, Finding


def served_tree(layout: Layout, content: ContentStore, catalog: Catalog) -> ServedTree | None:
    """What keeps the Maildirs level; None for an archive without."""
    show = _show(layout, content, catalog)
    return None if show is None else ServedTree(layout.maildirs, show)


def check_maildirs(
    layout: Layout, content: ContentStore, catalog: Catalog
) -> Iterator[Finding]:
    """Find where the Maildirs are not what the archive made them."""
    show = _show(layout, content, catalog)
    return iter(()) if show is None else check_tree(layout.maildirs, show, layout.journal)


def _show(layout: Layout, content: ContentStore, catalog: Catalog) -> Show | None:
    if not isinstance(content, MaildirStore):
        return None
    return Show(layout.identity.id, content, catalog)
