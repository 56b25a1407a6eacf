"""However files change between imports: nothing is lost, nothing comes twice."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from mailvault.archive.archive import Archive
from mailvault.mail.findings import FILES
from mailvault.mail.globs import MailboxGlobs
from mailvault.operations.account_sync import SyncAccount
from mailvault.operations.import_files import Import, import_files
from mailvault.sources.files import FileSource
from mailvault.sources.trees import open_tree
from mailvault.wiring import SystemClock

ALL = MailboxGlobs(["*"])
LINE = b"From ada@example.org Mon Jan  5 12:00:00 2026\n"


def take_in(archive: Archive, path: Path) -> int:
    """Import a path; give how many messages came."""
    source = FileSource(lambda: open_tree(path, archive.tmp), spool_folder=archive.tmp)
    account = SyncAccount("old", FILES, lambda: source, ALL, only_adds=True)
    report = import_files(archive, Import(account, source))
    assert report.exit_code == 0
    return sum(mailbox.arrived for mailbox in report.sync.accounts[0].mailboxes)


def write(folder: Path, numbers: list[int], *, is_mbox: bool) -> Path:
    """Put messages into an mbox, or into a folder of files, of the same name."""
    letters = [b"Subject: %d\n\nbody\n" % number for number in numbers]
    mbox, eml = folder / "Work.mbox", folder / "Work"
    mbox.unlink(missing_ok=True)
    for path in eml.iterdir() if eml.exists() else ():
        path.unlink()
    if is_mbox:
        mbox.write_bytes(b"".join(LINE + letter + b"\n" for letter in letters))
        return folder
    eml.mkdir(exist_ok=True)
    for number, letter in enumerate(letters):
        (eml / f"{number}.eml").write_bytes(letter)
    return folder


states = st.tuples(st.lists(st.integers(0, 3), max_size=6), st.booleans())


@settings(max_examples=12, deadline=None)
@given(st.lists(states, min_size=1, max_size=4))
def test_the_archive_holds_each_message_as_often_as_the_files_ever_did(
    imports: list[tuple[list[int], bool]],
) -> None:
    most: Counter[int] = Counter()
    with TemporaryDirectory() as name:
        folder = Path(name) / "mail"
        folder.mkdir()
        with Archive.create(Path(name) / "archive", clock=SystemClock()) as archive:
            for numbers, is_mbox in imports:
                most |= Counter(numbers)
                write(folder, numbers, is_mbox=is_mbox)

                take_in(archive, folder)

                subjects = Counter(
                    int(each.subject or 0) for each in archive.catalog.placements(account="old")
                )
                assert subjects == most
                assert take_in(archive, folder) == 0
