"""Who said something of which order, so that a stranger's word about it changes nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rapport.storage.engine import CText

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "order_statements",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fact", CText, nullable=False),
        sa.Column("order_id", CText, nullable=False),
        sa.Column("name", CText, nullable=False),
        sa.Column("state", CText, nullable=False),
        sa.Column("strand", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("unverified", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("disputed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "fact"),
    )
    op.create_index("order_statements_of_order", "order_statements", ["workspace", "order_id"])
    op.create_index("order_statements_of_strand", "order_statements", ["workspace", "strand"])
    op.create_index(
        "order_statements_disputed", "order_statements", ["workspace", "source", "received_at"],
        sqlite_where=sa.text("disputed"), postgresql_where=sa.text("disputed"),
    )  # fmt: skip
    # A report that is not known has a rank beyond all others; those of public keys come between.
    op.execute("UPDATE orders SET rank = 8 WHERE rank = 4")
