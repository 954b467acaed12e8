"""A secret that was changed is believed for a while beside the new one: shops sign by the old one for some time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0068"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("shops_doors", sa.Column("old_secret", sa.LargeBinary(), nullable=True))
    op.add_column("shops_doors", sa.Column("old_secret_until", sa.BigInteger(), nullable=True))
