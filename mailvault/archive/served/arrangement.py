"""Which folders there are: one for each mailbox that is there today, and no others of ours."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from mailvault.archive.catalog import serving
from mailvault.archive.catalog.serving import ServedMailbox
from mailvault.archive.private import make_folder, replace_file
from mailvault.archive.served.folder import (
    SUBFOLDERS,
    MailboxFolder,
    remove_empty_folders,
)
from mailvault.archive.served.mailbox import Show
from mailvault.archive.served.names import account_folder, mailbox_guid, mailbox_path
from mailvault.errors import ArchiveDamaged
from mailvault.mail.model import MailboxName

SUBSCRIPTIONS = "subscriptions"
_SUBSCRIPTIONS_HEADER = "V\t2\n\n"


Place: TypeAlias = tuple[str, MailboxName, bool]
"""What of a mailbox its folder follows from."""


class Arrangement:
    """Makes, moves and removes the folders of mailboxes below ``folder``."""

    def __init__(self, folder: Path, show: Show) -> None:
        self.folder = folder
        self._show = show
        self._arranged: dict[int, Place] | None = None

    def path(self, mailbox: ServedMailbox) -> Path:
        return self.folder.joinpath(
            account_folder(mailbox.account), *mailbox_path(mailbox.name)
        )

    def follow(self) -> set[int]:
        """As `arrange`, after it: new mailboxes are made without looking at the others."""
        with self._show.catalog.reading() as connection:
            accounts = serving.served_accounts(connection)
            mailboxes = serving.served_mailboxes(connection)
        places = {each.mailbox_id: _place(each) for each in mailboxes}
        if self._arranged is None or not self._arranged.items() <= places.items():
            return self.arrange()
        added = [each for each in mailboxes if each.mailbox_id not in self._arranged]
        for account in accounts:
            self._make(self.folder / account_folder(account))
        new = self._make_all({self.path(each): each for each in added if each.is_selectable})
        for each in added:
            self._make(self.path(each))
        self._subscribe(accounts, mailboxes)
        self._arranged = places
        return new

    def arrange(self) -> set[int]:
        """Bring the folders level; return the mailboxes whose folder is new or another's."""
        self._arranged = None
        with self._show.catalog.reading() as connection:
            accounts = serving.served_accounts(connection)
            mailboxes = serving.served_mailboxes(connection)
        wanted = {self.path(each): each for each in mailboxes if each.is_selectable}
        make_folder(self.folder)
        for account in accounts:
            self._make(self.folder / account_folder(account))
        for path in list(self._folders_of_ours()):
            if path not in wanted or not self._belongs(path, wanted[path]):
                MailboxFolder(path).dismantle()
                if path not in wanted:
                    remove_empty_folders(path, self.folder)
        new = self._make_all(wanted)
        for each in mailboxes:
            if not each.is_selectable:
                self._make(self.path(each))
        self._subscribe(accounts, mailboxes)
        self._arranged = {each.mailbox_id: _place(each) for each in mailboxes}
        return new

    def _make_all(self, wanted: Mapping[Path, ServedMailbox]) -> set[int]:
        new = set()
        for path, mailbox in sorted(wanted.items()):
            folder = MailboxFolder(path)
            self._make(path)
            if not folder.is_there or not self._belongs(path, mailbox):
                new.add(mailbox.mailbox_id)
            folder.make()
        return new

    def _belongs(self, path: Path, mailbox: ServedMailbox) -> bool:
        header = MailboxFolder(path).uidlist.header()
        guid = mailbox_guid(self._show.archive_id, mailbox.mailbox_id)
        return header is not None and header.guid == guid

    def _make(self, path: Path) -> None:
        """Make a folder; a symbolic link on the way there could lead anywhere."""
        for each in reversed([path, *path.parents]):
            if not each.is_relative_to(self.folder):
                continue
            if each.is_symlink():
                raise ArchiveDamaged(
                    f"{each} is a symbolic link", hint="remove it: the next sync makes a folder"
                )
            make_folder(each)

    def _folders_of_ours(self) -> Iterator[Path]:
        """Folders of mailboxes that hold anything of ours."""
        for path in mailbox_folders(self.folder):
            folder = MailboxFolder(path)
            header = folder.uidlist.header()
            if (header is not None and header.is_ours) or any(True for _ in folder.ours()):
                yield path

    def _subscribe(self, accounts: Iterable[str], mailboxes: Iterable[ServedMailbox]) -> None:
        lines: dict[str, list[str]] = defaultdict(list)
        for each in mailboxes:
            if each.is_subscribed:
                lines[each.account].append("\t".join(mailbox_path(each.name) or ("INBOX",)))
        for account in accounts:
            text = _SUBSCRIPTIONS_HEADER + "".join(f"{x}\n" for x in sorted(lines[account]))
            path = self.folder / account_folder(account) / SUBSCRIPTIONS
            if not path.is_file() or path.read_bytes() != text.encode():
                replace_file(path, text.encode())


def _place(mailbox: ServedMailbox) -> Place:
    return mailbox.account, mailbox.name, mailbox.is_selectable


def mailbox_folders(root: Path) -> Iterator[Path]:
    """The folders below ``root`` that hold a mailbox. Symbolic links are not followed."""
    for path, folders, _ in os.walk(root):
        if "cur" in folders:
            yield Path(path)
        folders[:] = sorted(set(folders) - set(SUBFOLDERS))
