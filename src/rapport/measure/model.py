"""The nouns of measuring: a metric with its one definition, a question and its answer. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Connection

__all__ = ["Answer", "Column", "Measured", "Metric", "Question", "Read", "Row", "Unit", "Who"]

Unit = Literal["count", "minor", "share", "days", "score"]
"""`minor` are minor units of the row's currency."""
Row: TypeAlias = Mapping[str, Any]


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One number of a metric and what it means. A share names what it divides."""

    name: str
    title: str
    unit: Unit = "count"
    of: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    """For a share: the columns summed above and below the line; a leading `-` subtracts."""
    is_mean: bool = False
    """Whether it is a mean or a quantile: of nothing there is none, where a count or an amount is zero."""


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """A number of the shop, defined once for console, API and experiments."""

    name: str
    title: str
    definition: str
    """In words, complete: what is counted, when, and what is left out."""
    by: tuple[str, ...]
    """What it can be grouped by; the first one where nothing is asked."""
    columns: tuple[Column, ...]
    summable: bool = True
    """Whether the rows of one answer may be added up (amounts in several currencies may not)."""
    main: str = ""
    """The column that rows tell once more as `value`: what is meant where one number is asked for."""
    every_period: bool = False
    """Whether a day, week or month without anything is a row of zeros: of money one for each currency of the answer."""
    usual_days: int = 0
    """The last so many days are told where nothing is said; 0: as usual."""
    for_segments: bool = False
    """Whether it can be asked of the members of one segment alone."""
    instead: str = ""
    """Another metric that tells the same and more; this one is answered still, and pages name the other alone."""

    @property
    def value(self) -> Column:
        """The column that is meant where one number is asked for."""
        return next((column for column in self.columns if column.name == self.main), self.columns[0])


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A metric asked for a period (`since` ≤ time < `until`, microseconds), grouped."""

    workspace: WorkspaceId
    since: int
    until: int
    by: str
    zone: str = ""
    """Of the days; the shop's own where it is empty."""
    segment: int | None = None
    """Only customers who are in this segment now."""
    currency: str = ""
    """Where `who` is asked: only those with such money, as a row of one currency means them."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A metric answered. Each row has the group under its name (`day`, `country` …) beside the columns.

    `value`, where a metric has a main column, is that once more. Rows of days, weeks and months say whether they are
    `running`: not over yet; and the first and the last that they are `partial`, where `since` or `until` cuts them off.
    """

    metric: str
    """Its name."""
    unit: Unit
    """Of its main column, or else of the first."""
    name: str
    title: str
    definition: str
    by: str
    segment: str | None
    """Of whose customers; None for all."""
    since: str
    until: str
    as_of: str
    """When it was read; all of it is of one moment."""
    zone: str
    """The shop's time zone, whose days these are."""
    columns: list[Column]
    rows: list[dict[str, Any]]
    totals: dict[str, Any]
    """The columns over all rows; empty where rows may not be added up."""


Read: TypeAlias = Callable[[Connection, Question], Sequence[Row]]
"""Rows in order, with the group and all columns that are no shares."""


Who: TypeAlias = Callable[[Connection, Question, str], Any]
"""Given a group as its row names it: a select of the roots of the customers in it, each once."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A metric together with how its rows are read."""

    metric: Metric
    read: Read
    who: Who | None = None
