"""the facts whose handling failed are called so."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.drop_index("set_aside_state", "set_aside")
    op.rename_table("set_aside", "failed_facts")
    op.create_index("failed_facts_state", "failed_facts", ["state", "bucket"])
