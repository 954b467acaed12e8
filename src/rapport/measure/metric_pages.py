"""Console pages of metrics: the list, and each with its numbers, how it is counted, its query and who is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
import sqlalchemy as sa
from litestar import Request, Response, get
from litestar.response import Stream
from msgspec.structs import replace
from sqlalchemy import Connection, event

from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.language import gettext, ngettext
from rapport.kernel.money import exponent, format_minor
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.measure.counting import Counting
from rapport.measure.days import first_moment, latest_days
from rapport.measure.model import Answer, Column, Metric, Question
from rapport.measure.money import main_currency
from rapport.measure.periods import PERIODS, first_of
from rapport.measure.service import Metrics, zone_of
from rapport.remember.listing import customers_of
from rapport.remember.membership import segments
from rapport.storage.engine import Database
from rapport.storage.workspaces import workspace_of
from rapport.web.console import NavItem, render
from rapport.web.formats import count, country, date_words_of, percent
from rapport.web.forms import integer
from rapport.web.tables import csv_answer

__all__ = ["HANDLERS", "NAV"]

AnyRequest = Request[Any, Any, Any]

SPANS = (28, 90, 366, 1096)
PEOPLE = 100


class Group(NamedTuple):
    """By what a metric can be told apart, in the reader's language."""

    title: str
    by: str


def _groups() -> dict[str, Group]:
    return {
        "day": Group(gettext("Day"), gettext("By day")),
        "week": Group(gettext("Week"), gettext("By week")),
        "month": Group(gettext("Month"), gettext("By month")),
        "channel": Group(gettext("Channel"), gettext("By channel")),
        "country": Group(gettext("Country"), gettext("By country")),
        "device": Group(gettext("Device"), gettext("By device")),
        "campaign": Group(gettext("First campaign"), gettext("By first campaign")),
        "segment": Group(gettext("Segment"), gettext("By segment")),
        "currency": Group(gettext("Currency"), gettext("By currency")),
        "placement": Group(gettext("Placement"), gettext("By placement")),
        "policy": Group(gettext("Policy"), gettext("By policy")),
        "source": Group(gettext("Source"), gettext("By source")),
        "minute": Group(gettext("Minute"), gettext("By minute")),
        "step": Group(gettext("Step"), gettext("By step")),
    }


def _group(groups: Mapping[str, Group], by: str) -> Group:
    """A slice may tell a metric apart by what it alone knows."""
    return groups.get(by) or Group(by, gettext("By %(one)s", one=by))


class Cell(NamedTuple):
    """One number of a row, in words."""

    title: str
    words: str


class Line(NamedTuple):
    """One row of a metric, in words."""

    group: str
    running: bool
    cells: list[Cell]
    address: str
    """Of the customers in it; empty where nobody can be told."""


class Told(msgspec.Struct, frozen=True):
    """An answer with the statements that were asked for it."""

    answer: Answer
    said: list[str]


class Asked(NamedTuple):
    """What the address asks of a metric."""

    by: str
    days: int
    segment: str
    currency: str

    def query(self, **changes: object) -> str:
        """The same with these changed, as an address has it."""
        return urlencode({name: value for name, value in {**self._asdict(), **changes}.items() if value})


@get("/metrics", permission="metrics:read", sync_to_thread=True)
def metrics_page(request: AnyRequest, metrics: Metrics) -> Response[str]:
    """All metrics, each with what it counts."""
    every = metrics.all()
    found = [one for one in every if "minute" not in one.by and one.instead not in {other.name for other in every}]
    return render(request, "measure/metrics.html", metrics=sorted(found, key=lambda one: one.title))


