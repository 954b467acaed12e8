"""Ids in the log that nobody can guess, and how large each message in quarantine is."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0072"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("suppression", sa.Column("ids_secret", sa.LargeBinary()))
    made = sa.table("suppression", sa.column("ids_secret", sa.LargeBinary()))
    op.get_bind().execute(made.update().values(ids_secret=secrets.token_bytes(32)))
    op.add_column("quarantine", sa.Column("size", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("UPDATE quarantine SET size = length(body) + length(envelope) + coalesce(length(original), 0)")
    op.create_index("quarantine_sizes", "quarantine", ["workspace", "source", "id", "size"])
