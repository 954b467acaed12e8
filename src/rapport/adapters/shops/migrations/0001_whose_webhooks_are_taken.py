"""Whose webhooks are taken, and what was heard of each thing last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    numbers = ("accepted", "duplicates", "late", "ignored", "refused")
    op.create_table(
        "shops_doors", _workspace(), sa.Column("source", _TEXT, nullable=False),
        sa.Column("shop", _TEXT, nullable=False), sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False), sa.Column("last_at", sa.BigInteger(), nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in numbers),
        sa.Column("refused_at", sa.BigInteger(), nullable=True), sa.Column("refused_why", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "source", "shop"),
    )  # fmt: skip
    op.create_table(
        "shops_objects", _workspace(), sa.Column("source", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False), sa.Column("object_id", _TEXT, nullable=False),
        sa.Column("digest", _TEXT, nullable=False), sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "source", "kind", "object_id"),
    )  # fmt: skip
    op.create_table(
        "shops_stock_items", _workspace(), sa.Column("source", _TEXT, nullable=False),
        sa.Column("item", _TEXT, nullable=False), sa.Column("product_id", _TEXT, nullable=False),
        sa.Column("variant", _TEXT, nullable=False), sa.PrimaryKeyConstraint("workspace", "source", "item"),
    )  # fmt: skip
    op.create_table(
        "shops_waiting_levels", _workspace(), sa.Column("source", _TEXT, nullable=False),
        sa.Column("item", _TEXT, nullable=False), sa.Column("location_id", _TEXT, nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False), sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "source", "item", "location_id"),
    )  # fmt: skip


def _workspace() -> sa.Column[int]:
    return sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False)
