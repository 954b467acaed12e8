"""To judge promises: from a batch of facts, when a time has come, and after somebody changed one.

All that is known of an order is read again and judged anew, by one transaction at a time for each order; what changed
is written, stated as a fact under an id of its own, and its next time is put on a clock. So late, repeated and
reordered facts, and a crash anywhere, leave the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from rapport.act import timers
from rapport.act.timers import Cancelled
from rapport.capabilities.orders import paid_back_at
from rapport.capabilities.promises import store
from rapport.capabilities.promises.facts import (
    ARRIVED_LATE,
    AT_RISK,
    BROKEN,
    IDENTITY_FACTS,
    KEPT,
    MADE,
    RENEGOTIATED,
    own_id,
)
from rapport.capabilities.promises.model import (
    CLOSED,
    HISTORY,
    IN_DANGER,
    Known,
    Made,
    Standing,
    Terms,
    history_of,
    judge,
)
from rapport.capabilities.promises.paid_back import backs_of, save_backs
from rapport.capabilities.promises.reading import Said, read_fact
from rapport.capabilities.promises.service.queueing import orders_waiting, waiting_next
from rapport.capabilities.promises.service.telling import tell
from rapport.capabilities.promises.service.terms import decided, terms_of
from rapport.capabilities.promises.service.whose import keep_whose, make_anew
from rapport.capabilities.promises.settings import PromiseSettings
from rapport.capabilities.promises.shipments import left_of, shipments_of_scans
from rapport.capabilities.promises.store import Row
from rapport.capabilities.supply import lying
from rapport.collect.own import own_fact
from rapport.decide import people
from rapport.kernel.clock import DAY, to_iso, zone_named
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection, Seen, Timer, Work
from rapport.remember.whose import touched_by_identity
from rapport.storage import log
from rapport.storage.log import LogRow
from rapport.storage.workspaces import workspace_of

__all__ = ["WATCH", "judge_here", "keep", "look_on", "watch"]

WATCH = "promises.watch"


class Judged(NamedTuple):
    """What follows from judging: facts to state, times to look again."""

    facts: list[LogRow]
    timers: list[Timer | Cancelled]


def keep(conn: Connection, work: Work, notes: Sequence[Seen], now: int) -> None:
    """Keep what a batch of facts says of orders, promises and shipments, and judge every promise it is about."""
    by_shop: defaultdict[WorkspaceId, list[Seen]] = defaultdict(list)
    for note in notes:
        by_shop[note.workspace].append(note)
    for workspace, some in by_shop.items():
        zone = work.known(conn, workspace, _shop_zone)
        reading = work.known(conn, workspace, people.reading_settings)
        moved = {one.strand for one in some if one.fact.name in IDENTITY_FACTS}
        said = [
            (one, read_fact(one.strand, one.fact, zone=zone, reading=reading))
            for one in some
            if one.fact.name not in IDENTITY_FACTS
        ]
        touched = _save(conn, workspace, said) | touched_by_identity(conn, workspace, moved)
        make_anew(conn, workspace, touched, zone=zone, reading=reading)
        products = {product for _, one in said for product in one.products}
        touched |= orders_waiting(conn, work, workspace, products, now=now)
        _apply(work, judge_orders(conn, workspace, touched, now=now, told_anew=work.told_anew))


def watch(conn: Connection, work: Work, due: Sequence[Timer], now: int) -> None:
    """Judge the promises whose time has come."""
    by_shop: defaultdict[WorkspaceId, set[str]] = defaultdict(set)
    for timer in due:
        by_shop[timer.workspace].add(timer.payload.decode("utf-8", "surrogatepass"))
    for workspace, order_ids in by_shop.items():
        _apply(work, judge_orders(conn, workspace, order_ids, now=now))


def look_on(conn: Connection, work: Work, due: Sequence[Timer], now: int) -> None:
    """Judge the next of the orders that wait for goods whose stock has changed."""
    for timer in due:
        _apply(work, judge_orders(conn, timer.workspace, waiting_next(conn, work, timer, now=now), now=now))


def judge_here(conn: Connection, workspace: WorkspaceId, order_id: str, *, now: int) -> None:
    """Judge one promise in a request's own transaction, and write what follows."""
    judged = judge_orders(conn, workspace, [order_id], now=now)
    timers.write(conn, judged.timers)
    log.append(conn, judged.facts)


