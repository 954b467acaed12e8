"""Pay with points, in two steps: hold them for a checkout, then capture or release; and corrections by staff.

Each is one transaction that changes the lots and states the fact of it. Two who draw from one person's lots wait for
each other; where identity moves between them, the ledger's own key refuses the second, and it is tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, Literal, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.ageing import age
from rapport.capabilities.loyalty.currencies import Place, currencies_of, first_for, terms_in
from rapport.capabilities.loyalty.days import end_of_day
from rapport.capabilities.loyalty.earning import FOR_EVER, MAX_POINTS, terms_at
from rapport.capabilities.loyalty.facts import ADJUSTED, REDEEMED
from rapport.capabilities.loyalty.ledger import Lot, draw, usable
from rapport.capabilities.loyalty.members import refresh
from rapport.capabilities.loyalty.programme import PointWorth, Programme
from rapport.capabilities.loyalty.returning import Return, bring_back, of_return
from rapport.capabilities.loyalty.settling import Stating, settle
from rapport.capabilities.loyalty.versions import KeptVersion, names_of, versions_of
from rapport.capabilities.loyalty.whose import person_of
from rapport.kernel.clock import MINUTE, to_iso
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.language import kept, noted
from rapport.kernel.work import Connection
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.reading.references import find_key
from rapport.storage import log
from rapport.storage.bulk import insert_rows
from rapport.storage.engine import Database
from rapport.storage.lookup import select_among

__all__ = [
    "Redemption",
    "adjust",
    "capture",
    "current",
    "give",
    "give_back",
    "hold",
    "hold_for",
    "let_go",
    "release",
    "worth_of",
]

T = TypeVar("T")
State = Literal["held", "captured", "released"]


class Redemption(msgspec.Struct, frozen=True, kw_only=True):
    """Points that are held for a checkout, or were paid with."""

    id: str
    programme: str
    points: int
    value_minor: int
    currency: str
    state: State
    expires_at: str
    order_id: str
    returned_points: int


def worth_of(points: int, worth: PointWorth) -> int:
    """What so many points pay, in minor units, rounded down."""
    return points * worth.minor // worth.points


def current(conn: Connection, workspace: WorkspaceId, name: str = "") -> KeptVersion:
    """The programme of this name, or the first of the shop. Raises NotFound."""
    found = [one for one in names_of(conn, workspace) if not name or one.name == name]
    if not found:
        raise NotFound(
            f"there is no programme {name!r}" if name else "the shop has no loyalty programme",
            hint="PUT /api/v1/loyalty/programmes/{name}",
        )
    return found[0]


def _here(conn: Connection, workspace: WorkspaceId, name: str, place: Place | None) -> KeptVersion:
    """The programme of this name, else the one that a quote for this place is about: a promise is held where it was
    made.
    """
    if name or place is None:
        return current(conn, workspace, name)
    return current(conn, workspace, first_for({n.name: n.programme for n in names_of(conn, workspace)}, place))


def _terms_of(
    conn: Connection, workspace: WorkspaceId, kept: KeptVersion, lots: Sequence[Lot], *, now: int
) -> Programme:  # fmt: skip
    """The terms that hold for who has these lots: those of a quote, so that both say the same worth."""
    versions = versions_of(conn, workspace)[kept.name]
    return terms_at(versions, now, min((one.at for one in lots), default=now)) or kept.programme


def _in(terms: Programme, currency: str) -> Programme:
    here = terms_in(terms, currency or terms.currency)
    if here is None:
        raise InvalidInput(
            f"points of {terms.title!r} pay nothing in {currency[:10]!r}",
            hint=f"it counts in {', '.join(currencies_of(terms))}",
        )
    return here


def hold(
    db: Database, workspace: WorkspaceId, reference: str, points: int, *, request_id: str, programme: str = "",
    order_id: str = "", place: Place | None = None, now: int,
) -> Redemption:  # fmt: skip
    """Hold points for a checkout there (None: in the own currency of the shop's first programme, or of the named one).
    The same `request_id` is one hold, however often it is asked for. Raises NotFound for a customer nobody knows,
    InvalidInput for a number that cannot be, Conflict where there are not so many.
    """
    with db.read() as conn:
        key = find_key(conn, workspace, reference, region=settings_of(conn, workspace).region)
    return hold_for(
        db, workspace, key, points, request_id=request_id, programme=programme, order_id=order_id, place=place, now=now,
    )  # fmt: skip


def hold_for(
    db: Database, workspace: WorkspaceId, key: Key, points: int, *, request_id: str, programme: str = "",
    order_id: str = "", place: Place | None = None, now: int,
) -> Redemption:  # fmt: skip
    """The same for the person with this key."""
    if not 0 < points <= MAX_POINTS:
        raise InvalidInput(f"{points} points cannot be redeemed", hint=f"1 to {MAX_POINTS:,}")
    currency = place.currency if place else ""
    id = "red_" + blake2b(f"{workspace}:{request_id}".encode(), digest_size=12).hexdigest()

    def once(conn: Connection) -> Redemption:
        strands, lots = _locked(conn, workspace, key)
        before = _find(conn, workspace, id)
        if before is not None:
            if before.points != points or before.strand not in strands or currency not in ("", before.currency):
                raise Conflict(f"the request {request_id[:60]!r} was made before with other values")
            return _shown(before)
        kept = _here(conn, workspace, programme, place)
        mine = [one for one in lots if one.programme == kept.name]
        terms = _in(_terms_of(conn, workspace, kept, mine, now=now), currency)
        if points < terms.worth.at_least:
            raise InvalidInput(f"{points} points are fewer than the {terms.worth.at_least} one can redeem at least")
        stating = Stating(workspace, now)
        for lot in mine:
            age(stating, lot, now=now)
        drawn = draw(mine, points, now=now, cause=id, words=_of(_HELD, order_id))
        if drawn is None:
            raise _too_few(mine, points, conn, workspace, strands, now=now)
        store.save_lots(conn, workspace, [lot for lot in mine if lot.new])
        log.append(conn, stating.rows(conn))
        row = {
            "workspace": workspace, "id": id, "programme": kept.name, "strand": key, "points": points,
            "minor": worth_of(points, terms.worth), "currency": terms.currency, "state": "held", "at": now,
            "expires_at": now + terms.hold_minutes * MINUTE, "settled_at": None, "order_id": order_id, "returned": 0,
        }  # fmt: skip
        insert_rows(conn, store.redemptions, [row])
        insert_rows(conn, store.draws, [
            {"workspace": workspace, "redemption": id, "lot": lot.lot, "points": some, "returned": 0}
            for lot, some in drawn
        ])  # fmt: skip
        refresh(conn, workspace, strands, now=now)
        return _shown(_found(conn, workspace, id))

    return _try(db, once)


def capture(db: Database, workspace: WorkspaceId, id: str, *, order_id: str = "", now: int) -> Redemption:
    """The payment went through: the held points are spent. Again is once. Raises Conflict for one that was released."""

    def once(conn: Connection) -> Redemption:
        row = _locked_redemption(conn, workspace, id)
        if row.state == "captured":
            return _shown(row)
        if row.state == "released":
            raise Conflict(
                f"the points of {id} were released at {to_iso(row.settled_at)}", hint="hold them anew and capture that"
            )
        order = order_id or row.order_id
        _move(conn, workspace, row, "held", "redeemed", now=now, words=_of(_PAID, order))
        stating = Stating(workspace, now)
        stating.add(
            Key(row.strand), REDEEMED, f"points-redeemed:{id}", now, points=row.points, programme=row.programme,
            value_minor=row.minor, currency=row.currency, order_id=order, words=_of(_PAID, order), cause=id,
        )  # fmt: skip
        _set(conn, workspace, id, state="captured", settled_at=now, order_id=order)
        rows = stating.rows(conn)
        if order:  # what was paid with points may not count
            rows += settle(conn, workspace, {Key(row.strand)}, cause={Key(row.strand): id}, now=now)
        refresh(conn, workspace, [Key(row.strand)], now=now)
        log.append(conn, rows)
        return _shown(_found(conn, workspace, id))

    return _try(db, once)


def release(db: Database, workspace: WorkspaceId, id: str, *, now: int) -> Redemption:
    """The payment failed: the held points are back in their lots. Again is once. Raises Conflict once captured."""

    def once(conn: Connection) -> Redemption:
        row = _locked_redemption(conn, workspace, id)
        if row.state == "captured":
            raise Conflict(f"the points of {id} are spent", hint="give them back: POST …/refund")
        if row.state == "held":
            stating = Stating(workspace, now)
            let_go(conn, workspace, row, stating, now=now)
            refresh(conn, workspace, [Key(row.strand)], now=now)
            log.append(conn, stating.rows(conn))
        return _shown(_found(conn, workspace, id))

    return _try(db, once)


def let_go(conn: Connection, workspace: WorkspaceId, row: Any, stating: Stating, *, now: int) -> None:
    """Put held points back into their lots, which must be locked, and state what expired meanwhile."""
    lots = _move(conn, workspace, row, "held", "available", now=now, words=noted("not used: the checkout was not paid"))
    for lot in lots:
        age(stating, lot, now=now)
    store.save_lots(conn, workspace, lots)
    _set(conn, workspace, row.id, state="released", settled_at=now)


def give_back(
    db: Database, workspace: WorkspaceId, id: str, points: int, *, refund_id: str, now: int
) -> Redemption:  # fmt: skip
    """What was paid with points was refunded: they go back into their lots, those that expire last first. The same
    `refund_id` is one return, and what came back with the order already does not come twice. Raises Conflict for more
    than is left to be told of the redemption.
    """

    def once(conn: Connection) -> Redemption:
        row = _locked_redemption(conn, workspace, id)
        cause = f"return:{id}:{refund_id}"
        if _was_told(conn, workspace, row, refund_id, cause):
            return _shown(row)
        if row.state != "captured" or not 0 < points <= row.points - row.told:
            raise Conflict(
                f"{points} points cannot be given back of {id}: it is {row.state}, {row.points - row.told} are left"
            )
        terms = current(conn, workspace, row.programme).programme
        until = end_of_day(now, terms.returned_days, terms.time_zone)
        told = {"workspace": workspace, "redemption": id, "refund": refund_id, "points": points}
        insert_rows(conn, store.returns, [told])
        wanted = Return(row, row.told + points, row.by_order, cause, of_return(row.order_id), until)
        store.save_lots(conn, workspace, bring_back(conn, workspace, [wanted], now=now))
        refresh(conn, workspace, [Key(row.strand)], now=now)
        return _shown(_found(conn, workspace, id))

    return _try(db, once)


def _was_told(conn: Connection, workspace: WorkspaceId, row: Any, refund_id: str, cause: str) -> bool:
    """Whether this refund was told before; one of before there was a table of them is known by its entries."""
    e, t = store.entries.c, store.returns.c
    lots = [part.lot for part in _draws(conn, workspace, row.id)]
    told = sa.exists().where(t.workspace == workspace, t.redemption == row.id, t.refund == refund_id)
    booked = sa.exists().where(
        e.workspace == workspace, e.programme == row.programme, e.lot.in_(lots), e.cause == cause
    )  # fmt: skip
    return bool(conn.execute(sa.select(sa.or_(told, booked))).scalar())


def adjust(
    db: Database, workspace: WorkspaceId, key: Key, points: int, *, reason: str, by: str, request_id: str,
    programme: str = "", now: int,
) -> None:  # fmt: skip
    """A person of the staff gives or takes points, and says why. Taking never makes the balance negative: Conflict."""
    if not reason.strip():
        raise InvalidInput(
            "say why the points are corrected", hint="it stays with the entry, and the customer reads it"
        )
    if not 0 < abs(points) <= MAX_POINTS:
        raise InvalidInput(f"{points} points are no correction", hint=f"up to {MAX_POINTS:,}, with a minus to take")

    _try(
        db,
        lambda conn: give(
            conn, workspace, key, points, reason=reason, by=by, request_id=request_id, programme=programme, now=now
        ),
    )  # fmt: skip


def give(
    conn: Connection, workspace: WorkspaceId, key: Key, points: int, *, reason: str, by: str, request_id: str,
    programme: str = "", now: int,
) -> None:  # fmt: skip
    """Give or take points in the caller's transaction; under one `request_id` once.

    Raises Conflict where there are too few to take, or the `request_id` was used for something else, NotFound without a
    programme; and IntegrityError where somebody else changed the same lots meanwhile: then it is to be tried again.
    """
    strands, lots = _locked(conn, workspace, key)
    kept = current(conn, workspace, programme)
    terms, name = kept.programme, f"given:{request_id}"
    cause, words = f"staff:{request_id}", reason.strip()[:200]
    known = store.lots_named(conn, workspace, [name]).get((kept.name, name))
    if known is not None:
        if known.strand in strands and _corrected(conn, workspace, (known, *lots), cause) == points:
            return
        raise Conflict(
            f"request_id {request_id[:60]!r} was used for another correction", hint="give each correction its own"
        )
    until = end_of_day(now, terms.valid_days, terms.time_zone) if terms.valid_days else FOR_EVER
    lot = Lot(programme=kept.name, lot=name, strand=key, at=now, available_at=now, expires_at=until, rule="staff",
              words=words, new=[])  # fmt: skip
    changed, stating = [lot], Stating(workspace, now)
    if points > 0:
        lot.become(points, now=now, cause=cause, words=words, by=by)
    else:
        mine = [one for one in lots if one.programme == kept.name]
        for one in mine:
            age(stating, one, now=now)
        drawn = draw(mine, -points, now=now, cause=cause, words=words)
        if drawn is None:
            raise Conflict(f"{-points} points cannot be taken: there are {usable(mine, now)}")
        for one, some in drawn:
            one.move("held", "taken", some, at=now, cause=cause, words=words, by=by)
        changed += [one for one in mine if one.new]
    store.save_lots(conn, workspace, changed)
    refresh(conn, workspace, strands, now=now)
    stating.add(key, ADJUSTED, f"points-adjusted:{request_id}", now, points=points, programme=kept.name,
                words=words, by=by, cause=cause)  # fmt: skip
    log.append(conn, stating.rows(conn))


def _corrected(conn: Connection, workspace: WorkspaceId, lots: Iterable[Lot], cause: str) -> int:
    """What a correction gave to these lots, or took as a negative number."""
    e = store.entries.c
    query = sa.select(e.debit, e.credit, e.points).where(e.cause == cause)
    rows = select_among(conn, query, workspace, e.lot, {one.lot for one in lots})
    return sum(points if debit == "shop" else -points for debit, credit, points in rows if credit != "held")


def _try(db: Database, once: Callable[[Connection], T]) -> T:
    """In a transaction; again where somebody else changed the same lots meanwhile."""
    for _ in range(5):
        try:
            with db.write() as conn:
                return once(conn)
        except IntegrityError:
            continue
    with db.write() as conn:
        return once(conn)


def _locked(conn: Connection, workspace: WorkspaceId, key: Key) -> tuple[set[Key], list[Lot]]:
    strands = person_of(conn, workspace, key)
    store.lock_people(conn, strands)
    return strands, store.lots_of(conn, workspace, strands)


def _locked_redemption(conn: Connection, workspace: WorkspaceId, id: str) -> Any:
    row = _found(conn, workspace, id)
    _locked(conn, workspace, Key(row.strand))
    return _found(conn, workspace, id)


def _move(
    conn: Connection, workspace: WorkspaceId, row: Any, debit: Any, credit: Any, *, now: int, words: str
) -> list[Lot]:  # fmt: skip
    """Move what a redemption drew, in each of its lots; written, unless it goes back to what is available."""
    parts = _draws(conn, workspace, row.id)
    lots = store.lots_named(conn, workspace, [part.lot for part in parts])
    changed = []
    for part in parts:
        lot = lots[row.programme, part.lot]
        lot.move(debit, credit, part.points, at=now, cause=row.id, words=words)
        changed.append(lot)
    if credit != "available":
        store.save_lots(conn, workspace, changed)
    return changed


def _draws(conn: Connection, workspace: WorkspaceId, id: str) -> list[Any]:
    d = store.draws.c
    query = sa.select(store.draws).where(d.workspace == workspace, d.redemption == id)
    return list(conn.execute(query.order_by(d.lot)))


def _find(conn: Connection, workspace: WorkspaceId, id: str) -> Any:
    r = store.redemptions.c
    return conn.execute(sa.select(store.redemptions).where(r.workspace == workspace, r.id == id)).first()


def _found(conn: Connection, workspace: WorkspaceId, id: str) -> Any:
    row = _find(conn, workspace, id)
    if row is None:
        raise NotFound(f"there is no redemption {id[:60]!r}")
    return row


def _set(conn: Connection, workspace: WorkspaceId, id: str, **values: Any) -> None:
    r = store.redemptions.c
    conn.execute(sa.update(store.redemptions).values(**values).where(r.workspace == workspace, r.id == id))


def _shown(row: Any) -> Redemption:
    return Redemption(
        id=row.id, programme=row.programme, points=row.points, value_minor=row.minor, currency=row.currency,
        state=row.state, expires_at=to_iso(row.expires_at), order_id=row.order_id, returned_points=row.returned,
    )  # fmt: skip


def _too_few(
    lots: list[Lot], points: int, conn: Connection, workspace: WorkspaceId, strands: set[Key], *, now: int
) -> Conflict:
    """Says what there is, and what another checkout holds: that is not the same as nothing."""
    held = sum(one.held for one in lots)
    r = store.redemptions.c
    until = conn.execute(
        sa.select(sa.func.max(r.expires_at)).where(r.workspace == workspace, r.strand.in_(strands), r.state == "held")
    ).scalar()
    words = f"{points} points are asked for, {usable(lots, now)} can be redeemed"
    if held and until:
        return Conflict(f"{words}, {held} are held by another checkout until {to_iso(until)}", hint="release that one")
    return Conflict(words, hint="GET /api/v1/customers/{reference}/loyalty says what there is")


_HELD = noted("held for a checkout"), kept("held for a checkout, order %(order)s")
_PAID = noted("paid"), kept("paid, order %(order)s")


def _of(words: tuple[str, str], order_id: str) -> str:
    """What became of points, and of which order where that is known."""
    return words[1] % {"order": order_id[:40]} if order_id else words[0]
