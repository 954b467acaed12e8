"""Console pages of decisions: what was shown to whom, why, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import Request, Response, get
from sqlalchemy import Connection

from rapport.decide import people
from rapport.decide.model import PRODUCT
from rapport.decide.steps import Steps
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.money import format_minor
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.measure import store
from rapport.measure.decision_report import report_of
from rapport.measure.metrics import BOUGHT_WITHIN_DAYS, DECISION_SALES
from rapport.measure.service import Metrics
from rapport.storage.engine import Database
from rapport.storage.log import facts
from rapport.web.console import NavItem, render

__all__ = ["HANDLERS", "NAV"]

AnyRequest = Request[Any, Any, Any]

REPORT_DAYS = 28
"""Four weeks: the four before them have the same weekdays."""


class DecisionShown(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list of decisions."""

    id: str
    at: int
    placement: str
    strand: str
    who: str
    shown: int
    kind: str
    first: str
    reasons: list[str]
    clicked: bool
    bought: bool
    paid: str
    """What was paid for what it showed and was clicked, in words; empty where nothing was, or nobody knows."""


class Outcome(msgspec.Struct, kw_only=True):
    """What came of a decision: the products that were clicked, and those of them that were bought."""

    clicked: set[str] = msgspec.field(default_factory=set)
    bought: set[str] = msgspec.field(default_factory=set)
    sums: dict[str, Counter[str]] = msgspec.field(default_factory=dict)
    """By product and currency what its orders paid for it, in minor units."""

    @property
    def paid(self) -> dict[str, str]:
        """By product, in words."""
        return {product: _in_words(sums) for product, sums in self.sums.items()}

    @property
    def words(self) -> str:
        """What was paid in all."""
        total: Counter[str] = Counter()
        for sums in self.sums.values():
            total.update(sums)
        return _in_words(total)


@get("/decisions", permission="decisions:read", sync_to_thread=True)
def decisions_page(
    request: AnyRequest, db: Database, principal: Principal, metrics: Metrics, steps: Steps
) -> Response[str]:
    """What was shown lately, to whom, what came of it, and what each placement sold."""
    placement = clean(request.query_params.get("placement"), longest=100)
    before = clean(request.query_params.get("before"), longest=150)
    with db.read() as conn:
        rows, following = _decisions(conn, principal, placement=placement, before=before)
        names = steps.names(conn, principal.workspace, [(row.kind, row.first) for row in rows if row.first])
        report = report_of(conn, principal.workspace, metrics, now=now_us(), days=REPORT_DAYS)
    titles = {one.name: one.title for one in steps.placements.values()}
    return render(
        request, "measure/decisions.html", decisions=rows, following=following, report=report, placement=placement,
        first=not before, days=REPORT_DAYS, names=names, titles=titles, definition=DECISION_SALES.definition,
        may_see_who=principal.may("customers:read"), within=BOUGHT_WITHIN_DAYS,
    )  # fmt: skip


@get("/decisions/{decision_id:str}", permission="decisions:read", sync_to_thread=True)
def decision_page(
    request: AnyRequest, db: Database, principal: Principal, steps: Steps, decision_id: str
) -> Response[str]:
    """One decision: what was shown, why, what else was possible, and what came of it."""
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
        who = _who(conn, principal, [Key(row.strand)]).get(Key(row.strand), "")
    return render(
        request, "measure/decision.html", id=decision_id, at=row.occurred_at, strand=row.strand.hex(), seq=row.seq,
        decision=properties, outcome=outcomes.get(decision_id, Outcome()), names=names, who=who,
        title=steps.placements[properties["placement"]].title if properties["placement"] in steps.placements else "",
        within=BOUGHT_WITHIN_DAYS,
    )  # fmt: skip


HANDLERS = (decisions_page, decision_page)
NAV = NavItem(
    label="Decisions", path="/console/decisions", icon="spark", group="Learn", order=405,
    permission="decisions:read", keys="d",
)  # fmt: skip


def _decisions(
    conn: Connection, principal: Principal, *, placement: str, before: str, limit: int = 30
) -> tuple[list[DecisionShown], str]:
    """Recent decisions, newest first, and the place to ask for older ones from (empty where there are none)."""
    workspace, place = principal.workspace, _place(before) if before else None
    rows = store.latest_decisions(conn, workspace, placement=placement, before=place, limit=limit + 1)
    shown = rows[:limit]
    ids = [row.id for row in shown]
    outcomes, bodies = _outcomes(conn, workspace, ids), _bodies(conn, workspace, ids)
    who = _who(conn, principal, [Key(row.strand) for row in shown])
    lines = [
        _decision(row, bodies.get(row.id, {}), outcomes.get(row.id, Outcome()), who.get(Key(row.strand), ""))
        for row in shown
    ]
    return lines, f"{shown[-1].at}.{shown[-1].id}" if len(rows) > limit else ""


def _place(before: str) -> store.DecisionPlace:
    at, dot, ident = before.partition(".")
    if not (dot and at.isascii() and at.isdigit() and len(at) < 19):
        raise InvalidInput(f"before={before[:60]!r} is not a place in the list", hint="open the list from its start")
    return store.DecisionPlace(int(at), ident)


def _decision(row: Any, properties: Mapping[str, Any], outcome: Outcome, who: str) -> DecisionShown:
    chosen = properties.get("chosen") or []
    first = chosen[0] if chosen else {}
    return DecisionShown(
        id=row.id, at=row.at, placement=row.placement, strand=row.strand.hex(), who=who, shown=len(chosen),
        kind=str(first.get("kind") or PRODUCT), first=_item_id(first), reasons=list(first.get("reasons") or [])[:2],
        clicked=bool(outcome.clicked), bought=bool(outcome.bought), paid=outcome.words,
    )  # fmt: skip


def _who(conn: Connection, principal: Principal, strands: Sequence[Key]) -> dict[Key, str]:
    """What to call those customers; nobody where this person may not see customers."""
    if not principal.may("customers:read"):
        return {}
    return people.names_by_strand(conn, principal.workspace, strands)


def _outcomes(conn: Connection, workspace: WorkspaceId, ids: Sequence[str]) -> dict[str, Outcome]:
    """What came of each of these decisions."""
    o = store.decision_outcomes.c
    query = sa.select(o.decision_id, o.kind, o.product_id, o.minor, o.currency)
    rows = conn.execute(query.where(o.workspace == workspace, o.decision_id.in_(ids))).all()
    clicked = {(row.decision_id, row.product_id) for row in rows if row.kind == "clicked"}
    found: dict[str, Outcome] = {}
    for row in rows:
        outcome = found.setdefault(row.decision_id, Outcome())
        if row.kind == "clicked":
            outcome.clicked.add(row.product_id)
        elif (row.decision_id, row.product_id) in clicked:
            outcome.bought.add(row.product_id)
            if row.minor is not None:
                outcome.sums.setdefault(row.product_id, Counter())[row.currency] += row.minor
    return found


def _in_words(sums: Mapping[str, int]) -> str:
    return " + ".join(format_minor(minor, code) for code, minor in sorted(sums.items()))


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
