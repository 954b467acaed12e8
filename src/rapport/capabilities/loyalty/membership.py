"""Paid membership: it begins with a payment or a trial, is renewed once for each period, and lasts as long as is paid.

Billing is the shop's: it tells of payments, each by its id, which counts once for ever. A period begins and ends on the
anchor's day of the month. Whoever cancels keeps what is paid for to its end.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.days import end_of_day, period_end
from rapport.capabilities.loyalty.facts import CANCELLED, ENDED, RENEWED, STARTED
from rapport.capabilities.loyalty.programme import Plan
from rapport.capabilities.loyalty.redeeming import current
from rapport.capabilities.loyalty.settling import Stating
from rapport.capabilities.loyalty.whose import person_of
from rapport.kernel.clock import to_iso
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.kernel.work import Connection
from rapport.storage import log
from rapport.storage.bulk import insert_rows
from rapport.storage.engine import Database

__all__ = ["MembershipShown", "cancel", "cancel_of", "end_those_over", "join", "memberships_of", "renew"]

MONTHS = {"month": 1, "year": 12}


class MembershipShown(msgspec.Struct, frozen=True, kw_only=True):
    """A membership as it stands."""

    id: str
    programme: str
    plan: str
    title: str
    fee_minor: int
    currency: str
    state: str
    """`trial`, `active`, `cancelled` (good until `until`), or `ended`."""
    since: str
    until: str
    paid_minor: int
    saved_minor: int
    """What its benefits have saved since it began, beyond what the tier brings anyway."""


def join(
    db: Database, workspace: WorkspaceId, key: Key, plan: str, *, payment: str, programme: str = "", now: int
) -> str:
    """Begin a membership: with its trial if it has one and nothing is paid, else with the payment. Returns its id.
    Raises Conflict where one of the plan is running, or the payment was told before; InvalidInput without a payment.
    """
    with db.write() as conn:
        kept = current(conn, workspace, programme)
        found = _plan(kept.programme.plan_named(plan), plan)
        zone = kept.programme.time_zone
        strands = _lock(conn, workspace, key)
        m = store.memberships.c
        before = conn.execute(sa.select(store.memberships).where(
            m.workspace == workspace, m.strand.in_(strands), m.programme == kept.name, m.plan == plan,
        )).all()  # fmt: skip
        if any(row.ended_at is None and row.until > now for row in before):
            raise Conflict(f"there is a membership {plan!r} already", hint="renew it")
        if not payment and (before or not found.trial_days):
            raise InvalidInput("nothing is paid" + (", and the trial was had before" if before else ""),
                               hint='{"payment": "the id of the payment"}')  # fmt: skip
        trial = not payment
        until = end_of_day(now, found.trial_days - 1, zone) if trial else period_end(now, MONTHS[found.period], zone)
        id = new_id("mem")
        insert_rows(conn, store.memberships, [{
            "workspace": workspace, "id": id, "programme": kept.name, "plan": plan, "strand": key,
            "anchor": until if trial else now, "cancelled_at": None, "until": until, "ended_at": None,
        }])  # fmt: skip
        _pay(conn, workspace, id, 0 if trial else 1, now, until, 0 if trial else found.fee_minor,
             payment or f"trial:{id}")  # fmt: skip
        _state(conn, workspace, STARTED, f"membership-started:{id}", key, found, id, kept.name, until, now=now)
        return id


def renew(db: Database, workspace: WorkspaceId, id: str, *, payment: str, now: int) -> None:
    """One more period is paid. The same payment again changes nothing; a payment after the end is a Conflict, for
    whoever ended must not be charged.
    """
    with db.write() as conn:
        row = _find(conn, workspace, id)
        _lock(conn, workspace, Key(row.strand))
        row = _find(conn, workspace, id)
        p = store.periods.c
        if not payment:
            raise InvalidInput("a renewal is a payment", hint='{"payment": "the id of the payment"}')
        told = conn.execute(
            sa.select(p.membership).where(p.workspace == workspace, p.payment == payment)
        ).scalar()  # fmt: skip
        if told == id:
            return
        if row.ended_at is not None or row.cancelled_at is not None:
            raise Conflict(
                f"the membership {id} was ended, and somebody paid: {payment[:60]}",
                hint="give the money back, or let them join anew",
            )
        kept = current(conn, workspace, row.programme)
        plan = _plan(kept.programme.plan_named(row.plan), row.plan)
        number = 1 + (conn.execute(sa.select(sa.func.max(p.number)).where(
            p.workspace == workspace, p.membership == id)).scalar() or 0)  # fmt: skip
        if number > 1 and row.until - now > 45 * 86_400_000_000 and plan.period == "month":
            raise Conflict(f"the membership {id} is paid until {to_iso(row.until)}", hint="one payment for each period")
        until = period_end(row.anchor, number * MONTHS[plan.period], kept.programme.time_zone)
        _pay(conn, workspace, id, number, row.until, until, plan.fee_minor, payment)
        _set(conn, workspace, id, until=until)
        _state(conn, workspace, RENEWED, f"membership-renewed:{id}:{number}", Key(row.strand), plan, id, kept.name,
               until, now=now)  # fmt: skip


def cancel(db: Database, workspace: WorkspaceId, id: str, *, now: int) -> None:
    """No more periods; benefits last to the end of what is paid. Again is once."""
    with db.write() as conn:
        row = _find(conn, workspace, id)
        _lock(conn, workspace, Key(row.strand))
        row = _find(conn, workspace, id)
        if row.cancelled_at is None and row.ended_at is None:
            _set(conn, workspace, id, cancelled_at=now)
            _state(conn, workspace, CANCELLED, f"membership-cancelled:{id}", Key(row.strand), None, id, row.programme,
                   row.until, plan_name=row.plan, now=now)  # fmt: skip


def cancel_of(db: Database, workspace: WorkspaceId, key: Key, id: str, *, now: int) -> None:
    """The same, by the person with this key; of somebody else's there is none: NotFound."""
    with db.read() as conn:
        if _find(conn, workspace, id).strand not in person_of(conn, workspace, key):
            raise NotFound(f"there is no membership {id[:60]!r}")
    cancel(db, workspace, id, now=now)


