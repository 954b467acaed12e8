"""`/api/v1` of what is read from the graph: why a customer is one, and what deserves a look."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import Parameter

from rapport.collect.sources import identifier_policy
from rapport.kernel.principal import Principal
from rapport.resolve.graph import policy
from rapport.resolve.reading import alarms, explain
from rapport.resolve.reading.explain import CustomerEvidence, Path
from rapport.resolve.reading.references import find_key, find_root
from rapport.storage.engine import Database

__all__ = ["ROUTES", "Reference"]

Reference = Annotated[
    str,
    Parameter(
        max_length=400, description="A customer id (`cus_…`) or `namespace:value`, such as `email:ada@example.com`."
    ),
]


@get("/customers/{reference:str}/evidence", permission="customers:read", tags=["identity"], sync_to_thread=True)
def get_evidence(
    db: Database, principal: Principal, reference: Reference, limit: Annotated[int, Parameter(ge=1, le=5_000)] = 500
) -> CustomerEvidence:
    """Why the customer's identifiers are one person: each piece of evidence, and what became of it."""
    workspace = principal.workspace
    with db.read() as conn:
        settings = policy.settings_of(conn, workspace)
        root = find_root(conn, workspace, reference, region=settings.region)
        return explain.evidence_of(conn, workspace, root, identifier_policy(settings), limit=limit)


@get("/identity/path", permission="customers:read", tags=["identity"], sync_to_thread=True)
def get_path(
    db: Database,
    principal: Principal,
    start: Annotated[str, Parameter(query="from", min_length=1, max_length=400, description="`namespace:value`")],
    end: Annotated[str, Parameter(query="to", min_length=1, max_length=400, description="`namespace:value`")],
) -> Path:
    """The path of evidence that ties two identifiers, or why they are not one customer."""
    workspace = principal.workspace
    with db.read() as conn:
        settings = policy.settings_of(conn, workspace)
        a, b = (find_key(conn, workspace, name, region=settings.region) for name in (start, end))
        return explain.path_between(conn, workspace, a, b, identifier_policy(settings))


@get("/identity/alarms", permission="customers:read", tags=["identity"], sync_to_thread=True)
def list_alarms(
    db: Database, principal: Principal, limit: Annotated[int, Parameter(ge=1, le=500)] = 50
) -> alarms.Alarms:
    """Identifiers that so many share that they name nobody, and customers whom refused evidence would join."""
    workspace = principal.workspace
    with db.read() as conn:
        rules = identifier_policy(policy.settings_of(conn, workspace))
        return alarms.alarms(conn, workspace, rules, limit=limit)


ROUTES = (get_evidence, get_path, list_alarms)
