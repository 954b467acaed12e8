"""What of the orders of somebody erased stays for the books, until when and by which law."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0094"
down_revision = "0093"
branch_labels = None
depends_on = None

_KEPT = sa.text("kept_until IS NOT NULL")


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    for table in ("orders", "refunds"):
        op.add_column(table, sa.Column("kept_until", sa.BigInteger()))
        op.add_column(table, sa.Column("kept_law", sa.Text()))
        op.create_index(f"{table}_kept", table, ["kept_until"], sqlite_where=_KEPT, postgresql_where=_KEPT)
    op.add_column("orders", sa.Column("tax_minor", sa.BigInteger()))
