"""whom a message is about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    bytes_, text = ("BLOB", "TEXT") if op.get_bind().dialect.name == "sqlite" else ("BYTEA", 'TEXT COLLATE "C"')
    op.execute(f"ALTER TABLE outbox ADD COLUMN strand {bytes_}")
    op.execute(f"ALTER TABLE outbox ADD COLUMN purpose {text} NOT NULL DEFAULT 'operations'")
    known = sa.text("strand IS NOT NULL")
    op.create_index(
        "outbox_of_person", "outbox", ["workspace", "strand"], sqlite_where=known, postgresql_where=known
    )  # fmt: skip
