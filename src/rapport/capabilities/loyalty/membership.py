"""Paid membership: it begins with a payment or a trial, is renewed once for each period, and lasts as long as is paid.

Billing is the shop's: it tells of payments, each by its id, which counts once for ever. A period begins and ends on the
anchor's day of the month. Whoever cancels keeps what is paid for to its end; whoever takes it back in time has the
fee back; while it is paused it brings nothing, and what is paid for lasts as much longer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.days import end_of_day, period_end
from rapport.capabilities.loyalty.facts import CANCELLED, ENDED, PAUSED, RENEWED, RESUMED, STARTED
from rapport.capabilities.loyalty.fees import (
    AFTER_END,
    AHEAD,
    BACK,
    Why,
    keep_back,
    keep_stray,
    pay_again,
    running_after,
    state_of,
)
from rapport.capabilities.loyalty.paid_for import pauses_of
from rapport.capabilities.loyalty.periods import (
    MONTHS,
    begin,
    cut_short,
    find,
    lock_person,
    opened,
    pay,
    plan_of,
    refuse_ended,
    report,
    set_row,
)
from rapport.capabilities.loyalty.programme import Plan, Programme
from rapport.capabilities.loyalty.redeeming import current
from rapport.capabilities.loyalty.settling import Stating
from rapport.capabilities.loyalty.versions import names_of
from rapport.capabilities.loyalty.whose import person_of
from rapport.kernel.clock import DAY, to_iso
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection
from rapport.storage.bulk import insert_rows
from rapport.storage.engine import Database

__all__ = [
    "MembershipShown", "Withdrawn", "cancel", "cancel_in", "check_of", "end_those_over", "fee_came_back", "join",
    "join_in", "memberships_of", "pause", "renew", "renew_in", "resume", "withdraw",
]  # fmt: skip


class MembershipShown(msgspec.Struct, frozen=True, kw_only=True):
    """A membership as it stands."""

    id: str
    programme: str
    plan: str
    title: str
    fee_minor: int
    currency: str
    state: str
    """`trial`, `active`, `paused`, `cancelled` (good until `until`), or `ended`."""
    since: str
    until: str
    paid_minor: int
    saved_minor: int
    """What its benefits have saved since it began, beyond what the tier brings anyway."""
    paused_until: str = ""
    withdraw_until: str = ""
    """Until then it can be taken back, and the fee with it; empty where that is over."""
    pause_days: int = 0
    """So many days it may rest from now on."""


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be paid back to whoever took a membership back."""

    refund_minor: int
    currency: str


def join(
    db: Database, workspace: WorkspaceId, key: Key, plan: str, *, payment: str, programme: str = "", now: int
) -> str:
    """Begin a membership: with its trial if it has one and nothing is paid, else with the payment. Returns its id.
    Raises Conflict where one of the plan is running, or the payment was told before; InvalidInput without a payment.
    """
    with db.write() as conn:
        return join_in(conn, workspace, key, plan, payment=payment, programme=programme, now=now)


def join_in(
    conn: Connection, workspace: WorkspaceId, key: Key, plan: str, *, payment: str, programme: str = "", now: int
) -> str:
    """The same in the caller's transaction."""
    kept = current(conn, workspace, programme)
    found = plan_of(kept.programme.plan_named(plan), plan)
    zone = kept.programme.time_zone
    strands = lock_person(conn, workspace, key)
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
    id = begin(conn, workspace, key, found, kept.name, payment=payment, until=until, now=now)
    report(conn, workspace, STARTED, f"membership-started:{id}", key, found, id, kept.name, until, now=now)
    return id


def renew(db: Database, workspace: WorkspaceId, id: str, *, payment: str, now: int) -> None:
    """One more period is paid, at most one ahead. The same payment again changes nothing; a payment after the end, or
    for a second period ahead, is a Conflict: whoever paid it must not have been charged, and it stands as an alarm
    until somebody has seen to it. Where the fee of the period that runs went back, this one is for that period.
    """
    if not payment:
        raise InvalidInput("a renewal is a payment", hint='{"payment": "the id of the payment"}')
    with db.write() as conn:
        refused = renew_in(conn, workspace, id, payment=payment, now=now)
    if refused is not None:  # raised here, so that what was kept of it stays
        raise refused