def end_those_over(
    conn: Connection, workspace: WorkspaceId, ids: Collection[str], stating: Stating, *, now: int
) -> int:  # fmt: skip
    """What is paid for is over and nobody has renewed."""
    if not ids:
        return 0
    m = store.memberships.c
    which = (m.workspace == workspace, m.id.in_(ids), m.ended_at.is_(None), m.until <= now)
    rows = conn.execute(sa.select(store.memberships).where(*which)).all()
    conn.execute(sa.update(store.memberships).values(ended_at=m.until).where(*which))
    for row in rows:
        stating.add(Key(row.strand), ENDED, f"membership-ended:{row.id}", row.until, membership=row.id, plan=row.plan,
                    programme=row.programme, title=row.plan, until=to_iso(row.until))  # fmt: skip
    return len(rows)


def memberships_of(
    conn: Connection, workspace: WorkspaceId, strands: Collection[Key], *, now: int
) -> list[MembershipShown]:  # fmt: skip
    """The memberships of these strands, the latest first."""
    m, p = store.memberships.c, store.periods.c
    rows = conn.execute(
        sa.select(store.memberships).where(m.workspace == workspace, m.strand.in_(sorted(strands)))
    ).all()
    if not rows:
        return []
    paid = {
        row.membership: (int(row[1]), row[2], row[3])
        for row in conn.execute(
            sa.select(p.membership, sa.func.sum(p.fee_minor), sa.func.min(p.since), sa.func.max(p.number))
            .where(p.workspace == workspace, p.membership.in_([row.id for row in rows])).group_by(p.membership)
        )
    }  # fmt: skip
    named = {one.name: one.programme for one in store.names_of(conn, workspace)}
    saved = {name: store.saved_by_source(conn, workspace, name, strands) for name in {row.programme for row in rows}}
    found = []
    for row in sorted(rows, key=lambda r: -r.anchor):
        terms = named[row.programme]
        plan = terms.plan_named(row.plan)
        minor, since, number = paid.get(row.id, (0, row.anchor, 0))
        over = row.ended_at is not None or row.until <= now
        state = "ended" if over else "cancelled" if row.cancelled_at else "trial" if number == 0 else "active"
        found.append(MembershipShown(
            id=row.id, programme=row.programme, plan=row.plan, title=plan.title if plan else row.plan,
            fee_minor=plan.fee_minor if plan else 0, currency=terms.currency, state=state, since=to_iso(since),
            until=to_iso(row.until), paid_minor=minor,
            saved_minor=saved[row.programme].get(f"plan:{row.plan}", 0),
        ))  # fmt: skip
    return found


def _lock(conn: Connection, workspace: WorkspaceId, key: Key) -> set[Key]:
    strands = person_of(conn, workspace, key)
    store.lock_people(conn, strands)
    return strands


def _plan(plan: Plan | None, name: str) -> Plan:
    if plan is None:
        raise NotFound(f"the programme has no plan {name[:60]!r}")
    return plan


def _find(conn: Connection, workspace: WorkspaceId, id: str) -> Any:
    m = store.memberships.c
    row = conn.execute(sa.select(store.memberships).where(m.workspace == workspace, m.id == id)).first()
    if row is None:
        raise NotFound(f"there is no membership {id[:60]!r}")
    return row


def _set(conn: Connection, workspace: WorkspaceId, id: str, **values: Any) -> None:
    m = store.memberships.c
    conn.execute(sa.update(store.memberships).values(**values).where(m.workspace == workspace, m.id == id))


def _pay(
    conn: Connection, workspace: WorkspaceId, id: str, number: int, since: int, until: int, fee: int, payment: str
) -> None:  # fmt: skip
    p = store.periods.c
    if conn.execute(sa.select(p.membership).where(p.workspace == workspace, p.payment == payment)).first():
        raise Conflict(f"the payment {payment[:60]!r} was told before", hint="each payment pays one period, once")
    insert_rows(conn, store.periods, [{
        "workspace": workspace, "membership": id, "number": number, "since": since, "until": until, "fee_minor": fee,
        "payment": payment,
    }])  # fmt: skip


def _state(
    conn: Connection, workspace: WorkspaceId, name: str, id: str, key: Key, plan: Plan | None, membership: str,
    programme: str, until: int, *, plan_name: str = "", now: int,
) -> None:  # fmt: skip
    stating = Stating(workspace, now)
    stating.add(key, name, id, now, membership=membership, plan=plan.name if plan else plan_name,
                title=plan.title if plan else plan_name, programme=programme, until=to_iso(until))  # fmt: skip
    log.append(conn, stating.rows(conn))
