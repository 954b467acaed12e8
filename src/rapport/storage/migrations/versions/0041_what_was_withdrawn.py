"""What a source sent in a window can be taken back, and for a while put back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "withdrawals",
        sa.Column("workspace", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.LargeBinary()),
        sa.Column("effects", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("workspace", "id", name="withdrawals_pkey"),
    )
    waiting = sa.text("state IN ('asked', 'wanted', 'back_wanted')")
    op.create_index("withdrawals_waiting", "withdrawals", ["state"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_table(
        "withdrawn_facts",
        sa.Column("workspace", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("withdrawal", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("strand", sa.LargeBinary(), nullable=False),
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "seq", name="withdrawn_facts_pkey"),
    )
    op.create_index("withdrawn_facts_of", "withdrawn_facts", ["workspace", "withdrawal", "strand"])
    op.create_index("withdrawn_facts_strand", "withdrawn_facts", ["workspace", "strand"])
