"""Queries that are asked again and again while somebody waits: compiled once, then sent to the driver as they are.

SQLAlchemy builds, caches and wraps each statement anew, which costs more than a look at an index does: on SQLite 40 to
300 µs of a core against 2 to 60. Rows come as the driver's plain tuples, so a boolean of SQLite is 0 or 1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.storage.bulk import chunks

__all__ = ["Prepared"]

_Query = sa.Select[*tuple[Any, ...]] | sa.CompoundSelect[*tuple[Any, ...]]

MOST = 512
"""Values of a list in one statement."""


class _Slot(NamedTuple):
    """Where a value goes: a parameter's, or one of a list."""

    name: str
    place: int


class _Given(NamedTuple):
    """A value that is the same each time, or the name of a parameter, whose list may fill several places."""

    name: str = ""
    value: Any = None
    is_list: bool = False


class _Compiled(NamedTuple):
    text: str
    given: Sequence[_Given]
    """In the driver's order."""
    names: Sequence[str] | None
    """Of the values, where the driver takes them by name."""

    def values(self, known: Mapping[str, Any]) -> list[Any]:
        """What goes to the driver."""
        found: list[Any] = []
        for name, value, is_list in self.given:
            if not name:
                found.append(value)
            elif is_list:
                found += known[name]
            else:
                found.append(known[name])
        return found


class Prepared:
    """A query with `bindparam`s, compiled once for each engine and length of its lists.

    A list (`bindparam(…, expanding=True)`) is filled up with its last value to the next power of two, so that a
    statement has few forms and drivers keep them prepared.
    """

    def __init__(self, query: _Query) -> None:
        self._query = query
        self._compiled: dict[tuple[object, ...], _Compiled] = {}

    def rows(self, conn: Connection, /, **values: Any) -> list[Any]:
        """All rows. A list must not be empty, nor longer than MOST. Raises what SQLAlchemy raises."""
        lists = {name: _filled(value) for name, value in values.items() if isinstance(value, list | tuple)}
        key = (conn.dialect.name, *map(len, lists.values()))
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = _compile(self._query, conn, values, lists)
        known = {**values, **lists}
        given = compiled.values(known)
        return _asked(
            conn, compiled.text, given if compiled.names is None else dict(zip(compiled.names, given, strict=True))
        )

    def row(self, conn: Connection, /, **values: Any) -> Any:
        """The first row, None where there is none."""
        return next(iter(self.rows(conn, **values)), None)

    def among(self, conn: Connection, name: str, wanted: Iterable[Any], /, **values: Any) -> list[Any]:
        """The rows for a list of any length, named `name`: a statement for each MOST, none for an empty one."""
        asked = list(wanted)
        if len(asked) <= MOST:
            return self.rows(conn, **values, **{name: asked}) if asked else asked
        found: list[Any] = []
        for some in chunks(asked, MOST):
            found += self.rows(conn, **values, **{name: some})
        return found


def _filled(values: Collection[Any]) -> Sequence[Any]:
    some = list(values)
    return some + some[-1:] * ((1 << (len(some) - 1).bit_length()) - len(some))


def _compile(query: _Query, conn: Connection, values: dict[str, Any], lists: dict[str, Sequence[Any]]) -> _Compiled:
    """The text for lists of these lengths: it is compiled with slots in place of values."""
    put: dict[str, Any] = {
        name: [_Slot(name, place) for place in range(len(lists[name]))] if name in lists else _Slot(name, -1)
        for name in values
    }
    compiled: Any = query.compile(dialect=conn.dialect)
    state = compiled.construct_expanded_state(put)
    held = state.parameters
    names = list(held) if state.positiontup is None else list(state.positiontup)
    given = _joined([held[name] for name in names], {name: len(value) for name, value in lists.items()})
    return _Compiled(state.statement, given, names if state.positiontup is None else None)


def _joined(values: Sequence[Any], lengths: Mapping[str, int]) -> list[_Given]:
    """These values, the places of a list together. SQLAlchemy puts a list's values one behind the other."""
    found: list[_Given] = []
    for place, one in enumerate(values):
        if not isinstance(one, _Slot):
            found.append(_Given(value=one))
        elif one.place < 0:
            found.append(_Given(one.name))
        elif one.place == 0:
            length = lengths[one.name]
            if list(values[place : place + length]) != [_Slot(one.name, n) for n in range(length)]:
                raise ValueError(f"the list {one.name!r} does not stand in one piece in the statement")
            found.append(_Given(one.name, is_list=True))
    return found


def _asked(conn: Connection, text: str, given: Any) -> list[Any]:
    driver: Any = conn.connection.driver_connection
    try:
        found: list[Any] = driver.execute(text, given).fetchall()
        return found
    except Exception as error:
        dialect: Any = conn.dialect
        if not isinstance(error, dialect.loaded_dbapi.Error):
            raise
        is_lost = bool(dialect.is_disconnect(error, driver, None))
        raised = sa.exc.DBAPIError.instance(
            text, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, connection_invalidated=is_lost,
            dialect=dialect,
        )  # fmt: skip
        if is_lost:
            conn.invalidate(error)
        raise raised from error