def judge_orders(
    conn: Connection, workspace: WorkspaceId, order_ids: Collection[str], *, now: int, told_anew: bool = False
) -> Judged:
    """Judge the promises of these orders, write how they stand, and answer what follows. A fixed number of statements
    for each 500 orders. Of what is `told_anew` no customer is written to.
    """
    if not order_ids:
        return Judged([], [])
    store.lock_orders(conn, order_ids)
    wanted = decided(conn, workspace)
    terms = terms_of(conn, workspace, wanted)
    known = _paid_back_wholly(conn, workspace, store.known_of(conn, workspace, order_ids))
    before = store.rows_of(conn, workspace, known)
    history = _history(conn, workspace, known, wanted, terms)
    scans = store.scans_of(conn, workspace, history)
    backs = backs_of(conn, workspace, history)
    coming = {one: known[one]._replace(lines=left_of(known[one].lines, backs.get(one, ()))) for one in history}
    stock = _stock(conn, workspace, list(coming.values()), before, now)
    after: list[tuple[Row, Standing]] = []
    for order_id, made in history.items():
        out, stock_at = stock.get(order_id, (False, None))
        shipments = shipments_of_scans(scans.get(order_id, ()), zone_named(known[order_id].zone))
        found = judge(
            known[order_id], made, shipments, terms, now=now, no_stock=out, stock_at=stock_at,
            backs=backs.get(order_id, ()),
        )  # fmt: skip
        after.append((_row(workspace, known[order_id], found, before.get(order_id), now), found))
    if wanted.tell_customers and not told_anew:
        after = tell(conn, workspace, after, known, now=now)
    changed = [(row, found) for row, found in after if _without_time(row) != _without_time(before.get(row.order_id))]
    store.save_rows(conn, [row for row, _ in changed])
    _keep_waits(conn, workspace, [row for row, _ in changed], before, coming)
    facts = _facts(conn, workspace, changed, before, history, known, now)
    return Judged(facts, [_timer(row, found, now) for row, found in after if _is_live(row, now)])


def _apply(work: Work, judged: Judged) -> None:
    for timer in judged.timers:
        if isinstance(timer, Timer):
            work.schedule(timer.workspace, timer.kind, timer.key, timer.due_at, timer.payload)
        else:
            work.cancel(timer.workspace, timer.kind, timer.key)
    for row in judged.facts:
        work.state(row)


def _shop_zone(conn: Connection, workspace: WorkspaceId) -> str:
    return workspace_of(conn, workspace).settings.time_zone


def _save(conn: Connection, workspace: WorkspaceId, said: Sequence[tuple[Seen, Said]]) -> set[str]:
    """Keep it, and answer which orders it is about."""
    orders = [(one.order, seen.fact.id, seen.fact.occurred_at) for seen, one in said if one.order is not None]
    made = [one.made for _, one in said if one.made is not None]
    scans = [(one.order_id, one.scan) for _, one in said if one.scan is not None]
    store.save_orders(conn, workspace, orders)
    keep_whose(conn, workspace, said)
    store.save_made(conn, workspace, made)
    store.save_scans(conn, workspace, scans)
    save_backs(conn, workspace, [one.back for _, one in said if one.back is not None])
    touched = {one.order_id for _, one in said if one.order_id and (one.order or one.made or one.scan or one.back)}
    return touched | store.orders_of_shipments(conn, workspace, {scan.shipment_id for _, scan in scans})


def _paid_back_wholly(conn: Connection, workspace: WorkspaceId, known: Mapping[str, Known]) -> dict[str, Known]:
    """These orders; one whose whole worth was given back, whatever of, is to come no more."""
    back = paid_back_at(conn, workspace, known)
    ends = {one: min(back[one], order.cancelled_at or back[one]) for one, order in known.items() if one in back}
    return {one: order._replace(cancelled_at=ends.get(one, order.cancelled_at)) for one, order in known.items()}


def _history(
    conn: Connection, workspace: WorkspaceId, known: Mapping[str, Known], wanted: PromiseSettings, terms: Terms
) -> dict[str, list[Made]]:
    """The promises of each order, made by the shop's calendar where nobody made one and the shop wants it so."""
    made = store.made_of(conn, workspace, known)
    found = {}
    for order_id, order in known.items():
        told = made.get(order_id, [])
        if not told and wanted.make_promises:
            window = terms.calendar.window(order.placed_at, zone_named(order.zone))
            told = [Made("calendar", order.placed_at, window, "rapport", "")] if window is not None else []
        if told:
            found[order_id] = history_of(told)
    return found


def _stock(
    conn: Connection, workspace: WorkspaceId, orders: Sequence[Known], before: Mapping[str, Row], now: int
) -> dict[str, tuple[bool, int | None]]:
    """By order that is still to be handed over: whether something of it lies nowhere, and when it is expected."""
    waiting = [
        one for one in orders if before.get(one.order_id) is None or before[one.order_id].handed_at is None
    ]  # fmt: skip
    products = {line.product_id for one in waiting for line in one.lines}
    there = lying(conn, workspace, products, now=now) if products else {}
    found: dict[str, tuple[bool, int | None]] = {}
    for one in waiting:
        gone = [
            there[line.product_id]
            for line in one.lines
            if line.product_id in there and there[line.product_id][0] <= 0 and there[line.product_id][1] > one.placed_at
        ]
        due = [incoming for _, _, incoming in gone if incoming is not None]
        found[one.order_id] = (bool(gone), max(due) if len(due) == len(gone) and due else None)
    return found


