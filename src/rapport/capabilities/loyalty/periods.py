"""The rows of a membership and of what is paid for: found, begun, paid, cut short, and stated as facts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.members import refresh
from rapport.capabilities.loyalty.programme import Plan, Programme
from rapport.capabilities.loyalty.redeeming import current
from rapport.capabilities.loyalty.settling import Stating
from rapport.capabilities.loyalty.whose import person_of
from rapport.kernel.clock import to_iso
from rapport.kernel.errors import Conflict, NotFound
from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.kernel.work import Connection
from rapport.storage import log
from rapport.storage.bulk import insert_rows

__all__ = [
    "MONTHS",
    "begin",
    "cut_short",
    "find",
    "lock_person",
    "opened",
    "pay",
    "plan_of",
    "refuse_ended",
    "report",
    "set_row",
]  # fmt: skip

MONTHS = {"month": 1, "year": 12}


def opened(conn: Connection, workspace: WorkspaceId, id: str, *, lock: bool = True) -> tuple[Any, Plan, Programme]:
    """A membership with its plan and programme as they are in force; with `lock` nobody else changes it meanwhile."""
    if lock:
        lock_person(conn, workspace, Key(find(conn, workspace, id).strand))
    row = find(conn, workspace, id)
    terms = current(conn, workspace, row.programme).programme
    return row, plan_of(terms.plan_named(row.plan), row.plan), terms


def refuse_ended(row: Any, now: int) -> None:
    """Raises Conflict where the membership is over."""
    if row.ended_at is not None or row.until <= now:
        raise Conflict(f"the membership {row.id} has ended")


def lock_person(conn: Connection, workspace: WorkspaceId, key: Key) -> set[Key]:
    """The strands of this person, whose points and memberships nobody else changes until the transaction ends."""
    strands = person_of(conn, workspace, key)
    store.lock_people(conn, strands)
    return strands


def plan_of(plan: Plan | None, name: str) -> Plan:
    """The plan; raises NotFound where there is none of this name."""
    if plan is None:
        raise NotFound(f"the programme has no plan {name[:60]!r}")
    return plan


def find(conn: Connection, workspace: WorkspaceId, id: str) -> Any:
    """The row of a membership; raises NotFound."""
    m = store.memberships.c
    row = conn.execute(sa.select(store.memberships).where(m.workspace == workspace, m.id == id)).first()
    if row is None:
        raise NotFound(f"there is no membership {id[:60]!r}")
    return row


def set_row(conn: Connection, workspace: WorkspaceId, id: str, **values: Any) -> None:
    """Change fields of a membership."""
    m = store.memberships.c
    conn.execute(sa.update(store.memberships).values(**values).where(m.workspace == workspace, m.id == id))


def pay(
    conn: Connection, workspace: WorkspaceId, id: str, number: int, since: int, until: int, fee: int, payment: str,
    *, charged: int | None = None,
) -> None:  # fmt: skip
    """One more period is paid by this payment, of which `charged` was money where a credit paid the rest.

    Raises Conflict for a payment that was told before.
    """
    p = store.periods.c
    f = store.stray_fees.c
    if any(conn.execute(sa.select(c.membership).where(c.workspace == workspace, c.payment == payment)).first()
           for c in (p, f)):  # fmt: skip
        raise Conflict(f"the payment {payment[:60]!r} was told before", hint="each payment pays one period, once")
    insert_rows(conn, store.periods, [{
        "workspace": workspace, "membership": id, "number": number, "since": since, "until": until, "fee_minor": fee,
        "payment": payment, "charged_minor": charged,
    }])  # fmt: skip


def report(
    conn: Connection, workspace: WorkspaceId, name: str, id: str, key: Key, plan: Plan | None, membership: str,
    programme: str, until: int, *, plan_name: str = "", now: int, **more: Any,
) -> None:  # fmt: skip
    """State a fact about a membership that has changed."""
    stating = Stating(workspace, now)
    stating.add(key, name, id, now, membership=membership, plan=plan.name if plan else plan_name,
                title=plan.title if plan else plan_name, programme=programme, until=to_iso(until), **more)  # fmt: skip
    log.append(conn, stating.rows(conn))
    refresh(conn, workspace, [key], now=now)


def begin(
    conn: Connection,
    workspace: WorkspaceId,
    key: Key,
    plan: Plan,
    programme: str,
    *,
    payment: str,
    until: int,
    charged: int | None = None,
    now: int,
) -> str:
    """A membership from now on, by its payment, or without one on trial; returns its id."""
    id, trial = new_id("mem"), not payment
    insert_rows(conn, store.memberships, [{
        "workspace": workspace, "id": id, "programme": programme, "plan": plan.name, "strand": key,
        "anchor": until if trial else now, "cancelled_at": None, "until": until, "ended_at": None,
    }])  # fmt: skip
    pay(conn, workspace, id, 0 if trial else 1, now, until, 0 if trial else plan.fee_minor, payment or f"trial:{id}",
        charged=charged)  # fmt: skip
    return id


def cut_short(
    conn: Connection, workspace: WorkspaceId, row: Any, *, why: str, refunded_minor: int | None = None,
    changed_to: str = "", credited_minor: int = 0, now: int,
) -> None:  # fmt: skip
    """End a membership now, whatever is paid for; `refunded_minor` is all that went back of its fees, if more did."""
    p = store.periods.c
    cut = sa.case((p.since > now, p.since), else_=now)
    conn.execute(sa.update(store.periods).values(until=cut).where(
        p.workspace == workspace, p.membership == row.id, p.until > now))  # fmt: skip
    set_row(conn, workspace, row.id, cancelled_at=row.cancelled_at or now, ended_at=now, until=now,
            refunded_minor=row.refunded_minor if refunded_minor is None else refunded_minor, ended_by=why,
            changed_to=changed_to, credited_minor=credited_minor)  # fmt: skip
