"""Refunds and corrections whose order decides what they are worth."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.execute("UPDATE orders SET rank = rank * 2")
    for name, kind in (
        ("gross_minor", sa.BigInteger()), ("prices", sa.Text()), ("updated_gross", sa.BigInteger()),
        ("updated_told", sa.Text()),
    ):  # fmt: skip
        op.add_column("orders", sa.Column(name, kind))
    op.add_column("refunds", sa.Column("claim", sa.Text()))
