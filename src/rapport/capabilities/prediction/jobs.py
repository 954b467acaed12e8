"""What workers do for predictions: fit a shop once a week, and say of its customers what the fit foretells."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import sqlalchemy as sa

from rapport.act.jobs import Job, Share, Turn
from rapport.capabilities.prediction import store
from rapport.capabilities.prediction.service.fitting import fit_shop, keep_fit
from rapport.capabilities.prediction.service.telling import Ending, end_some, read_ending, read_some, write_some
from rapport.compose.slice import Joined
from rapport.kernel.clock import DAY, HOUR
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Connection
from rapport.remember.store import customers
from rapport.storage.engine import Database
from rapport.storage.workspaces import all_workspaces

__all__ = ["jobs"]

EVERY = 7 * DAY
AGAIN = 6 * HOUR
"""A shop that has too few customers is looked at again after so long."""


LOOKED_THROUGH = DAY
"""So often it is looked whether what was said of customers may still be said."""


class _Place:
    """How far a worker has looked through what was said, and when it begins again."""

    def __init__(self) -> None:
        self.at: tuple[WorkspaceId, bytes] | None = None
        self.again_at = 0


class _Looked:
    """When a shop was found to have too little, in the memory of the worker."""

    def __init__(self) -> None:
        self.at: dict[WorkspaceId, int] = {}


_failed: WeakKeyDictionary[Database, dict[WorkspaceId, int]] = WeakKeyDictionary()
"""When the fit of a shop was begun that has not ended. Whatever a job keeps in its turns is forgotten when it fails."""


def _due_shop(conn: Connection, turn: Turn) -> WorkspaceId | None:
    """A shop whose fit is due; one whose fit has failed waits, and holds up no other."""
    waiting = turn.kept(_Looked).at | _failed.get(turn.db, {})
    for shop in all_workspaces(conn):
        fit = store.latest_fit(conn, shop.id)
        if fit is not None and (turn.now - fit.fitted_at < EVERY or fit.told_to is not None):
            continue
        if turn.now - waiting.get(shop.id, -AGAIN) >= AGAIN:
            return WorkspaceId(shop.id)
    return None


def _is_fit_due(conn: Connection, turn: Turn) -> bool:
    # A fit takes some seconds of the worker: it waits for a moment in which no facts do.
    return turn.caught_up and _due_shop(conn, turn) is not None


def _shop_to_tell(conn: Connection) -> WorkspaceId | None:
    shops = (WorkspaceId(shop.id) for shop in all_workspaces(conn))
    for shop in shops:
        fit = store.latest_fit(conn, shop)
        if fit is not None and fit.told_to is not None:
            return shop
    return None


def _is_anybody_to_tell(conn: Connection, turn: Turn) -> bool:
    return _shop_to_tell(conn) is not None


def _untold(conn: Connection, turn: Turn) -> int:
    """Customers that have yet to be told of, of the shop that is told of now, by how far the round is among keys,
    which are hashes.
    """
    shop = _shop_to_tell(conn)
    fit = None if shop is None else store.latest_fit(conn, shop)
    if fit is None or fit.told_to is None:
        return 0
    of = sa.select(sa.func.count()).select_from(customers).where(customers.c.workspace == shop, customers.c.orders > 0)
    left = 1 - int.from_bytes(bytes(fit.told_to[:4]).ljust(4, b"\0"), "big") / 2**32
    return max(1, round(int(conn.execute(of).scalar_one()) * left))


def _is_it_time_to_end(conn: Connection, turn: Turn) -> bool:
    place = turn.kept(_Place)
    return place.at is not None or turn.now >= place.again_at


def _next_place(conn: Connection, after: tuple[WorkspaceId, bytes] | None) -> tuple[WorkspaceId, bytes] | None:
    """A shop of which anything was said, and from where on; None where there is no more."""
    p = store.predictions.c
    query = sa.select(sa.func.min(p.workspace))
    if after is not None:
        query = query.where(p.workspace > after[0])
    found = conn.execute(query).scalar()
    return None if found is None else (WorkspaceId(found), b"")


def _ending(joined: Joined) -> Job:
    def run(turn: Turn) -> int:
        place = turn.kept(_Place)
        with turn.db.read() as conn:
            at = place.at or _next_place(conn, None)
            found = Ending((), None)
            if at is not None:
                found = read_ending(conn, at[0], gate=joined.gate, now=turn.now, after=at[1], limit=turn.at_most)
                place.at = _next_place(conn, at) if found.last is None else (at[0], found.last)
        if place.at is None:
            place.again_at = turn.now + LOOKED_THROUGH
        else:
            turn.again()
        if at is not None and found.roots:
            with turn.write() as conn:
                # Asked once more: somebody may have allowed it, or be another customer, since it was read.
                still = read_ending(conn, at[0], gate=joined.gate, now=turn.now, after=at[1], limit=turn.at_most)
                for row in end_some(conn, at[0], still.roots, now=turn.now):
                    turn.work.state(row)
        return len(found.roots)

    return Job(
        name="prediction.ending", title="What may no longer be foretold is taken back", due=_is_it_time_to_end,
        run=run, at_most=200, pause_seconds=30.0, waiting_seconds=0.2,
        share=Share(behind=1 / 50, busy=1 / 10, quiet=1 / 2),
    )  # fmt: skip


def _fitting(joined: Joined) -> Job:
    def fit(turn: Turn) -> int:
        with turn.db.read() as conn:
            shop = _due_shop(conn, turn)
        if shop is None:
            return 0
        begun = _failed.setdefault(turn.db, {})
        begun[shop] = turn.now
        with turn.db.read() as conn:
            fitted = fit_shop(conn, shop, gate=joined.gate, now=turn.now)
        del begun[shop]
        turn.kept(_Looked).at[shop] = turn.now
        if fitted is None:
            return 0
        with turn.write() as conn:
            keep_fit(conn, shop, fitted, now=turn.now)
        return 1

    return Job(
        name="prediction.fitting", title="What customers will probably do is learnt anew", due=_is_fit_due,
        run=fit, at_most=1, pause_seconds=30.0, share=Share(behind=1 / 100, busy=1 / 20, quiet=1 / 2),
        may_pause=True,
    )  # fmt: skip


def _telling(joined: Joined) -> Job:
    def tell(turn: Turn) -> int:
        with turn.db.read() as conn:
            shop = _shop_to_tell(conn)
            told = None
            if shop is not None:
                told = read_some(conn, shop, gate=joined.gate, now=turn.now, limit=turn.at_most)
        if shop is None or told is None:
            return 0
        turn.again()
        with turn.write() as conn:
            for row in write_some(conn, shop, told):
                turn.work.state(row)
        return len(told.said)

    return Job(
        name="prediction.telling", title="What a fit foretells is said of customers", due=_is_anybody_to_tell,
        run=tell, at_most=200, pause_seconds=10.0, waiting_seconds=0.2,
        share=Share(behind=1 / 50, busy=1 / 10, quiet=1 / 2), may_pause=True, ahead=_untold,
    )  # fmt: skip


def jobs(joined: Joined) -> tuple[Job, ...]:
    """The jobs of an installation in which this gate says of whom anything may be foretold."""
    return _fitting(joined), _telling(joined), _ending(joined)
