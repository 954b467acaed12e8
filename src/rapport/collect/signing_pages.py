"""The form on a source's page that has it ask for signatures of user ids, or no more, or by another secret."""

from __future__ import annotations

from litestar import post
from litestar.response import Redirect

from rapport.collect import sources
from rapport.kernel.clock import now_us
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.forms import Form, text

__all__ = ["HANDLERS"]


@post("/sources/{source_id:str}/signatures", permission="sources:write", sync_to_thread=True, status_code=303)
def change_signatures(db: Database, principal: Principal, source_id: str, data: Form) -> Redirect:
    """Ask for them, ask no more, or begin with another secret."""
    then = text(data, "then")
    with db.write() as conn:
        if then == "renew":
            sources.renew_signing_secret(conn, principal.workspace, source_id, now=now_us())
        else:
            sources.change_source(conn, principal.workspace, source_id, asks_signatures=then == "ask")
    return Redirect(f"/console/sources/{source_id}?done=saved", status_code=303)


HANDLERS = (change_signatures,)
