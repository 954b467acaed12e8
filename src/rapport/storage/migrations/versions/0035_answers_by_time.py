"""What people answered is counted over a window of time."""

from __future__ import annotations

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_index("consent_answers_by_time", "consent_answers", ["workspace", "at"])
