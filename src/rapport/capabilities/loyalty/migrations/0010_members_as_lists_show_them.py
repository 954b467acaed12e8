"""members as lists show them: a row for each, made of what stands elsewhere."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rapport.storage.engine import CText

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_INDEXES = (("points", "points"), ("since", "since"), ("expiry", "expires_at"), ("way", "way"))

# Under the least of a customer's identifiers, as the slice keeps it; a person who is told apart within a customer is
# put right by the next fact about them.
_FILL = """
INSERT INTO loyalty_members
    (workspace, programme, strand, points, owed, tier, way, since, expires_at, plan, plan_state, plan_until)
SELECT of_lots.workspace, of_lots.programme, of_lots.strand, of_lots.points, of_lots.owed, coalesce(s.tier, ''), -1,
       of_lots.since, of_lots.expires_at, coalesce(m.plan, ''),
       CASE WHEN m.id IS NULL THEN '' WHEN m.ended_at IS NOT NULL THEN 'ended'
            WHEN m.cancelled_at IS NOT NULL THEN 'cancelled'
            WHEN EXISTS (SELECT 1 FROM loyalty_periods p
                         WHERE p.workspace = m.workspace AND p.membership = m.id AND p.number > 0) THEN 'active'
            ELSE 'trial' END,
       coalesce(m.until, 0)
FROM (
    SELECT workspace, programme, strand, sum(available + pending - owed) AS points, sum(owed) AS owed,
           min(at) AS since,
           coalesce(min(CASE WHEN available > 0 THEN expires_at END), 4611686018427387904) AS expires_at
    FROM (
        SELECT l.workspace, l.programme, l.available, l.pending, l.owed, l.at, l.expires_at,
               coalesce((SELECT j.key FROM identifiers i
                         JOIN identifiers j ON j.workspace = i.workspace AND j.root = i.root
                         WHERE i.workspace = l.workspace AND i.key = l.strand
                         ORDER BY j.key LIMIT 1), l.strand) AS strand
        FROM loyalty_lots l
    ) AS each_lot
    GROUP BY workspace, programme, strand
) AS of_lots
LEFT JOIN loyalty_standings s
       ON s.workspace = of_lots.workspace AND s.programme = of_lots.programme AND s.strand = of_lots.strand
LEFT JOIN loyalty_memberships m
       ON m.workspace = of_lots.workspace AND m.programme = of_lots.programme AND m.id = (
           SELECT n.id FROM loyalty_memberships n
           WHERE n.workspace = of_lots.workspace AND n.programme = of_lots.programme AND n.strand = of_lots.strand
           ORDER BY n.anchor DESC, n.id DESC LIMIT 1)
"""


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    with op.batch_alter_table("loyalty_standings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("way", sa.SmallInteger(), server_default="-1", nullable=False))
    op.create_table(
        "loyalty_members",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("programme", CText, nullable=False),
        sa.Column("strand", sa.LargeBinary(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("owed", sa.BigInteger(), nullable=False),
        sa.Column("tier", CText, nullable=False),
        sa.Column("way", sa.SmallInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("plan", CText, nullable=False),
        sa.Column("plan_state", CText, nullable=False),
        sa.Column("plan_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "programme", "strand"),
    )
    with op.batch_alter_table("loyalty_members", schema=None) as batch_op:
        batch_op.create_index("loyalty_members_by_strand", ["workspace", "strand"], unique=False)
        for name, column in _INDEXES:
            batch_op.create_index(f"loyalty_members_by_{name}", ["workspace", "programme", column, "strand"])
    op.execute(sa.text(_FILL))