def renew_in(conn: Connection, workspace: WorkspaceId, id: str, *, payment: str, now: int) -> Conflict | None:
    """The same in the caller's transaction; answers the refusal, so that what is kept of it stays."""
    lock_person(conn, workspace, Key(find(conn, workspace, id).strand))
    row = find(conn, workspace, id)
    told, refused = _told_before(conn, workspace, id, payment)
    if told:
        return refused

    def stray(why: Why, words: str, hint: str) -> Conflict:
        keep_stray(conn, workspace, payment, id, Key(row.strand), why=why, now=now)
        return Conflict(words, hint=hint)

    if row.ended_at is not None or row.cancelled_at is not None or row.until <= now:
        words = f"the membership {id} was ended, and somebody paid: {payment[:60]}"
        return stray(AFTER_END, words, "give the money back, or let them join anew")
    kept = current(conn, workspace, row.programme)
    plan = plan_of(kept.programme.plan_named(row.plan), row.plan)
    if pay_again(conn, workspace, id, payment, by=f"payment {payment}", now=now):
        return None
    p = store.periods.c
    last, begins = conn.execute(sa.select(sa.func.max(p.number), sa.func.max(p.since)).where(
        p.workspace == workspace, p.membership == id)).one()  # fmt: skip
    if begins > now:  # one period may be paid ahead; who is charged for a second was charged twice
        words = f"the membership {id} is paid ahead, until {to_iso(row.until)}"
        return stray(AHEAD, words, "give the money back: one payment for each period")
    number = last + 1
    until = period_end(row.anchor, number * MONTHS[plan.period], kept.programme.time_zone)
    pay(conn, workspace, id, number, row.until, until, plan.fee_minor, payment)
    set_row(conn, workspace, id, until=until)
    report(conn, workspace, RENEWED, f"membership-renewed:{id}:{number}", Key(row.strand), plan, id, kept.name,
           until, now=now)  # fmt: skip
    return None


def _told_before(conn: Connection, workspace: WorkspaceId, id: str, payment: str) -> tuple[bool, Conflict | None]:
    """Whether this payment was told before, and the refusal where it was of something else, or for nothing."""
    p = store.periods.c
    told = conn.execute(sa.select(p.membership).where(p.workspace == workspace, p.payment == payment)).scalar()
    known = state_of(conn, workspace, payment)
    if told == id or known == (id, BACK):  # what it paid, it paid; or it paid and went back: nothing changes
        return True, None
    if told is None and known is None:
        return False, None
    words = f"the payment {payment[:60]!r} was told before, by somebody who paid for something else or for nothing"
    return True, Conflict(words, hint="each payment pays one period, once: give the money back, or say that it went")


def fee_came_back(
    db: Database, workspace: WorkspaceId, id: str, *, payment: str, end: bool, now: int
) -> None:  # fmt: skip
    """The shop gave this payment back, or it was charged back. With `end` the membership ends now; without, benefits
    go on, which stands as an alarm until they are paid for or somebody has seen to it. Again is once.

    Raises NotFound for a payment that paid nothing of this membership.
    """
    with db.write() as conn:
        _, _, terms = opened(conn, workspace, id)
        p = store.periods.c
        period = conn.execute(
            sa.select(store.periods).where(p.workspace == workspace, p.payment == payment, p.number > 0)
        ).first()
        known = state_of(conn, workspace, payment)
        if period is None and known == (id, BACK):  # another payment has taken its place since
            return
        if period is None or id not in (period.membership, known and known[0]):
            raise NotFound(f"the payment {payment[:60]!r} paid nothing of the membership {id}")
        running = find(conn, workspace, running_after(conn, workspace, period.membership))
        charged = period.fee_minor if period.charged_minor is None else period.charged_minor
        keep_back(conn, workspace, payment, period.membership, running.id, Key(running.strand), minor=charged, now=now)
        if end and running.ended_at is None and running.until > now:
            running = find(conn, workspace, running.id)
            cut_short(conn, workspace, running, why="fee_came_back", now=now)
            report(conn, workspace, ENDED, f"membership-ended:{running.id}", Key(running.strand),
                   terms.plan_named(running.plan), running.id, running.programme, now, plan_name=running.plan, now=now,
                   reason="fee_came_back", refund_minor=charged, currency=terms.currency)  # fmt: skip


def cancel(db: Database, workspace: WorkspaceId, id: str, *, now: int) -> None:
    """No more periods; benefits last to the end of what is paid. Again is once."""
    with db.write() as conn:
        cancel_in(conn, workspace, id, now=now)


