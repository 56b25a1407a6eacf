"""What servers say of a message over all mailboxes: its id there, and Gmail's labels."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "server_mark",
        sa.Column("mailbox_id", sa.Integer, sa.ForeignKey("mailbox.id"), primary_key=True),
        sa.Column("uidvalidity", sa.BigInteger, primary_key=True),
        sa.Column("uid", sa.BigInteger, primary_key=True),
        sa.Column("email_id", sa.Text),
        sa.Column("labels", sa.Text),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_server_mark_email_id", "server_mark", ["email_id"])
