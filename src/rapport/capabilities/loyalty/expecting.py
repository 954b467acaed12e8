"""What terms would have cost, had they held already: before they are put in force, by the shop's own orders.

The same function that books points (`earning.due_to`) is asked twice about a sample of people, once with the terms that
hold and once with those wanted. A campaign whose days are still to come is laid upon the same weekdays of weeks that
are over. The sample is a part of the keys' own range, which is as good as chance since keys are hashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.causes import Cause
from rapport.capabilities.loyalty.earning import Due, Paid, Version, due_to
from rapport.capabilities.loyalty.known import Known, known_of
from rapport.capabilities.loyalty.programme import EarningRule, Programme
from rapport.decide import people as customers
from rapport.kernel.clock import DAY, from_iso, to_iso
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection
from rapport.remember import membership
from rapport.storage.bulk import upsert

__all__ = ["Cost", "Expected", "ExpectedCampaign", "expectations_of", "expected_of", "keep_expectations"]

LOOKED_BACK = 84 * DAY
MONTH = 30 * DAY
WEEK = 7 * DAY
WINDOWS = 4
"""So many earlier times of a campaign's length are looked at."""
SAMPLE = 1_000
"""People that are looked at; of more than these all is estimated, with an interval."""
_NORMAL_95 = 1.96


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What something costs; money in minor units, points at their worth. The interval is one of 95 %."""

    points: int
    saved_minor: int
    """By benefits of price and delivery."""
    minor: int
    """Both, in money."""
    low_minor: int
    high_minor: int


class ExpectedCampaign(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that ends: what it would have brought in as long a time, on the same weekdays, before now."""

    rule: str
    title: str
    windows: int
    """Of so many such times this is the mean; 0: there are none to look at."""
    cost: Cost


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What terms would cost, by the orders of the last twelve weeks; `before` and `after` are of 30 days."""

    looked_at: int
    """Accounts whose orders were counted twice."""
    of: int
    """Accounts with a history; estimated where it is more than were looked at."""
    before: Cost
    after: Cost
    more: Cost
    """What the terms cost more than those that hold; less than nothing where they save."""
    campaigns: tuple[ExpectedCampaign, ...] = ()


class _Sample(NamedTuple):
    strands: frozenset[Key]
    share: float
    """Of the keys' whole range."""


class _Sums(NamedTuple):
    """Of one account: points and money, of a time or of a campaign."""

    points: float = 0.0
    saved: float = 0.0

    def plus(self, points: float, saved: float) -> _Sums:
        return _Sums(self.points + points, self.saved + saved)


def expected_of(
    conn: Connection, workspace: WorkspaceId, versions: Sequence[Version], wanted: Programme, *, now: int
) -> Expected:  # fmt: skip
    """What these terms would cost. Cost: the causes of at most 1,000 accounts, each counted three times."""
    sample = _sample(conn, workspace)
    known = known_of(conn, workspace, sample.strands, {"": versions}, lock=False)
    holds = versions[-1].programme if versions else Programme(title=wanted.title, currency=wanted.currency)
    asks = any(rule.segments for rule in wanted.earning)
    within = _segments(conn, workspace, known) if asks else {}
    laid = _laid_back(wanted, now)
    accounts = 0.0
    before, after, campaigns = [], [], {rule.name: [] for rule, _ in laid}  # type: ignore[var-annotated]
    for root, causes in known.causes.items():
        there = [one._replace(segments=one.segments or within.get(one.strand, "")) for one in causes]
        share = _share(known, root, there, sample)
        if not share:
            continue
        accounts += share
        paid = [p for strand in known.strands[root] for _, p in known.paid.get(strand, ())]
        mine = _Person(there, paid, known)
        before.append(_scaled(_sums(mine.due(holds), since=now - LOOKED_BACK), share))
        after.append(_scaled(_sums(mine.due(wanted), since=now - LOOKED_BACK), share))
        if laid:
            found = mine.due(_copies(wanted, laid))
            for rule, windows in laid:
                campaigns[rule.name].append(_scaled(_of_rule(found, rule), share / max(1, len(windows))))
    month = MONTH / LOOKED_BACK
    return Expected(
        looked_at=len(before), of=round(accounts / sample.share),
        before=_cost(before, holds, sample.share, month), after=_cost(after, wanted, sample.share, month),
        more=_between(before, after, holds, wanted, sample.share, month),
        campaigns=tuple(
            ExpectedCampaign(rule=rule.name, title=rule.title, windows=len(windows),
                             cost=_cost(campaigns[rule.name], wanted, sample.share, 1.0))
            for rule, windows in laid
        ),
    )  # fmt: skip


