"""When an API key ends, from where it may be used, and how long the secret before a rotation works on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("api_keys", sa.Column("expires_at", sa.BigInteger()))
    op.add_column("api_keys", sa.Column("networks", sa.Text(), nullable=False, server_default=""))
    op.add_column("api_keys", sa.Column("previous_hash", sa.LargeBinary()))
    op.add_column("api_keys", sa.Column("previous_until", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index("api_keys_previous", "api_keys", ["previous_hash"])
