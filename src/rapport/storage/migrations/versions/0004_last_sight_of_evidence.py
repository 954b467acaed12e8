"""last sight of evidence."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.add_column(sa.Column("last_day", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("until_day", sa.Integer(), nullable=True))
        batch_op.create_index(
            "evidence_until",
            ["workspace", "until_day"],
            unique=False,
            sqlite_where=sa.text("until_day IS NOT NULL"),
            postgresql_where=sa.text("until_day IS NOT NULL"),
        )
    # When evidence was last seen was not kept until today: a bound in time counts from here, and forgets nobody early.
    op.execute(f"UPDATE evidence SET last_day = {int(time.time()) // 86_400}")
