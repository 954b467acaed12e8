"""The console's page of acquisition: what campaigns cost, whom they won, what came back; and saying what they cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from litestar import Request, Response, get, post
from litestar.response import Redirect, Stream
from sqlalchemy import Connection

from rapport.capabilities.acquisition.stating import CostStated, state
from rapport.collect.appender import Appender
from rapport.collect.names import Vocabulary
from rapport.kernel.clock import now_us
from rapport.kernel.errors import RapportError
from rapport.kernel.principal import Principal
from rapport.measure.days import first_moment, latest_days
from rapport.measure.model import Answer, Question
from rapport.measure.service import Metrics, zone_of
from rapport.storage.engine import Database
from rapport.storage.workspaces import workspace_of
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, integer, text
from rapport.web.tables import csv_answer

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]
PATH = "/console/acquisition"
SPANS = (28, 90, 366)
USUAL = 90
COLUMNS = (
    "campaign", "currency", "cost_minor", "clicks", "new_customers", "per_customer_minor", "kept_minor", "margin_minor",
    "unknown_minor", "earned_back", "payback_days",
)  # fmt: skip


class Total(NamedTuple):
    """All campaigns together, in one currency."""

    currency: str
    cost_minor: int
    margin_minor: int


class Shown(NamedTuple):
    """What the page tells of a time."""

    days: int
    answer: Answer
    rows: list[dict[str, Any]]
    """Of campaigns that cost something, the dearest first, their currencies side by side."""
    others: list[dict[str, Any]]
    """Of campaigns and sites of which no cost is known, and of no campaign at all."""
    totals: list[Total]
    won: int
    """New customers whom those with a cost won."""


@get("/acquisition", permission="metrics:read", sync_to_thread=True)
def acquisition_page(request: AnyRequest, db: Database, principal: Principal, metrics: Metrics) -> Response[str]:
    """Campaigns of the last days."""
    return _show(request, db, principal, metrics)


@get("/acquisition/rows.csv", permission="metrics:read", sync_to_thread=True)
def acquisition_file(request: AnyRequest, db: Database, principal: Principal, metrics: Metrics) -> Stream:
    """The same as a file; amounts in minor units."""
    with db.read() as conn:
        shown = _read(conn, principal, metrics, _days(request))
    rows = [[row.get(name) for name in COLUMNS] for row in (*shown.rows, *shown.others)]
    return csv_answer(f"campaigns-{shown.answer.as_of[:10]}", COLUMNS, rows)


@post("/acquisition", permission="campaigns:write", sync_to_thread=True, status_code=200)
def state_cost(
    request: AnyRequest, db: Database, principal: Principal, metrics: Metrics, appender: Appender,
    vocabulary: Vocabulary, data: Form,
) -> Response[Any]:  # fmt: skip
    """Take down what a campaign cost on a day."""
    said = CostStated(
        campaign=text(data, "campaign", longest=120), platform=text(data, "platform", longest=120),
        day=text(data, "day", longest=10), cost=text(data, "cost", longest=40),
        currency=text(data, "currency", longest=40) or None,
    )  # fmt: skip
    try:
        with db.read() as conn:
            currency = workspace_of(conn, principal.workspace).settings.currency
        state(appender, vocabulary, principal.workspace, [said], currency=currency)
    except RapportError as error:
        return _show(request, db, principal, metrics, error=error, said=said)
    return Redirect(f"{PATH}?done=stated", status_code=303)


def _days(request: AnyRequest) -> int:
    asked = integer(dict(request.query_params), "days", least=1, most=366, otherwise=USUAL)
    return asked if asked in SPANS else USUAL


def _show(
    request: AnyRequest, db: Database, principal: Principal, metrics: Metrics, *, error: RapportError | None = None,
    said: CostStated | None = None,
) -> Response[str]:  # fmt: skip
    with db.read() as conn:
        shown = _read(conn, principal, metrics, _days(request))
        currency = workspace_of(conn, principal.workspace).settings.currency
    return render(
        request, "acquisition/acquisition.html", status=error.status if error else 200, error=error, said=said,
        shown=shown, spans=SPANS, currency=currency,
    )  # fmt: skip


def _read(conn: Connection, principal: Principal, metrics: Metrics, days: int) -> Shown:
    now, zone = now_us(), zone_of(conn, principal.workspace)
    since = first_moment(latest_days(now, days, zone)[0], zone)
    question = Question(
        workspace=principal.workspace, since=since, until=max(now, since), by="campaign", zone=zone.key
    )  # fmt: skip
    cost = metrics.answer(conn, "acquisition_cost", question)
    back = metrics.answer(conn, "payback", question)
    more = {(row["campaign"], row["currency"]): row for row in back.rows}
    rows = [{**more.get((row["campaign"], row["currency"]), {}), **row} for row in cost.rows]
    spent: dict[str, int] = defaultdict(int)
    for row in rows:
        spent[row["campaign"]] += row["cost_minor"]
    rows.sort(key=lambda row: (
        -spent[row["campaign"]], -row["new_customers"], row["campaign"], -row["cost_minor"], row["currency"],
    ))  # fmt: skip
    dear = [row for row in rows if spent[row["campaign"]]]
    won = {row["campaign"]: row["new_customers"] for row in dear}
    return Shown(
        days, cost, dear, [row for row in rows if not spent[row["campaign"]]], _totals(dear), sum(won.values())
    )  # fmt: skip


def _totals(rows: Iterable[Mapping[str, Any]]) -> list[Total]:
    """What was spent in each currency, and the margin of those whom the paid campaigns won."""
    found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for row in rows:
        if row["cost_minor"]:
            cost, margin = found[row["currency"]]
            found[row["currency"]] = cost + row["cost_minor"], margin + (row.get("margin_minor") or 0)
    return sorted((Total(code, *sums) for code, sums in found.items()), key=lambda one: -one.cost_minor)


PAGES = ConsolePages(
    room="acquisition", templates=Path(__file__).parent / "templates",
    handlers=(acquisition_page, acquisition_file, state_cost),
    nav=(
        NavItem(
            label="Acquisition", path=PATH, icon="target", group="Learn", order=378, permission="metrics:read",
        ),
    ),
)  # fmt: skip
