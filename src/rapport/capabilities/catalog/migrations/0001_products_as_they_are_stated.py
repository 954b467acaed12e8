"""Products as the shop states them, what they are found by, and what they cost when."""

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
    _entries()
    _found_by()
    op.create_table(
        "catalog_prices",
        _workspace(),
        sa.Column("product_id", _TEXT, nullable=False),
        sa.Column("variant", _TEXT, nullable=False),
        sa.Column("market", _TEXT, nullable=False),
        sa.Column("currency", _TEXT, nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "product_id", "variant", "market", "currency", "price_minor", "day"),
    )


def _workspace() -> sa.Column[int]:
    return sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False)


def _entries() -> None:
    op.create_table(
        "catalog_entries",
        _workspace(),
        sa.Column("product_id", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("visible", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("digest", _TEXT, nullable=False),
        sa.Column("indexed", _TEXT, nullable=True),
        sa.Column("stated_at", sa.BigInteger(), nullable=False),
        sa.Column("fact", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "product_id"),
    )


def _found_by() -> None:
    op.create_table(
        "catalog_pieces",
        _workspace(),
        sa.Column("product_id", _TEXT, nullable=False),
        sa.Column("variant", _TEXT, nullable=False),
        sa.Column("currency", _TEXT, nullable=True),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace", "product_id", "variant"),
    )
    op.create_table(
        "catalog_words",
        _workspace(),
        sa.Column("word", _TEXT, nullable=False),
        sa.Column("product_id", _TEXT, nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "word", "product_id"),
    )
    op.create_table(
        "catalog_near_words",
        _workspace(),
        sa.Column("near", _TEXT, nullable=False),
        sa.Column("word", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "near", "word"),
    )
    op.create_table(
        "catalog_codes",
        _workspace(),
        sa.Column("code", _TEXT, nullable=False),
        sa.Column("product_id", _TEXT, nullable=False),
        sa.Column("variant", _TEXT, nullable=False),
        sa.Column("alone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "code", "product_id", "variant"),
    )
    op.create_table(
        "catalog_facets",
        _workspace(),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("value", _TEXT, nullable=False),
        sa.Column("product_id", _TEXT, nullable=False),
        sa.Column("variant", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "name", "value", "product_id", "variant"),
    )
    for table in ("catalog_words", "catalog_codes", "catalog_facets"):
        op.create_index(f"{table}_of", table, ["workspace", "product_id"])
