"""`/api/v1/merchandising`: the rules of placements, what they would do, their versions."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import get, post, put
from msgspec import Meta

from rapport.capabilities.merchandising import store
from rapport.capabilities.merchandising.model import Conflict, Rule, checked, conflicts_of
from rapport.capabilities.merchandising.service.changing import in_force, put_back, save, segment_names
from rapport.capabilities.merchandising.service.trying import Tried, try_rules
from rapport.capabilities.merchandising.store import Version
from rapport.decide.asked import MOST_PLACES, CustomerNamed, DecisionAsked
from rapport.decide.model import PRODUCT
from rapport.decide.service import Decider
from rapport.kernel.clock import now_us
from rapport.kernel.gate import PERSONALISATION
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.storage.workspaces import workspace_of

__all__ = ["ROUTES", "places_of"]

Rules = Annotated[list[Rule], Meta(max_length=1_000)]


class RulesWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All rules as they are to be from now on."""

    rules: Rules
    version: int
    """The one that was read; another one in force by now is a conflict."""
    what: Annotated[str, Meta(max_length=200)] = ""
    """What is changed, in words."""


class VersionWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An earlier version that is to hold again."""

    restore: int
    version: int
    """The one in force that was read."""


class RulesTried(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decision to be tried, with rules that need not be in force."""

    placement: Annotated[str, Meta(max_length=100)]
    rules: Rules | None = None
    """Left out: those in force."""
    customer: CustomerNamed | None = None
    context: dict[str, Any] = {}
    limit: Annotated[int, Meta(ge=1, le=MOST_PLACES)] = 6


class RulesShown(msgspec.Struct, frozen=True, kw_only=True):
    """The rules in force."""

    version: int
    """0 where nobody has written any."""
    rules: list[Rule]
    conflicts: list[Conflict]


class VersionsShown(msgspec.Struct, frozen=True, kw_only=True):
    """How the rules were."""

    versions: list[Version]


def places_of(decider: Decider) -> dict[str, str]:
    """The placements that show products: name and title."""
    return {name: place.title for name, place in decider.placements.items() if place.kind == PRODUCT}


def _shown(version: int, rules: list[Rule]) -> RulesShown:
    return RulesShown(version=version, rules=rules, conflicts=conflicts_of(rules))


@get("/merchandising", permission="merchandising:read", door="open", tags=["merchandising"], sync_to_thread=True)
def get_rules(db: Database, principal: Principal) -> RulesShown:
    """The rules in force, in the order in which they count, and where they contradict each other."""
    with db.read() as conn:
        return _shown(*in_force(conn, principal.workspace))


@put("/merchandising", permission="merchandising:write", door="open", tags=["merchandising"], sync_to_thread=True)
def put_rules(db: Database, principal: Principal, decider: Decider, data: RulesWanted) -> RulesShown:
    """Put all rules in force at once; contradictions are told and no error."""
    with db.write() as conn:
        version = save(
            conn, principal.workspace, data.rules, seen=data.version, placements=places_of(decider),
            what=data.what or "changed over the API", by=principal.name, now=now_us(),
        )  # fmt: skip
    return _shown(version, data.rules)


@post(
    "/merchandising/preview", permission="merchandising:read", door="asks", status_code=200, tags=["merchandising"],
    unaudited="nothing of the customer is told but a slate", sync_to_thread=True,
)  # fmt: skip
def preview_rules(db: Database, principal: Principal, decider: Decider, data: RulesTried) -> Tried:
    """What would be shown without any rule and with these, and what a piece of it brings. Nothing is logged."""
    principal.purpose_for(PERSONALISATION)
    workspace = principal.workspace
    with db.read() as conn:
        held = in_force(conn, workspace)[1]
        rules = held if data.rules is None else data.rules
        checked(rules, placements=places_of(decider), segments=segment_names(conn, workspace), unchanged=held)
        currency = workspace_of(conn, workspace).settings.currency
    asked = DecisionAsked(
        placement=data.placement, customer=data.customer, context=data.context, limit=data.limit
    )  # fmt: skip
    return try_rules(db, decider, workspace, asked, rules, currency=currency, now=now_us())


@get("/merchandising/versions", permission="merchandising:read", door="open", tags=["merchandising"],
     sync_to_thread=True)  # fmt: skip
def list_versions(db: Database, principal: Principal) -> VersionsShown:
    """The latest fifty versions, the newest first."""
    with db.read() as conn:
        return VersionsShown(versions=store.history(conn, principal.workspace))


@post("/merchandising/undo", permission="merchandising:write", door="open", status_code=200, tags=["merchandising"],
      sync_to_thread=True)  # fmt: skip
def restore_version(db: Database, principal: Principal, decider: Decider, data: VersionWanted) -> RulesShown:
    """Put an earlier version in force again, as a new one."""
    with db.write() as conn:
        put_back(
            conn, principal.workspace, data.restore, seen=data.version, placements=places_of(decider),
            by=principal.name, now=now_us(),
        )  # fmt: skip
        return _shown(*in_force(conn, principal.workspace))


ROUTES = (get_rules, put_rules, preview_rules, list_versions, restore_version)
