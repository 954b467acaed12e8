"""Customers are found by any word of their name; a webhook's secret rotates; orders' countries are codes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rapport.kernel.countries import country_code

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_CTEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "customer_words",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("word", _CTEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "root", "word"),
    )
    op.create_index("customer_words_by_word", "customer_words", ["workspace", "word", "root"])
    op.drop_index("customers_by_surname", "customers")
    op.drop_column("customers", "surname_key")
    op.execute("UPDATE customers SET stale = true")  # their words are written by the worker
    op.add_column("webhooks", sa.Column("old_secret", sa.Text(), nullable=False, server_default=""))
    op.add_column("webhooks", sa.Column("old_secret_until", sa.BigInteger()))
    for table in ("orders", "refunds"):
        _read_countries(table)


def _read_countries(table: str) -> None:
    """As many statements as there are spellings."""
    conn = op.get_bind()
    for (written,) in conn.execute(sa.text(f"SELECT DISTINCT country FROM {table} WHERE country <> ''")).all():
        code = country_code(written) or ""
        if code != written:
            change = sa.text(f"UPDATE {table} SET country = :code WHERE country = :written")
            conn.execute(change, {"code": code, "written": written})
