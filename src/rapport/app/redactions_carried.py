"""Fields that were redacted after a backup was taken: they are taken out of it again once it is put back.

Where the data that it replaces is still there, that says which. They hold from the first moment on; what the backup
holds of them a worker takes out, as the first time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.compose.redactions import RedactionProof
from rapport.storage import suppression
from rapport.storage.redaction import STANDING, redaction_keys, redactions
from rapport.storage.workspaces import all_workspaces

__all__ = ["Standing", "carry_redactions", "redactions_in"]

Standing: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]
"""Rows by table."""

_r = redactions.c


def redactions_in(conn: Connection) -> Standing:
    """The redactions that hold in the data that is there; none in data from before there were any."""
    if not {redactions.name, redaction_keys.name} <= set(sa.inspect(conn).get_table_names()):
        return {}
    rows = [dict(row._mapping) for row in conn.execute(sa.select(redactions).where(_r.state.in_(STANDING)))]
    keys = [dict(row._mapping) for row in conn.execute(sa.select(redaction_keys))]
    return {redactions.name: rows, redaction_keys.name: keys}


def carry_redactions(conn: Connection, there: Standing) -> int:
    """Have those hold that held `there` and are not done here, of the shops that are here; returns how many."""
    shops = {shop.id for shop in all_workspaces(conn)}
    done = {(row.workspace, row.id) for row in conn.execute(sa.select(_r.workspace, _r.id).where(_r.state == "done"))}
    missing = [
        row for row in there.get(redactions.name, ())
        if row["workspace"] in shops and (row["workspace"], row["id"]) not in done
    ]  # fmt: skip
    begun = {"state": "wanted", "place": "", "proof": msgspec.json.encode(RedactionProof())}  # what is here counts
    for row in missing:  # a handful in the life of a shop
        mine = (_r.workspace == row["workspace"], _r.id == row["id"])
        conn.execute(redactions.delete().where(*mine))
        conn.execute(redactions.insert().values({**row, **begun}))
    if missing:
        wanted = {(row["workspace"], row["id"]) for row in missing}
        suppression.erasing(conn)  # or nobody would look
        k = redaction_keys.c
        conn.execute(redaction_keys.delete().where(sa.tuple_(k.workspace, k.redaction).in_(sorted(wanted))))
        keys = [row for row in there[redaction_keys.name] if (row["workspace"], row["redaction"]) in wanted]
        if keys:
            conn.execute(redaction_keys.insert(), keys)
    return len(missing)
