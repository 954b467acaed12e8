"""Which facts each part has folded, by bucket; parts of before have folded all of theirs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "folded_parts",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("part", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("target", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "part", "version", "target"),
    )
    gap = sa.text("upto < target")
    op.create_index("folded_parts_gaps", "folded_parts", ["bucket"], sqlite_where=gap, postgresql_where=gap)
    op.execute(
        "INSERT INTO folded_parts (bucket, part, version, target, upto)"
        " SELECT bucket, '', 0, 0, 0 FROM buckets WHERE cursor > 0"
    )
