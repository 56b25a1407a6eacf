"""The Maildirs of an archive are what the catalog says, or verify names what they are."""

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mailvault.archive.rebuild import rebuild_catalog
from mailvault.archive.served.uidlist import UidList
from mailvault.mail.model import Digest, Uid
from mailvault.operations.repair import plan_repair, repair
from mailvault.ports import Reclaiming, Salvaging
from tests.unit.archive.builders import (
    INTERNAL_DATE,
    SteppingClock,
    Work,
    build_arrival,
    build_batch,
    build_message,
    create,
    open_again,
)
from tests.unit.archive.dump import dump
from tests.unit.archive.lived import UNIX, live


@pytest.fixture
def lived(folder: Path) -> Path:
    with create(folder, "maildir") as archive:
        live(archive)
    return folder


def inbox(folder: Path) -> Path:
    return folder / "maildir" / "work"


def shown(folder: Path) -> dict[str, list[str]]:
    """The names in every mailbox, by its path."""
    root = inbox(folder)
    return {
        str(cur.parent.relative_to(root)): sorted(path.name for path in cur.iterdir())
        for cur in root.rglob("cur")
    }


def unlettered(names: dict[str, list[str]]) -> dict[str, list[str]]:
    """Without the letters of keywords, which depend on who was there first."""
    return {
        mailbox: [re.sub("[a-z]+$", "", name) for name in each]
        for mailbox, each in names.items()
    }


def file_of(folder: Path, uid: int) -> Path:
    (path,) = (inbox(folder) / "cur").glob(f"{uid}.*")
    return path


def findings(folder: Path) -> list[tuple[str, str]]:
    with open_again(folder) as archive:
        return [(finding.kind, finding.detail) for finding in archive.check()]


def level(folder: Path) -> None:
    rebuild_catalog(folder, clock=SteppingClock())
    open_again(folder, writing=True).close()


def test_names_say_size_flags_and_uid(lived: Path) -> None:
    names = {name.split(".")[0]: name for name in shown(lived)["."]}

    assert sorted(names, key=int) == ["2", "7", "8", "9", "10", "20"]
    assert names["2"].endswith(":2,")
    assert f",S={len(UNIX)},W={len(UNIX) + UNIX.count(10)}:2," in names["9"]
    assert ",S=0,W=0:2," in names["10"]
    keywords = (inbox(lived) / "dovecot-keywords").read_text().splitlines()
    letter = names["9"][-1]
    assert f"{ord(letter) - ord('a')} Work" in keywords
    assert sorted(shown(lived)) == [".", "New/Entw&APw-rfe"]


def test_files_bear_the_arrival_date_and_are_links(lived: Path) -> None:
    path = file_of(lived, 2)
    digest = str(Digest.of(build_message(2)))

    assert path.stat().st_mtime == INTERNAL_DATE.timestamp()
    assert path.samefile(lived / "content" / digest[:2] / digest)


def test_the_uidlist_gives_every_file_its_uid(lived: Path) -> None:
    uidlist = UidList(inbox(lived))
    header = uidlist.header()
    entries = dict(uidlist.entries())

    assert header is not None
    assert (header.uidvalidity, header.uidnext) == (11, 21)
    assert entries == {
        int(name.split(".")[0]): name.split(":")[0] for name in shown(lived)["."]
    }
    assert list(entries) == sorted(entries)


def test_another_date_has_a_file_of_its_own(folder: Path) -> None:
    with create(folder, "maildir") as archive:
        work = Work(archive)
        first = build_arrival(1)
        later = INTERNAL_DATE.replace(year=2024)
        again = replace(first, uid=Uid(2), internal_date=later)
        third = replace(first, uid=Uid(3), internal_date=later)
        work.sync(build_batch(arrived=[first, again, third]))

    one, two, three = (file_of(folder, uid) for uid in (1, 2, 3))
    assert not one.samefile(two)
    assert two.samefile(three)
    assert [path.stat().st_mtime for path in (one, two)] == [
        INTERNAL_DATE.timestamp(),
        later.timestamp(),
    ]
    assert findings(folder) == []


@pytest.mark.parametrize("year", [1, 1969, 9999])
def test_no_date_is_too_odd(folder: Path, year: int) -> None:
    with create(folder, "maildir") as archive:
        first = build_arrival(1)
        date = INTERNAL_DATE.replace(year=year, day=28)
        odd = replace(first, internal_date=date)
        undated = replace(build_arrival(2), internal_date=None)
        Work(archive).sync(build_batch(arrived=[odd, undated]))

    assert len(shown(folder)["."]) == 2
    assert findings(folder) == []


def cut(path: Path) -> None:
    """In place, as a failing disk does: all names of the file are cut."""
    path.write_bytes(path.read_bytes()[:-3])


