"""`/.well-known/gpc.json`: whether Global Privacy Control is honoured here, for browsers and regulators.

**Source**: the Global Privacy Control specification, section 4.
"""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from rapport.capabilities.consent.service import policies_of
from rapport.capabilities.consent.store import changed_at
from rapport.kernel.clock import to_iso
from rapport.storage.engine import Database
from rapport.storage.workspaces import default_workspace

__all__ = ["ROUTES"]

_SINCE = "2026-01-01"
"""When the policies that Rapport ships were written."""


@get("/.well-known/gpc.json", include_in_schema=False, sync_to_thread=True)
def gpc(db: Database) -> Response[dict[str, Any]]:
    """That it is, where any policy of the shop says so; put the same file on your own site."""
    with db.read() as conn:
        workspace = default_workspace(conn).id
        kept = policies_of(conn, workspace)
        at = changed_at(conn, workspace)
    honoured = any(rule.signal_denies for policy in kept.policies.policies for rule in policy.purposes.values())
    said = {"gpc": honoured, "lastUpdate": to_iso(at)[:10] if at else _SINCE}
    return Response(said, headers={"Cache-Control": "max-age=3600", "Access-Control-Allow-Origin": "*"})


ROUTES = (gpc,)
