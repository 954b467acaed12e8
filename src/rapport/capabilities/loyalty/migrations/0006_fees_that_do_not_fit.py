"""fees that do not fit: paid after the end, paid twice, or given back while benefits go on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rapport.storage.engine import CText

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "loyalty_stray_fees",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("payment", CText, nullable=False),
        sa.Column("membership", CText, nullable=False),
        sa.Column("strand", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("why", CText, nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "payment"),
    )
    is_open = sa.text("settled_at IS NULL")
    with op.batch_alter_table("loyalty_stray_fees", schema=None) as batch_op:
        batch_op.create_index("loyalty_stray_fees_by_strand", ["workspace", "strand"], unique=False)
        batch_op.create_index(
            "loyalty_stray_fees_open", ["workspace", "at"], unique=False, sqlite_where=is_open, postgresql_where=is_open
        )
