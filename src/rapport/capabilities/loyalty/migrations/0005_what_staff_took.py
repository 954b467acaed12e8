"""what staff took."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    with op.batch_alter_table("loyalty_lots", schema=None) as batch_op:
        batch_op.add_column(sa.Column("taken", sa.BigInteger(), server_default="0", nullable=False))
