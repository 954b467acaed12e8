"""Where a page of the list of customers ends and the next begins, and the rows from there on.

Everybody stands in a few *ranges* of an index: customers and visitors, and for revenue each currency, because amounts
of two currencies cannot be compared.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import WorkspaceId
from rapport.remember.store import customers

__all__ = ["Place", "currencies", "decode", "decode_offset", "encode", "encode_offset", "rows_of"]

CURRENCIES = 200

_table = customers.c
_Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Place(NamedTuple):
    """Where a page ended: the currency whose amounts are listed (or nothing), its last row's sort value and root."""

    strip: str
    value: int | str
    root: bytes


def rows_of(
    conn: Connection,
    conditions: Sequence[sa.ColumnElement[bool]],
    known: Sequence[int],
    column: sa.Column[Any],
    *,
    upwards: bool,
    after: Place | None,
    limit: int,
) -> list[sa.Row[Any]]:
    """The next rows in the order of a column, each kind of `known` read in its own order from its own range."""
    if after is not None:
        here, there = sa.tuple_(column, _table.root), sa.tuple_(sa.literal(after.value), sa.literal(after.root))
        conditions = [*conditions, here > there if upwards else here < there]

    def ordered(columns: Any) -> tuple[Any, Any]:
        both = columns[column.name], columns["root"]
        return both if upwards else (both[0].desc(), both[1].desc())

    each = [
        sa.select(customers).where(_table.known == kind, *conditions).order_by(*ordered(_table)).limit(limit)
        for kind in known
    ]
    if len(each) == 1:
        return list(conn.execute(each[0]))
    both = sa.union_all(*(sa.select(one.subquery()) for one in each)).subquery()
    return list(conn.execute(sa.select(both).order_by(*ordered(both.c)).limit(limit)))


def currencies(conn: Connection, workspace: WorkspaceId, known: Sequence[int], first: str) -> list[str]:
    """The currencies of customers' revenue: this one first, "" (nobody bought) last. A look at the index for each."""
    least = sa.func.min(_table.currency).label("code")
    found: set[str] = set()
    for kind in known:
        inside = (_table.workspace == workspace, _table.known == kind)
        one = sa.select(least).where(*inside).cte("one", recursive=True)
        following = sa.select(least).where(*inside, _table.currency > one.c.code).scalar_subquery()
        one = one.union_all(sa.select(following).where(one.c.code.is_not(None)))
        found.update(conn.execute(sa.select(one.c.code).where(one.c.code.is_not(None)).limit(CURRENCIES)).scalars())
    return sorted(found, key=lambda code: (code == "", code != first, code))


def encode(place: Place) -> str:
    """A page's end as text for an address."""
    return _packed([place.strip, place.value, place.root.hex()])


def decode(cursor: str, *, text: bool) -> Place:
    """The place that a cursor says, its value a text or a number. Raises InvalidInput."""
    try:
        body = _unpacked(cursor)
        if text:
            strip, value, root = msgspec.json.decode(body, type=tuple[str, str, str])
            return Place(strip, value.replace("\x00", ""), bytes.fromhex(root))
        strip, number, root = msgspec.json.decode(body, type=tuple[str, _Int64, str])
        return Place(strip, number, bytes.fromhex(root))
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise _unreadable(cursor) from None


def encode_offset(offset: int) -> str:
    """A page's end where those who fit are counted through."""
    return _packed([offset])


def decode_offset(cursor: str) -> int:
    """Where such a page begins. Raises InvalidInput."""
    try:
        (offset,) = msgspec.json.decode(_unpacked(cursor), type=tuple[Annotated[int, msgspec.Meta(ge=0, le=10**6)]])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise _unreadable(cursor) from None
    return offset


def _packed(body: list[Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(body)).decode().rstrip("=")


def _unpacked(cursor: str) -> bytes:
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


def _unreadable(cursor: str) -> InvalidInput:
    return InvalidInput(f"cursor {cursor[:60]!r} cannot be read", hint="start again without a cursor")
