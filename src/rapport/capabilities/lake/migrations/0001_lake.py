"""Which lake is this database's, and who is to be forgotten in it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "lake_home",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("lake", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "lake_forgettings",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("strand", sa.LargeBinary(), nullable=False),
        sa.Column("upto", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "strand", "upto"),
        sqlite_with_rowid=False,
    )
