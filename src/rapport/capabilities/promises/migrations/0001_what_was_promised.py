"""What was promised, where shipments are, and how promises stand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "promises",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("order_id", _TEXT, nullable=False),
        sa.Column("strand", sa.LargeBinary(), nullable=False),
        sa.Column("status", _TEXT, nullable=False),
        sa.Column("window_id", _TEXT, nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("to_at", sa.BigInteger(), nullable=False),
        sa.Column("whole_days", sa.Boolean(), nullable=False),
        sa.Column("method", _TEXT, nullable=False),
        sa.Column("location_id", _TEXT, nullable=False),
        sa.Column("risk", sa.Integer(), nullable=True),
        sa.Column("cause", _TEXT, nullable=False),
        sa.Column("new_from_at", sa.BigInteger(), nullable=True),
        sa.Column("new_to_at", sa.BigInteger(), nullable=True),
        sa.Column("segment", _TEXT, nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("handed_at", sa.BigInteger(), nullable=True),
        sa.Column("arrived_at", sa.BigInteger(), nullable=True),
        sa.Column("told_to_at", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "order_id"),
    )
    op.create_index("promises_by_placed", "promises", ["workspace", "placed_at"])
    op.create_index("promises_by_status", "promises", ["workspace", "status", "to_at"])
    op.create_index("promises_of_strand", "promises", ["workspace", "strand"])

    op.create_table(
        "promises_choices",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("order_id", _TEXT, nullable=False),
        sa.Column("window_id", _TEXT, nullable=False),
        sa.Column("choice", _TEXT, nullable=False),
        sa.Column("location_id", _TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "order_id", "window_id"),
    )
    op.create_table(
        "promises_lateness",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("learnt_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace"),
    )
    op.create_table(
        "promises_orders",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("order_id", _TEXT, nullable=False),
        sa.Column("strand", sa.LargeBinary(), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("fact", _TEXT, nullable=False),
        sa.Column("zone", _TEXT, nullable=False),
        sa.Column("country", _TEXT, nullable=False),
        sa.Column("region", _TEXT, nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("lines_at", sa.BigInteger(), nullable=False),
        sa.Column("cancelled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace", "order_id"),
    )
    op.create_index("promises_orders_of_strand", "promises_orders", ["workspace", "strand"])

    op.create_table(
        "promises_parcels",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("shipment_id", _TEXT, nullable=False),
        sa.Column("order_id", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "shipment_id", "order_id"),
    )
    op.create_index("promises_parcels_of_order", "promises_parcels", ["workspace", "order_id"])

    op.create_table(
        "promises_scans",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fact", _TEXT, nullable=False),
        sa.Column("shipment_id", _TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("said", _TEXT, nullable=False),
        sa.Column("carrier", _TEXT, nullable=False),
        sa.Column("tracking", _TEXT, nullable=False),
        sa.Column("eta", _TEXT, nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("location_id", _TEXT, nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("whole_order", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "fact"),
    )
    op.create_index("promises_scans_of_shipment", "promises_scans", ["workspace", "shipment_id"])
    op.create_index("promises_scans_unknown", "promises_scans", ["workspace", "state", "at"])

    op.create_table(
        "promises_waits",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("product_id", _TEXT, nullable=False),
        sa.Column("order_id", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "product_id", "order_id"),
    )
    op.create_index("promises_waits_of_order", "promises_waits", ["workspace", "order_id"])

    op.create_table(
        "promises_windows",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("order_id", _TEXT, nullable=False),
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("from_said", _TEXT, nullable=False),
        sa.Column("to_said", _TEXT, nullable=False),
        sa.Column("by", _TEXT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("method", _TEXT, nullable=False),
        sa.Column("location_id", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "order_id", "id"),
    )
