"""A person may read the console in a language of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("users", sa.Column("language", sa.Text(), nullable=False, server_default=""))
