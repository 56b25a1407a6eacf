"""Files that mail is read from and written to."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mailvault.errors import UsageError
from mailvault.real_paths import real, within

if TYPE_CHECKING:
    from mailvault.archive.archive import Archive
    from mailvault.operations.drill import DrillReport
    from mailvault.operations.import_files import Import
    from mailvault.operations.reports import Progress
    from mailvault.ports import Destination


@dataclass(frozen=True, slots=True)
class ImportForm:
    """How files are to be imported: in which format they are, and with which line ends."""

    file_format: str = "auto"
    keeps_line_ends: bool = False
    is_dry_run: bool = False


def import_source(archive: "Archive", path: Path, name: str, form: ImportForm) -> "Import":
    """Give import what it needs of a path. Nothing is opened yet."""
    import tempfile

    from mailvault.mail.findings import FILES
    from mailvault.mail.globs import MailboxGlobs
    from mailvault.operations.account_sync import SyncAccount
    from mailvault.operations.import_files import Import
    from mailvault.sources.files import FileSource
    from mailvault.sources.trees import open_tree

    path = real(path)  # debts are known by the paths of their files
    if within(path, archive.path):
        raise UsageError(f"{path} lies inside the archive", hint="import from outside it")
    # A reader of the archive has no business in its folder for temporary files.
    spool_folder = Path(tempfile.gettempdir()) if form.is_dry_run else archive.tmp
    source = FileSource(
        partial(open_tree, path, spool_folder),
        spool_folder=spool_folder,
        file_format=form.file_format,
        keeps_line_ends=form.keeps_line_ends,
        owing={debt.mailbox for debt in archive.catalog.debts(name)},
    )
    account = SyncAccount(name, FILES, lambda: source, MailboxGlobs(["*"]), only_adds=True)
    return Import(account, source)


@dataclass(frozen=True, slots=True)
class ExportForm:
    """What an export shall look like; a layout of None is the format's usual one."""

    format: str
    layout: str | None = None
    has_status: bool = False
    is_zip: bool = False


def open_destination(form: ExportForm, path: Path, archive: "Archive") -> "Destination":
    """Choose what writes mail to files. It must not write into the archive."""
    layouts = _LAYOUTS.get(form.format)
    if layouts is None:
        raise UsageError(
            f"there is no format {form.format!r}" if form.format else "--format is missing",
            hint="choose --format maildir, mbox or eml",
        )
    if form.layout is not None and form.layout not in layouts:
        named = " or ".join(layouts)
        raise UsageError(
            f"--format {form.format} has no layout {form.layout!r}",
            hint=f"choose --layout {named}" if layouts else "leave out --layout",
        )
    if form.has_status and form.format != "mbox":
        raise UsageError(
            f"--status is for mbox files, and not for {form.format}", hint="leave it out"
        )
    return (_zipped if form.is_zip else _destination)(form, path, archive.path)


_LAYOUTS: dict[str, tuple[str, ...]] = {
    "maildir": ("maildir++", "fs"),
    "mbox": ("nested", "thunderbird"),
    "eml": (),
}


def _destination(form: ExportForm, path: Path, outside: Path) -> "Destination":
    from mailvault.destinations.eml import EmlDestination
    from mailvault.destinations.maildir import Layout, MaildirDestination
    from mailvault.destinations.mbox import MboxDestination, MboxLayout

    match form.format:
        case "maildir":
            layout = Layout(form.layout or Layout.MAILDIR_PLUS_PLUS)
            return MaildirDestination(path, layout=layout, outside=outside)
        case "mbox":
            mbox = MboxLayout(form.layout or MboxLayout.NESTED)
            return MboxDestination(
                path, layout=mbox, has_status=form.has_status, outside=outside
            )
        case _:
            return EmlDestination(path, outside=outside)


def _zipped(form: ExportForm, path: Path, outside: Path) -> "Destination":
    from mailvault.destinations import zip_formats
    from mailvault.destinations.maildir import Layout
    from mailvault.destinations.mbox import MboxLayout
    from mailvault.destinations.zipped import ZipDestination
    from mailvault.destinations.zipped_mbox import ZippedMboxDestination

    match form.format:
        case "maildir":
            layout = Layout(form.layout or Layout.MAILDIR_PLUS_PLUS)
            return ZipDestination(path, zip_formats.maildir(layout), outside=outside)
        case "mbox":
            mbox = MboxLayout(form.layout or MboxLayout.NESTED)
            return ZippedMboxDestination(
                path, layout=mbox, has_status=form.has_status, outside=outside
            )
        case _:
            return ZipDestination(path, zip_formats.eml(), outside=outside)


def rejects_folder(path: Path, archive: "Archive") -> "Destination":
    """What writes the messages that a target refuses."""
    from mailvault.destinations.eml import EmlDestination

    return EmlDestination(path, outside=archive.path)


def drill(
    archive: "Archive",
    scratch: Path | None,
    percent: float,
    *,
    account: str | None,
    progress: "Progress",
) -> "DrillReport":
    """Restore a sample to a folder that is gone afterwards."""
    from tempfile import TemporaryDirectory

    from mailvault.destinations.export_folder import refuse_inside
    from mailvault.destinations.files import writing
    from mailvault.destinations.maildir import MaildirDestination
    from mailvault.operations.drill import drill as operation

    if scratch is not None:
        refuse_inside(scratch, archive.path)
    with writing(scratch or "the folder for temporary files"):
        temporary = TemporaryDirectory(prefix="mailvault-drill-", dir=scratch)
    with temporary as folder:
        return operation(
            archive,
            partial(MaildirDestination, outside=archive.path),
            Path(folder),
            percent=percent,
            account=account,
            progress=progress,
        )
