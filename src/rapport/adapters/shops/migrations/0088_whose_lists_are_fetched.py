"""Whose lists are fetched, how far they are read, and how it went."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0088"
down_revision = "0068"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    moments = ("reached", "next_at", "leased_until", "pages", "things", "facts")
    op.create_table(
        "shops_pulls", sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", _TEXT, nullable=False), sa.Column("shop", _TEXT, nullable=False),
        sa.Column("address", _TEXT, nullable=False), sa.Column("access", _TEXT, nullable=False),
        sa.Column("every_minutes", sa.Integer(), nullable=False),
        sa.Column("orders_since", sa.BigInteger(), nullable=False), sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in moments),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in ("began_at", "finished_at", "failed_at")),
        sa.Column("place", sa.LargeBinary(), nullable=True), sa.Column("last_error", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "source", "shop"),
    )  # fmt: skip
    op.create_index("shops_pulls_due", "shops_pulls", ["next_at"])
