"""Matches what a server lists with what the archive has of it, both by ascending UID. Pure."""

from collections.abc import Iterator

from mailvault.mail.model import Uid
from mailvault.ports import Comparison, Kept, Known, Listed

PAGE = 1000


def kept_messages(known: Known) -> Iterator[Kept]:
    """Everything the archive believes to lie in a mailbox, a page at a time."""
    after = Uid(0)
    while page := known.kept(after, PAGE):
        yield from page
        after = page[-1].uid


def merged(listed: Iterator[Listed], kept: Iterator[Kept]) -> Iterator[Comparison]:
    """Pair what has the same UID; what only one side has comes alone, in its place."""
    one, other = next(listed, None), next(kept, None)
    while one is not None or other is not None:
        if other is None or (one is not None and _uid(one) < other.uid):
            yield Comparison(one, None)
            one = next(listed, None)
        elif one is None or other.uid < _uid(one):
            yield Comparison(None, other)
            other = next(kept, None)
        else:
            yield Comparison(one, other)
            one, other = next(listed, None), next(kept, None)


def _uid(listed: Listed) -> Uid:
    assert listed.uid is not None  # this server has UIDs
    return listed.uid
