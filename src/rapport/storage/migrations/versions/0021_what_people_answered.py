"""What people answered, what their identifiers hold of it, and the policies of shops."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "consent_answers",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("strand", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fact", _TEXT, nullable=False),
        sa.Column("category", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("source", _TEXT, nullable=False),
        sa.Column("how", _TEXT, nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "strand", "at", "fact", "category"),
    )
    op.create_table(
        "consent_held",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("category", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("fact", _TEXT, nullable=False),
        sa.Column("source", _TEXT, nullable=False),
        sa.Column("how", _TEXT, nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "key", "category"),
    )
    op.create_index("consent_held_by_category", "consent_held", ["workspace", "category", "state"])
    op.create_table(
        "consent_policies",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "version"),
    )
