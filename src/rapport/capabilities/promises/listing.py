"""Promises as staff look at them: those in danger first, what customers chose, how many of each."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.promises import store
from rapport.capabilities.promises.model import IN_DANGER
from rapport.capabilities.promises.store import Row
from rapport.capabilities.promises.wording import CAUSES, TO_DO
from rapport.kernel.clock import DAY
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.language import gettext

__all__ = ["SHOWN", "Counted", "Listed", "counted", "in_danger_of", "listed", "unread_words"]

SHOWN = ("danger", "open", "kept", "late")
"""What the page can show: in danger; still to come; kept; broken and arrived since."""
RECENT = 30 * DAY


class Listed(NamedTuple):
    """A promise in a list."""

    row: Row
    choice: str
    location_id: str
    zone: str
    """Of the destination, whose days are meant."""

    @property
    def cause(self) -> str:
        return gettext(CAUSES.get(self.row.cause, ""))

    @property
    def to_do(self) -> str:
        """What staff can do now, in a sentence; what the customer chose comes first."""
        chosen = {
            "collect": gettext("Set it aside in %(place)s and state it ready.", place=self.location_id)
            if self.location_id else gettext("Set it aside and state it ready."),
            "cancel": gettext("Cancel the order in your shop."), "replace": gettext("Send another one."),
            "wait": gettext("The customer waits: keep the new date."),
        }  # fmt: skip
        return chosen.get(self.choice) or gettext(TO_DO.get(self.row.cause, ""))


class Counted(NamedTuple):
    """How many promises stand how."""

    at_risk: int
    late: int
    """Over and not there."""
    to_come: int
    kept: int
    """Of those that ended in the last 30 days."""
    broken: int


def listed(conn: Connection, workspace: WorkspaceId, *, shown: str, limit: int, offset: int, now: int) -> list[Listed]:
    """Promises of one kind, the most urgent first. One statement, by an index."""
    p, c, o = store.promises.c, store.choices.c, store.orders.c
    columns = [p[name] for name in Row._fields]
    about = (c.workspace == p.workspace) & (c.order_id == p.order_id) & (c.window_id == p.window_id)
    order = (o.workspace == p.workspace) & (o.order_id == p.order_id)
    query = sa.select(*columns, c.choice, c.location_id.label("place"), o.zone).select_from(
        store.promises.outerjoin(store.choices, about).join(store.orders, order)
    )
    query = query.where(p.workspace == workspace, *_which(shown, now))
    urgent = (p.to_at, p.order_id) if shown in ("danger", "open") else (p.to_at.desc(), p.order_id)
    rows = conn.execute(query.order_by(*urgent).limit(limit).offset(offset))
    return [
        Listed(Row._make(row[: len(columns)]), row.choice or "", row.place or "", row.zone)
        for row in rows
    ]  # fmt: skip


def _which(shown: str, now: int) -> tuple[sa.ColumnElement[bool], ...]:
    p = store.promises.c
    if shown == "open":
        return (p.status.in_(["made", "renegotiated"]),)
    if shown == "kept":
        return (p.status == "kept", p.to_at >= now - RECENT)
    if shown == "late":
        return (p.status == "broken", p.arrived_at.is_not(None), p.to_at >= now - RECENT)
    return (p.status.in_(sorted(IN_DANGER)), p.arrived_at.is_(None), p.to_at >= now - RECENT)


def counted(conn: Connection, workspace: WorkspaceId, *, now: int) -> Counted:
    """How many promises stand how; ended ones of the last 30 days."""
    p = store.promises.c
    is_open = p.arrived_at.is_(None)
    query = (
        sa.select(p.status, is_open, sa.func.count())
        .where(p.workspace == workspace, p.to_at >= now - RECENT)
        .group_by(p.status, is_open)
    )
    found: dict[tuple[str, bool], int] = {(row[0], bool(row[1])): int(row[2]) for row in conn.execute(query)}
    return Counted(
        at_risk=found.get(("at_risk", True), 0), late=found.get(("broken", True), 0),
        to_come=found.get(("made", True), 0) + found.get(("renegotiated", True), 0),
        kept=found.get(("kept", False), 0), broken=found.get(("broken", False), 0) + found.get(("broken", True), 0),
    )  # fmt: skip


def in_danger_of(conn: Connection, workspace: WorkspaceId, strands: list[Any], *, now: int) -> list[Row]:
    """Promises of somebody's orders that are open or ended lately, those in danger first."""
    p = store.promises.c
    query = (
        sa.select(*(p[name] for name in Row._fields))
        .where(p.workspace == workspace, p.strand.in_(strands[:500]), p.to_at >= now - RECENT)
        .order_by(p.to_at.desc(), p.order_id)
        .limit(8)
    )
    rows = [Row._make(row) for row in conn.execute(query)]
    return sorted(rows, key=lambda row: (row.status not in IN_DANGER or row.arrived_at is not None, -row.to_at))


def unread_words(conn: Connection, workspace: WorkspaceId, *, now: int) -> list[tuple[str, str, int]]:
    """(carrier, word, how often) of what carriers said in the last 30 days and nobody knows."""
    s = store.scans.c
    number = sa.func.count()
    query = (
        sa.select(s.carrier, s.said, number)
        .where(s.workspace == workspace, s.state == "unknown", s.at >= now - RECENT)
        .group_by(s.carrier, s.said)
        .order_by(number.desc(), s.carrier, s.said)
        .limit(10)
    )
    return [(row[0], row[1], int(row[2])) for row in conn.execute(query)]
