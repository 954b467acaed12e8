"""When a provider's secret was set, and the one before it, which counts for a day more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("providers_doors", sa.Column("secret_at", sa.BigInteger(), nullable=True))
    op.add_column("providers_doors", sa.Column("old_secret", sa.LargeBinary(), nullable=True))
    op.add_column("providers_doors", sa.Column("old_secret_until", sa.BigInteger(), nullable=True))
    op.execute("UPDATE providers_doors SET secret_at = made_at")
