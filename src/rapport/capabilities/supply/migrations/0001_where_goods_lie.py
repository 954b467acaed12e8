"""Where goods lie, and how many."""

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
    op.create_table(
        "supply_levels",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("product_id", _TEXT, nullable=False),
        sa.Column("variant", _TEXT, nullable=False),
        sa.Column("location_id", _TEXT, nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("incoming", sa.BigInteger(), nullable=False),
        sa.Column("incoming_at", sa.BigInteger(), nullable=True),
        sa.Column("stated_at", sa.BigInteger(), nullable=False),
        sa.Column("fact", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "product_id", "variant", "location_id"),
    )
    op.create_index("supply_levels_at", "supply_levels", ["workspace", "location_id", "product_id"])
    op.create_table(
        "supply_locations",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("location_id", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("ships", sa.Boolean(), nullable=False),
        sa.Column("pickup", sa.Boolean(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("place", sa.LargeBinary(), nullable=False),
        sa.Column("stated_at", sa.BigInteger(), nullable=False),
        sa.Column("fact", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "location_id"),
    )
