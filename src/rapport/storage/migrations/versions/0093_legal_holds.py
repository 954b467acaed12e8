"""Legal holds: of whom nothing is erased for a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0093"
down_revision = "0092"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "privacy_holds",
        sa.Column("workspace", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("subject", sa.LargeBinary()),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("held_by", sa.Text(), nullable=False),
        sa.Column("held_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("ended_by", sa.Text()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("workspace", "id"),
    )
    op.create_index("privacy_holds_standing", "privacy_holds", ["workspace", "until"])
    op.create_index("privacy_holds_of_person", "privacy_holds", ["workspace", "subject"])
