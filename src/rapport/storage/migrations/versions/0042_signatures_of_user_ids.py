"""A public source may ask that the shop's server vouches for whom its messages name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("sources", sa.Column("asks_signatures", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("sources", sa.Column("signing_secret", sa.LargeBinary()))
