"""Whether secrets lie sealed, and sealing those that do not: the worker's job, and what `rapport secrets` does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from rapport.act.jobs import Job, Turn
from rapport.compose.installed import Installed
from rapport.storage.engine import Database
from rapport.storage.resealing import PrimaryKey, SecretPlace, look_at_page, seal_page
from rapport.storage.sealing import State, has_key

__all__ = ["SEALING", "Found", "look_at_secrets", "seal_secrets", "sealing"]

SEALING = "system.secrets"
PAGE_ROWS = 100


class Found(NamedTuple):
    """How the secrets of one place lie."""

    place: str
    states: Counter[State]


class _Walk:
    """How far a worker has come through the places since it started."""

    def __init__(self) -> None:
        self.place = 0
        self.after: PrimaryKey | None = None
        self.closed = Counter[str]()


def sealing(slices: Installed) -> Job:
    """Goes once through all secrets after each start of a worker, which is when a key can have become another."""
    places = slices.secrets

    def due(conn: Connection, turn: Turn) -> bool:
        return has_key() and turn.kept(_Walk).place < len(places)

    def run(turn: Turn) -> int:
        walk = turn.kept(_Walk)
        place = places[walk.place]
        with turn.write() as conn:
            page = seal_page(conn, place, after=walk.after, limit=turn.at_most)
        walk.after = page.last
        walk.place += page.last is None
        if walk.place < len(places):
            turn.again()
        return page.states["older"] + page.states["readable"]

    return Job(
        name=SEALING, title="Secrets are sealed with the newest key", due=due, run=run, at_most=PAGE_ROWS,
        pause_seconds=600.0,
    )  # fmt: skip


def look_at_secrets(db: Database, places: Sequence[SecretPlace]) -> list[Found]:
    """How the secrets of each place lie."""
    return [Found(place.name, sum(_looked(db, place), Counter())) for place in places]


def seal_secrets(db: Database, places: Sequence[SecretPlace]) -> list[Found]:
    """Seal what can be, a page in each transaction; answers how the secrets lay before."""
    return [Found(place.name, sum(_sealed(db, place), Counter())) for place in places]


def _looked(db: Database, place: SecretPlace) -> Iterator[Counter[State]]:
    after, more = None, True
    while more:
        with db.look() as conn:
            page = look_at_page(conn, place, after=after, limit=PAGE_ROWS)
        after, more = page.last, page.last is not None
        yield page.states


def _sealed(db: Database, place: SecretPlace) -> Iterator[Counter[State]]:
    after, more = None, True
    while more:
        with db.write() as conn:
            page = seal_page(conn, place, after=after, limit=PAGE_ROWS)
        after, more = page.last, page.last is not None
        yield page.states