def _row(workspace: WorkspaceId, order: Known, found: Standing, before: Row | None, now: int) -> Row:
    made, new = found.made, found.proposed
    same = before is not None and before.window_id == made.id
    return Row(
        workspace, order.order_id, order.strand, found.status, made.id, made.window.from_at, made.window.to_at,
        made.window.whole_days, made.method, made.location_id,
        None if found.risk is None else round(found.risk * 1000), found.cause, new.from_at if new else None,
        new.to_at if new else None, order.segment, order.placed_at, found.handed_at, found.arrived_at,
        before.told_to_at if same and before is not None else None, now,
    )  # fmt: skip


def _without_time(row: Row | None) -> Row | None:
    return row._replace(changed_at=0) if row is not None else None


def _is_live(row: Row, now: int) -> bool:
    """Whether it is not history: of what ended long before we heard of it nobody is told."""
    return max(row.to_at, row.arrived_at or 0) + HISTORY >= now


def _timer(row: Row, found: Standing, now: int) -> Timer | Cancelled:
    order = row.order_id.encode("utf-8", "surrogatepass")
    key = bytes(row.strand) + blake2b(order, digest_size=16).digest()
    times = [found.again_at, row.told_to_at + 1 if row.told_to_at is not None and row.status in IN_DANGER else None]
    due = min((at for at in times if at is not None and at > now), default=None)
    if due is None or row.arrived_at is not None:
        return Cancelled(row.workspace, WATCH, key)
    return Timer(row.workspace, WATCH, key, due, order)


def _waits(row: Row | None) -> bool:
    """Whether goods of it still lie with us."""
    return row is not None and row.status not in CLOSED and row.handed_at is None and row.arrived_at is None


def _keep_waits(
    conn: Connection, workspace: WorkspaceId, rows: Iterable[Row], before: Mapping[str, Row],
    known: Mapping[str, Known],
) -> None:  # fmt: skip
    wanted = {
        row.order_id: {line.product_id for line in known[row.order_id].lines} if _waits(row) else set()
        for row in rows
        if _waits(row) or _waits(before.get(row.order_id))
    }
    store.save_waits(conn, workspace, wanted)


def _facts(
    conn: Connection, workspace: WorkspaceId, changed: Sequence[tuple[Row, Standing]], before: Mapping[str, Row],
    history: Mapping[str, Sequence[Made]], known: Mapping[str, Known], now: int,
) -> list[LogRow]:  # fmt: skip
    live = [(row, found) for row, found in changed if _is_live(row, now)]
    names = people.identifiers_by_key(conn, workspace, {Key(row.strand) for row, _ in live})
    stated: list[LogRow] = []
    for row, found in live:
        who = names.get(Key(row.strand))
        if who is None:
            continue
        zone = zone_named(known[row.order_id].zone)
        old = before.get(row.order_id)
        told = _told(row, found, old, history[row.order_id], now)
        for name, made, at, more in told:
            properties = _properties(row.order_id, made, zone) | more
            stated.append(
                own_fact(
                    workspace, name=name, id=own_id(row.order_id, made.id, name), occurred_at=at, received_at=now,
                    properties=properties, **people.naming(who),
                )
            )  # fmt: skip
    return stated


def _told(
    row: Row, found: Standing, old: Row | None, history: Sequence[Made], now: int
) -> list[tuple[str, Made, int, dict[str, Any]]]:
    """(name, promise, when, more) of what is new."""
    told: list[tuple[str, Made, int, dict[str, Any]]] = []
    if old is None or old.window_id != row.window_id:
        for number, made in enumerate(history):
            told.append((RENEGOTIATED if number else MADE, made, made.at, {}))
    arrived: dict[str, Any] = {"arrived_at": to_iso(row.arrived_at)} if row.arrived_at is not None else {}
    if row.status == "broken" and row.arrived_at is not None and (old is None or old.arrived_at is None):
        late = {"days_late": -(-(row.arrived_at - row.to_at) // DAY)}
        told.append((ARRIVED_LATE, found.made, row.arrived_at, arrived | late))
    if old is not None and (old.status, old.window_id) == (row.status, row.window_id):
        return told
    if row.status == "at_risk":
        risk: dict[str, Any] = {"reason": found.cause}
        told.append((AT_RISK, found.made, now, risk | ({"probability": found.risk} if found.risk is not None else {})))
    elif row.status == "broken":
        told.append((BROKEN, found.made, row.to_at + 1, {"reason": found.cause} | arrived))
    elif row.status == "kept":
        told.append((KEPT, found.made, row.arrived_at or now, arrived))
    return told


def _properties(order_id: str, made: Made, zone: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "order_id": order_id, "window": made.window.told(zone), "by": made.by, "method": made.method,
    }  # fmt: skip
    return found | {
        name: value for name, value in (("reason", made.reason), ("location_id", made.location_id)) if value
    }