@get("/metrics/{name:str}", permission="metrics:read", sync_to_thread=True)
def metric_page(
    request: AnyRequest, db: Database, principal: Principal, metrics: Metrics, counting: Counting, name: str
) -> Response[str]:  # fmt: skip
    """One metric: a chart, its rows, its definition and the query that was asked."""
    measured = metrics.find(name)
    asked = _asked(request, measured.metric)

    def count(conn: Connection) -> Told:
        with _statements(conn) as said:
            return Told(_answer(conn, metrics, principal.workspace, measured.metric, asked), said)

    question = {"page": "metric", "name": name, **asked._replace(currency="")._asdict()}
    found = counting.ask(principal.workspace, question, Told, count)
    if found.answer is None:
        return render(request, "measure/counted.html", metric=measured.metric)
    answer = found.answer.answer
    with db.read() as conn:
        names = _segments(conn, principal.workspace) if measured.metric.for_segments else []
        own = workspace_of(conn, principal.workspace).settings.currency
    currencies = sorted({str(row["currency"]) for row in answer.rows if "currency" in row and asked.by != "currency"})
    currency = asked.currency if asked.currency in currencies else _main(answer, currencies, own)
    rows = [row for row in answer.rows if not currencies or row["currency"] == currency]
    may_open = measured.who is not None and principal.may("customers:read")
    return render(
        request, "measure/metric.html", metric=measured.metric, asked=asked, answer=answer, names=names,
        currencies=currencies, currency=currency, spans=SPANS, said=found.answer.said, under_way=found.under_way,
        groups={one: _group(_groups(), one) for one in {*measured.metric.by, asked.by}},
        lines=_lines(measured.metric, rows, asked, may_open=may_open), chart=_chart(measured.metric, rows, asked.by),
    )  # fmt: skip


@get("/metrics/{name:str}/who", permission="customers:read", sync_to_thread=True)
def who_page(request: AnyRequest, db: Database, principal: Principal, metrics: Metrics, name: str) -> Response[str]:
    """The customers in one group of a metric: as many as the number says."""
    measured = metrics.find(name)
    if measured.who is None:
        raise InvalidInput(f"{name} does not tell who is in it", hint="it is not counted by customer")
    asked, group = _asked(request, measured.metric), clean(request.query_params.get("group"), longest=200)
    with db.read() as conn:
        question = metrics.asked(
            conn, measured.metric, _question(conn, principal.workspace, asked), segment=asked.segment
        )
        if any(column.unit == "minor" for column in measured.metric.columns):
            question = replace(question, currency=asked.currency)
        people = measured.who(conn, question, group).subquery("people")
        number = int(conn.execute(sa.select(sa.func.count()).select_from(people)).scalar_one())
        roots = conn.execute(sa.select(people.c[0]).order_by(people.c[0]).limit(PEOPLE)).scalars()
        found = customers_of(conn, principal.workspace, [Key(root) for root in roots])
    return render(
        request, "measure/who.html", metric=measured.metric, asked=asked, group=_named(asked.by, group), number=number,
        people=found, shown=len(found),
    )  # fmt: skip


@get("/metrics/{name:str}/rows.csv", permission="metrics:read", sync_to_thread=True)
def rows_file(request: AnyRequest, db: Database, principal: Principal, metrics: Metrics, name: str) -> Stream:
    """All rows as a file, as the API tells them."""
    metric = metrics.find(name).metric
    asked = _asked(request, metric)
    with db.read() as conn:
        answer = _answer(conn, metrics, principal.workspace, metric, asked)
    names = list(dict.fromkeys(key for row in answer.rows for key in row if key != "value")) or [asked.by]
    return csv_answer(f"{metric.name}-{answer.as_of[:10]}", names, ([row.get(n) for n in names] for row in answer.rows))


HANDLERS = (metrics_page, metric_page, who_page, rows_file)
NAV = NavItem(
    label="Metrics", path="/console/metrics", icon="gauge", group="Learn", order=380, permission="metrics:read"
)


def _asked(request: AnyRequest, metric: Metric) -> Asked:
    """What the address asks; what the metric does not know is as if it had not been asked for."""
    given = dict(request.query_params)
    usual = 366 if metric.usual_days else 90
    days = integer(given, "days", least=1, most=max(SPANS), otherwise=usual)
    by = clean(given.get("by"), longest=40)
    return Asked(
        by=by if by in metric.by else _usual(metric), days=days if days in SPANS else usual,
        segment=clean(given.get("segment"), longest=80) if metric.for_segments else "",
        currency=clean(given.get("currency"), longest=3),
    )  # fmt: skip


def _usual(metric: Metric) -> str:
    return "week" if "week" in metric.by and metric.by[0] == "day" else metric.by[0]


def _question(conn: Connection, workspace: WorkspaceId, asked: Asked) -> Question:
    """Whole days of the shop, today included; weeks and months are whole, too, so there may be some days more."""
    now, zone = now_us(), zone_of(conn, workspace)
    since = first_of(first_moment(latest_days(now, asked.days, zone)[0], zone), asked.by, zone)
    return Question(workspace=workspace, since=since, until=max(now, since), by=asked.by, zone=zone.key)


def _answer(conn: Connection, metrics: Metrics, workspace: WorkspaceId, metric: Metric, asked: Asked) -> Answer:
    return metrics.answer(conn, metric.name, _question(conn, workspace, asked), segment=asked.segment)


