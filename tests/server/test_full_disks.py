"""On a disk that is really full: it is told, nothing is lost, and what is there can be had."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.corpus.ordinary import generate
from tests.server.accounts import append_all, read
from tests.server.small_disk import ROOMY, SmallDisk, small_disk
from tests.server.test_alarm_ends import notify
from tests.server.unattended import schedule
from tests.server.vault import Vault, difference
from tests.servers.users import MailUser
from tests.servers.webhook import Listener

pytestmark = pytest.mark.server

SMALL = 250 << 10
"""Enough for an empty archive, and not for the mail."""


@pytest.fixture(params=["sqlite", "maildir"])
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def user(mail_user: MailUser) -> MailUser:
    with mail_user.session() as session:
        append_all(session, "INBOX", generate(1, 60))
    return mail_user


@pytest.fixture
def full(tmp_path: Path, user: MailUser, store: str) -> Iterator[SmallDisk]:
    """An archive of all mail but the newest, on a disk without room for one octet."""
    with small_disk(tmp_path, user, ROOMY // 8, store=store) as vault:
        vault.init()
        vault.sync()
        with user.session() as session:
            append_all(session, "INBOX", generate(2, 5))
        vault.fill()
        yield vault


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def check_full(folder: Path, user: MailUser, store: str, octets: int) -> bool:
    """Archive to a disk of so many octets, then to a larger one. Tell if it was too small."""
    with small_disk(folder, user, octets, store=store) as vault:
        ends = [vault.attempt("init"), vault.attempt("sync")]
        assert not any("Traceback" in each.stderr for each in ends)
        is_too_small = any(each.code != 0 for each in ends)
        if is_too_small:
            last = ends[1] if ends[1].code == 21 else ends[0]
            assert last.code == 21, last.stderr
            assert "no space left on device\n  make room and run the comm" in last.stderr
        vault.make_room()
        vault.attempt("init")
        assert_whole(vault, user)
    return is_too_small


def assert_whole(vault: Vault, user: MailUser) -> None:
    vault.sync()
    assert not difference(vault.holdings(), read(user))
    assert vault.run("verify", "--json").document()["findings"] == []


def test_a_full_disk_is_told_and_with_room_the_sync_goes_on(
    tmp_path: Path, user: MailUser, store: str
) -> None:
    assert check_full(tmp_path, user, store, SMALL)


def test_all_that_is_on_a_full_disk_can_be_read_and_taken_away(
    full: SmallDisk, user: MailUser, tmp_path: Path
) -> None:
    before = full.holdings()
    full.run("sync", code=21)

    full.run("verify")
    full.run("export", str(tmp_path / "out"), "--format", "eml")
    full.run("copy", str(tmp_path / "copy"), "--verify")

    assert full.holdings() == before
    assert len(list(tmp_path.glob("out/**/*.eml"))) == len(before)
    (tmp_path / "other").mkdir()
    copied = Vault(tmp_path / "other", user, store=full.store)
    copied.archive.symlink_to(tmp_path / "copy")
    assert copied.holdings() == before


def test_a_full_disk_raises_the_alarm_and_room_ends_it(
    tmp_path: Path, user: MailUser, listener: Listener
) -> None:
    with small_disk(tmp_path, user, SMALL) as vault:
        vault.init()
        schedule(vault, 'sync = "1d"')
        notify(vault, listener)
        vault.fill()

        vault.run("run", "--due", code=21)
        vault.run("run", "--due", code=21)
        vault.make_room()
        vault.run("run", "--due")

    alarm, relief = listener.posted()
    assert (alarm["event"], alarm["kind"]) == ("failure", "no-space")
    assert (relief["event"], relief["since"]) == ("recovery", alarm["at"])
