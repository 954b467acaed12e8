"""What was bought is kept by its order, so that a second order of a product counts too; clicks are counted by place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rapport.storage.engine import CText

revision = "0081"
down_revision = "0080"
branch_labels = None
depends_on = None

_COLUMNS = "workspace, decision_id, kind, product_id, order_id, at, fact_id, minor, currency"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "decision_outcomes_kept",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("decision_id", CText, nullable=False),
        sa.Column("kind", CText, nullable=False),
        sa.Column("product_id", CText, nullable=False),
        sa.Column("order_id", CText, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("fact_id", CText, nullable=False),
        sa.Column("minor", sa.BigInteger()),
        sa.Column("currency", CText),
        sa.PrimaryKeyConstraint("workspace", "decision_id", "kind", "product_id", "order_id"),
        sqlite_with_rowid=False,
    )
    op.execute(
        f"INSERT INTO decision_outcomes_kept ({_COLUMNS}) SELECT workspace, decision_id, kind, product_id,"
        " CASE WHEN kind = 'bought' THEN fact_id ELSE '' END, at, fact_id, minor, currency FROM decision_outcomes"
    )
    op.drop_table("decision_outcomes")
    op.rename_table("decision_outcomes_kept", "decision_outcomes")
    sale = sa.text("kind = 'bought'")
    op.create_index(
        "decision_sales", "decision_outcomes", ["workspace", "at"], unique=False, sqlite_where=sale,
        postgresql_where=sale,
    )  # fmt: skip
    op.create_table(
        "decision_clicks",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("placement", CText, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stray", CText, nullable=False),
        sa.Column("shard", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("clicks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "day", "placement", "place", "stray", "shard"),
        sqlite_with_rowid=False,
    )
