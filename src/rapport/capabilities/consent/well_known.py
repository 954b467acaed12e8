"""`/.well-known/gpc.json`: whether Global Privacy Control is honoured here, for browsers and regulators.

**Source**: the Global Privacy Control specification, section 4.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, get
from litestar.params import Parameter

from rapport.capabilities.consent.model import PolicySet
from rapport.capabilities.consent.service import policies_of
from rapport.capabilities.consent.store import changed_at
from rapport.kernel.clock import to_iso
from rapport.kernel.errors import NotFound
from rapport.storage.engine import Database
from rapport.storage.workspaces import all_workspaces

__all__ = ["ROUTES"]

_SINCE = "2026-01-01"
"""When the policies that Rapport ships were written."""


@get("/.well-known/gpc.json", include_in_schema=False, sync_to_thread=True)
def gpc(
    db: Database, shop: Annotated[str, Parameter(max_length=100)] = ""
) -> Response[dict[str, Any]]:  # fmt: skip
    """That it is, where a policy of the shop says so; put the same file on your own site. `?shop=` names one of several
    shops; without it, that it is in each.
    """
    with db.read() as conn:
        shops = [one for one in all_workspaces(conn) if shop in ("", one.slug)]
        policies = [policies_of(conn, one.id).policies for one in shops]
        changed = [at for one in shops if (at := changed_at(conn, one.id)) is not None]
    if not shops:
        raise NotFound("there is no such shop", hint="name it: ?shop=")
    said = {"gpc": all(map(_is_honoured, policies)), "lastUpdate": to_iso(max(changed))[:10] if changed else _SINCE}
    return Response(said, headers={"Cache-Control": "max-age=3600", "Access-Control-Allow-Origin": "*"})


def _is_honoured(policies: PolicySet) -> bool:
    return any(rule.signal_denies for policy in policies.policies for rule in policy.purposes.values())


ROUTES = (gpc,)
