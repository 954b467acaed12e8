"""Each fit with what is known of it, and what was last said of each customer."""

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
    op.create_table(
        "prediction_fits",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fitted_at", sa.BigInteger(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("baseline", sa.Text(), nullable=False),
        sa.Column("told_to", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("workspace", "id"),
    )
    op.create_table(
        "predictions",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("strand", sa.LargeBinary(), nullable=False),
        sa.Column("fit", sa.Integer(), nullable=False),
        sa.Column("said", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "strand"),
    )
    op.create_index("predictions_fit", "predictions", ["workspace", "fit"], unique=False)
