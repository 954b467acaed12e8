"""Settings by slice: kept in sections, every version; when a cart counts as left is the orders' own."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    made = op.create_table(
        "shop_settings",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("section", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "section", "version"),
    )
    rows = []
    for shop in op.get_bind().execute(sa.text("SELECT id, settings, created_at FROM workspaces")):
        seconds = json.loads(shop.settings).get("cart_abandoned_after_seconds", 3600)
        if seconds != 3600:
            body = json.dumps({"cart_abandoned_after_seconds": seconds}).encode()
            rows.append({
                "workspace": shop.id, "section": "orders", "version": 1, "body": body, "changed_at": shop.created_at,
                "changed_by": "an earlier version",
            })  # fmt: skip
    if rows:
        op.bulk_insert(made, rows)