def keep_expectations(
    conn: Connection, workspace: WorkspaceId, name: str, expected: Expected, wanted: Programme, *, now: int
) -> None:  # fmt: skip
    """Keep what campaigns are expected to cost, until they begin: what they cost is held against it."""
    begun = {rule.name for rule in wanted.earning if not rule.since or from_iso(rule.since) <= now}
    x = store.expectations.c
    known = set(conn.execute(sa.select(x.rule).where(x.workspace == workspace, x.programme == name)).scalars())
    upsert(
        conn, store.expectations,
        [
            {"workspace": workspace, "programme": name, "rule": one.rule, "at": now, "windows": one.windows,
             "points": one.cost.points, "minor": one.cost.minor, "low_minor": one.cost.low_minor,
             "high_minor": one.cost.high_minor}
            for one in expected.campaigns if one.windows and not (one.rule in known and one.rule in begun)
        ],
        key=("workspace", "programme", "rule"),
        update=("at", "windows", "points", "minor", "low_minor", "high_minor"),
    )  # fmt: skip


def expectations_of(conn: Connection, workspace: WorkspaceId, name: str) -> dict[str, Cost]:
    """What campaigns were expected to cost when they were put in force, by their rule."""
    x = store.expectations.c
    rows = conn.execute(sa.select(store.expectations).where(x.workspace == workspace, x.programme == name))
    return {
        row.rule: Cost(points=row.points, saved_minor=0, minor=row.minor, low_minor=row.low_minor,
                       high_minor=row.high_minor)
        for row in rows
    }  # fmt: skip


class _Person:
    """Somebody's causes, to be counted under whatever terms."""

    def __init__(self, causes: Sequence[Cause], paid: Sequence[Paid], known: Known) -> None:
        self._causes, self._paid, self._known = causes, paid, known

    def due(self, terms: Programme) -> list[Due]:
        """What would be due, had these terms always held."""
        always = msgspec.structs.replace(terms, starts="")
        return due_to(
            [Version(1, 0, always)], self._causes, paid=self._paid, redeemed=self._known.redeemed,
            referrals=self._known.referrals,
        )[0]  # fmt: skip


def _sample(conn: Connection, workspace: WorkspaceId) -> _Sample:
    c = store.causes.c
    query = sa.select(c.strand).where(c.workspace == workspace).group_by(c.strand).order_by(c.strand)
    strands = [Key(row[0]) for row in conn.execute(query.limit(SAMPLE + 1))]
    if len(strands) <= SAMPLE:
        return _Sample(frozenset(strands), 1.0)
    last = strands[-1]
    return _Sample(frozenset(strands[:-1]), int.from_bytes(last, "big") / 256 ** len(last))


def _share(known: Known, root: Key, causes: Sequence[Cause], sample: _Sample) -> float:
    """How much of somebody the sample holds: some of their keys may lie outside it."""
    theirs = {one.strand for one in causes} & set(known.strands[root])
    return len(theirs & sample.strands) / len(theirs) if theirs else 0.0


def _segments(conn: Connection, workspace: WorkspaceId, known: Known) -> dict[Key, str]:
    """The segments people are in now, as JSON: what they were in then was kept only where a rule asked."""
    strands = {one for several in known.strands.values() for one in several}
    roots = customers.roots_of(conn, workspace, strands)
    names = membership.names_by_root(conn, workspace, set(roots.values()))
    return {one: msgspec.json.encode(names.get(root, [])).decode() for one, root in roots.items()}


