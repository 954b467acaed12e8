"""What is about an order goes before news and offers: an index of it alone, so that it is found behind a million."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    first = sa.text("status = 'pending' AND purpose <> 'marketing'")
    op.create_index(
        "outbox_first", "outbox", ["workspace", "channel", "destination", "due_at"],
        sqlite_where=first, postgresql_where=first,
    )  # fmt: skip
