"""The jobs of rooms below `act`, which know no jobs: identity in time, learned links, the customers' summaries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection

from rapport.act.jobs import Job, Share, Turn
from rapport.collect.sources import identifier_policy
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember import customers, persons
from rapport.remember.registry import Remembered
from rapport.remember.segments.following import Following, filling_shops, is_due
from rapport.remember.worth import worths
from rapport.resolve.graph import expiry
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.linking import choosing
from rapport.resolve.linking.linker import Linker, note_changed
from rapport.resolve.linking.models import active_version

__all__ = ["ASKING", "EXPIRY", "LINKING", "SUMMARIES", "clock", "filling", "summaries"]

LOADED_AT_ONCE = 50
"""Records loaded into the index of learned links at a time, about a millisecond each."""

SUMMARIES = "remember.summaries"


def _is_anything_expiring(conn: Connection, turn: Turn) -> bool:
    return bool(expiry.expiring(conn, now=turn.now))


def _expire(turn: Turn) -> int:
    """Let some evidence of one shop count no more, and have its customers' summaries made anew."""
    with turn.db.read() as conn:
        shops = expiry.expiring(conn, now=turn.now)
    if not shops:
        return 0
    turn.again()
    with turn.write() as conn:
        moved = expiry.expire(conn, shops[0], now=turn.now, limit=turn.at_most)
        customers.mark_moved(conn, moved)
    return len(moved)


EXPIRY = Job(
    name="resolve.expiry",
    title="Old evidence expires",
    due=_is_anything_expiring,
    run=_expire,
    at_most=20,
    pause_seconds=30.0,
    waiting_seconds=0.2,
)


def _linker() -> Linker:
    return Linker(lambda conn, workspace: identifier_policy(settings_of(conn, workspace)))


def _is_anything_to_score(conn: Connection, turn: Turn) -> bool:
    return bool(turn.kept(_linker).due(conn))


def _link(turn: Turn) -> int:
    """Score a few records of one shop against its learned model, or load some of its index; returns how many scored."""
    linker = turn.kept(_linker)
    with turn.db.read() as conn:
        shops = linker.due(conn)
        is_whole = bool(shops) and linker.warm(conn, shops[0], limit=LOADED_AT_ONCE)
    if shops:
        turn.again()
    return _score(turn, linker, shops[0]) if is_whole else 0


def _score(turn: Turn, linker: Linker, workspace: WorkspaceId) -> int:
    with turn.write() as conn:
        linked = linker.link_pending(conn, workspace, now=turn.now, limit=turn.at_most)
        customers.mark_moved(conn, linked.moved)
    return linked.scored


LINKING = Job(
    name="resolve.linking",
    title="Records are scored for learned links",
    due=_is_anything_to_score,
    run=_link,
    at_most=10,  # some milliseconds each
    pause_seconds=0.5,
    waiting_seconds=0.05,
)
"""Its index is in the memory of the worker that leads."""


def _is_anything_to_ask(conn: Connection, turn: Turn) -> bool:
    return bool(choosing.waiting_shops(conn, now=turn.now))


def _choose(turn: Turn) -> int:
    """Weigh some pairs that may be one person, and ask as many as the week has room for."""
    with turn.db.read() as conn:
        shops = choosing.waiting_shops(conn, now=turn.now)
    if not shops:
        return 0
    turn.again()
    with turn.write() as conn:
        return choosing.choose(conn, shops[0], partial(worths, now=turn.now), now=turn.now, limit=turn.at_most)


ASKING = Job(
    name="resolve.asking",
    title="Pairs worth a person's look are chosen",
    due=_is_anything_to_ask,
    run=_choose,
    at_most=60,
    pause_seconds=2.0,
    waiting_seconds=0.2,
)


class _Segments(NamedTuple):
    """Segments following one turn of the customers' rows."""

    following: Following
    turn: Turn

    @property
    def parts(self) -> frozenset[str]:
        return self.following.parts

    def __call__(
        self,
        conn: Connection,
        workspace: WorkspaceId,
        told: Mapping[Key, customers.Summarised],
        gone: Collection[Key],
    ) -> None:
        for row in self.following.follow(conn, workspace, told, gone, self.turn.now):
            self.turn.work.state(row)


def summaries(remembered: Remembered) -> Job:
    """The job that brings the customers' rows up to date, what is compared of them, and in which segments they are."""
    fields_of = partial(persons.fields_of, remembered=remembered)
    following = partial(Following, remembered)

    def due(conn: Connection, turn: Turn) -> bool:
        return customers.pending(conn, buckets=turn.buckets)

    def run(turn: Turn) -> int:
        with turn.write() as conn:
            done = customers.refresh(
                conn, limit=turn.at_most, buckets=turn.buckets, remembered=remembered,
                follower=_Segments(turn.kept(following), turn),
            )  # fmt: skip
            for workspace, roots in done.roots.items():
                if active_version(conn, workspace) is not None:
                    note_changed(conn, workspace, roots, fields_of, now=turn.now)
        return done.taken

    return Job(
        name=SUMMARIES,
        title="Customers' summaries are brought up to date",
        due=due,
        run=run,
        at_most=60,  # few, because whoever appends waits for it
        exclusive=False,
        pause_seconds=0.4,
        waiting_seconds=0.1,
        share=Share(behind=1 / 9, busy=1 / 5, quiet=1 / 5),
    )


def clock(remembered: Remembered) -> Job:
    """The job that moves customers between segments as time passes."""
    following = partial(Following, remembered)

    def due(conn: Connection, turn: Turn) -> bool:
        return is_due(conn, turn.buckets, now=turn.reached)

    def run(turn: Turn) -> int:
        with turn.write() as conn:
            taken, stated = turn.kept(following).pass_time(
                conn, turn.buckets, now=turn.reached, limit=turn.at_most
            )  # fmt: skip
            for row in stated:
                turn.work.state(row)
        return taken

    return Job(
        name="segments.clock", title="Segments follow the clock", due=due, run=run, at_most=200, exclusive=False,
        pause_seconds=1.0, waiting_seconds=0.1,
    )  # fmt: skip


def filling(remembered: Remembered) -> Job:
    """The job that asks all customers for a segment that is new or edited."""
    following = partial(Following, remembered)

    def due(conn: Connection, turn: Turn) -> bool:
        return bool(filling_shops(conn))

    def run(turn: Turn) -> int:
        with turn.db.read() as conn:
            shops = filling_shops(conn)
        if not shops:
            return 0
        turn.again()
        with turn.write() as conn:
            asked, stated = turn.kept(following).fill(conn, shops[0], now=turn.now, limit=turn.at_most)
            for row in stated:
                turn.work.state(row)
        return asked

    return Job(
        name="segments.filling", title="New and edited segments are filled", due=due, run=run, at_most=500,
        pause_seconds=1.0, waiting_seconds=0.1,
    )  # fmt: skip
