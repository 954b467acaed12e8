"""What deciding a pair of the review queue is worth, and since when a person is asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

WAITS = sa.text("status IN ('review', 'refused')")
revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup. What waits already is weighed by the job that asks."""
    op.add_column("link_candidates", sa.Column("worth", sa.BigInteger()))
    op.add_column("link_candidates", sa.Column("asked_at", sa.BigInteger()))
    op.create_index(
        "link_candidates_worth", "link_candidates", ["workspace", "worth", "id"], unique=False, sqlite_where=WAITS,
        postgresql_where=WAITS,
    )  # fmt: skip
    op.create_index("link_candidates_asked", "link_candidates", ["workspace", "asked_at"], unique=False)
