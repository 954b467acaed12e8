"""Console pages of insights: the way to an order, who comes again, products, channels, campaigns, and journeys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import urlencode

import msgspec
import sqlalchemy as sa
from litestar import Request, Response, get
from litestar.response import Stream
from sqlalchemy import Connection

from rapport.capabilities.insights.asked import latest
from rapport.capabilities.insights.drawing import drawn
from rapport.capabilities.insights.metrics import CHECKOUT_FUNNEL
from rapport.capabilities.insights.patterns import Pattern
from rapport.capabilities.insights.service.answering import (
    FunnelAnswer,
    JourneysAnswer,
    PatternsAnswer,
    RetentionAnswer,
    RowsAnswer,
    beside_answer,
    funnel_answer,
    journeys_answer,
    patterns_answer,
    products_answer,
    retention_answer,
)
from rapport.capabilities.insights.service.beside import names_beside
from rapport.capabilities.insights.service.journeys import APART, OUTCOMES, Asked, is_market
from rapport.capabilities.insights.service.opening import roots_in
from rapport.capabilities.insights.service.products import PRODUCT_COLUMNS
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import Key
from rapport.kernel.language import noted
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.measure.counting import Counting
from rapport.measure.model import Question
from rapport.measure.service import Metrics
from rapport.remember.listing import customers_of
from rapport.remember.membership import segments
from rapport.remember.segments.service import id_of
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import integer
from rapport.web.tables import csv_answer

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]

TABS = {
    "funnel": noted("Checkout"), "retention": noted("Retention"), "products": "Products", "channels": "Channels",
    "campaigns": "Campaigns", "journeys": "Journey map", "patterns": "Patterns",
}  # fmt: skip
GROUPS = {
    "funnel": (
        noted("channel"), noted("device"), noted("country"), noted("segment"), noted("week"), noted("month"),
    ), "retention": ("month", "week"), "products": ("",), "channels": ("channel",), "campaigns": (noted("campaign"),),
    "journeys": ("",), "patterns": ("",),
}  # fmt: skip
ANSWERS: dict[str, type[Any]] = {
    "funnel": FunnelAnswer, "retention": RetentionAnswer, "products": RowsAnswer, "channels": RowsAnswer,
    "campaigns": RowsAnswer, "journeys": JourneysAnswer, "patterns": PatternsAnswer,
}  # fmt: skip
SPANS = (7, 28, 90, 366)
USUAL = {"retention": 366, "patterns": 366}
SHOWN = 100
"""Customers and products that are listed."""
APART_WORDS = {
    "visit": noted("a visit (half an hour)"), "day": noted("a day"), "week": noted("a week"), "month": noted("30 days"),
}  # fmt: skip
OUTCOME_WORDS = {
    "all": noted("All journeys"), "ordered": noted("With an order"), "not_ordered": noted("Without an order"),
    "refunded": noted("With a refund"), "contacted": noted("With a contact"),
}  # fmt: skip


OF_JOURNEYS = ("apart", "outcome", "kinds", "market", "compare")
"""What an address asks of journeys alone."""


EVERYBODY = "*"
"""Compared with all customers: no segment is called so where a link says it."""


class View(NamedTuple):
    """What the address asks."""

    tab: str
    days: int
    by: str
    segment: str
    apart: str
    outcome: str
    kinds: int
    market: str = ""
    compare: str = ""

    def query(self, **changes: object) -> str:
        """The same with these changed, as an address has it."""
        mine = {name: value for name, value in self._asdict().items() if name != "tab"}
        if self.tab != "journeys":
            mine = {name: value for name, value in mine.items() if name not in OF_JOURNEYS}
        return urlencode({name: value for name, value in {**mine, **changes}.items() if value})

    @property
    def journeys(self) -> Asked:
        """Which journeys are asked for."""
        return Asked(cast("Any", self.apart), cast("Any", self.outcome), self.kinds, self.market)


def _view(request: AnyRequest, tab: str) -> View:
    """What is not known is as if it had not been asked for."""
    given = dict(request.query_params)
    usual, groups = USUAL.get(tab, 28), GROUPS[tab]
    days = integer(given, "days", least=1, most=max(SPANS), otherwise=usual)
    by, apart, outcome = (clean(given.get(name), longest=20) for name in ("by", "apart", "outcome"))
    return View(
        tab=tab, days=days if days in SPANS else usual, by=by if by in groups else groups[0],
        segment=clean(given.get("segment"), longest=80), apart=apart if apart in APART else "week",
        outcome=outcome if outcome in OUTCOMES else "all",
        kinds=integer(given, "kinds", least=4, most=24, otherwise=14),
        market=clean(given.get("market"), longest=60) if tab == "journeys" else "",
        compare=clean(given.get("compare"), longest=80) if tab == "journeys" else "",
    )  # fmt: skip


def _tab(name: str) -> str:
    if name not in TABS:
        raise InvalidInput(f"there is no insight {name[:40]!r}", hint=f"there are: {', '.join(TABS)}")
    return name


def _question(conn: Connection, principal: Principal, view: View) -> Question:
    return latest(conn, principal.workspace, days=view.days, by=view.by, segment=view.segment)


def _answer(conn: Connection, metrics: Metrics, question: Question, view: View) -> Any:
    segment = view.segment
    if view.tab == "funnel":
        return funnel_answer(conn, metrics, question, segment=segment)
    if view.tab == "retention":
        return retention_answer(conn, metrics, question, segment=segment)
    if view.tab == "products":
        return products_answer(conn, question, segment=segment, most=SHOWN)
    if view.tab == "journeys":
        return journeys_answer(conn, question, view.journeys, segment=segment, beside=view.compare)
    if view.tab == "patterns":
        return patterns_answer(conn, question, segment=segment)
    return beside_answer(conn, metrics, question, segment=segment)


@get("/insights", permission="metrics:read", sync_to_thread=True)
def insights_page(
    request: AnyRequest, db: Database, principal: Principal, metrics: Metrics, counting: Counting
) -> Response[str]:  # fmt: skip
    """The first insight."""
    return _page(request, db, principal, metrics, counting, "funnel")


@get("/insights/{name:str}", permission="metrics:read", sync_to_thread=True)
def insight_page(
    request: AnyRequest, db: Database, principal: Principal, metrics: Metrics, counting: Counting, name: str
) -> Response[str]:  # fmt: skip
    """One insight: what the shop's customers do, as the address asks."""
    return _page(request, db, principal, metrics, counting, name)


