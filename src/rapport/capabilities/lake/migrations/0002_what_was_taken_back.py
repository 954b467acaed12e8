"""Which facts left the log or came back to it, and are to leave the lake or return to it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "lake_refilings",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "seq"),
        sqlite_with_rowid=False,
    )
    taken_back = """
        INSERT INTO lake_refilings (workspace, seq, mark)
        SELECT w.workspace, w.seq, 'before' FROM withdrawn_facts AS w, lake_home
    """
    op.execute(sa.text(taken_back))
