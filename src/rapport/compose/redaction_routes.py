"""`/api/v1/privacy/redactions`: a field taken out of what came in a span of time, after a look at how much that is."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import Parameter
from sqlalchemy import Connection

from rapport.compose import redactions
from rapport.compose.redactions import Redaction, RedactionProof, RedactionWanted, State
from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database

__all__ = ["ROUTES", "RedactionShown", "shown"]

Id = Annotated[str, Parameter(max_length=100)]


class RedactedShown(msgspec.Struct, frozen=True, kw_only=True):
    """What is, or was, taken out; nothing of the field's values."""

    facts: int
    withdrawn: int
    """Facts that had been taken back and can be put back."""
    quarantined: int
    """Messages that could not be read."""
    customers: int
    nobodys: int
    """Of the facts those that named somebody by the field alone: they go whole."""
    identifiers: int
    """Identifiers that nothing else names."""
    first_at: str | None
    last_at: str | None
    kinds: dict[str, int]
    stores: dict[str, int]
    """Rows in which a copy was overwritten, by table."""
    files: str
    left: list[str]
    """What this could not reach."""


class RedactionShown(msgspec.Struct, frozen=True, kw_only=True):
    """How a redaction stands: `asked`, `told` (its numbers are there), `wanted`, `tidying`, `done`."""

    id: str
    state: State
    field: str
    source: str
    event: str
    of_customer: bool
    since: str
    until: str
    reason: str
    asked_by: str
    asked_at: str
    changed_at: str
    would: RedactedShown | None
    """What would be taken out."""
    proof: RedactedShown | None
    """What was."""
    held: str = ""
    """Why it waits: the field is in what is kept of somebody who is held (`/privacy/holds`)."""


class RedactionsShown(msgspec.Struct, frozen=True, kw_only=True):
    """The newest fifty, the newest first."""

    redactions: list[RedactionShown]


@post("/privacy/redactions", permission="requests:write", tags=["privacy"], sync_to_thread=True)
def ask_redaction(data: RedactionWanted, db: Database, principal: Principal) -> RedactionShown:
    """Have a worker count where the field is. Nothing is changed."""
    with db.write() as conn:
        found = redactions.ask(conn, principal.workspace, data, by=_by(principal), now=now_us())
        return shown_in(conn, found)


@get("/privacy/redactions", permission="requests:read", tags=["privacy"], sync_to_thread=True)
def list_redactions(db: Database, principal: Principal) -> RedactionsShown:
    """What was redacted, and what is being."""
    with db.read() as conn:
        found = redactions.newest(conn, principal.workspace)
        held = redactions.wait_for(conn, principal.workspace, found, now=now_us())
        return RedactionsShown(redactions=[shown(one, held=held[one.id]) for one in found])


@get("/privacy/redactions/{redaction_id:str}", permission="requests:read", tags=["privacy"], sync_to_thread=True)
def get_redaction(redaction_id: Id, db: Database, principal: Principal) -> RedactionShown:
    """One redaction as it stands; once it is done, with its proof."""
    with db.read() as conn:
        return shown_in(conn, redactions.find(conn, principal.workspace, redaction_id))


@post(
    "/privacy/redactions/{redaction_id:str}/confirm", permission="requests:write", status_code=200, tags=["privacy"],
    sync_to_thread=True,
)  # fmt: skip
def confirm_redaction(redaction_id: Id, db: Database, principal: Principal) -> RedactionShown:
    """Have it done, for good, once its numbers are there. From the answer on nothing comes in with the field."""
    with db.write() as conn:
        found = redactions.confirm(conn, principal.workspace, redaction_id, by=_by(principal), now=now_us())
        return shown_in(conn, found)


ROUTES = (ask_redaction, list_redactions, get_redaction, confirm_redaction)


def _by(principal: Principal) -> str:
    return f"{principal.kind}:{principal.id}"


def shown_in(conn: Connection, found: Redaction) -> RedactionShown:
    """A redaction in the API's words, with why it waits where it does."""
    return shown(found, held=redactions.waits_for(conn, found, now=now_us()))


def shown(found: Redaction, *, held: str = "") -> RedactionShown:
    """The same, where it is known why it waits."""
    return RedactionShown(
        id=found.id, state=found.state, field=found.path, source=found.source, event=found.event,
        of_customer=found.of_customer, since=to_iso(found.since), until=to_iso(found.until), reason=found.reason,
        asked_by=found.asked_by, asked_at=to_iso(found.asked_at), changed_at=to_iso(found.changed_at),
        would=None if found.state == "asked" else _counts(found.told),
        proof=_counts(found.proof) if found.state == "done" else None, held=held,
    )  # fmt: skip


def _counts(found: RedactionProof | None) -> RedactedShown | None:
    if found is None:
        return None
    first, last = (None if at is None else to_iso(at) for at in (found.first_at, found.last_at))
    return RedactedShown(
        facts=found.facts, withdrawn=found.withdrawn, quarantined=found.quarantined, customers=found.customers,
        nobodys=found.nobodys, identifiers=found.identifiers, first_at=first, last_at=last, kinds=found.kinds,
        stores=found.stores, files=found.files, left=found.left,
    )  # fmt: skip
