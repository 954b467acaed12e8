"""`/api/v1/lake/query`: one query of the lake."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import post
from litestar.params import Parameter
from msgspec import Meta

from rapport.capabilities.lake.asking import LONGEST_TEXT, MOST_ROWS, LakeAnswer, Limits, ask
from rapport.capabilities.lake.permitted import Asking
from rapport.kernel.gate import Gate
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.purposes import Purposes

__all__ = ["ROUTES"]


class LakeAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One SELECT over the table `facts`."""

    sql: Annotated[str, Meta(max_length=LONGEST_TEXT)]
    rows: Annotated[int, Meta(ge=1, le=MOST_ROWS)] = MOST_ROWS


@post("/lake/query", permission="lake:query", door="asks", status_code=200, tags=["lake"], sync_to_thread=True)
def query_lake(
    db: Database, principal: Principal, gate: Gate, purposes: Purposes, data: LakeAsked,
    purpose: Annotated[
        str, Parameter(max_length=60, description="Only facts of those with whom this may be done: `analytics`.")
    ] = "",
) -> LakeAnswer:  # fmt: skip
    """Answer one SELECT over this shop's archived facts, within 30 seconds and 1 GB.

    `complete` says whether these are all rows, `note` which are missing. With a purpose the query sees no fact of those
    who do not allow it; `left_out` says how many facts these are.
    """
    purpose = purposes.known(principal.workspace, principal.purpose_for(purpose))
    return ask(db, principal.workspace, data.sql, Limits(rows=data.rows), asking=Asking(gate, purpose))


ROUTES = (query_lake,)
