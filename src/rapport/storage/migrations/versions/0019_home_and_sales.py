"""What Home counts is found by an index; what was paid for what decisions showed; quarantine keeps the original."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SALE = sa.text("kind = 'bought'")
LEFT = sa.text("abandoned_at IS NOT NULL AND ordered_at IS NULL AND emptied_at IS NULL")
revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_index("orders_of_strand", "orders", ["workspace", "strand", "at"], unique=False)
    op.create_index(
        "carts_left", "carts", ["workspace", "abandoned_at"], unique=False, sqlite_where=LEFT, postgresql_where=LEFT
    )
    op.add_column("decision_outcomes", sa.Column("minor", sa.BigInteger()))
    op.add_column("decision_outcomes", sa.Column("currency", TEXT))
    op.create_index(
        "decision_sales", "decision_outcomes", ["workspace", "at"], unique=False, sqlite_where=SALE,
        postgresql_where=SALE,
    )  # fmt: skip
    op.add_column("quarantine", sa.Column("original", sa.LargeBinary()))
