"""How much a source may send at once and in a day, and how much it has sent, by the hour."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup. Sources that are there keep the limits that they have: none."""
    op.add_column("sources", sa.Column("burst_facts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("sources", sa.Column("megabytes_per_day", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("source_health", sa.Column("bytes", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index("source_health_hour", "source_health", ["hour"])
