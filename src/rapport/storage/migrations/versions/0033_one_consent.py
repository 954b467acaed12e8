"""The list of customers says what the gate says: the rows of all who answered anything are made anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    customers = sa.table("customers", sa.column("consent", sa.Text()), sa.column("stale", sa.Boolean()))
    op.execute(customers.update().where(customers.c.consent != "").values(stale=True))
