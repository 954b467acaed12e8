"""`/api/v1/audit`: the trail searched, with proofs that anybody can check (RFC 9162)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get
from litestar.params import Parameter

from rapport.capabilities.audit.showing import Page, page_of
from rapport.kernel.errors import Conflict
from rapport.kernel.merkle import leaf_hash
from rapport.kernel.principal import Principal
from rapport.remember.routes import region_of
from rapport.storage.audit.entries import find_entry
from rapport.storage.audit.sealing import consistency_path, head, inclusion_path
from rapport.storage.engine import Database

__all__ = ["ROUTES"]

Short = Annotated[str, Parameter(max_length=300)]


class HeadShown(msgspec.Struct, frozen=True, kw_only=True):
    """Keep it where nobody who can write to the database reaches it: later it proves that nothing before it changed."""

    size: int
    root: str


class Inclusion(msgspec.Struct, frozen=True, kw_only=True):
    """That an entry is in the trail. Hashes are hexadecimal SHA-256."""

    leaf: int
    body: str
    """The text whose hash is the leaf."""
    hash: str
    path: list[str]
    size: int
    root: str


class Consistency(msgspec.Struct, frozen=True, kw_only=True):
    """That the trail as it was is the beginning of the trail as it is."""

    first: int
    size: int
    root: str
    path: list[str]


@get("/audit/entries", permission="audit:read", tags=["audit"], sync_to_thread=True)
def list_entries(
    db: Database,
    principal: Principal,
    who: Short = "",
    action: Annotated[str, Parameter(max_length=100, description="`customer.viewed`, or all of `identity`.")] = "",
    customer: Annotated[str, Parameter(max_length=300, description="A customer id or `namespace:value`.")] = "",
    since: Short = "",
    cursor: Short = "",
    limit: Annotated[int, Parameter(ge=1, le=200)] = 50,
) -> Page:
    """Who saw whom, who changed what."""
    workspace = principal.workspace
    with db.read() as conn:
        return page_of(
            conn, workspace, who=who, action=action, customer=customer, since=since, cursor=cursor, limit=limit,
            region=region_of(conn, workspace),
        )  # fmt: skip


@get("/audit/head", permission="audit:read", tags=["audit"], sync_to_thread=True)
def get_head(db: Database, principal: Principal) -> HeadShown:
    """How many entries are sealed, and the root of their tree."""
    with db.read() as conn:
        newest = head(conn, principal.workspace)
    return HeadShown(size=newest.size, root=newest.root.hex())


@get("/audit/entries/{entry:str}/proof", permission="audit:read", tags=["audit"], sync_to_thread=True)
def prove_entry(db: Database, principal: Principal, entry: str) -> Inclusion:
    """That an entry is in the trail."""
    workspace = principal.workspace
    with db.read() as conn:
        row, newest = find_entry(conn, workspace, entry), head(conn, workspace)
        if row.leaf is None:
            raise Conflict("this entry has no place in the tree yet", hint="workers give it one within seconds")
        path = inclusion_path(conn, workspace, row.leaf, newest.size)
    return Inclusion(
        leaf=row.leaf, body=row.body.decode(), hash=leaf_hash(row.body).hex(), path=[one.hex() for one in path],
        size=newest.size, root=newest.root.hex(),
    )  # fmt: skip


@get("/audit/consistency", permission="audit:read", tags=["audit"], sync_to_thread=True)
def prove_consistency(
    db: Database, principal: Principal, first: Annotated[int, Parameter(ge=1, description="`size` of an older head.")]
) -> Consistency:
    """That the trail at an older head is the beginning of the trail now."""
    with db.read() as conn:
        newest = head(conn, principal.workspace)
        path = consistency_path(conn, principal.workspace, first, newest.size)
    return Consistency(first=first, size=newest.size, root=newest.root.hex(), path=[one.hex() for one in path])


ROUTES = (list_entries, get_head, prove_entry, prove_consistency)
