"""Fields that are taken out of the facts of a span of time, and whose."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0082"
down_revision = "0081"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "redactions",
        sa.Column("workspace", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("source", _TEXT, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("of_customer", sa.Boolean(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("told", sa.LargeBinary()),
        sa.Column("proof", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("workspace", "id"),
    )
    op.create_index("redactions_by_state", "redactions", ["state", "changed_at"])
    op.create_index("redactions_by_time", "redactions", ["workspace", "asked_at"])
    op.create_table(
        "redaction_keys",
        sa.Column("workspace", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("redaction", _TEXT, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "redaction", "key"),
    )
    op.create_index("redaction_keys_of_person", "redaction_keys", ["workspace", "key"])
