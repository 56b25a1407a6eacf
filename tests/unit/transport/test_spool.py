import errno
import os
import stat
from pathlib import Path

import pytest

from mailvault.errors import NoSpace
from mailvault.transport.spool import CHUNK, SpoolFile


def test_octets_come_back_in_pieces_of_a_mebibyte(tmp_path: Path) -> None:
    spool = SpoolFile(tmp_path)
    data = os.urandom(2 * CHUNK + 5)
    for start in range(0, len(data), 100_000):
        spool.write(memoryview(data)[start : start + 100_000])

    octets = spool.finish()

    assert octets.size == len(data)
    assert [len(chunk) for chunk in octets.chunks()] == [CHUNK, CHUNK, 5]
    assert b"".join(octets.chunks()) == data
    octets.discard()


def test_only_the_owner_may_read_it_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        spool = SpoolFile(tmp_path)
    finally:
        os.umask(before)

    [path] = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    spool.abort()


@pytest.mark.parametrize("ending", ["discard", "abort", "forgotten"])
def test_nothing_is_left_of_a_spool_that_nobody_wants(tmp_path: Path, ending: str) -> None:
    spool = SpoolFile(tmp_path)
    spool.write(b"octets")
    if ending == "forgotten":
        del spool
    else:
        getattr(spool, ending)()
        getattr(spool, ending)()

    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_called_so(tmp_path: Path) -> None:
    spool = SpoolFile(tmp_path)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, spool._descriptor)
    os.close(full)

    with pytest.raises(NoSpace) as caught:
        spool.write(b"octets")

    assert os.strerror(errno.ENOSPC) in str(caught.value)
    spool.abort()
