"""Files that other programs read while they are written anew: whole at every moment."""

import os
from contextlib import suppress
from pathlib import Path

from mailvault.errors import UsageError

FOR_ALL = 0o644
"""node_exporter runs as a user of its own."""

FOR_GROUP = 0o640
"""The status names mailboxes, which are not for everybody."""


def replace_public(path: Path, content: bytes, mode: int) -> None:
    """Exchange a file for a new one, or make it, in a folder that is there.

    Raises:
        UsageError: it cannot be written; what stood there stays.
    """
    # node_exporter reads what ends in .prom, and nothing that is hidden.
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        try:
            _write(draft, content, mode)
            draft.replace(path)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise
    except OSError as error:
        raise _explained(path, error) from error


def _write(draft: Path, content: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(draft, flags, mode), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)


def _explained(path: Path, error: OSError) -> UsageError:
    folder = path.parent
    if not folder.is_dir():
        hint = f"make the folder {folder}, or name another file"
        return UsageError(f"{path} cannot be written: there is no folder {folder}", hint=hint)
    reason = (error.strerror or str(error)).lower()
    hint = f"let the user who runs mailvault write into {folder}, or name another file"
    return UsageError(f"{path} cannot be written: {reason}", hint=hint)
