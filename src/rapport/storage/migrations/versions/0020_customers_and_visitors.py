"""Customers and visitors are listed apart, by last order and by campaign: all rows anew. Views of tables are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_CTEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_SORTS = {
    "last_seen": ["last_seen_at"], "last_order": ["last_order_at"], "orders": ["orders"],
    "revenue": ["currency", "revenue_minor"], "name": ["name_key"],
}  # fmt: skip


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    for name in ("last_seen", "orders", "revenue", "name", "country"):
        op.drop_index(f"customers_by_{name}", "customers")
    op.add_column("customers", sa.Column("known", sa.SmallInteger(), nullable=False, server_default="1"))
    op.add_column("customers", sa.Column("last_order_at", sa.BigInteger(), nullable=False, server_default="0"))
    for name in ("campaign", "consent"):
        op.add_column("customers", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    if op.get_bind().dialect.name == "postgresql":  # compared byte by byte, as the other engine does
        op.alter_column("customers", "currency", type_=_CTEXT, existing_type=sa.Text(), existing_nullable=False)
    for name, columns in _SORTS.items():
        op.create_index(f"customers_by_{name}", "customers", ["workspace", "known", *columns, "root"])
    op.execute("UPDATE customers SET known = 2 WHERE identifiers = 0")
    op.execute("UPDATE customers SET stale = true")  # what is new of them is written by the worker
    op.create_table(
        "saved_views",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", _CTEXT, nullable=False),
        sa.Column("page", _CTEXT, nullable=False),
        sa.Column("name", _CTEXT, nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "id"),
        sa.UniqueConstraint("workspace", "page", "name", name="saved_views_name"),
    )
