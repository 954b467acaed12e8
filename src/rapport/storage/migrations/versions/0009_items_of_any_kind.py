"""items of any kind."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    # In words both engines know, so that neither copies the table: it grows with every decision.
    text = "TEXT" if op.get_bind().dialect.name == "sqlite" else 'TEXT COLLATE "C"'
    op.execute("ALTER TABLE decision_items RENAME COLUMN product_id TO item_id")
    op.execute(f"ALTER TABLE decision_items ADD COLUMN kind {text} NOT NULL DEFAULT 'product'")