def replace_by_cut(path: Path) -> None:
    octets = path.read_bytes()[:-3]
    path.unlink()
    path.write_bytes(octets)


def replace_by_link(path: Path) -> None:
    target = path.parent.parent / "moved"
    path.rename(target)
    path.symlink_to(target)


def swap(path: Path) -> None:
    other = next(each for each in path.parent.iterdir() if each.name[:2] == "7.")
    path.rename(path.parent / "between")
    other.rename(path)
    (path.parent / "between").rename(other)


def give_other_flags(path: Path) -> None:
    path.rename(path.with_name(path.name + "T"))


def give_other_size(path: Path) -> None:
    path.rename(path.with_name(path.name.replace(",W=", ",W=1")))


def touch(path: Path) -> None:
    copy = path.with_name("copy")
    shutil.copyfile(path, copy)
    copy.replace(path)


@pytest.mark.parametrize(
    ("tamper", "kind"),
    [
        (Path.unlink, "maildir-missing"),
        (replace_by_cut, "maildir-changed"),
        (replace_by_link, "maildir-changed"),
        (swap, "maildir-changed"),
        (give_other_flags, "maildir-changed"),
        (give_other_size, "maildir-changed maildir-missing"),
        (touch, "maildir-changed"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_was_done_to_a_file_is_named_and_made_right(
    lived: Path, tamper: Callable[[Path], None], kind: str
) -> None:
    before = shown(lived)
    path = file_of(lived, 2)
    tamper(path)

    found = findings(lived)
    level(lived)

    assert found
    assert {each for each, _ in found} == set(kind.split())
    assert any(
        "2.M" in detail or "UID 2" in detail or str(digest_of(2)) in detail
        for _, detail in found
    )
    assert shown(lived) == before
    assert findings(lived) == []


def digest_of(number: int) -> Digest:
    return Digest.of(build_message(number))


def test_a_cut_file_of_content_is_found_and_never_given_out(lived: Path) -> None:
    from mailvault.errors import ArchiveDamaged

    cut(file_of(lived, 2))

    with open_again(lived) as archive:
        for ask in (archive.content.get, archive.content.prove, archive.content.outline):
            with pytest.raises(ArchiveDamaged):
                ask(digest_of(2))


@pytest.mark.parametrize("what", ["uidlist", "keywords", "folder", "cur", "everything", "link"])
def test_lost_books_and_folders_are_named_and_made_again(lived: Path, what: str) -> None:
    before = shown(lived)
    mailbox = inbox(lived) / "New" / "Entw&APw-rfe"
    match what:
        case "uidlist":
            (mailbox / "dovecot-uidlist").unlink()
        case "keywords":
            (inbox(lived) / "dovecot-keywords").unlink()
        case "folder":
            shutil.rmtree(mailbox)
        case "cur":
            shutil.rmtree(mailbox / "cur")
        case "everything":
            shutil.rmtree(lived / "maildir")
        case "link":
            mailbox.rename(inbox(lived) / "elsewhere")
            mailbox.symlink_to(inbox(lived) / "elsewhere")

    found = findings(lived)
    if what == "link":
        mailbox.unlink()
        (inbox(lived) / "elsewhere").rename(mailbox)
    level(lived)

    assert what == "everything" or found  # a lost marker says that all is still to be made
    assert unlettered(shown(lived)) == unlettered(before)
    assert findings(lived) == []


def test_what_is_not_ours_stays_and_is_named(lived: Path) -> None:
    foreign = inbox(lived) / "cur" / "1700000000.M1P1.elsewhere,S=3:2,S"
    foreign.write_bytes(b"abc")
    (inbox(lived) / "new" / "1700000001.M1P1.elsewhere").write_bytes(b"abc")
    (inbox(lived) / "dovecot.index").write_bytes(b"Dovecot's own")

    found = findings(lived)
    level(lived)

    assert {kind for kind, _ in found} == {"maildir-foreign"}
    assert len(found) == 2
    assert foreign.read_bytes() == b"abc"


def test_flags_that_others_gave_are_made_right_by_the_next_change(lived: Path) -> None:
    give_other_flags(file_of(lived, 2))

    with open_again(lived, writing=True) as archive:
        Work(archive, mailbox_id=1).sync(build_batch(11, flags={2: ("\\Answered",)}))

    assert file_of(lived, 2).name.endswith(":2,R")
    assert findings(lived) == []


def test_a_lock_that_a_dead_program_left_is_no_obstacle(lived: Path) -> None:
    (inbox(lived) / "dovecot-uidlist.lock").write_text(f"999999999:{os.uname().nodename}")

    with open_again(lived, writing=True) as archive:
        Work(archive, mailbox_id=1).sync(build_batch(11, arrived=[30]))

    assert file_of(lived, 30).exists()
    assert findings(lived) == []


def test_a_rebuild_needs_neither_catalog_nor_maildirs(lived: Path) -> None:
    before, names = dump(lived), shown(lived)
    (lived / "catalog.db").unlink()
    (lived / "archive.toml").unlink()
    shutil.rmtree(inbox(lived) / "New")

    level(lived)

    assert dump(lived) == before
    assert shown(lived) == names
    assert findings(lived) == []


def test_a_message_that_arrives_again_replaces_a_damaged_file_everywhere(lived: Path) -> None:
    cut(file_of(lived, 2))

    with open_again(lived, writing=True) as archive:
        Work(archive, mailbox_id=1).sync(
            build_batch(11, arrived=[build_arrival(40, octets=build_message(2))])
        )
        assert archive.content.get(digest_of(2)) == build_message(2)

    assert file_of(lived, 2).samefile(file_of(lived, 40))
    assert findings(lived) == []


def test_content_with_links_and_folders_in_it_is_named_and_set_aside(
    lived: Path, tmp_path: Path
) -> None:
    shards = lived / "content"
    paths = [shards / str(digest_of(n))[:2] / str(digest_of(n)) for n in (1, 2, 3)]
    paths[0].rename(tmp_path / "moved")
    paths[0].symlink_to(tmp_path / "moved")
    paths[1].unlink()
    paths[1].mkdir()
    paths[2].write_bytes(b"")

    kinds = [kind for kind, _ in findings(lived) if not kind.startswith("maildir")]
    with open_again(lived) as archive:
        assert isinstance(archive.content, Salvaging)
        done = list(archive.content.salvage(tmp_path / "aside"))

    assert kinds.count("object-damaged") == 3
    assert len(done) == 3
    assert len(list((tmp_path / "aside").iterdir())) == 3


def test_forgotten_messages_give_their_room_back(lived: Path) -> None:
    forgotten = {digest_of(1), digest_of(2)}
    with open_again(lived) as archive:
        store = archive.content
        assert isinstance(store, Reclaiming)
        before = store.stored_octets()
        waste = store.waste(forgotten, lambda digest: digest == digest_of(2))
        freed = store.reclaim(forgotten, lambda digest: digest == digest_of(2))

        assert waste.objects == 1
        assert freed == waste.octets == before - store.stored_octets()
        assert digest_of(2) in store
        assert digest_of(1) not in store


def test_a_repair_makes_the_maildirs_right(lived: Path) -> None:
    before = shown(lived)
    give_other_flags(file_of(lived, 2))
    file_of(lived, 7).unlink()
    (lived / "content" / "stray").write_bytes(b"x")

    plan = plan_repair(lived, SteppingClock())
    done = repair(lived, SteppingClock(), []).done

    assert {step.part for step in plan.steps} == {"content", "maildir"}
    assert len(done) == 2
    assert shown(lived) == before
    assert findings(lived) == []
    assert plan_repair(lived, SteppingClock()).is_empty


def test_a_bad_copy_for_another_date_is_found_and_made_again(folder: Path) -> None:
    with create(folder, "maildir") as archive:
        first = build_arrival(1)
        later = INTERNAL_DATE.replace(year=2024)
        again = replace(first, uid=Uid(2), internal_date=later)
        Work(archive).sync(build_batch(arrived=[first, again]))
    cut(file_of(folder, 2))

    found = findings(folder)
    with open_again(folder) as archive:
        octets = archive.content.get(digest_of(1))
        archive.content.prove(digest_of(1))
    repair(folder, SteppingClock(), [])

    assert [kind for kind, _ in found] == ["maildir-changed"]
    assert octets == build_message(1)
    assert findings(folder) == []
    assert file_of(folder, 2).stat().st_mtime == later.timestamp()


def test_a_lost_file_is_given_out_from_a_copy_for_another_date(folder: Path) -> None:
    with create(folder, "maildir") as archive:
        first = build_arrival(1)
        later = INTERNAL_DATE.replace(year=2024)
        again = replace(first, uid=Uid(2), internal_date=later)
        Work(archive).sync(build_batch(arrived=[first, again]))
    cut(file_of(folder, 1))

    with open_again(folder) as archive:
        assert archive.content.get(digest_of(1)) == build_message(1)


@pytest.mark.parametrize(
    ("key", "value"),
    [("offset", -1), ("offset", 20), ("offset", 1e999), ("file", -1), ("sequence", "x")],
)
def test_a_rotten_marker_leaves_no_mailbox_as_it_was(
    lived: Path, key: str, value: object
) -> None:
    before = shown(lived)
    marker = lived / "maildir" / ".level.json"
    position = json.loads(marker.read_bytes())
    next((inbox(lived) / "cur").iterdir()).unlink()
    marker.write_text(json.dumps({**position, key: value}))

    with open_again(lived, writing=True) as archive:
        assert list(archive.check()) == []

    assert shown(lived) == before
