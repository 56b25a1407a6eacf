"""Which messages were last read back and hashed when."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "proof",
        sa.Column("first_message", sa.Integer, primary_key=True),
        sa.Column("last_message", sa.Integer, nullable=False),
        sa.Column("proved_at", sa.BigInteger, nullable=False),
    )
