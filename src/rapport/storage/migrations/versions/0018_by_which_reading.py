"""Orders and refunds know by which version they were read, so that an upgrade can read them again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    for table, names in (("orders", ("reading", "updated_reading", "cancelled_reading")), ("refunds", ("reading",))):
        for name in names:
            op.add_column(table, sa.Column(name, sa.SmallInteger(), server_default="1", nullable=False))
