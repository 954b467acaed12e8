"""What messages cost, by which channels they may go instead, and when somebody wrote last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0003"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("messages", sa.Column("cost", sa.BigInteger()))
    op.add_column("messages", sa.Column("fallback", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "message_costs", sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("channel", _TEXT, nullable=False), sa.Column("purpose", _TEXT, nullable=False),
        sa.Column("currency", _TEXT, nullable=False), sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "day", "channel", "purpose", "currency"),
    )  # fmt: skip
    op.create_table(
        "message_words", sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("channel", _TEXT, nullable=False), sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False), sa.PrimaryKeyConstraint("workspace", "channel", "key"),
    )  # fmt: skip
