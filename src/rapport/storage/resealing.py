"""Secrets that lie in the database as an older key, or none, left them are sealed with the key that seals now.

Each room says where its secrets lie (`SecretPlace`); a worker goes through all of them at its start, a page at a time,
and `rapport secrets seal` does so at once. What somebody has changed meanwhile stays as they wrote it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Table, bindparam

from rapport.storage.sealing import State, has_key, opened, opened_text, sealed, sealed_text, state_of, state_of_text

__all__ = ["Page", "SecretPlace", "look_at_page", "seal_page"]

Row = Mapping[str, Any]
PrimaryKey = tuple[Any, ...]


class SecretPlace(NamedTuple):
    """A column in which secrets lie, as `storage.sealing` keeps them."""

    table: Table
    column: str
    about: Callable[[Row], str]
    """What a row's secret is sealed for."""
    fields: tuple[str, ...] = ()
    """Where the column holds JSON that is readable but for these fields; empty where all of it is the secret."""
    only: Mapping[str, object] = {}
    """Which rows have a secret there, by columns and what stands in them; all where it is empty."""

    @property
    def name(self) -> str:
        """How people are told of it: `webhooks.secret`."""
        return f"{self.table.name}.{self.column}"


class Page(NamedTuple):
    """Some rows of a place, as they were found."""

    states: Counter[State]
    """How many secrets lay how."""
    last: PrimaryKey | None
    """Of the last row; None where there are no more after it."""


def look_at_page(conn: Connection, place: SecretPlace, *, after: PrimaryKey | None, limit: int) -> Page:
    """How the secrets of the next rows lie; nothing is changed."""
    return _page(place, _rows(conn, place, after, limit), limit)


def seal_page(conn: Connection, place: SecretPlace, *, after: PrimaryKey | None, limit: int) -> Page:
    """Look at the next rows, and seal with the key that seals now what lies readable or was sealed with an older one.

    What no key opens stays as it is. Without a key nothing is changed.
    """
    found = _rows(conn, place, after, limit)
    names, column = _key_of(place), place.table.c[place.column]
    changes = [
        {**{f"of_{name}": row[name] for name in names}, "was": row[place.column], "new": new}
        for row in found
        if has_key() and (new := _anew(place, row)) is not None
    ]
    if changes:
        mine = [place.table.c[name] == bindparam(f"of_{name}") for name in names]
        change = sa.update(place.table).where(*mine, column == bindparam("was"))
        conn.execute(change.values({place.column: bindparam("new")}), changes)
    return _page(place, found, limit)


def _page(place: SecretPlace, found: list[Row], limit: int) -> Page:
    states = Counter(state for row in found for _, state in _secrets(place, row))
    return Page(states, tuple(found[-1][name] for name in _key_of(place)) if len(found) == limit else None)


def _rows(conn: Connection, place: SecretPlace, after: PrimaryKey | None, limit: int) -> list[Row]:
    c = place.table.c
    query = sa.select(place.table).where(c[place.column].is_not(None))
    query = query.where(*(c[name] == value for name, value in place.only.items()))
    keys = [c[name] for name in _key_of(place)]
    if after is not None:
        query = query.where(sa.tuple_(*keys) > after)
    return [dict(row._mapping) for row in conn.execute(query.order_by(*keys).limit(limit))]


def _key_of(place: SecretPlace) -> list[str]:
    return [column.name for column in place.table.primary_key.columns]


def _secrets(place: SecretPlace, row: Row) -> Iterator[tuple[str, State]]:
    """Each secret of a row, by the field it stands in, with how it lies; an empty one is none."""
    kept, about = row[place.column], place.about(row)
    values = msgspec.json.decode(kept) if place.fields else {"": kept}
    for name in place.fields or ("",):
        value = values.get(name)
        if isinstance(value, str) and value:
            yield name, state_of_text(value, about=about)
        elif isinstance(value, bytes) and value:
            yield name, state_of(value, about=about)


def _anew(place: SecretPlace, row: Row) -> object:
    """What the column is to hold; None where it stays as it is."""
    kept, about = row[place.column], place.about(row)
    stale = [name for name, state in _secrets(place, row) if state in ("older", "readable")]
    if not stale:
        return None
    if not place.fields:
        if isinstance(kept, str):
            return sealed_text(opened_text(kept, about=about), about=about)
        return sealed(opened(kept, about=about), about=about)
    body = msgspec.json.decode(kept)
    anew = {name: sealed_text(opened_text(body[name], about=about), about=about) for name in stale}
    return msgspec.json.encode({**body, **anew})