def _laid_back(wanted: Programme, now: int) -> list[tuple[EarningRule, tuple[EarningRule, ...]]]:
    """Campaigns that are not over, each with copies of it on the same weekdays before now."""
    return [(rule, _windows(rule, now)) for rule in wanted.earning if rule.until and from_iso(rule.until) > now]


def _windows(rule: EarningRule, now: int) -> tuple[EarningRule, ...]:
    until = from_iso(rule.until)
    since = from_iso(rule.since) if rule.since else now
    step = -(-(until - since) // WEEK) * WEEK
    back = -(-(until - now) // WEEK) * WEEK
    copies = []
    for number in range(WINDOWS):
        by = back + number * step
        if since - by < now - 365 * DAY:
            break
        copies.append(msgspec.structs.replace(
            rule, name=f"{rule.name}~{number}", since=to_iso(since - by), until=to_iso(until - by)
        ))  # fmt: skip
    return tuple(copies)


def _copies(wanted: Programme, laid: Iterable[tuple[EarningRule, tuple[EarningRule, ...]]]) -> Programme:
    """The terms with the campaigns laid back: a fact earns by one rule alone, so those stand before the others."""
    replaced = {rule.name: copies for rule, copies in laid}
    others = tuple(rule for rule in wanted.earning if rule.name not in replaced)
    copies = tuple(copy for several in replaced.values() for copy in several)
    return msgspec.structs.replace(wanted, earning=(*copies, *others))


def _sums(due: Iterable[Due], *, since: int) -> _Sums:
    found = _Sums()
    for one in due:
        if one.at >= since:
            saved = sum(s.minor for s in one.savings if s.kind != "rule")
            found = found.plus(one.points, saved)
    return found


def _of_rule(due: Iterable[Due], rule: EarningRule) -> _Sums:
    """The points of a campaign's copies: of orders as their savings tell, of other facts by their rule."""
    prefix, points = f"{rule.name}~", 0
    for one in due:
        points += sum(s.points for s in one.savings if s.source.startswith(f"rule:{prefix}"))
        points += one.points if one.rule.startswith(prefix) else 0
    return _Sums(points)


def _scaled(sums: _Sums, by: float) -> _Sums:
    return _Sums(sums.points * by, sums.saved * by)


def _cost(sums: Sequence[_Sums], terms: Programme, share: float, per: float) -> Cost:
    """All of it, from the part that was looked at; `per` brings it to a month."""
    worth = terms.worth.minor / terms.worth.points
    money = [one.points * worth + one.saved for one in sums]
    total, around = _total(money, share)
    return Cost(
        points=round(sum(one.points for one in sums) / share * per),
        saved_minor=round(sum(one.saved for one in sums) / share * per), minor=round(total * per),
        low_minor=round((total - around) * per), high_minor=round((total + around) * per),
    )  # fmt: skip


def _between(
    before: Sequence[_Sums], after: Sequence[_Sums], holds: Programme, wanted: Programme, share: float, per: float
) -> Cost:  # fmt: skip
    """The difference, person by person: a point may be worth something else."""
    old, new = (terms.worth.minor / terms.worth.points for terms in (holds, wanted))
    each = [a.points * new + a.saved - b.points * old - b.saved for b, a in zip(before, after, strict=True)]
    total, around = _total(each, share)
    return Cost(
        points=round(sum(a.points - b.points for b, a in zip(before, after, strict=True)) / share * per),
        saved_minor=round(sum(a.saved - b.saved for b, a in zip(before, after, strict=True)) / share * per),
        minor=round(total * per), low_minor=round((total - around) * per), high_minor=round((total + around) * per),
    )  # fmt: skip


def _total(each: Sequence[float], share: float) -> tuple[float, float]:
    """The sum of all from a sample of this share, and how far it may be off either way."""
    n = len(each)
    if share >= 1.0 or n < 2:
        return sum(each), 0.0
    mean = sum(each) / n
    # Each is in the sample with chance `share`, so the number of those who are in it varies, too.
    squares = sum(one * one for one in each)
    deviation = sqrt(max(0.0, squares * (1 - share))) / share
    return n * mean / share, _NORMAL_95 * deviation
