"""Whether a level is net of the orders already taken."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("supply_levels", sa.Column("net", sa.Boolean(), server_default=sa.false(), nullable=False))
