"""Days of sales as Home and the page of sales tell them: sums, bars, what changed against a week before. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from rapport.kernel.language import gettext
from rapport.kernel.money import UNKNOWN_CURRENCY, format_minor
from rapport.measure.compared import WEEK, change_of
from rapport.web.formats import date_words_of, weekday

__all__ = ["Bar", "Beside", "Sold", "bars_of", "beside", "sold_in", "words_of"]

_WIDTH, _HEIGHT, _GAP = 40, 100, 4

Rows = Iterable[Mapping[str, Any]]


class Sold(NamedTuple):
    """Orders, and the revenue before refunds of those in one currency."""

    orders: int
    minor: int


class Beside(NamedTuple):
    """What was sold in a period, in words, beside the one before it."""

    revenue: str
    orders: int
    revenue_before: str
    orders_before: int
    revenue_change: float | None
    """0.2 is a fifth more; None where there was nothing before."""
    orders_change: float | None


class Bar(NamedTuple):
    """A day in the chart, with the same day a week before behind it; all heights of the box of `_HEIGHT`."""

    day: str
    x: int
    height: float
    before: float
    words: str
    running: bool
    """Whether the day is not over."""


def sold_in(rows: Rows, currency: str, *, days: Sequence[date] = ()) -> Sold:
    """The rows of the metric `revenue_by` together: all orders, the money of one currency; of these days, if named."""
    wanted = {day.isoformat() for day in days}
    mine = [row for row in rows if not wanted or row["day"] in wanted]
    return Sold(
        sum(row["orders"] for row in mine), sum(row["revenue_minor"] for row in mine if row["currency"] == currency)
    )


def beside(now: Sold, before: Sold, currency: str) -> Beside:
    """Two periods in words."""
    return Beside(
        format_minor(now.minor, currency), now.orders, format_minor(before.minor, currency), before.orders,
        change_of(now.minor, before.minor), change_of(now.orders, before.orders),
    )  # fmt: skip


def words_of(rows: Rows, *, days: Sequence[date], without: str) -> str:
    """What these days brought in other currencies than one: `€12.00 + ¥500`, the largest three."""
    wanted, sums = {day.isoformat() for day in days}, dict[str, int]()
    for row in rows:
        if row["day"] in wanted and row["currency"] not in ("", without):
            sums[row["currency"]] = sums.get(row["currency"], 0) + row["revenue_minor"]
    ranked = sorted(sums.items(), key=lambda pair: (pair[0] == UNKNOWN_CURRENCY, -pair[1]))
    return " + ".join(format_minor(minor, code) for code, minor in ranked[:3] if minor)


def bars_of(rows: Rows, currency: str, days: Sequence[date]) -> list[Bar]:
    """The last seven of fourteen days as bars, each beside the same day of the week before; the last one is running."""
    by_day: dict[str, int] = {}
    for row in rows:
        if row["currency"] == currency:
            by_day[row["day"]] = by_day.get(row["day"], 0) + row["revenue_minor"]
    values = [max(0, by_day.get(day.isoformat(), 0)) for day in days]
    most = max(values) or 1
    return [
        Bar(
            day=weekday(day, short=True), x=place * _WIDTH + _GAP, height=round(value * _HEIGHT / most, 1),
            before=round(earlier * _HEIGHT / most, 1), running=place == WEEK - 1,
            words=gettext(
                "%(day)s: %(now)s; a week before %(before)s", day=date_words_of(day),
                now=format_minor(value, currency), before=format_minor(earlier, currency),
            ),
        )
        for place, (day, value, earlier) in enumerate(zip(days[WEEK:], values[WEEK:], values[:WEEK], strict=True))
    ]  # fmt: skip
