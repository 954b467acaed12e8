"""What was known of every customer at a moment: one row each, for models to learn from, without a look ahead.

Everything is folded anew from the facts that happened before that moment, by the same parts and traits as the Golden
Record; what time alone changes is read as of then. Who is one customer is what is known today. Who somebody is (name,
e-mail, phone, birthday) is no feature and left out.

Rows are written as they are made, in the order of customers' keys: after a kill the next call goes on behind the last
whole one. The table is put in its place at the end, at once.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.collect.sources import identifier_policy
from rapport.kernel.clock import to_iso
from rapport.kernel.errors import InvalidInput, Misconfigured
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.remember.registry import Registry, Remembered, StrandState
from rapport.remember.segments.fields import Fields, Record
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.store import identifiers
from rapport.storage.engine import Database
from rapport.storage.log import StoredRow, facts, to_fact
from rapport.storage.lookup import select_among
from rapport.storage.workspaces import Workspace
from rapport.web.tables import csv_cell

__all__ = ["Asked", "Made", "Permitted", "features_at", "write_features"]

PAGE = 200
"""Customers that are read at once."""

_NO_FEATURE = frozenset({"name", "first_name", "last_name", "email", "phone", "birthday", "company", "visitor",
                         "has_email", "has_phone"})  # fmt: skip
_TYPES = {"number": "DOUBLE", "money": "BIGINT", "time": "TIMESTAMPTZ", "date": "DATE", "flag": "BOOLEAN"}

Permitted = Callable[[Connection, Sequence[Key]], Mapping[Key, bool]]
"""Given customers' keys: who may be learnt from."""


class Asked(NamedTuple):
    """Of which shop, at which moment, and for what."""

    shop: Workspace
    as_of: int
    purpose: str = ""


class Made(NamedTuple):
    """What a call has done."""

    customers: int
    columns: int
    went_on: int
    """Customers that an earlier call, which was ended, had written."""
    left_out: int = 0
    """Customers who do not allow what the table is for."""


class _Row(msgspec.Struct, frozen=True):
    """A line of the file that is being written."""

    root: str
    customer: CustomerId | None
    """None of somebody who is left out: a call that goes on after a kill still knows how many they are."""
    features: Record


