"""Channels and campaigns with their numbers side by side, each as its own metric counts it."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection

from rapport.measure.model import Question
from rapport.measure.service import Metrics

__all__ = ["COLUMNS", "beside", "names_beside"]

COLUMNS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "channel": (
        ("revenue", ("orders", "revenue_minor", "net_minor")), ("average_order", ("average_minor",)),
        ("new_customers", ("customers", "new_customers")), ("return_rate", ("return_rate",)),
        ("checkout_funnel", ("viewed", "conversion")),
    ),
    "campaign": (
        ("revenue", ("orders", "revenue_minor", "net_minor")), ("average_order", ("average_minor",)),
        ("new_customers", ("customers", "new_customers")), ("return_rate", ("return_rate",)),
    ),
}  # fmt: skip
"""By group: which columns of which metrics."""


def beside(conn: Connection, metrics: Metrics, question: Question, *, by: str, segment: str) -> list[dict[str, Any]]:
    """One row for each channel or campaign and currency, the largest revenue first; what is not known is None.

    Numbers that have no currency stand in each of their group's rows.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    without: dict[str, dict[str, Any]] = {}
    for name, columns in COLUMNS[by]:
        asked = msgspec.structs.replace(question, by=by)
        for row in metrics.answer(conn, name, asked, segment=segment).rows:
            numbers = {column: row[column] for column in columns}
            if "currency" in row:
                found.setdefault((row[by], row["currency"]), {}).update(numbers)
            else:
                without.setdefault(row[by], {}).update(numbers)
    for group in without.keys() - {group for group, _ in found}:
        found[group, ""] = {}
    nothing = dict.fromkeys(names_beside(by))
    rows = [
        {by: group, "currency": currency, **nothing, **without.get(group, {}), **numbers}
        for (group, currency), numbers in found.items()
    ]
    return sorted(rows, key=lambda row: (-(row["revenue_minor"] or 0), row[by], row["currency"]))


def names_beside(by: str) -> list[str]:
    """The numbers that stand beside each other, by name."""
    return [column for _, columns in COLUMNS[by] for column in columns]