def _segments(conn: Connection, workspace: WorkspaceId) -> list[str]:
    query = sa.select(segments.c.name).where(segments.c.workspace == workspace).order_by(segments.c.name)
    return list(conn.execute(query).scalars())


def _number(row: Mapping[str, Any], columns: Sequence[Column]) -> Any:
    """The number that is meant where one is asked for."""
    return row.get("value", row[columns[0].name])


def _main(answer: Answer, currencies: Sequence[str], own: str) -> str:
    if not currencies or own in currencies:
        return own if currencies else ""
    if all("revenue_minor" in row for row in answer.rows):
        return main_currency(answer.rows, own=own)
    totals = {
        code: sum(abs(row["value"] or 0) for row in answer.rows if row["currency"] == code) for code in currencies
    }
    return max(currencies, key=lambda code: totals[code])


@contextmanager
def _statements(conn: Connection) -> Iterator[list[str]]:
    """The statements that are asked meanwhile, as the database was given them, without any value."""
    said: list[str] = []

    def hear(_: object, __: object, statement: str, *___: object) -> None:
        if statement not in said:
            said.append(statement)

    event.listen(conn, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(conn, "before_cursor_execute", hear)


def _lines(metric: Metric, rows: Sequence[Mapping[str, Any]], asked: Asked, *, may_open: bool) -> list[Line]:
    """The rows in words, the newest period first."""
    ordered = (
        list(reversed(rows))
        if asked.by in PERIODS
        else sorted(rows, key=lambda row: -(_number(row, metric.columns) or 0))
    )
    return [
        Line(
            group=_named(asked.by, str(row[asked.by])), running=bool(row.get("running")),
            cells=[Cell(column.title, _words(column, row)) for column in metric.columns],
            address=_address(metric, row, asked) if may_open else "",
        )
        for row in ordered
    ]  # fmt: skip


def _address(metric: Metric, row: Mapping[str, Any], asked: Asked) -> str:
    """Of the customers whose number a row tells, in its own currency."""
    asked = asked._replace(currency=str(row.get("currency", "")))
    return f"/console/metrics/{metric.name}/who?{asked.query(group=row[asked.by])}"


def _named(by: str, group: str) -> str:
    """A group as people say it."""
    if by in ("day", "week"):
        return date_words_of(date.fromisoformat(group))
    if by == "month":
        return date(int(group[:4]), int(group[5:7]), 1).strftime("%B %Y")
    return country(group) if by == "country" and len(group) == 2 else group


def _words(column: Column, row: Mapping[str, Any]) -> str:
    value = row[column.name]
    if value is None:
        return "–"
    if column.unit == "share":
        return percent(value)
    if column.unit == "minor":
        return format_minor(value, str(row.get("currency", "")))
    if column.unit == "days":
        return ngettext("%(days)s day", "%(days)s days", int(value), days=count(value))
    return count(value)


def _chart(metric: Metric, rows: Sequence[Mapping[str, Any]], by: str) -> dict[str, Any] | None:
    """The main number by time as a line, by group as bars; a period that is not over stands apart."""
    known = [row for row in rows if _number(row, metric.columns) is not None]
    # A period without a number keeps its place in the line.
    column, marked = metric.value, list(rows) if known and by in PERIODS else known
    if not marked or len({row[by] for row in marked}) < len(marked):
        return None
    if by not in PERIODS:
        marked = sorted(marked, key=lambda row: -_number(row, metric.columns))[:12]
    steps = [_named(by, str(row[by])) for row in marked]
    points = [_plain(column, row) for row in marked]
    running = [number for number, row in enumerate(marked) if row.get("running")]
    series: list[dict[str, Any]] = [
        {"name": gettext(column.title), "points": [None if n in running else p for n, p in enumerate(points)]}
    ]
    if running and len(points) > 1:
        last = running[0]
        rest = [None] * max(0, last - 1) + points[max(0, last - 1) :]
        series.append({"name": gettext("not over yet"), "points": rest, "dashed": True})
    return {
        "kind": "line" if by in PERIODS else "bar", "steps": steps, "percent": column.unit == "share",
        "whole": column.unit in ("count", "days"), "series": series,
    }  # fmt: skip


def _plain(column: Column, row: Mapping[str, Any]) -> float | None:
    value = _number(row, [column])
    if value is None:
        return None
    return float(value / 10 ** exponent(str(row.get("currency", "")))) if column.unit == "minor" else float(value)
