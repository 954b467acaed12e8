"""Who comes into a segment is told once it was filled; and by which time zone and currency it was asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("segments", sa.Column("is_told", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("segments", sa.Column("asked_in", sa.Text(), nullable=False, server_default=""))
    op.execute(sa.text("UPDATE segments SET is_told = (version > 1) WHERE state = 'filling'"))
