"""Applies records to the catalog: the only code that changes what it says.

Everything is a function of the catalog and the records, so replaying a journal makes the
same catalog again. A `CatalogWriter` lives for one transaction.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select, update

from mailvault.archive.catalog.forgetting import forget_messages
from mailvault.archive.catalog.messages import Indexes, MessageWriter
from mailvault.archive.catalog.placing import MailboxWriter
from mailvault.archive.catalog.tables import (
    account,
    job,
    mailbox,
    mailbox_version,
    quarantine,
    run,
    run_account,
    run_mailbox,
    suspicion,
)
from mailvault.archive.catalog.words import chunked, storable, write_list
from mailvault.archive.dialect import PARAMETERS, insert
from mailvault.archive.instants import to_microseconds
from mailvault.mail.changes import (
    Accepted,
    AccountAdded,
    AccountFinished,
    Healed,
    JobEnded,
    MailboxChanged,
    MailboxDescribed,
    MailboxFinished,
    MailboxGone,
    MemoryLost,
    Pruned,
    Quarantined,
    Record,
    RunFinished,
    RunStarted,
    Suspected,
)


class CatalogWriter:
    """Writes records, in their order, into one open transaction."""

    def __init__(self, connection: Connection, indexes: Indexes) -> None:
        self._connection = connection
        self._run: int = connection.scalar(select(func.max(run.c.run))) or 0
        self._messages = MessageWriter(connection, indexes)
        self._writers: dict[type, Callable[[Any], None]] = {  # Any: each takes its own record
            RunStarted: self._start_run,
            AccountAdded: self._add_account,
            MailboxDescribed: self._describe,
            MailboxGone: self._remove_mailbox,
            MailboxChanged: self._change,
            Suspected: self._suspect,
            Accepted: self._accept,
            MailboxFinished: self._finish_mailbox,
            AccountFinished: self._finish_account,
            RunFinished: self._finish_run,
            JobEnded: self._end_job,
            Pruned: self._prune,
            Quarantined: self._quarantine,
            Healed: self._heal,
            MemoryLost: self._lose_memory,
        }

    def write(self, records: Sequence[Record]) -> None:
        for record in records:
            self._writers[type(record)](record)

    def _start_run(self, record: RunStarted) -> None:
        self._run = record.run
        self._put(run, {"run": record.run}, {"started_at": to_microseconds(record.at)})

    def _finish_run(self, record: RunFinished) -> None:
        end = {"finished_at": to_microseconds(record.at), "exit_code": record.exit_code}
        self._connection.execute(update(run).where(run.c.run == self._run).values(end))

    def _add_account(self, record: AccountAdded) -> None:
        values = {"name": storable(record.name), "protocol": storable(record.protocol)}
        self._put(account, {"id": record.account_id}, values)

    def _finish_account(self, record: AccountFinished) -> None:
        self._put(
            run_account,
            {"run": self._run, "account_id": record.account_id},
            {"finished_at": to_microseconds(record.at), "error": storable(record.error)},
        )

    def _describe(self, record: MailboxDescribed) -> None:
        self._put(mailbox, {"id": record.mailbox_id}, {"account_id": record.account_id})
        self._end_version(record.mailbox_id)
        self._put(
            mailbox_version,
            {"mailbox_id": record.mailbox_id, "first_run": self._run},
            {
                "gone_run": None,
                "name": write_list(record.name.parts),
                "special_use": storable(record.special_use),
                "is_subscribed": record.is_subscribed,
                "attributes": write_list(sorted(record.attributes)),
                "is_selectable": record.is_selectable,
            },
        )

    def _remove_mailbox(self, record: MailboxGone) -> None:
        self._end_version(record.mailbox_id)
        self._in_mailbox(record.mailbox_id, 0).remove_everything()
        is_it = mailbox.c.id == record.mailbox_id
        self._connection.execute(
            update(mailbox).where(is_it).values(uidvalidity=None, cursor=None)
        )

    def _change(self, record: MailboxChanged) -> None:
        self._in_mailbox(record.mailbox_id, record.uidvalidity).write(record)

    def _finish_mailbox(self, record: MailboxFinished) -> None:
        self._put(
            run_mailbox,
            {"run": self._run, "mailbox_id": record.mailbox_id},
            {
                "arrived": record.arrived,
                "flags_changed": record.flags_changed,
                "expunged": record.expunged,
                "unreadable": record.unreadable,
                "octets": record.octets,
                "milliseconds": round(record.seconds * 1000),
                "error": storable(record.error),
            },
        )

    def _suspect(self, record: Suspected) -> None:
        values = {
            "run": self._run,
            "account_id": record.account_id,
            "mailbox_id": record.mailbox_id,
            "reason": storable(record.reason),
        }
        self._connection.execute(insert(suspicion), values)

    def _accept(self, record: Accepted) -> None:
        is_open = (suspicion.c.account_id == record.account_id) & suspicion.c.accepted_run.is_(
            None
        )
        self._connection.execute(
            update(suspicion).where(is_open).values(accepted_run=self._run)
        )

    def _end_job(self, record: JobEnded) -> None:
        values = {
            "kind": storable(record.kind),
            "account": storable(record.account),
            "started_at": to_microseconds(record.started_at),
            "finished_at": to_microseconds(record.at),
            "exit_code": record.exit_code,
            "checked": record.checked,
            "octets": record.octets,
            "detail": storable(record.detail),
        }
        self._connection.execute(insert(job), values)

    def _prune(self, record: Pruned) -> None:
        forget_messages(self._connection, record.digests)

    def _quarantine(self, record: Quarantined) -> None:
        since = to_microseconds(record.at)
        rows = [{"digest": each.value, "since": since} for each in record.digests]
        if rows:
            self._connection.execute(insert(quarantine).on_conflict_do_nothing(), rows)

    def _heal(self, record: Healed) -> None:
        for some in chunked([each.value for each in record.digests], PARAMETERS):
            self._connection.execute(delete(quarantine).where(quarantine.c.digest.in_(some)))

    def _lose_memory(self, _record: MemoryLost) -> None:
        self._connection.execute(update(mailbox).values(cursor=None))

    def _end_version(self, mailbox_id: int) -> None:
        version = mailbox_version.c
        is_current = (version.mailbox_id == mailbox_id) & version.gone_run.is_(None)
        self._connection.execute(
            update(mailbox_version).where(is_current).values(gone_run=self._run)
        )

    def _in_mailbox(self, mailbox_id: int, uidvalidity: int) -> MailboxWriter:
        return MailboxWriter(
            self._connection, self._messages, self._run, mailbox_id, uidvalidity
        )

    def _put(self, table: Table, key: dict[str, Any], values: dict[str, Any]) -> None:
        """Insert a row, or overwrite the one with its key."""
        statement = insert(table).on_conflict_do_update(index_elements=list(key), set_=values)
        self._connection.execute(statement.values({**key, **values}))
