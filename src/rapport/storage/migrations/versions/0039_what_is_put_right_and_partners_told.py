"""A request says what is to be put right; partners are told of what people asked, and what they answer is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rapport.storage.engine import CText

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("privacy_requests", sa.Column("wanted", sa.LargeBinary()))
    op.create_table(
        "privacy_told",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("request", CText, nullable=False),
        sa.Column("webhook", CText, nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("state", CText, nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "request", "webhook", name=op.f("pk_privacy_told")),
    )
