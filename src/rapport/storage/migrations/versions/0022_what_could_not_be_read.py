"""What of a source's facts could not be read is counted by event, field and day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "source_unread",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("day", TEXT, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("field", TEXT, nullable=False),
        sa.Column("facts", sa.BigInteger(), nullable=False),
        sa.Column("example", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "source", "day", "event", "field"),
    )
