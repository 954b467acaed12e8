"""what was charged for a period, and how a membership ended: changed to which, with what credit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rapport.storage.engine import CText

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    with op.batch_alter_table("loyalty_periods", schema=None) as batch_op:
        batch_op.add_column(sa.Column("charged_minor", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("loyalty_memberships", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ended_by", CText, server_default="", nullable=False))
        batch_op.add_column(sa.Column("changed_to", CText, server_default="", nullable=False))
        batch_op.add_column(sa.Column("credited_minor", sa.BigInteger(), server_default="0", nullable=False))
