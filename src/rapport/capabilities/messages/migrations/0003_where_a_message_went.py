"""The key of the address that a message went to: what comes back is about that one, not about the person's of today."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("messages", sa.Column("address", sa.LargeBinary()))
