"""What happened to gift cards."""

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
        "giftcards_movements",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fact", _TEXT, nullable=False),
        sa.Column("code", _TEXT, nullable=False),
        sa.Column("strand", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("currency", _TEXT, nullable=False),
        sa.Column("minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "fact"),
    )
    op.create_index("giftcards_movements_by_code", "giftcards_movements", ["workspace", "code"])
    op.create_index("giftcards_movements_by_strand", "giftcards_movements", ["workspace", "strand"])
