"""Who buys for one company is told from who lives together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("households", sa.Column("kind", sa.Text, nullable=False, server_default="home"))
