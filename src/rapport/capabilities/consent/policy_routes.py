"""`/api/v1/privacy/policies`: what holds for customers of which country and source; tried, put in force."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get, post, put
from litestar.params import Parameter
from msgspec import Meta
from sqlalchemy import Connection

from rapport.capabilities.consent import changing
from rapport.capabilities.consent.effect import Effect
from rapport.capabilities.consent.model import Policy
from rapport.capabilities.consent.service import policies_of
from rapport.kernel.clock import now_us
from rapport.kernel.errors import Forbidden, InvalidInput
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database

__all__ = ["POLICIES"]


class PoliciesShown(msgspec.Struct, frozen=True, kw_only=True):
    """The policies in force; version 0 where they are those that Rapport ships."""

    version: int
    default: str
    """The policy of whoever's country and source no other names."""
    policies: list[Policy]


class PolicyTried(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A policy that is to be in force, in place of the one of its name."""

    policy: Policy
    default: bool = False
    """Whether it is also that of whoever's country and source no policy names."""


class PolicyWanted(PolicyTried, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same, with why."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    """It stays with the version."""
    seen: int | None = None
    """The version that was looked at; where another is in force by now, nothing is done (409)."""


@get("/privacy/policies", permission="consent:read", door="open", tags=["consent"], sync_to_thread=True)
def list_policies(db: Database, principal: Principal) -> PoliciesShown:
    """The shop's privacy policies: what holds for customers of which country and source."""
    with db.read() as conn:
        return _shown(conn, principal)


@post("/privacy/policies/check", permission="privacy:write", tags=["consent"], status_code=200, sync_to_thread=True)
def try_policy(db: Database, principal: Principal, data: PolicyTried) -> Effect:
    """For how many customers it would allow or refuse what; nothing is changed.

    Some of them are named where the key may read customers.
    """
    with db.read() as conn:
        effect = changing.try_out(conn, principal.workspace, data.policy, is_default=data.default)
    if principal.may("customers:read"):
        return effect
    purposes = [msgspec.structs.replace(one, examples=[]) for one in effect.purposes]
    return msgspec.structs.replace(effect, purposes=purposes)


@put("/privacy/policies/{name:str}", permission="privacy:write", door="open", tags=["consent"], sync_to_thread=True)
def put_policy(
    db: Database, principal: Principal, name: Annotated[str, Parameter(max_length=40)], data: PolicyWanted
) -> PoliciesShown:
    """Put a policy in force, in place of the one of its name; it holds with the answer."""
    if data.policy.name != name:
        raise InvalidInput(f"the policy is called {data.policy.name[:40]!r}, the address says {name[:40]!r}")
    if principal.purposes:
        raise Forbidden(
            "a key made for some purposes cannot change the policies that limit it",
            hint="make one that does all that the shop does itself",
        )
    with db.write() as conn:
        changing.apply(
            conn, principal.workspace, data.policy, is_default=data.default, seen=data.seen, by=principal.name,
            reason=data.reason, now=now_us(),
        )  # fmt: skip
        return _shown(conn, principal)


POLICIES = (list_policies, try_policy, put_policy)


def _shown(conn: Connection, principal: Principal) -> PoliciesShown:
    kept = policies_of(conn, principal.workspace)
    return PoliciesShown(
        version=kept.version, default=kept.policies.default, policies=list(kept.policies.policies)
    )  # fmt: skip