def write_features(
    db: Database, remembered: Remembered, asked: Asked, out: Path, *, permitted: Permitted | None = None,
    at_once: int = PAGE,
    tell: Callable[[int, int], None] = lambda *_: None,
) -> Made:  # fmt: skip
    """Write the table to `out`, CSV or Parquet by its name. Raises InvalidInput and Misconfigured.

    `tell` hears how many customers of how many are done. Cost: reads every fact of the shop once.
    """
    if out.suffix not in (".csv", ".parquet"):
        raise InvalidInput(f"{out.name} is neither .csv nor .parquet", hint="name it so")
    if out.suffix == ".parquet":
        _duckdb()
    kept = out.with_name(f"{out.name}.rows")
    last, went_on = _go_on(kept, _header(remembered, asked))
    with db.read() as conn:
        query = sa.select(sa.func.count(identifiers.c.root.distinct())).where(identifiers.c.workspace == asked.shop.id)
        total, done = int(conn.execute(query).scalar_one()), went_on
    with kept.open("ab") as file:
        for seen, rows in _pages(db, remembered, asked, last, permitted, at_once=at_once):
            file.write(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
            file.flush()
            done += seen
            tell(min(done, total), total)
        os.fsync(file.fileno())
    made = _put(kept, out, Fields(remembered))
    kept.unlink()
    return made._replace(went_on=went_on)


def features_at(
    conn: Connection,
    shop: WorkspaceId,
    roots: Sequence[Key],
    *,
    remembered: Remembered,
    registry: Registry,
    as_of: int,
) -> dict[Key, Record]:
    """What was known of these customers at a moment; nothing of those who had done nothing yet."""
    owner: dict[bytes, Key] = {}
    for root, key in select_among(conn, sa.select(identifiers.c.root, identifiers.c.key), shop, identifiers.c.root,
                                  roots):  # fmt: skip
        owner[bytes(key)] = Key(bytes(root))
    states: dict[Key, StrandState] = {}
    query = sa.select(*(facts.c[name] for name in StoredRow._fields)).where(facts.c.occurred_at < as_of)
    for row in select_among(conn, query, shop, facts.c.strand, list(owner)):
        fact = to_fact(StoredRow._make(row))
        registry.fold(states.setdefault(owner[bytes(row.strand)], {}), fact)
    fields = Fields(remembered)
    merged = {root: remembered.merge([state]) for root, state in states.items()}
    made = {root: fields.record(state, state, {}, now=as_of) for root, state in merged.items()}
    return {
        root: {name: value for name, value in record.items() if name not in _NO_FEATURE}
        for root, record in made.items()
    }


def _pages(
    db: Database, remembered: Remembered, asked: Asked, last: bytes, permitted: Permitted | None, *, at_once: int
) -> Iterator[tuple[int, list[_Row]]]:
    """Customers after a key, page by page: how many were looked at, and the rows of those who had done something."""
    shop, settings = asked.shop.id, asked.shop.settings
    blocked = identifier_policy(settings).blocked
    registry = remembered.registry(currency=settings.currency, region=settings.region, blocked=blocked)
    root = identifiers.c.root
    while True:
        with db.read() as conn:
            query = sa.select(root).distinct().where(identifiers.c.workspace == shop, root > last)
            page = [Key(bytes(found)) for found in conn.execute(query.order_by(root).limit(at_once)).scalars()]
            if not page:
                return
            may = permitted(conn, page) if permitted else dict.fromkeys(page, True)
            some = [one for one in page if may.get(one)]
            made = features_at(conn, shop, some, remembered=remembered, registry=registry, as_of=asked.as_of)
            ids = load_customer_ids(conn)
        last = page[-1]
        yield (
            len(page),
            [
                _Row(one.hex(), ids.customer_id(one), made[one]) if one in made else _Row(one.hex(), None, {})
                for one in page
                if one in made or not may.get(one)
            ],
        )


def _header(remembered: Remembered, asked: Asked) -> bytes:
    """What the rows are of: those of something else are not gone on with."""
    parts = {name: part.version for name, part in sorted(remembered.parts.items())}
    return msgspec.json.encode([asked.shop.slug, to_iso(asked.as_of), asked.purpose, parts]) + b"\n"


def _go_on(kept: Path, header: bytes) -> tuple[bytes, int]:
    """Cut off what a kill left half, or begin anew; returns the last customer's key, and how many there are."""
    kept.touch(mode=0o600)
    last, number, whole = b"", 0, 0
    with kept.open("r+b") as file:
        if file.readline() == header:
            whole = len(header)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                last, number, whole = (
                    bytes.fromhex(msgspec.json.decode(line, type=_Row).root),
                    number + 1,
                    whole + len(line),
                )
        file.truncate(whole)
        if not whole:
            file.seek(0)
            file.write(header)
    return last, number


def _rows(kept: Path) -> Iterator[_Row]:
    with kept.open("rb") as file:
        file.readline()
        for line in file:
            yield msgspec.json.decode(line, type=_Row)


def _put(kept: Path, out: Path, fields: Fields) -> Made:
    """Make the table of the rows."""
    names: set[str] = set()
    number = left_out = 0
    for row in _rows(kept):
        names.update(row.features)
        number += row.customer is not None
        left_out += row.customer is None
    types = {name: fields.all[name if name in fields.all else name.partition(".")[0]].type for name in sorted(names)}
    made = out.with_name(f"{out.name}.made")
    is_csv, plain = out.suffix == ".csv", made if out.suffix == ".csv" else out.with_name(f"{out.name}.plain")
    with open(plain, "w", newline="", encoding="utf-8", opener=_private) as file:  # the owner's alone
        table = csv.writer(file)
        table.writerow(["customer", *types])
        for row in filter(attrgetter("customer"), _rows(kept)):
            cells = [_cell(row.features.get(name), kind) for name, kind in types.items()]
            table.writerow([row.customer, *(csv_cell(cell) if is_csv else cell for cell in cells)])
    if not is_csv:
        _to_parquet(plain, made, types)
        plain.unlink()
    made.replace(out)
    return Made(number, len(types) + 1, 0, left_out)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _cell(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "time":
        return to_iso(value)
    if kind == "date":
        return (date(1970, 1, 1) + timedelta(days=value)).isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, list) else value


def _to_parquet(plain: Path, made: Path, types: Mapping[str, str]) -> None:
    columns = {"customer": "VARCHAR"} | {name: _TYPES.get(kind, "VARCHAR") for name, kind in types.items()}
    with _duckdb().connect() as duck:
        duck.execute("SET TimeZone = 'UTC'")
        read = duck.read_csv(str(plain), header=True, columns=columns, quotechar='"', escapechar='"', parallel=False)
        read.write_parquet(str(made), compression="zstd")
    made.chmod(0o600)


def _duckdb() -> Any:
    """The package, an optional one. Raises Misconfigured."""
    try:
        import duckdb
    except ModuleNotFoundError as missing:
        raise Misconfigured("Parquet needs duckdb", hint="pip install 'rapport[lake]', or write .csv") from missing
    return duckdb
