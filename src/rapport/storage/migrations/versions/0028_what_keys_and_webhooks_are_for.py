"""What API keys and webhooks may use people for: keys of before do the shop's own work, webhooks what was ordered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("api_keys", sa.Column("purposes", sa.Text(), nullable=False, server_default=""))
    op.add_column("webhooks", sa.Column("purpose", sa.Text(), nullable=False, server_default="service"))
