"""`/api/v1/customers/{reference}/export`: everything that is kept of one person, over all slices."""

from __future__ import annotations

import logging
from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.params import Parameter
from sqlalchemy import Connection

from rapport.compose.installed import Installed
from rapport.compose.person import export_person
from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.principal import Principal
from rapport.remember.golden import GoldenRecord, find_key, golden_record
from rapport.remember.routes import region_of
from rapport.resolve.linking.units import members_of
from rapport.storage.audit.entries import append as tell
from rapport.storage.engine import Database

__all__ = ["ROUTES", "Export", "export_by", "export_for", "export_of"]

_log = logging.getLogger(__name__)


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """All that is kept of one person, as it is to be handed out."""

    made_at: str
    record: GoldenRecord
    kept: dict[str, dict[str, list[dict[str, Any]]]]
    """By slice and table: every row about the person. Keys are hexadecimal, amounts in minor units."""


Reference = Annotated[
    str, Parameter(description="A customer id, or `namespace:value` such as `email:ada@example.com`.")
]


@get("/customers/{reference:str}/export", permission="customers:export", tags=["customers"], sync_to_thread=True)
def export_customer(db: Database, principal: Principal, slices: Installed, reference: Reference) -> Export:
    """Everything that is certainly this person's; what a learned link alone adds is left out."""
    return export_of(db, principal, slices, reference)


def export_of(db: Database, principal: Principal, slices: Installed, reference: str) -> Export:
    """Everything that is certainly this person's, noted in the log with who asked. Raises NotFound."""
    workspace, now = principal.workspace, now_us()
    with db.write() as conn:  # no export without its entry
        key = find_key(conn, workspace, reference, region=region_of(conn, workspace))
        tell(conn, workspace, "customer.exported", people=[key], who=principal.id, name=principal.name, now=now)
    with db.read() as conn:
        found = export_for(conn, slices, workspace, reference, now=now)
    record = found.record
    _log.info("a customer was exported", extra={"customer": record.id, "by": f"{principal.kind}:{principal.id}"})
    return found


def export_for(conn: Connection, slices: Installed, workspace: WorkspaceId, reference: str, *, now: int) -> Export:
    """The same for whoever may see all of the shop. Raises NotFound."""
    key = find_key(conn, workspace, reference, region=region_of(conn, workspace))
    return export_by(conn, slices, workspace, key, now=now)


def export_by(conn: Connection, slices: Installed, workspace: WorkspaceId, key: Key, *, now: int) -> Export:
    """The same for the person with this key."""
    record = golden_record(conn, workspace, key, now=now, remembered=slices.remembered)
    keys = [member.key for member in members_of(conn, workspace, key)]
    return Export(made_at=to_iso(now), record=record, kept=export_person(conn, slices, workspace, keys))


ROUTES = (export_customer,)
