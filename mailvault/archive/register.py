"""Numbers for accounts and mailboxes, given once and for ever."""

from mailvault.archive.catalog.catalog import Catalog
from mailvault.mail.changes import AccountAdded, MailboxDescribed
from mailvault.mail.model import Mailbox


class Register:
    """Knows every account and mailbox, those not committed yet too."""

    def __init__(self, catalog: Catalog) -> None:
        self._accounts = {
            view.name: AccountAdded(view.account_id, view.name, view.protocol)
            for view in catalog.accounts()
        }
        self._mailboxes: dict[int, MailboxDescribed | None] = {}
        for view in catalog.mailboxes(include_gone=True):
            described = MailboxDescribed(
                mailbox_id=view.mailbox_id,
                account_id=self._accounts[view.account].account_id,
                name=view.name,
                special_use=view.special_use,
                is_subscribed=view.is_subscribed,
                attributes=view.attributes,
                is_selectable=view.is_selectable,
            )
            self._mailboxes[view.mailbox_id] = None if view.is_gone else described

    def account(self, name: str, protocol: str) -> tuple[int, AccountAdded | None]:
        """The number, and the record to write if anything about the account is new."""
        old = self._accounts.get(name)
        highest = max((each.account_id for each in self._accounts.values()), default=0)
        record = AccountAdded(old.account_id if old else highest + 1, name, protocol)
        self._accounts[name] = record
        return record.account_id, None if record == old else record

    def account_name(self, account_id: int) -> str:
        return next(e.name for e in self._accounts.values() if e.account_id == account_id)

    def mailbox(
        self, account_id: int, mailbox: Mailbox, mailbox_id: int | None
    ) -> tuple[int, MailboxDescribed | None]:
        """The number, and the record to write if anything about the mailbox is new."""
        if mailbox_id is None:
            mailbox_id = max(self._mailboxes, default=0) + 1
        record = MailboxDescribed(
            mailbox_id=mailbox_id,
            account_id=account_id,
            name=mailbox.name,
            special_use=mailbox.special_use,
            is_subscribed=mailbox.is_subscribed,
            attributes=mailbox.attributes,
            is_selectable=mailbox.is_selectable,
        )
        old = self._mailboxes.get(mailbox_id)
        self._mailboxes[mailbox_id] = record
        return mailbox_id, None if record == old else record

    def forget(self, mailbox_id: int) -> None:
        """The mailbox is gone; describing it again is news."""
        self._mailboxes[mailbox_id] = None