def _page(
    request: AnyRequest, db: Database, principal: Principal, metrics: Metrics, counting: Counting, name: str
) -> Response[str]:  # fmt: skip
    view = _view(request, _tab(name))
    if view.market:  # any text would be counted for, and be kept
        with db.look() as conn:
            view = view if is_market(conn, principal.workspace, view.market) else view._replace(market="")

    def count(conn: Connection) -> Any:
        return _answer(conn, metrics, _question(conn, principal, view), view)

    found = counting.ask(principal.workspace, {"page": "insights", **view._asdict()}, ANSWERS[view.tab], count)
    answer = found.answer
    with db.read() as conn:
        query = sa.select(segments.c.name).where(segments.c.workspace == principal.workspace)
        names = list(conn.execute(query.order_by(segments.c.name)).scalars())
    drawing = drawn(answer.kinds, answer.edges) if view.tab == "journeys" and answer and answer.kinds else None
    return render(
        request, f"insights/{view.tab}.html", view=view, answer=answer, names=names, tabs=TABS, spans=SPANS,
        groups=GROUPS[view.tab], apart_words=APART_WORDS, outcome_words=OUTCOME_WORDS, drawing=drawing,
        may_open=principal.may("customers:read"), under_way=found.under_way,
    )  # fmt: skip


@get("/insights/{name:str}/who", permission="customers:read", sync_to_thread=True)
def insight_who(request: AnyRequest, db: Database, principal: Principal, name: str) -> Response[str]:
    """The customers behind one number of an insight: as many as it says."""
    view = _view(request, _tab(name))
    given = {key: clean(request.query_params.get(key), longest=200) for key in ("of", "to", "group", "left", "step")}
    with db.read() as conn:
        asked = view.journeys
        if view.compare:
            beside = 0 if view.compare == EVERYBODY else id_of(conn, principal.workspace, view.compare)
            asked = asked._replace(beside=beside)
        found = roots_in(conn, _question(conn, principal, view), view.tab, asked, given)
        people = customers_of(conn, principal.workspace, [Key(root) for root in found.roots[:SHOWN]])
    return render(
        request, "insights/who.html", view=view, words=found.words, number=len(found.roots), people=people,
        shown=len(people), tabs=TABS,
    )  # fmt: skip


@get("/insights/{name:str}/rows.csv", permission="metrics:read", sync_to_thread=True)
def insight_file(request: AnyRequest, db: Database, principal: Principal, metrics: Metrics, name: str) -> Stream:
    """The numbers of an insight as a file."""
    view = _view(request, _tab(name))
    with db.read() as conn:
        answer = _answer(conn, metrics, _question(conn, principal, view), view)
    titles, rows = _table(view, answer)
    return csv_answer(f"{view.tab}-{answer.as_of[:10]}", titles, rows)


def _table(view: View, answer: Any) -> tuple[Sequence[str], Iterable[Sequence[object]]]:
    if view.tab == "retention":
        titles = ("cohort", "customers", "period", "after", "active", "rate", "running")
        return titles, (
            [one.cohort, one.customers, *(cell[name] for name in titles[2:])] for one in answer.cohorts
            for cell in one.cells
        )  # fmt: skip
    if view.tab == "journeys":
        titles = ("source", "target", "times", "customers", "share", "median_seconds", "p90_seconds")
        ways = [[getattr(edge, name) for name in titles] for edge in answer.edges]
        ends = [[kind.name, "", kind.ends, None, kind.drop_off, None, None] for kind in answer.kinds]
        return titles, ways + ends
    if view.tab == "patterns":
        told = [msgspec.structs.asdict(one) for one in answer.patterns]
        return Pattern.__struct_fields__, (list(one.values()) for one in told)
    if view.tab == "funnel":
        names = [view.by, *(column.name for column in CHECKOUT_FUNNEL.columns)]
    elif view.tab == "products":
        names = list(PRODUCT_COLUMNS)
    else:
        names = [view.by, "currency", *names_beside(view.by)]
    return names, ([row.get(name) for name in names] for row in answer.rows)


PAGES = ConsolePages(
    room="insights",
    templates=Path(__file__).parent / "templates",
    handlers=(insights_page, insight_page, insight_who, insight_file),
    nav=(
        NavItem(
            label="Insights", path="/console/insights", icon="eye", group="Learn", order=375,
            permission="metrics:read",
        ),
    ),
)  # fmt: skip
