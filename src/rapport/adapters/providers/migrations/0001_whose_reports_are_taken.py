"""Whose webhooks about messages are taken, and for which delivery a token stood."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    numbers = ("accepted", "ignored", "refused")
    op.create_table(
        "providers_doors", sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("provider", _TEXT, nullable=False), sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False), sa.Column("last_at", sa.BigInteger(), nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in numbers),
        sa.Column("refused_at", sa.BigInteger(), nullable=True), sa.Column("refused_why", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "provider"),
    )  # fmt: skip
    op.create_table(
        "providers_tokens", sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False), sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False), sa.PrimaryKeyConstraint("workspace", "token"),
    )  # fmt: skip
    op.create_index("providers_tokens_by_time", "providers_tokens", ["workspace", "at"])
