"""Which share agrees, by purpose, over time, by source and by wording: what people answered within a window.

Counted are answers that were another than the person's before. Who refuses on a page before anything was allowed leaves
no trace by design (`rapport.js` sends nothing), so a rate says how those answered whose answer reached Rapport.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.consent.model import FREE, PolicySet
from rapport.capabilities.consent.store import consent_answers
from rapport.kernel.clock import DAY
from rapport.kernel.ids import WorkspaceId

__all__ = ["SPANS", "PurposeRates", "Rate", "Span", "rates_of"]

SPANS: Mapping[int, int] = {7: 1, 28: 7, 91: 7, 364: 28}
"""Days of a window, and of each of the spans that it is told by."""
MOST_GROUPS = 12
"""Sources, and wordings, of a purpose that are told, those with most answers first."""
_Z = 1.96

_a = consent_answers.c


class Rate(NamedTuple):
    """How many agreed and refused."""

    granted: int
    denied: int

    @property
    def answered(self) -> int:
        """All of them."""
        return self.granted + self.denied

    @property
    def share(self) -> float | None:
        """Of those who answered, how many agreed; None where nobody did."""
        return self.granted / self.answered if self.answered else None

    @property
    def interval(self) -> tuple[float, float]:
        """Between what the share lies, at 95 %.

        **Source**: Wilson (1927), Probable inference, JASA 22.

        >>> [round(end, 3) for end in Rate(8, 2).interval]
        [0.49, 0.943]
        """
        n, z = max(self.answered, 1), _Z
        share = self.granted / n
        middle, half = share + z * z / (2 * n), z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        return max((middle - half) / (1 + z * z / n), 0.0), min((middle + half) / (1 + z * z / n), 1.0)


class Span(NamedTuple):
    """A part of the window."""

    since: int
    rate: Rate


class PurposeRates(NamedTuple):
    """One purpose."""

    name: str
    title: str
    rate: Rate
    spans: Sequence[Span]
    sources: Sequence[tuple[str, Rate]]
    wordings: Sequence[tuple[str, Rate]]


def rates_of(
    conn: Connection, workspace: WorkspaceId, policies: PolicySet, *, until: int, days: int
) -> list[PurposeRates]:
    """What was answered in these days (one of `SPANS`), by the purposes of all policies; those nobody answered are out.

    Three set-based reads over an index of the window, whose groups are bounded by what policies name.
    """
    words, titles = _words(policies)
    width = SPANS[days] * DAY
    since = until - days * DAY
    by_span = _counted(conn, workspace, words, since=since, until=until, by=(_a.at - since) // width)
    by_source = _counted(conn, workspace, words, since=since, until=until, by=_a.source)
    by_wording = _counted(conn, workspace, words, since=since, until=until, by=_a.wording)
    return [
        PurposeRates(
            name, title, _sum(by_span[name].values()),
            [Span(since + n * width, by_span[name].get(n, Rate(0, 0))) for n in range(days * DAY // width)],
            _first(by_source[name]), _first(by_wording[name]),
        )
        for name, title in titles.items()
        if by_span.get(name)
    ]  # fmt: skip


def _words(policies: PolicySet) -> tuple[dict[str, str], dict[str, str]]:
    """Which purpose a category means, and what purposes are called: as the first policy says, the default one leads."""
    words: dict[str, str] = {}
    titles: dict[str, str] = {}
    for policy in sorted(policies.policies, key=lambda one: one.name != policies.default):
        for name, rule in policy.purposes.items():
            if rule.basis in FREE:
                titles.setdefault(name, rule.title)
                for word in policy.names(name):
                    words.setdefault(word, name)
    return words, titles


def _counted(
    conn: Connection,
    workspace: WorkspaceId,
    words: Mapping[str, str],
    *,
    since: int,
    until: int,
    by: sa.ColumnElement[Any],
) -> dict[str, dict[Any, Rate]]:
    """By purpose and group; the groups with most answers where there are very many (anybody may name a wording)."""
    category, number = sa.func.lower(_a.category), sa.func.count()
    granted = sa.func.sum(sa.case((_a.state == "granted", 1), else_=0))
    query = (
        sa.select(category, by, number, granted)
        .where(_a.workspace == workspace, _a.at >= since, _a.at < until)
        .where(_a.state.in_(("granted", "denied")), category.in_(sorted(words)))
        .group_by(category, by)
        .order_by(number.desc())
        .limit(2_000)
    )
    found: dict[str, dict[Any, Rate]] = {}
    for word, group, answered, agreed in conn.execute(query):
        groups = found.setdefault(words[word], {})
        before = groups.get(group, Rate(0, 0))
        groups[group] = Rate(before.granted + int(agreed), before.denied + int(answered) - int(agreed))
    return found


def _sum(several: Iterable[Rate]) -> Rate:
    rates = list(several)
    return Rate(sum(one.granted for one in rates), sum(one.denied for one in rates))


def _first(groups: Mapping[str, Rate]) -> list[tuple[str, Rate]]:
    return sorted(groups.items(), key=lambda item: (-item[1].answered, item[0]))[:MOST_GROUPS]
