"""The tables of the catalog. Rows stay inside `mailvault.archive`.

What was true at run R is every row with ``first_run <= R`` and no ``gone_run <= R``. Instants
are whole numbers (see `instants`), lists are JSON. A change here is a revision in migrations/.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from mailvault.archive.dialect import clustered

metadata = MetaData()

alembic_version = Table(  # as Alembic makes it
    "alembic_version",
    metadata,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

journal_position = Table(
    "journal_position",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="single"), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    Column("file", BigInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("run", Integer, primary_key=True),
    Column("started_at", BigInteger, nullable=False),  # microseconds
    Column("finished_at", BigInteger),
    Column("exit_code", Integer),
)

account = Table(
    "account",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("protocol", Text, nullable=False),
)

mailbox = Table(
    "mailbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", ForeignKey("account.id"), nullable=False),
    Column("uidvalidity", BigInteger),  # of the last batch
    Column("cursor", Text),
    Column("messages", Integer, nullable=False, default=0),  # present now: counting is slow
    Column("octets", BigInteger, nullable=False, default=0),
)

mailbox_version = clustered(
    "mailbox_version",
    metadata,
    Column("mailbox_id", ForeignKey("mailbox.id"), primary_key=True),
    Column("first_run", ForeignKey("run.run"), primary_key=True),
    Column("gone_run", ForeignKey("run.run")),
    Column("name", Text, nullable=False),  # a list: no delimiter is safe in every name
    Column("special_use", Text),
    Column("is_subscribed", Integer),
    Column("attributes", Text, nullable=False),
    Column("is_selectable", Integer, nullable=False),
)

message = Table(
    "message",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("size", BigInteger, nullable=False, index=True),  # to recognise a message by
    Column("message_id", Text),
    Column("date", BigInteger),  # seconds
    Column("sender", Text),
    Column("recipients", Text),
    Column("copies", Text),
    Column("subject", Text),
)

flag_set = Table(
    "flag_set",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("flags", Text, nullable=False, unique=True),
)

placement = clustered(
    "placement",
    metadata,
    Column("mailbox_id", ForeignKey("mailbox.id"), primary_key=True),
    Column("uidvalidity", BigInteger, primary_key=True),
    Column("uid", BigInteger, primary_key=True),
    Column("first_run", ForeignKey("run.run"), primary_key=True),
    Column("message_id", ForeignKey("message.id"), nullable=False, index=True),
    Column("flag_set_id", ForeignKey("flag_set.id"), nullable=False),
    Column("internal_date", BigInteger),  # seconds
    Column("internal_zone", Integer),  # minutes east of UTC
    Column("uidl", Text),
    Column("gone_run", ForeignKey("run.run")),
    Column(
        "gone_how",
        Text,
        CheckConstraint("gone_how IN ('expunged', 'renumbered')", name="gone_how"),
    ),
)

removal = clustered(  # placements that ended because we asked the server to delete
    "removal",
    metadata,
    Column("mailbox_id", ForeignKey("mailbox.id"), primary_key=True),
    Column("uidvalidity", BigInteger, primary_key=True),
    Column("uid", BigInteger, primary_key=True),
    Column("run", ForeignKey("run.run"), primary_key=True),  # in which it ended
)

flag_change = clustered(
    "flag_change",
    metadata,
    Column("mailbox_id", ForeignKey("mailbox.id"), primary_key=True),
    Column("uidvalidity", BigInteger, primary_key=True),
    Column("uid", BigInteger, primary_key=True),
    Column("run", ForeignKey("run.run"), primary_key=True),
    Column("previous_id", ForeignKey("flag_set.id"), nullable=False),  # until that run
)

debt = clustered(
    "debt",
    metadata,
    Column("mailbox_id", ForeignKey("mailbox.id"), primary_key=True),
    Column("uidvalidity", BigInteger, primary_key=True),
    Column("uid", BigInteger, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_run", ForeignKey("run.run"), nullable=False),
    Column("last_run", ForeignKey("run.run"), nullable=False),
    Column("settled_run", ForeignKey("run.run")),
)

run_account = clustered(
    "run_account",
    metadata,
    Column("run", ForeignKey("run.run"), primary_key=True),
    Column("account_id", ForeignKey("account.id"), primary_key=True),
    Column("finished_at", BigInteger, nullable=False),
    Column("error", Text),
)

run_mailbox = clustered(
    "run_mailbox",
    metadata,
    Column("run", ForeignKey("run.run"), primary_key=True),
    Column("mailbox_id", ForeignKey("mailbox.id"), primary_key=True),
    Column("arrived", Integer, nullable=False),
    Column("flags_changed", Integer, nullable=False),
    Column("expunged", Integer, nullable=False),
    Column("unreadable", Integer, nullable=False),
    Column("octets", BigInteger, nullable=False),
    Column("milliseconds", BigInteger, nullable=False),
    Column("error", Text),
)

server_mark = clustered(  # only where the server says any of it
    "server_mark",
    metadata,
    Column("mailbox_id", ForeignKey("mailbox.id"), primary_key=True),
    Column("uidvalidity", BigInteger, primary_key=True),
    Column("uid", BigInteger, primary_key=True),
    Column("email_id", Text, index=True),  # to recognise a message by, in any mailbox
    Column("labels", Text),  # a list
)

attachment = clustered(
    "attachment",
    metadata,
    Column("message_id", ForeignKey("message.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text),
    Column("content_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
)

suspicion = Table(
    "suspicion",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("run.run"), nullable=False),
    Column("account_id", ForeignKey("account.id"), nullable=False),
    Column("mailbox_id", ForeignKey("mailbox.id")),
    Column("reason", Text, nullable=False),
    Column("accepted_run", ForeignKey("run.run")),
)

job = Table(  # commands that are no runs
    "job",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("account", Text),  # a name: it need not be one that was ever synced
    Column("started_at", BigInteger, nullable=False),  # microseconds
    Column("finished_at", BigInteger, nullable=False),
    Column("exit_code", Integer, nullable=False),
    Column("checked", Integer, nullable=False),
    Column("octets", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
)

forgotten = clustered(  # by a policy; their octets may still lie in the content for a while
    "forgotten",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
)

quarantine = clustered(  # what nobody could give again
    "quarantine",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("since", BigInteger, nullable=False),  # microseconds
)

proof = Table(  # what `verify` read when; no record tells of it, so a rebuild forgets it
    "proof",
    metadata,
    Column("first_message", Integer, primary_key=True),  # of a stretch of messages, by id
    Column("last_message", Integer, nullable=False),
    Column("proved_at", BigInteger, nullable=False),  # microseconds
)
