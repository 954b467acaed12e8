"""Learned models count hashes: what an erased customer wrote does not stay in a model that it once taught."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0097"
down_revision = "0096"
branch_labels = None
depends_on = None

_models = sa.table(
    "link_models",
    sa.column("workspace", sa.Integer),
    sa.column("version", sa.Integer),
    sa.column("body", sa.LargeBinary),
)


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    conn = op.get_bind()
    found = conn.execute(sa.select(_models.c.workspace, _models.c.version)).all()
    for workspace, version in found:
        one = sa.and_(_models.c.workspace == workspace, _models.c.version == version)
        model = json.loads(bytes(conn.execute(sa.select(_models.c.body).where(one)).scalar_one()))
        if isinstance(model, dict) and model.get("format") == 1:
            body = json.dumps(_hashed(model), separators=(",", ":"), ensure_ascii=False).encode()
            conn.execute(_models.update().where(one).values(body=body))


def _hashed(model: dict[str, Any]) -> dict[str, Any]:
    for comparison in model["comparisons"]:
        if comparison["aspect"]["method"] != "sent":
            counts = comparison["frequencies"]["counts"]
            comparison["frequencies"]["counts"] = {
                blake2b(text.encode(), digest_size=8).hexdigest(): number for text, number in counts.items()
            }
    return {**model, "format": 2}
