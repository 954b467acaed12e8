"""What is known of an account's name: since when facts came in it, whether the shop's software knows it, its aliases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup. Reads the facts of each account once.

    Nobody marked in facts of before whose word they are: accounts that are there stand as the shop's own, also
    those that are no fact's strand, since the shop's policy has more stable names: else a browser could take theirs.
    """
    op.add_column("identifiers", sa.Column("stated_at", sa.BigInteger()))
    op.add_column("identifiers", sa.Column("renamed_by", sa.Text()))
    op.add_column("identifiers", sa.Column("standing", sa.SmallInteger(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE identifiers SET stated_at = coalesce((SELECT min(f.received_at) FROM facts f"
        " WHERE f.workspace = identifiers.workspace AND f.strand = identifiers.key), first_seen_at)"
        " WHERE namespace = 'user_id'"
    )
    op.execute("UPDATE identifiers SET standing = 1 WHERE stated_at IS NOT NULL")
