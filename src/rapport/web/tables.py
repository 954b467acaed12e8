"""Tables of the console: which columns, in which order, filtered by what; all of it in the address, so that it can be
sent to a colleague, kept as a view, and read without JavaScript.

A page declares its `Column`s, asks `read_view` what the address says, and gives the `TableView` to the macros of
`web/table.html`. How they look and are used stands at `/console/components`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request
from litestar.response import Stream

from rapport.kernel.text import clean

__all__ = ["Column", "TableView", "csv_answer", "csv_cell", "csv_lines", "read_view"]

LONGEST = 200
"""Characters of a value in the address."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column."""

    key: str
    title: str
    sortable: bool = False
    largest_first: bool = True
    """Which way the first click sorts."""
    right: bool = False
    """For numbers and times."""
    shown: bool = True
    """Whether it is shown to whoever has chosen nothing."""
    fixed: bool = False
    """Cannot be left out: what the row is called."""
    note: str = ""
    """What exactly is meant, where the title leaves a question."""


class TableView(msgspec.Struct, frozen=True, kw_only=True):
    """A table as the address asks for it."""

    path: str
    columns: tuple[Column, ...]
    shown: tuple[Column, ...]
    sort: str
    upwards: bool
    asked: dict[str, str]
    """The filters: parameter → value, those that were given."""
    cursor: str
    default_sort: str

    @property
    def filtered(self) -> bool:
        """Whether any filter is set."""
        return bool(self.asked)

    @property
    def query(self) -> str:
        """All of it but the page, as a view keeps it: `country=DE&sort=orders`."""
        return self._query({})

    def address(self, **changes: str | None) -> str:
        """The same table with these parameters changed (None takes one out), on its first page."""
        query = self._query(changes)
        return f"{self.path}?{query}" if query else self.path

    def sorted_by(self, column: Column) -> str:
        """The address of the table sorted by this column; the other way round where it is already."""
        upwards = not self.upwards if column.key == self.sort else not column.largest_first
        return self.address(sort=column.key, dir="up" if upwards else "down")

    def hidden_fields(self, *but: str) -> list[tuple[str, str]]:
        """What a form has to carry along, except the fields it has itself."""
        return [(name, value) for name, value in self._parameters({}) if name not in but]

    def _query(self, changes: dict[str, str | None]) -> str:
        return urlencode(self._parameters(changes))

    def _parameters(self, changes: dict[str, str | None]) -> list[tuple[str, str]]:
        found: dict[str, str] = dict(self.asked)
        column = next((one for one in self.columns if one.key == self.sort), None)
        usual = column is None or self.upwards is not column.largest_first
        if self.sort != self.default_sort or not usual:
            found |= {"sort": self.sort} if usual else {"sort": self.sort, "dir": "up" if self.upwards else "down"}
        if [one.key for one in self.shown] != [one.key for one in self.columns if one.shown]:
            found["cols"] = ",".join(one.key for one in self.shown if not one.fixed) or "none"
        return [(name, value) for name, value in {**found, **changes}.items() if value]


def read_view(
    request: Request[Any, Any, Any], columns: Sequence[Column], *, filters: Iterable[str], sort: str, path: str = ""
) -> TableView:
    """What the address asks of a table with these columns and filters; `sort` is the order where it says none.

    Nothing is refused: an unknown column or order is as if it had not been asked for.
    """
    asked = request.query_params
    by_key = {column.key: column for column in columns}
    sort_asked = clean(asked.get("sort"), longest=40)
    chosen = sort_asked if sort_asked == "best" or (sort_asked in by_key and by_key[sort_asked].sortable) else sort
    first = not by_key[chosen].largest_first if chosen in by_key else False
    return TableView(
        path=path or request.url.path,
        columns=tuple(columns),
        shown=_shown(columns, [name for given in asked.getall("cols", []) for name in given[:1_000].split(",")]),
        sort=chosen,
        upwards={"up": True, "down": False}.get(asked.get("dir", ""), first),
        asked={name: value for name in filters if (value := clean(asked.get(name), longest=LONGEST))},
        cursor=clean(asked.get("cursor"), longest=1_000),
        default_sort=sort,
    )


def _shown(columns: Sequence[Column], asked: Sequence[str]) -> tuple[Column, ...]:
    if not asked:
        return tuple(column for column in columns if column.shown)
    return tuple(column for column in columns if column.fixed or column.key in asked)


def csv_answer(name: str, titles: Sequence[str], rows: Iterable[Sequence[object]]) -> Stream:
    """The rows as a file for spreadsheets, sent while they are read. Of people: `people_files`."""
    return Stream(
        csv_lines(titles, rows),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"},
    )


def csv_lines(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a file for spreadsheets. UTF-8 with a mark, so that all of them see it."""
    yield "\ufeff"
    yield _line(titles)
    yield from map(_line, rows)


def csv_cell(value: object) -> str:
    r"""A value as a cell that no spreadsheet takes for a formula.

    >>> csv_cell("=1+2"), csv_cell("@sum"), csv_cell("+49 30 1"), csv_cell(-5), csv_cell(None), csv_cell("a b")
    ("'=1+2", "'@sum", "'+49 30 1", '-5', '', 'a b')
    """
    if value is None:
        return ""
    text = str(value)
    formula = not isinstance(value, int | float | Decimal) and text.lstrip(" \u00a0")[:1] in _FORMULA
    return f"'{text}" if formula else text


_FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""With what a spreadsheet begins a formula, wide forms too."""


def _line(row: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([csv_cell(value) for value in row])
    return out.getvalue()