def cancel_in(conn: Connection, workspace: WorkspaceId, id: str, *, now: int) -> None:
    """The same in the caller's transaction."""
    row = find(conn, workspace, id)
    lock_person(conn, workspace, Key(row.strand))
    row = find(conn, workspace, id)
    if row.cancelled_at is None and row.ended_at is None:
        set_row(conn, workspace, id, cancelled_at=now)
        report(conn, workspace, CANCELLED, f"membership-cancelled:{id}", Key(row.strand), None, id, row.programme,
               row.until, plan_name=row.plan, now=now)  # fmt: skip


def withdraw(db: Database, workspace: WorkspaceId, id: str, *, now: int) -> Withdrawn:
    """Take a membership back: it ends now, and its fee is to be paid back whole. Again answers the same.

    Raises Conflict once the plan's days for it are over, or where it has ended.
    """
    with db.write() as conn:
        row, plan, terms = opened(conn, workspace, id)
        if row.ended_at is not None and row.refunded_minor and row.ended_by in ("", "withdrawn"):
            return Withdrawn(refund_minor=row.refunded_minor, currency=terms.currency)
        refuse_ended(row, now)
        if row.refunded_minor:
            raise Conflict(f"a fee of the membership {id} went back already", hint="cancel it, or tell that it ends")
        paid, began = _paid(conn, workspace, id)
        over = _withdraw_until(began, plan, terms) if paid else now + 1
        if now >= over:
            raise Conflict(
                f"the membership {id} could be taken back until {to_iso(over)}",
                hint="cancel it: its benefits last to the end of what is paid",
            )
        cut_short(conn, workspace, row, why="withdrawn", refunded_minor=paid, now=now)
        report(conn, workspace, ENDED, f"membership-ended:{id}", Key(row.strand), plan, id, row.programme, now, now=now,
               reason="withdrawn", refund_minor=paid, currency=terms.currency)  # fmt: skip
        return Withdrawn(refund_minor=paid, currency=terms.currency)


def pause(db: Database, workspace: WorkspaceId, id: str, *, days: int, now: int) -> None:
    """Let a membership rest for so many days, today among them: it brings nothing, and lasts as much longer.

    Raises InvalidInput where the plan allows fewer, Conflict where it is on trial, rests, or will end.
    """
    with db.write() as conn:
        row, plan, terms = opened(conn, workspace, id)
        refuse_ended(row, now)
        paused = pauses_of(conn, workspace, [id]).get(id, [])
        if any(until > now for _, until in paused):
            raise Conflict(f"the membership {id} is paused until {to_iso(paused[-1][1])}", hint="resume it")
        if row.cancelled_at is not None or not _paid(conn, workspace, id)[0]:
            raise Conflict(f"the membership {id} is on trial or was cancelled: there is nothing to move")
        left = _pause_days(plan, paused, now)
        if not 1 <= days <= left:
            raise InvalidInput(f"the membership {id} may be paused for {left} days, not for {days}")
        until = end_of_day(now, days - 1, terms.time_zone)
        row_of = {"workspace": workspace, "membership": id, "since": now, "until": until}
        insert_rows(conn, store.pauses, [row_of])
        ends = _move(conn, workspace, row, plan, terms, until - now)
        report(conn, workspace, PAUSED, f"membership-paused:{id}:{now}", Key(row.strand), plan, id, row.programme, ends,
               now=now, paused_until=to_iso(until))  # fmt: skip


def resume(db: Database, workspace: WorkspaceId, id: str, *, now: int) -> None:
    """Go on now with a membership that is paused; of one that is not, nothing changes."""
    with db.write() as conn:
        row, plan, terms = opened(conn, workspace, id)
        paused = pauses_of(conn, workspace, [id]).get(id, [])
        if not paused or paused[-1][1] <= now:
            return
        since, until = paused[-1]
        u = store.pauses.c
        conn.execute(sa.update(store.pauses).values(until=now).where(
            u.workspace == workspace, u.membership == id, u.since == since))  # fmt: skip
        ends = _move(conn, workspace, row, plan, terms, now - until)
        report(conn, workspace, RESUMED, f"membership-resumed:{id}:{since}", Key(row.strand), plan, id, row.programme,
               ends, now=now)  # fmt: skip


