"""Who says what of a product, the plans of prices, and what holds when, to search by.

What is known so far may have come from anybody's browser, so it counts as told by one until the facts are told again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_SAID = "name, category, brand, price_minor, currency, url, image_url, last_seen_at, last_fact"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    _said()
    _plans()
    op.create_table(
        "catalog_hosts",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("host", _TEXT, nullable=False),
        sa.Column("pictures", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "host", "pictures"),
    )
    op.execute("CREATE TABLE catalog_pieces_before AS SELECT * FROM catalog_pieces")
    op.drop_table("catalog_pieces")
    op.create_table(
        "catalog_pieces",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("product_id", _TEXT, nullable=False),
        sa.Column("variant", _TEXT, nullable=False),
        sa.Column("market", _TEXT, nullable=False),
        sa.Column("since", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("currency", _TEXT, nullable=True),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace", "product_id", "variant", "market", "since"),
    )
    op.execute(
        "INSERT INTO catalog_pieces (workspace, product_id, variant, market, since, until, currency, price_minor) "
        "SELECT workspace, product_id, variant, '', 0, 4611686018427387904, currency, price_minor "
        "FROM catalog_pieces_before"
    )
    op.drop_table("catalog_pieces_before")
    op.execute("UPDATE catalog_entries SET indexed = NULL")


def _said() -> None:
    op.create_table(
        "catalog_said",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("product_id", _TEXT, nullable=False),
        sa.Column("voice", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("brand", sa.Text(), nullable=True),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("image_url", sa.Text(), nullable=True),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_fact", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "product_id", "voice"),
    )
    op.execute(
        f"INSERT INTO catalog_said (workspace, product_id, voice, {_SAID}) "  # names of columns alone
        f"SELECT workspace, product_id, 0, {_SAID} FROM products"
    )
    op.execute(
        "UPDATE products SET name = NULL, category = NULL, brand = NULL, price_minor = NULL, cost_minor = NULL, "
        "currency = NULL, url = NULL, image_url = NULL, last_seen_at = 0, last_fact = ''"
    )


def _plans() -> None:
    op.drop_table("catalog_prices")
    op.create_table(
        "catalog_price_plans",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("product_id", _TEXT, nullable=False),
        sa.Column("variant", _TEXT, nullable=False),
        sa.Column("market", _TEXT, nullable=False),
        sa.Column("currency", _TEXT, nullable=False),
        sa.Column("plan", _TEXT, nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "product_id", "variant", "market", "currency", "plan", "day"),
    )
