"""Answers of pages that took long to count, and jobs that people have paused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0092"
down_revision = "0082"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "counted_answers",
        sa.Column("workspace", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("asked", _TEXT, nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("took_us", sa.BigInteger(), nullable=False),
        sa.Column("erasures", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "asked"),
    )
    op.add_column("jobs", sa.Column("may_pause", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("jobs", sa.Column("ahead", sa.BigInteger(), nullable=True))
    op.add_column("jobs", sa.Column("ends_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "paused_jobs",
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
