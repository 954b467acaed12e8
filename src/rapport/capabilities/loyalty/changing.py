"""Change the terms of a programme: checked, told as a fact, and with whom it affects known before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.checking import read_programme
from rapport.capabilities.loyalty.earning import terms_at
from rapport.capabilities.loyalty.expecting import Expected, expected_of, keep_expectations
from rapport.capabilities.loyalty.facts import CHANGED, FACT_KINDS
from rapport.capabilities.loyalty.programme import Programme
from rapport.capabilities.loyalty.tiers import Standing
from rapport.capabilities.loyalty.versions import save_version, versions_of
from rapport.collect.names import Vocabulary
from rapport.collect.own import own_fact
from rapport.kernel.clock import DAY, from_iso, to_iso
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Connection
from rapport.storage import log
from rapport.storage.engine import Database

__all__ = ["Effect", "change_programme", "effect_of"]

_OURS = Vocabulary(FACT_KINDS)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
MOST_LOOKED_AT = 20_000


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a change would affect, by what they have ordered so far."""

    members: int
    """Customers with a lot of the programme; those looked at, where there are more."""
    rise: int
    """Of them, how many would be in a higher tier, had these terms held for their orders."""
    fall: int
    notice_until: str
    """From when on it holds for who is here now."""
    points_worth_before_minor: int
    points_worth_after_minor: int
    """What all points that can be used, or soon, would be worth."""
    expected: Expected
    """What the terms would have cost, had they held for the orders of the last twelve weeks."""


def _refuse_other_periods(before: Programme, wanted: Programme) -> None:
    """What is paid for is counted in periods from the day of joining: they cannot become longer meanwhile."""
    for plan in wanted.plans:
        there = before.plan_named(plan.name)
        if there is not None and there.period != plan.period:
            raise InvalidInput(
                f"the plan {plan.name!r} is paid by the {there.period}, not by the {plan.period}",
                hint="give the other plan a name of its own",
            )


def change_programme(
    db: Database, workspace: WorkspaceId, name: str, document: bytes | Mapping[str, Any], *, seen: int, by: str,
    reason: str, now: int,
) -> int:  # fmt: skip
    """Put terms in force as the next version; returns its number. Raises InvalidInput for terms that cannot hold,
    Conflict where somebody else changed them meanwhile.
    """
    if _NAME.fullmatch(name) is None:
        raise InvalidInput(f"{name[:60]!r} is no name of a programme", hint="small letters, digits and hyphens")
    programme = read_programme(document)
    if seen and not reason.strip():
        raise InvalidInput("say why the terms change", hint="it stays with the version, and members read it")
    expected = _of_campaigns(db, workspace, name, programme, now=now)
    with db.write() as conn:
        before = versions_of(conn, workspace).get(name, [])
        if before and before[-1].programme.currency != programme.currency:
            raise InvalidInput(
                f"the programme counts in {before[-1].programme.currency}, not in {programme.currency}",
                hint="points are worth money: begin another programme for another currency",
            )
        if before:
            _refuse_other_periods(before[-1].programme, programme)
        if not programme.starts:
            starts = before[0].programme.starts if before else to_iso(now)
            programme = msgspec.structs.replace(programme, starts=starts)
        number = save_version(conn, workspace, name, programme, seen=seen, by=by, reason=reason.strip(), now=now)
        said = {"programme": name, "version": number, "title": programme.title, "reason": reason.strip(), "by": by,
                "holds_at": to_iso(now + programme.notice_days * DAY)}  # fmt: skip
        if expected is not None:
            keep_expectations(conn, workspace, name, expected, programme, now=now)
        log.append(conn, [own_fact(
            workspace, name=CHANGED, id=f"programme-changed:{name}:{number}", occurred_at=now, received_at=now,
            properties=said, vocabulary=_OURS,
        )])  # fmt: skip
        return number


def _of_campaigns(
    db: Database, workspace: WorkspaceId, name: str, programme: Programme, *, now: int
) -> Expected | None:  # fmt: skip
    """What the campaigns of these terms are expected to cost; None where there is none. Read before anybody waits."""
    if not any(rule.until and from_iso(rule.until) > now for rule in programme.earning):
        return None
    with db.read() as conn:
        return expected_of(conn, workspace, versions_of(conn, workspace).get(name, []), programme, now=now)


def effect_of(conn: Connection, workspace: WorkspaceId, name: str, wanted: Programme, *, now: int) -> Effect:
    """What a change would do, before it is made. Cost: the lots of the programme, at most those of so many people."""
    versions = versions_of(conn, workspace).get(name, [])
    c = store.lots.c
    query = (
        sa.select(c.strand, c.at, c.counted_minor, store.given_of(c),
                  c.pending + c.available)
        .where(c.workspace == workspace, c.programme == name).order_by(c.strand, c.at).limit(MOST_LOOKED_AT * 10)
    )  # fmt: skip
    people: dict[bytes, list[tuple[int, int, int]]] = {}
    points = 0
    for strand, at, minor, given, left in conn.execute(query):
        people.setdefault(bytes(strand), []).append((at, minor, given))
        points += left
    rise = fall = 0
    for orders in people.values():
        terms = terms_at(versions, now, orders[0][0])
        if terms is not None:
            before, after = (_threshold(t, orders, now) for t in (terms, wanted))
            rise, fall = rise + (after > before), fall + (after < before)
    worth = versions[-1].programme.worth if versions else wanted.worth
    return Effect(
        members=len(people), rise=rise, fall=fall, notice_until=to_iso(now + wanted.notice_days * DAY),
        points_worth_before_minor=points * worth.minor // worth.points,
        points_worth_after_minor=points * wanted.worth.minor // wanted.worth.points,
        expected=expected_of(conn, workspace, versions, wanted, now=now),
    )  # fmt: skip


def _threshold(terms: Programme, orders: list[tuple[int, int, int]], now: int) -> int:
    """The place of the tier somebody would be in, from 0 on."""
    standing = Standing()
    for at, minor, given in orders:
        standing.add(terms, at, minor=minor, points=given, kept=minor > 0)
    names = [tier.name for tier in terms.tiers]
    tier = standing.tier_at(terms, now)
    return names.index(tier) if tier in names else 0