def check_of(db: Database, workspace: WorkspaceId, key: Key, id: str) -> None:
    """Raises NotFound where the membership is not that of the person with this key, and where there is none."""
    with db.read() as conn:
        if find(conn, workspace, id).strand not in person_of(conn, workspace, key):
            raise NotFound(f"there is no membership {id[:60]!r}")


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
    first = sa.func.min(sa.case((p.number > 0, p.since)))
    paid = {
        row.membership: (int(row[1]), row[2], row[3], row[4])
        for row in conn.execute(
            sa.select(p.membership, sa.func.sum(p.fee_minor), sa.func.min(p.since), sa.func.max(p.number), first)
            .where(p.workspace == workspace, p.membership.in_([row.id for row in rows])).group_by(p.membership)
        )
    }  # fmt: skip
    named = {one.name: one.programme for one in names_of(conn, workspace)}
    saved = {name: store.saved_by_source(conn, workspace, name, strands) for name in {row.programme for row in rows}}
    paused = pauses_of(conn, workspace, {row.id for row in rows})
    found = []
    for row in sorted(rows, key=lambda r: -r.anchor):
        terms = named[row.programme]
        plan = terms.plan_named(row.plan)
        minor, since, number, began = paid.get(row.id, (0, row.anchor, 0, None))
        rests = paused.get(row.id, [])
        until = next((ends for begins, ends in rests if begins <= now < ends), 0)
        state = _state_of(row, number, now, paused=bool(until))
        found.append(MembershipShown(
            id=row.id, programme=row.programme, plan=row.plan, title=plan.title if plan else row.plan,
            fee_minor=plan.fee_minor if plan else 0, currency=terms.currency, state=state, since=to_iso(since),
            until=to_iso(row.until), paid_minor=minor - row.refunded_minor,
            saved_minor=saved[row.programme].get(f"plan:{row.plan}", 0), paused_until=to_iso(until) if until else "",
            withdraw_until=_still(row, plan, terms, began, now),
            pause_days=_pause_days(plan, rests, now) if plan and state == "active" else 0,
        ))  # fmt: skip
    return found


def _state_of(row: Any, number: int, now: int, *, paused: bool) -> str:
    if row.ended_at is not None or row.until <= now:
        return "ended"
    if row.cancelled_at:
        return "cancelled"
    return "trial" if number == 0 else "paused" if paused else "active"


def _still(row: Any, plan: Plan | None, terms: Programme, began: int | None, now: int) -> str:
    """Until when it can be taken back; empty where it cannot, or nothing is paid."""
    if plan is None or began is None or row.ended_at is not None:
        return ""
    until = _withdraw_until(began, plan, terms)
    return to_iso(until) if now < until else ""


def _withdraw_until(began: int, plan: Plan, terms: Programme) -> int:
    return end_of_day(began, plan.withdrawal_days, terms.time_zone) if plan.withdrawal_days else began


def _pause_days(plan: Plan, paused: Sequence[tuple[int, int]], now: int) -> int:
    """Days that are left of what the plan allows within a year."""
    had = sum(max(0, min(until, now) - max(since, now - 365 * DAY)) for since, until in paused)
    return max(0, plan.pause_days - -(-had // DAY))


def _paid(conn: Connection, workspace: WorkspaceId, id: str) -> tuple[int, int]:
    """The fees that were paid, and since when the first was for; 0 and 0 where none was."""
    p = store.periods.c
    row = conn.execute(sa.select(sa.func.sum(p.fee_minor), sa.func.min(p.since)).where(
        p.workspace == workspace, p.membership == id, p.number > 0)).one()  # fmt: skip
    return int(row[0] or 0), int(row[1] or 0)


def _move(
    conn: Connection, workspace: WorkspaceId, row: Any, plan: Plan, terms: Programme, by: int
) -> int:  # fmt: skip
    """Move the anchor, and with it the end of the last period that is paid for; answers that end."""
    p = store.periods.c
    last = (p.workspace == workspace, p.membership == row.id)
    number = conn.execute(sa.select(sa.func.max(p.number)).where(*last)).scalar_one()
    anchor = row.anchor + by
    until = period_end(anchor, number * MONTHS[plan.period], terms.time_zone)
    conn.execute(sa.update(store.periods).values(until=until).where(*last, p.number == number))
    set_row(conn, workspace, row.id, anchor=anchor, until=until)
    return until
