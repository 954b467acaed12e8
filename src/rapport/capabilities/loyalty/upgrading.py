"""Go from one plan to another at once: what is paid for and not used yet is credited, to the minor unit.

The new membership begins now, on an anchor day of its own. Nobody is on trial twice, so it begins with its fee.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.days import period_end
from rapport.capabilities.loyalty.facts import ENDED, STARTED
from rapport.capabilities.loyalty.fees import carry_on
from rapport.capabilities.loyalty.paid_for import pauses_of
from rapport.capabilities.loyalty.periods import MONTHS, begin, cut_short, find, opened, plan_of, report
from rapport.capabilities.loyalty.programme import Plan, Programme
from rapport.capabilities.loyalty.whose import person_of
from rapport.kernel.errors import Conflict, InvalidInput
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection
from rapport.storage.engine import Database

__all__ = ["Change", "change_of", "change_plan"]

_m, _p = store.memberships.c, store.periods.c


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """From one plan to another, now. Money in minor units of the programme's currency."""

    plan: str
    title: str
    currency: str
    fee_minor: int
    """Of the first period of the new plan."""
    credit_minor: int
    """What was paid for the old one and not used yet."""
    to_pay_minor: int
    to_give_back_minor: int
    """Where more was paid than the new plan costs."""
    membership: str = ""
    """The new one's id, once it has begun."""


class _Now(NamedTuple):
    row: Any
    old: Plan
    new: Plan
    terms: Programme


def change_of(conn: Connection, workspace: WorkspaceId, id: str, plan: str, *, now: int) -> Change:
    """What going to another plan would cost now. Raises NotFound, Conflict where it cannot be."""
    return _change(conn, workspace, _looked_at(conn, workspace, id, plan, lock=False, now=now), now=now)


def change_plan(db: Database, workspace: WorkspaceId, id: str, plan: str, *, payment: str, now: int) -> Change:
    """Go to another plan now; the same payment again answers the same. Raises InvalidInput where something is to be
    paid and is not, Conflict where this membership has ended, rests, or somebody has the other plan already.
    """
    with db.write() as conn:
        opened(conn, workspace, id)
        paid_by = payment or f"credit:{id}"
        told = conn.execute(sa.select(_p.membership).where(_p.workspace == workspace, _p.payment == paid_by)).first()
        if told is not None and told.membership != id:
            return _told(conn, workspace, id, told.membership, plan)
        there = _looked_at(conn, workspace, id, plan, lock=True, now=now)
        found = _change(conn, workspace, there, now=now)
        if found.to_pay_minor and not payment:
            raise InvalidInput(f"{found.to_pay_minor} are to be paid", hint='{"payment": "the id of the payment"}')
        row, key = there.row, Key(there.row.strand)
        until = period_end(now, MONTHS[there.new.period], there.terms.time_zone)
        new = begin(conn, workspace, key, there.new, row.programme, payment=paid_by, until=until,
                    charged=found.to_pay_minor, now=now)  # fmt: skip
        cut_short(conn, workspace, row, why="changed", refunded_minor=row.refunded_minor + found.credit_minor,
                  changed_to=new, credited_minor=found.credit_minor, now=now)  # fmt: skip
        carry_on(conn, workspace, id, new)
        report(conn, workspace, ENDED, f"membership-ended:{id}", key, there.old, id, row.programme, now, now=now,
              reason="changed", credit_minor=found.credit_minor, currency=there.terms.currency)  # fmt: skip
        report(conn, workspace, STARTED, f"membership-started:{new}", key, there.new, new, row.programme,
                         until, now=now)  # fmt: skip
        return msgspec.structs.replace(found, membership=new)


def _told(conn: Connection, workspace: WorkspaceId, id: str, new: str, plan: str) -> Change:
    """The change that this payment paid before. Raises Conflict where it paid something else."""
    before, after = find(conn, workspace, id), find(conn, workspace, new)
    if before.changed_to != after.id or after.plan != plan:
        raise Conflict("the payment was told before", hint="each payment pays one period, once")
    _, there, terms = opened(conn, workspace, new)
    return msgspec.structs.replace(_shown(there, terms, before.credited_minor), membership=new)


def _looked_at(conn: Connection, workspace: WorkspaceId, id: str, plan: str, *, lock: bool, now: int) -> _Now:
    row, old, terms = opened(conn, workspace, id, lock=lock)
    new = plan_of(terms.plan_named(plan), plan)
    if row.ended_at is not None or row.until <= now:
        raise Conflict(f"the membership {id} has ended", hint="let them join the other plan")
    if row.plan == plan:
        raise Conflict(f"the membership {id} is of the plan {plan!r} already")
    if any(since <= now < until for since, until in pauses_of(conn, workspace, [id]).get(id, ())):
        raise Conflict(f"the membership {id} rests", hint="resume it first")
    theirs = person_of(conn, workspace, Key(row.strand))
    others = sa.select(_m.id).where(
        _m.workspace == workspace, _m.strand.in_(theirs), _m.programme == row.programme, _m.plan == plan,
        _m.ended_at.is_(None), _m.until > now,
    )  # fmt: skip
    if conn.execute(others).first() is not None:
        raise Conflict(f"there is a membership {plan!r} already", hint="cancel this one")
    return _Now(row, old, new, terms)


def _change(conn: Connection, workspace: WorkspaceId, there: _Now, *, now: int) -> Change:
    periods = conn.execute(sa.select(_p.since, _p.until, _p.fee_minor).where(
        _p.workspace == workspace, _p.membership == there.row.id, _p.number > 0, _p.until > now)).all()  # fmt: skip
    rests = pauses_of(conn, workspace, [there.row.id]).get(there.row.id, [])
    left = 0
    for since, until, fee in periods:
        rested = sum(max(0, min(until, ends) - max(since, begins)) for begins, ends in rests)
        left += fee * (until - max(since, now)) // max(1, until - since - rested)
    paid = conn.execute(sa.select(sa.func.coalesce(sa.func.sum(_p.fee_minor), 0)).where(
        _p.workspace == workspace, _p.membership == there.row.id)).scalar_one()  # fmt: skip
    return _shown(there.new, there.terms, max(0, min(left, int(paid) - there.row.refunded_minor)))


def _shown(plan: Plan, terms: Programme, credit: int) -> Change:
    return Change(
        plan=plan.name, title=plan.title, currency=terms.currency, fee_minor=plan.fee_minor, credit_minor=credit,
        to_pay_minor=max(0, plan.fee_minor - credit), to_give_back_minor=max(0, credit - plan.fee_minor),
    )  # fmt: skip
