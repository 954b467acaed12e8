"""Withdrawals: what a source sent in a window is taken back, as if it had never come. Asked here, done by a worker.

First numbers, then the deed: a withdrawal is `asked`, a worker looks at what would go (`told`), a person confirms
(`wanted`), a worker does it (`done`). For 30 days it can be put back (`back_wanted`, `back`). Each step is a row that
a killed worker finds again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, TypeAlias, get_args

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, Table, Text

from rapport.collect.sources import find_source
from rapport.kernel.clock import DAY
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.identifiers import shop_key
from rapport.kernel.ids import WorkspaceId, new_id
from rapport.storage import log
from rapport.storage.audit import entries as trail
from rapport.storage.engine import metadata
from rapport.storage.withdrawn import withdrawn_facts

__all__ = [
    "KEPT",
    "WAITING",
    "Effects",
    "State",
    "Withdrawal",
    "ask",
    "confirm",
    "facts_between",
    "find",
    "forget_old",
    "is_anything_old",
    "listing",
    "note",
    "put_back",
    "waiting",
    "withdrawals",
]

State: TypeAlias = Literal["asked", "told", "wanted", "done", "back_wanted", "back"]

WAITING: tuple[State, ...] = ("asked", "wanted", "back_wanted")
"""Where a worker has something to do."""

KEPT = 30 * DAY
"""How long what was taken back can be put back."""

withdrawals = Table(
    "withdrawals",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("told", LargeBinary),
    Column("effects", LargeBinary),
    Index(
        "withdrawals_waiting", "state", sqlite_where=sa.text("state IN ('asked', 'wanted', 'back_wanted')"),
        postgresql_where=sa.text("state IN ('asked', 'wanted', 'back_wanted')"),
    ),
)  # fmt: skip
"""`told` is what would go, `effects` what went; both the JSON of `Effects`."""

_w = withdrawals.c


class Effects(msgspec.Struct, kw_only=True):
    """What a withdrawal would take back, or has taken back."""

    facts: int = 0
    """Facts of the source."""
    followed: int = 0
    """Facts that Rapport stated because of them."""
    first_at: int | None = None
    last_at: int | None = None
    """When the first and the last of them was received."""
    kinds: dict[str, int] = {}
    """How many of each kind."""
    customers: int = 0
    """Customers of whom something changes."""
    parted: int = 0
    """Customers that come out of others with which they had been merged."""
    gone: int = 0
    """Identifiers that nobody else has ever named."""
    evidence: int = 0
    """Pieces of evidence of who is who."""
    numbers: dict[str, int] = {}
    """What goes of what the slices keep, by what it counts (`orders`, `points`)."""
    whole: bool = True
    """Whether all facts were looked at; of very many, the first ones are."""

    def add(self, other: Effects) -> None:
        """Take in what the next part of the same withdrawal did."""
        for name in ("facts", "followed", "customers", "parted", "gone", "evidence"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.first_at = min((at for at in (self.first_at, other.first_at) if at is not None), default=None)
        self.last_at = max((at for at in (self.last_at, other.last_at) if at is not None), default=None)
        for mine, more in ((self.kinds, other.kinds), (self.numbers, other.numbers)):
            for name, number in more.items():
                mine[name] = mine.get(name, 0) + number


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True):
    """One withdrawal as it stands."""

    workspace: WorkspaceId
    id: str
    source: str
    since: int
    until: int
    """The end does not belong to it."""
    reason: str
    state: State
    asked_by: str
    asked_at: int
    changed_at: int
    told: Effects | None
    effects: Effects | None

    @property
    def may_be_put_back_until(self) -> int:
        """Until when, where it is done."""
        return self.changed_at + KEPT


def ask(
    conn: Connection, workspace: WorkspaceId, source: str, *, since: int, until: int, reason: str, by: str, now: int
) -> Withdrawal:
    """Have a worker look at what would go if what this source sent in [since, until) had never come.

    Raises NotFound for the source, InvalidInput for a window without an inside or an end in the future.
    """
    find_source(conn, workspace, source)
    if since >= until:
        raise InvalidInput("the window ends before it begins", hint="it begins at `since` and ends before `until`")
    if until > now:
        raise InvalidInput("the window ends in the future", hint="what is still to come cannot be taken back")
    ident = new_id("wdr")
    row = {
        "workspace": workspace, "id": ident, "source": source, "since": since, "until": until,
        "reason": reason[:500], "state": "asked", "asked_by": by, "asked_at": now, "changed_at": now, "told": None,
        "effects": None,
    }  # fmt: skip
    conn.execute(withdrawals.insert().values(row))
    return find(conn, workspace, ident)


def confirm(conn: Connection, workspace: WorkspaceId, ident: str, *, by: str, now: int) -> Withdrawal:
    """Have it done. Asked twice, it is done once. Raises NotFound, and Conflict before its numbers are there."""
    found = find(conn, workspace, ident)
    if found.state == "asked":
        raise Conflict("nobody knows yet what would go", hint="wait until its numbers are there")
    if found.state == "told" and _move(conn, found, "wanted", now=now):
        trail.append(conn, workspace, "withdrawal.wanted", about=ident, details=_said(found), who=by, now=now)
    return find(conn, workspace, ident)


def put_back(conn: Connection, workspace: WorkspaceId, ident: str, *, by: str, now: int) -> Withdrawal:
    """Have everything put back. Raises NotFound, and Conflict where it is not done, or 30 days ago."""
    found = find(conn, workspace, ident)
    if found.state in ("asked", "told", "wanted"):
        raise Conflict("nothing is taken back yet", hint="there is nothing to put back")
    if found.state == "done":
        if now > found.may_be_put_back_until:
            raise Conflict("what was taken back more than 30 days ago is gone", hint="its sender can send it again")
        if _move(conn, found, "back_wanted", now=now):
            trail.append(conn, workspace, "withdrawal.back_wanted", about=ident, details=_said(found), who=by, now=now)
    return find(conn, workspace, ident)


def note(
    conn: Connection, found: Withdrawal, *, state: State, now: int, told: Effects | None = None,
    effects: Effects | None = None,
) -> None:  # fmt: skip
    """A worker has come so far."""
    values: dict[str, object] = {"state": state, "changed_at": now}
    if told is not None:
        values["told"] = msgspec.json.encode(told)
    if effects is not None:
        values["effects"] = msgspec.json.encode(effects)
    conn.execute(withdrawals.update().where(*_one(found.workspace, found.id)).values(values))
    if state in ("done", "back") and found.state != state:
        details = _said(found) | {"facts": effects.facts if effects else 0}
        trail.append(conn, found.workspace, f"withdrawal.{state}", about=found.id, details=details, now=now)


def waiting(conn: Connection, *, without: Collection[str] = ()) -> Withdrawal | None:
    """The one that has waited longest for a worker; None where none does. Those `without` which failed stay behind."""
    query = sa.select(withdrawals).where(_w.state.in_(WAITING), _w.id.not_in(sorted(without)))
    row = conn.execute(query.order_by(_w.changed_at, _w.id).limit(1)).first()
    return None if row is None else _read(row)


def find(conn: Connection, workspace: WorkspaceId, ident: str) -> Withdrawal:
    """One by its id. Raises NotFound."""
    row = conn.execute(sa.select(withdrawals).where(*_one(workspace, ident))).first()
    if row is None:
        raise NotFound(f"there is no withdrawal {ident[:60]!r}")
    return _read(row)


def listing(conn: Connection, workspace: WorkspaceId, source: str, *, limit: int = 20) -> list[Withdrawal]:
    """Those of a source, the newest first."""
    query = sa.select(withdrawals).where(_w.workspace == workspace, _w.source == source)
    return [_read(row) for row in conn.execute(query.order_by(_w.asked_at.desc(), _w.id).limit(limit))]


def facts_between(conn: Connection, found: Withdrawal) -> sa.Select[tuple[object, ...]]:
    """The facts of the window about people that are in the log, people after people.

    What was said of the shop (products, stock) stays: the next statement of it takes its place.
    """
    f = log.facts.c
    return (
        sa.select(log.facts)
        .where(
            f.workspace == found.workspace, f.source == found.source, f.received_at >= found.since,
            f.received_at < found.until, f.strand != shop_key(found.workspace),
        )
        .order_by(f.strand, f.seq)
    )  # fmt: skip


def _move(conn: Connection, found: Withdrawal, state: State, *, now: int) -> bool:
    """From the state it was found in; whoever comes second changes nothing, and False."""
    here = (*_one(found.workspace, found.id), _w.state == found.state)
    return conn.execute(withdrawals.update().where(*here).values(state=state, changed_at=now)).rowcount == 1


def _one(workspace: WorkspaceId, ident: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _w.workspace == workspace, _w.id == ident


def _said(found: Withdrawal) -> dict[str, object]:
    return {"source": found.source, "since": found.since, "until": found.until, "reason": found.reason}


def _read(row: sa.Row[tuple[object, ...]]) -> Withdrawal:
    fields = dict(row._mapping)
    for name in ("told", "effects"):
        fields[name] = None if fields[name] is None else msgspec.json.decode(fields[name], type=Effects)
    if fields["state"] not in get_args(State):
        raise ValueError(f"a withdrawal in the state {fields['state']!r}")
    return Withdrawal(**fields)


def is_anything_old(conn: Connection, now: int) -> bool:
    """Whether facts are kept that cannot be put back any more."""
    return conn.execute(_old(now).limit(1)).first() is not None


def forget_old(
    conn: Connection, now: int, *, limit: int, without: Mapping[WorkspaceId, Collection[int]] | None = None
) -> int:
    """Let some of them go; returns how many. By shop the numbers of those `without` which it has to be done stay."""
    kept, pairs, after = withdrawn_facts.c, list[tuple[int, int]](), (-1, -1)
    stay = without or {}
    while len(pairs) < limit:
        later = sa.tuple_(kept.workspace, kept.seq) > sa.tuple_(*map(sa.literal, after))
        page = conn.execute(_old(now).where(later).order_by(kept.workspace, kept.seq).limit(limit)).all()
        pairs += [(row.workspace, row.seq) for row in page if row.seq not in stay.get(row.workspace, ())]
        if len(page) < limit:
            break
        after = (page[-1].workspace, page[-1].seq)
    gone = withdrawn_facts.delete().where(sa.tuple_(kept.workspace, kept.seq).in_(pairs[:limit]))
    return conn.execute(gone).rowcount


def _old(now: int) -> sa.Select[tuple[object, ...]]:
    kept = withdrawn_facts.c
    joined = withdrawn_facts.join(withdrawals, (_w.workspace == kept.workspace) & (_w.id == kept.withdrawal))
    return sa.select(kept.workspace, kept.seq).select_from(joined).where(_w.state == "done", _w.changed_at < now - KEPT)
