"""Refunds by their orders: two orders may each have a refund of one id.

The facts are told again afterwards (`orders.changes.READING`), so that what was lost to another order's refund is found.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0080"
down_revision = "0078"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    op.drop_index("refunds_at", "refunds")
    op.drop_index("refunds_order", "refunds")
    op.rename_table("refunds", "refunds_before")
    if not sqlite:
        op.execute("ALTER INDEX refunds_pkey RENAME TO refunds_before_pkey")
    op.create_table(
        "refunds",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("refund_id", _TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("fact", _TEXT, nullable=False),
        sa.Column("strand", sa.LargeBinary(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("order_id", _TEXT),
        sa.Column("country", _TEXT, nullable=False),
        sa.Column("currency", _TEXT, nullable=False),
        sa.Column("amount_minor", sa.BigInteger()),
        sa.Column("claim", sa.Text()),
        sa.Column("was_at", sa.BigInteger()),
        sa.Column("reading", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("shared", sa.SmallInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("workspace", "key"),
    )
    _carry_over(sqlite=sqlite)
    op.drop_table("refunds_before")
    alone, shared = sa.text("order_id IS NULL AND shared = 0"), sa.text("shared = 1")
    op.create_index("refunds_at", "refunds", ["workspace", "at"])
    op.create_index("refunds_order", "refunds", ["workspace", "order_id"])
    op.create_index("refunds_strand", "refunds", ["workspace", "strand", "refund_id"])
    op.create_index("refunds_alone", "refunds", ["workspace", "refund_id"], sqlite_where=alone, postgresql_where=alone)
    op.create_index("refunds_shared", "refunds", ["workspace", "at"], sqlite_where=shared, postgresql_where=shared)


def _carry_over(*, sqlite: bool) -> None:
    """What a browser stated has its order behind its id, after a separator; the shop's own comes before it."""
    separator = "char(31)" if sqlite else "chr(31)"
    own = (
        "substr(b.refund_id, 1, instr(b.refund_id, char(31)) - 1)" if sqlite else "split_part(b.refund_id, chr(31), 1)"
    )
    browsers = "instr(b.refund_id, char(31)) > 0" if sqlite else "strpos(b.refund_id, chr(31)) > 0"
    hexed = "lower(hex(f.strand))" if sqlite else "encode(f.strand, 'hex')"
    nobody, same = (
        ("x''", "f.message_id = b.fact") if sqlite else ("''::bytea", 'f.message_id = b.fact COLLATE "default"')
    )
    op.execute(
        f"""INSERT INTO refunds (workspace, key, refund_id, at, fact, strand, rank, order_id, country, currency,
            amount_minor, claim, was_at, reading)
        SELECT workspace, refund_id || {separator} || coalesce(order_id, {separator} || told_of), refund_id, at, fact,
            strand, rank, order_id, country, currency, amount_minor, claim, was_at, reading
        FROM (SELECT b.workspace, CASE WHEN {browsers} THEN {own} ELSE b.refund_id END AS refund_id, b.at, b.fact,
                coalesce(f.strand, {nobody}) AS strand, CASE WHEN {browsers} THEN 1 ELSE 0 END AS rank, b.order_id,
                b.country, b.currency, b.amount_minor, b.claim, b.was_at, b.reading,
                coalesce({hexed}, '') AS told_of
            FROM refunds_before b LEFT JOIN facts f ON f.workspace = b.workspace AND {same}) AS found
        WHERE true ORDER BY rank
        ON CONFLICT DO NOTHING"""
    )
