"""Accounts, mailboxes, messages, placements, runs, debts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "journal_position",
        sa.Column(
            "id", sa.Integer, sa.CheckConstraint("id = 1", name="single"), primary_key=True
        ),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("chain", sa.LargeBinary, nullable=False),
        sa.Column("file", sa.BigInteger, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "run",
        sa.Column("run", sa.Integer, primary_key=True),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("exit_code", sa.Integer),
    )
    op.create_table(
        "account",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("protocol", sa.Text, nullable=False),
    )
    op.create_table(
        "mailbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account_id", sa.Integer, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger),
        sa.Column("cursor", sa.Text),
        sa.Column("messages", sa.Integer, nullable=False),
        sa.Column("octets", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "mailbox_version",
        sa.Column("mailbox_id", sa.Integer, sa.ForeignKey("mailbox.id"), primary_key=True),
        sa.Column("first_run", sa.Integer, sa.ForeignKey("run.run"), primary_key=True),
        sa.Column("gone_run", sa.Integer, sa.ForeignKey("run.run")),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("special_use", sa.Text),
        sa.Column("is_subscribed", sa.Integer),
        sa.Column("attributes", sa.Text, nullable=False),
        sa.Column("is_selectable", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "message",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.Text),
        sa.Column("date", sa.BigInteger),
        sa.Column("sender", sa.Text),
        sa.Column("recipients", sa.Text),
        sa.Column("copies", sa.Text),
        sa.Column("subject", sa.Text),
    )
    op.create_index("ix_message_size", "message", ["size"])
    op.create_table(
        "flag_set",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("flags", sa.Text, nullable=False, unique=True),
    )
    op.create_table(
        "placement",
        sa.Column("mailbox_id", sa.Integer, sa.ForeignKey("mailbox.id"), primary_key=True),
        sa.Column("uidvalidity", sa.BigInteger, primary_key=True),
        sa.Column("uid", sa.BigInteger, primary_key=True),
        sa.Column("first_run", sa.Integer, sa.ForeignKey("run.run"), primary_key=True),
        sa.Column("message_id", sa.Integer, sa.ForeignKey("message.id"), nullable=False),
        sa.Column("flag_set_id", sa.Integer, sa.ForeignKey("flag_set.id"), nullable=False),
        sa.Column("internal_date", sa.BigInteger),
        sa.Column("internal_zone", sa.Integer),
        sa.Column("uidl", sa.Text),
        sa.Column("gone_run", sa.Integer, sa.ForeignKey("run.run")),
        sa.Column(
            "gone_how",
            sa.Text,
            sa.CheckConstraint("gone_how IN ('expunged', 'renumbered')", name="gone_how"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_placement_message_id", "placement", ["message_id"])
    op.create_table(
        "flag_change",
        sa.Column("mailbox_id", sa.Integer, sa.ForeignKey("mailbox.id"), primary_key=True),
        sa.Column("uidvalidity", sa.BigInteger, primary_key=True),
        sa.Column("uid", sa.BigInteger, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("run.run"), primary_key=True),
        sa.Column("previous_id", sa.Integer, sa.ForeignKey("flag_set.id"), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "debt",
        sa.Column("mailbox_id", sa.Integer, sa.ForeignKey("mailbox.id"), primary_key=True),
        sa.Column("uidvalidity", sa.BigInteger, primary_key=True),
        sa.Column("uid", sa.BigInteger, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("first_run", sa.Integer, sa.ForeignKey("run.run"), nullable=False),
        sa.Column("last_run", sa.Integer, sa.ForeignKey("run.run"), nullable=False),
        sa.Column("settled_run", sa.Integer, sa.ForeignKey("run.run")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "run_account",
        sa.Column("run", sa.Integer, sa.ForeignKey("run.run"), primary_key=True),
        sa.Column("account_id", sa.Integer, sa.ForeignKey("account.id"), primary_key=True),
        sa.Column("finished_at", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "run_mailbox",
        sa.Column("run", sa.Integer, sa.ForeignKey("run.run"), primary_key=True),
        sa.Column("mailbox_id", sa.Integer, sa.ForeignKey("mailbox.id"), primary_key=True),
        sa.Column("arrived", sa.Integer, nullable=False),
        sa.Column("flags_changed", sa.Integer, nullable=False),
        sa.Column("expunged", sa.Integer, nullable=False),
        sa.Column("unreadable", sa.Integer, nullable=False),
        sa.Column("octets", sa.BigInteger, nullable=False),
        sa.Column("milliseconds", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text),
        sqlite_with_rowid=False,
    )
