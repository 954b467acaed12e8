"""Console pages of decisions: what was shown to whom, why, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from litestar import Request, Response, get
from sqlalchemy import Connection

from rapport.decide.model import PRODUCT
from rapport.decide.steps import Steps
from rapport.kernel.clock import MINUTE, now_us
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.measure import store
from rapport.measure.days import first_moment, latest_days
from rapport.measure.model import Answer, Question
from rapport.measure.service import Metrics, zone_of
from rapport.storage.engine import Database
from rapport.storage.log import facts
from rapport.web.console import NavItem, render

__all__ = ["HANDLERS", "NAV"]

AnyRequest = Request[Any, Any, Any]

REPORT_DAYS = 30


class DecisionShown(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list of decisions."""

    id: str
    at: int
    placement: str
    policy: str
    strand: str
    shown: int
    kind: str
    first: str
    reasons: list[str]
    odds: float | None
    clicked: bool
    bought: bool


@get("/decisions", permission="decisions:read", sync_to_thread=True)
def decisions_page(
    request: AnyRequest, db: Database, principal: Principal, metrics: Metrics, steps: Steps
) -> Response[str]:
    """What was decided lately, why, and what came of it."""
    placement = clean(request.query_params.get("placement"), longest=100)
    before = clean(request.query_params.get("before"), longest=150)
    with db.read() as conn:
        rows, following = _decisions(conn, principal, placement=placement, before=before)
        names = steps.names(conn, principal.workspace, [(row.kind, row.first) for row in rows if row.first])
        funnel = _answer(conn, principal, metrics, "decisions", by="placement", days=REPORT_DAYS)
        carts = _answer(conn, principal, metrics, "cart_abandonment", by="day", days=REPORT_DAYS)
        zone_key = zone_of(conn, principal.workspace).key
    return render(
        request, "measure/decisions.html", decisions=rows, following=following, funnel=funnel, carts=carts,
        zone_key=zone_key, placement=placement, first=not before, days=REPORT_DAYS, names=names,
        placements=[row["placement"] for row in funnel.rows] if funnel else [],
    )  # fmt: skip


@get("/decisions/{decision_id:str}", permission="decisions:read", sync_to_thread=True)
def decision_page(
    request: AnyRequest, db: Database, principal: Principal, steps: Steps, decision_id: str
) -> Response[str]:
    """One decision: what was shown, with which odds, why, what else was possible, and what came of it."""
    workspace = principal.workspace
    with db.read() as conn:
        row = conn.execute(
            sa.select(facts).where(facts.c.workspace == workspace, facts.c.message_id == decision_id[:100])
        ).first()
        if row is None or row.source != "rapport":
            raise NotFound(f"no decision {decision_id[:60]!r}", hint="decisions appear a moment after they were made")
        properties = msgspec.json.decode(row.body)["properties"]
        outcomes = _outcomes(conn, workspace, [decision_id])
        asked = (PRODUCT, str(properties.get("context", {}).get("product_id", "")))
        names = steps.names(conn, workspace, [*_items(properties), asked])
    return render(
        request, "measure/decision.html", id=decision_id, at=row.occurred_at, strand=row.strand.hex(), seq=row.seq,
        decision=properties, outcomes=outcomes.get(decision_id, {}), names=names,
    )  # fmt: skip


HANDLERS = (decisions_page, decision_page)
NAV = NavItem(
    label="Decisions", path="/console/decisions", icon="spark", group="Learn", order=405,
    permission="decisions:read", keys="d",
)  # fmt: skip


def _answer(
    conn: Connection, principal: Principal, metrics: Metrics, name: str, *, by: str, days: int = 0, since: int = 0
) -> Answer | None:
    """A metric's answer until now; None where no slice of this installation brings the metric."""
    zone, until = zone_of(conn, principal.workspace), now_us() + MINUTE
    question = Question(
        workspace=principal.workspace, since=since or _since(zone, days=days), until=until, by=by, zone=zone.key
    )
    try:
        return metrics.answer(conn, name, question)
    except NotFound:
        return None


def _since(zone: ZoneInfo, *, days: int) -> int:
    """When the first of the shop's last days began; one is today."""
    return first_moment(latest_days(now_us(), days, zone)[0], zone)


def _decisions(
    conn: Connection, principal: Principal, *, placement: str, before: str, limit: int = 30
) -> tuple[list[DecisionShown], str]:
    """Recent decisions, newest first, and the place to ask for older ones from (empty where there are none)."""
    workspace, place = principal.workspace, _place(before) if before else None
    rows = store.latest_decisions(conn, workspace, placement=placement, before=place, limit=limit + 1)
    shown = rows[:limit]
    ids = [row.id for row in shown]
    outcomes, bodies = _outcomes(conn, workspace, ids), _bodies(conn, workspace, ids)
    lines = [_decision(row, bodies.get(row.id, {}), outcomes.get(row.id, {})) for row in shown]
    return lines, f"{shown[-1].at}.{shown[-1].id}" if len(rows) > limit else ""


def _place(before: str) -> store.DecisionPlace:
    at, dot, ident = before.partition(".")
    if not (dot and at.isascii() and at.isdigit() and len(at) < 19):
        raise InvalidInput(f"before={before[:60]!r} is not a place in the list", hint="open the list from its start")
    return store.DecisionPlace(int(at), ident)


def _decision(row: Any, properties: Mapping[str, Any], outcomes: Mapping[str, set[str]]) -> DecisionShown:
    chosen = properties.get("chosen") or []
    first = chosen[0] if chosen else {}
    return DecisionShown(
        id=row.id, at=row.at, placement=row.placement, policy=row.policy, strand=row.strand.hex(), shown=len(chosen),
        kind=str(first.get("kind") or PRODUCT),
        first=_item_id(first), reasons=list(first.get("reasons") or [])[:2], odds=first.get("odds"),
        clicked=bool(outcomes.get("clicked")), bought=bool(outcomes.get("bought")),
    )  # fmt: skip


def _outcomes(conn: Connection, workspace: WorkspaceId, ids: Sequence[str]) -> dict[str, dict[str, set[str]]]:
    """By decision and kind (`clicked`, `bought`): the products."""
    o = store.decision_outcomes.c
    query = sa.select(o.decision_id, o.kind, o.product_id).where(o.workspace == workspace, o.decision_id.in_(ids))
    found: dict[str, dict[str, set[str]]] = {}
    for decision_id, kind, product_id in conn.execute(query):
        found.setdefault(decision_id, {}).setdefault(kind, set()).add(product_id)
    return found


def _bodies(conn: Connection, workspace: WorkspaceId, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    query = sa.select(facts.c.message_id, facts.c.body).where(
        facts.c.workspace == workspace, facts.c.message_id.in_(ids)
    )
    return {row.message_id: msgspec.json.decode(row.body).get("properties", {}) for row in conn.execute(query)}


def _items(properties: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was shown and what was possible, each as (kind, id)."""
    logged = [one for key in ("chosen", "candidates") for one in properties.get(key) or []]
    return [(str(one.get("kind") or PRODUCT), _item_id(one)) for one in logged]


def _item_id(logged: Mapping[str, Any]) -> str:
    """Whatever kind it is of; the oldest decisions know products only."""
    return str(logged.get("item_id") or logged.get("product_id") or "")
