"""News and offers that are being delivered are found at once: what they cost counts to the budget before it is spent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0078"
down_revision = "0072"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    under_way = sa.text("status = 'pending' AND purpose = 'marketing' AND leased_until > 0")
    op.create_index(
        "outbox_under_way", "outbox", ["workspace", "leased_until"], sqlite_where=under_way, postgresql_where=under_way
    )
