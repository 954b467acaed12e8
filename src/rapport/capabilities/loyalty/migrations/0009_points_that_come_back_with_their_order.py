"""points that come back with their order, beside what a shop tells of; terms of before go by what is told alone."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from alembic import op

from rapport.storage.engine import CText

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_programmes = sa.table(
    "loyalty_programmes", *(sa.column(name) for name in ("workspace", "name", "version")),
    sa.column("body", sa.LargeBinary),
)  # fmt: skip


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    with op.batch_alter_table("loyalty_redemptions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("told", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("by_order", sa.BigInteger(), server_default="0", nullable=False))
    op.execute(sa.text("UPDATE loyalty_redemptions SET told = returned"))
    op.create_table(
        "loyalty_returns",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("redemption", CText, nullable=False),
        sa.Column("refund", CText, nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "redemption", "refund"),
    )
    _as_they_were(op.get_bind())


def _as_they_were(conn: sa.Connection) -> None:
    """Terms that somebody has agreed to go on as they were: what is not told stays paid."""
    p = _programmes.c
    for row in conn.execute(sa.select(_programmes)).all():
        body = msgspec.json.encode({**msgspec.json.decode(bytes(row.body)), "points_back": "told"})
        conn.execute(
            sa.update(_programmes).values(body=body)
            .where(p.workspace == row.workspace, p.name == row.name, p.version == row.version)
        )  # fmt: skip
