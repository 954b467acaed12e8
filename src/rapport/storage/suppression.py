"""Who was erased must not come back: keyed hashes of their identifiers, asked for each fact on its way into the log.

A hash leads to nobody without the installation's secret, and is kept for ever. What the client sends late, an import
that is repeated, a replay: a fact of somebody erased is left out, and a fact of somebody else that names them loses the
name. The version grows with each erasure: whoever keeps people in memory finds out by it that they may be gone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, Table

from rapport.kernel.errors import Conflict
from rapport.kernel.identifiers import Identifier, email_identifier, key_of, phone_identifier
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import chunks, insert_ignore
from rapport.storage.engine import metadata
from rapport.storage.lookup import select_among

__all__ = [
    "Listed", "admitted", "carry", "erasing", "guard", "is_empty", "is_suppressed", "keys_in",
    "lift", "listed", "names_erased", "pseudonyms",
    "suppress", "suppressed", "suppression", "version_of",
]  # fmt: skip

suppression = Table(
    "suppression",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("ids_secret", LargeBinary),
)
"""One row, made by the migration: how many were erased, the secret of the hashes, and that of `storage.log`'s ids."""

suppressed = Table(
    "suppressed",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, primary_key=True),
    Column("at", BigInteger, nullable=False),
)
"""`at` is negative where somebody of the staff lifted it, then."""


class _Row(Protocol):
    """A fact on its way into the log (`storage.log.LogRow`)."""

    @property
    def workspace(self) -> WorkspaceId: ...
    @property
    def strand(self) -> bytes: ...
    @property
    def body(self) -> bytes: ...
    @property
    def named(self) -> tuple[Identifier, ...]: ...


class Listed(NamedTuple):
    """Everybody who was erased, as it can be carried to another copy of the same data."""

    secret: bytes
    rows: list[tuple[WorkspaceId, bytes, int]]
    """Workspace, hash, when; negative where it was lifted then."""


R = TypeVar("R", bound=_Row)

_s, _h = suppression.c, suppressed.c
_VERSION = "SELECT version FROM suppression"


def version_of(conn: Connection) -> int:
    """How many erasures there were. One look at a table of one row."""
    return int(conn.exec_driver_sql(_VERSION).scalar_one())


def guard(conn: Connection) -> int:
    """The same; on PostgreSQL nobody is erased from here on until this transaction ends."""
    return int(
        conn.exec_driver_sql(_VERSION if conn.dialect.name == "sqlite" else f"{_VERSION} FOR SHARE").scalar_one()
    )


def erasing(conn: Connection) -> None:
    """Be the one transaction that erases: those that write what they have read of people have ended, or will wait."""
    conn.execute(suppression.update().values(version=_s.version + 1))


def suppress(conn: Connection, workspace: WorkspaceId, keys: Collection[Key], *, now: int) -> int:
    """Leave facts of these identifiers out from now on. Returns how many were not suppressed before."""
    secret = _secret(conn)
    rows = [{"workspace": workspace, "hash": _hash(secret, key), "at": now} for key in sorted(keys)]
    hashes = [row["hash"] for row in rows]
    for some in chunks(hashes, 500):  # whose suppression was lifted
        conn.execute(suppressed.update().where(_h.workspace == workspace, _h.hash.in_(some), _h.at < 0).values(at=now))
    return insert_ignore(conn, suppressed, rows, key=("workspace", "hash"))


def lift(conn: Connection, workspace: WorkspaceId, key: Key, *, now: int) -> bool:
    """Let facts of this identifier in again; False where they were not left out. The row stays, so that copies hear."""
    mine = (_h.workspace == workspace, _h.hash == _hash(_secret(conn), key), _h.at > 0)
    return bool(conn.execute(suppressed.update().where(*mine).values(at=-now)).rowcount)


def is_suppressed(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> set[Key]:
    """Those of these identifiers that belong to somebody erased. A look at an index for each 500."""
    secret = _secret(conn)
    by_hash = {_hash(secret, key): key for key in keys}
    found = select_among(conn, sa.select(_h.hash, _h.at), workspace, _h.hash, by_hash)
    return {by_hash[bytes(row.hash)] for row in found if row.at > 0}


def is_empty(conn: Connection) -> bool:
    """Whether nobody was ever erased."""
    return conn.execute(sa.select(_h.hash).limit(1)).first() is None


def listed(conn: Connection) -> Listed | None:
    """Everybody who was erased; None where this database is older than erasing."""
    if not {"suppression", "suppressed"} <= set(sa.inspect(conn).get_table_names()):
        return None
    rows = conn.execute(sa.select(_h.workspace, _h.hash, _h.at))
    return Listed(_secret(conn), [(WorkspaceId(row.workspace), bytes(row.hash), row.at) for row in rows])


def carry(conn: Connection, before: Listed, *, adopt: bool = False) -> int:
    """Take over who was erased elsewhere; returns how many were new here.

    Raises Conflict where that list is another installation's: its hashes say nothing here. With `adopt` a database
    that has erased nobody yet takes its secret over, too: one that was begun anew, or is older than erasing.
    """
    if not before.rows:
        return 0
    if adopt and is_empty(conn):
        conn.execute(suppression.update().values(secret=before.secret))
    if before.secret != _secret(conn):
        raise Conflict(
            "that list of the erased is another installation's: nobody could tell whom it means here",
            hint="a backup belongs to the installation that took it",
        )
    conn.execute(suppression.update().values(version=_s.version + 1))
    rows = [{"workspace": workspace, "hash": hashed, "at": at} for workspace, hashed, at in sorted(before.rows)]
    new = insert_ignore(conn, suppressed, rows, key=("workspace", "hash"))
    here = {(row.workspace, bytes(row.hash)): row.at for row in conn.execute(sa.select(suppressed))}
    for workspace, hashed, at in before.rows:
        if abs(at) > abs(here[workspace, hashed]):  # erased again, or lifted, after this copy was made
            conn.execute(suppressed.update().where(_h.workspace == workspace, _h.hash == hashed).values(at=at))
    return new


def names_erased(conn: Connection, workspace: WorkspaceId, bodies: Sequence[bytes]) -> set[int]:
    """Which of these messages, readable or not, name somebody erased: by their place.

    Any text in quotes may be an identifier of the usual kinds, or a number said to be one. Where nobody was ever erased
    it costs one look at a table of one row.
    """
    if version_of(conn) == 0:
        return set()
    named = [keys_in(workspace, body) for body in bodies]
    gone = is_suppressed(conn, workspace, set().union(*named))
    return {place for place, keys in enumerate(named) if keys & gone}


def keys_in(workspace: WorkspaceId, body: bytes) -> set[Key]:
    """Whom a message may name, readable or not: any text in quotes may be an identifier of the usual kinds."""
    return {key_of(workspace, one) for text in _texts_in(body) for one in _may_be(text)}


def admitted(conn: Connection, rows: Sequence[R]) -> Sequence[R]:
    """The facts that may be kept: without those of the erased, and without their names in those of others."""
    gone: dict[WorkspaceId, set[Key]] = {}
    for workspace in {row.workspace for row in rows}:
        keys = {key for row in rows if row.workspace == workspace for key in _keys(row)}
        gone[workspace] = is_suppressed(conn, workspace, keys)
    if not any(gone.values()):
        return rows
    kept = []
    for row in rows:
        if row.strand in gone[row.workspace]:
            continue
        named = [one for one in row.named if key_of(row.workspace, one) in gone[row.workspace]]
        whole: Any = row  # a named tuple, which no protocol describes
        kept.append(whole._replace(body=_without(row.body, {one.value for one in named})) if named else row)
    return kept


def _keys(row: _Row) -> list[Key]:
    return [Key(row.strand), *(key_of(row.workspace, one) for one in row.named)]


def _secret(conn: Connection) -> bytes:
    return bytes(conn.execute(sa.select(_s.secret)).scalar_one())


def pseudonyms(conn: Connection) -> Callable[[bytes], bytes]:
    """What makes 16 bytes in place of an identifier, or of a text that names somebody: the same for the same, other
    than its hash above, and leading nowhere without the installation's secret.
    """
    secret = _secret(conn)
    return lambda named: blake2b(named, key=secret, digest_size=16, person=b"pseudonym").digest()


def _hash(secret: bytes, key: Key) -> bytes:
    return blake2b(key, key=secret, digest_size=16).digest()


_QUOTED = re.compile(rb'"(?:user_?id|anonymous_?id)"\s*:\s*(\d{1,30})|"((?:[^"\\]|\\.){1,300})"', re.IGNORECASE)
_MOST_TEXTS = 2_000
_KINDS = ("user_id", "anonymous_id", "device", "loyalty_card", "card", "marketplace_buyer")


def _texts_in(body: bytes) -> set[str]:
    """The texts of a message that may be no JSON at all."""
    found = set()
    for match in islice(_QUOTED.finditer(body), _MOST_TEXTS):
        number, quoted = match.groups()
        text = (quoted or number or b"").decode("utf-8", "replace")
        try:
            found.add(str(msgspec.json.decode(f'"{text}"')))
        except (msgspec.DecodeError, UnicodeError):
            found.add(text)
    return found


def _may_be(text: str) -> list[Identifier]:
    """As what identifiers a text may be known."""
    return [
        *(Identifier(kind, text.strip()) for kind in _KINDS),
        *(one for one in (email_identifier(text), phone_identifier(text)) if one is not None),
    ]


def _without(body: bytes, values: set[str]) -> bytes:
    """A fact's JSON in which no text is, or is written otherwise, one of these values."""

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return "" if values & _read(value) else value
        if isinstance(value, list):
            return [clean(one) for one in value]
        if isinstance(value, dict):
            return {name: clean(one) for name, one in value.items()}
        return value

    tree = clean(msgspec.json.decode(body))
    return msgspec.json.encode({name: value for name, value in tree.items() if value != ""})


def _read(text: str) -> set[str]:
    """What a text may be as an identifier."""
    found: list[Identifier | None] = [email_identifier(text), phone_identifier(text)]
    return {text, text.strip(), *(one.value for one in found if one is not None)}
