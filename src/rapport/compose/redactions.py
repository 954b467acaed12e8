"""Redactions: a field is taken out of what came in a span of time, of one customer or of a source or a kind of event.

Asked here, done by a worker (`app/redacting.py`). First numbers, then the deed, which nobody can undo. What a redaction
is and how it holds for what still comes: `storage/redaction.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Literal, TypeAlias, get_args

import msgspec
import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy import Connection

from rapport.collect.model import IMPORT_SOURCE
from rapport.collect.sources import find_source, identifier_policy
from rapport.compose.holds import held_keys
from rapport.kernel.clock import from_iso, to_iso
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.fields import LONGEST_PATH, path_of
from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.remember.golden import find_key
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.linking.units import members_of
from rapport.storage import log, suppression
from rapport.storage.audit import entries as trail
from rapport.storage.locks import Lock, lock_alone
from rapport.storage.log import StoredRow
from rapport.storage.lookup import select_among
from rapport.storage.redaction import Rule, redaction_keys, redactions, rules_of
from rapport.storage.withdrawn import withdrawn_facts

__all__ = [
    "REDACTING", "WORKING", "Redaction", "RedactionProof", "RedactionWanted", "State", "ask", "confirm", "find",
    "is_under_way", "newest", "note", "rule_of", "says_field", "wait_for", "waiting",
    "waits_for",
]  # fmt: skip

State: TypeAlias = Literal["asked", "told", "wanted", "tidying", "done"]

REDACTING = "export.redacting"
"""The job's name."""

WORKING: tuple[State, ...] = ("asked", "wanted", "tidying")
"""Where a worker has something to do."""

_r, _k = redactions.c, redaction_keys.c
_Moment = Annotated[str, Meta(max_length=60)]


class RedactionWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field, and of which facts: of a customer, of a source, of a kind of event, or of several of these together."""

    field: Annotated[str, Meta(min_length=1, max_length=LONGEST_PATH)]
    """`properties.note`, `traits.phone`, `context.ip`, `properties.products.engraving`."""
    since: _Moment
    until: _Moment | None = None
    """The end does not belong to it; up to now where it is left out."""
    customer: Annotated[str, Meta(max_length=300)] = ""
    """A customer id (`cus_…`) or `namespace:value`."""
    source: Annotated[str, Meta(max_length=100)] = ""
    event: Annotated[str, Meta(max_length=200)] = ""
    """As facts are called: `Order Completed`, `Page Viewed`."""
    reason: Annotated[str, Meta(max_length=500)] = ""
    """Stands in the audit trail; nothing of a person belongs here."""


class RedactionProof(msgspec.Struct, kw_only=True):
    """What a redaction would take out, or has taken out; nothing of the field's values, and nobody's name."""

    facts: int = 0
    """Facts of the log that had the field."""
    withdrawn: int = 0
    """Facts that had been taken back and could be put back."""
    quarantined: int = 0
    """Messages nobody could read, from which it was taken or that went whole."""
    customers: int = 0
    """Customers in whose facts it was, counted before."""
    nobodys: int = 0
    """Of the facts those that named somebody by the field alone: they go whole."""
    identifiers: int = 0
    """Identifiers that nothing else names, and that are gone."""
    first_at: int | None = None
    last_at: int | None = None
    """When the first and the last of the facts happened."""
    kinds: dict[str, int] = {}
    """How many of each kind of fact."""
    stores: dict[str, int] = {}
    """Rows in which a copy of a value was found and overwritten, by table."""
    files: str = ""
    """What was done to the database's files afterwards."""
    left: list[str] = []
    """What this cannot reach, in words."""

    def add(self, other: RedactionProof) -> None:
        """Take in what the next part did."""
        for name in ("facts", "withdrawn", "quarantined", "nobodys", "identifiers"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.first_at = min((at for at in (self.first_at, other.first_at) if at is not None), default=None)
        self.last_at = max((at for at in (self.last_at, other.last_at) if at is not None), default=None)
        for mine, more in ((self.kinds, other.kinds), (self.stores, other.stores)):
            for name, number in more.items():
                mine[name] = mine.get(name, 0) + number


class Redaction(msgspec.Struct, frozen=True, kw_only=True):
    """One redaction as it stands."""

    workspace: WorkspaceId
    id: str
    state: State
    path: str
    source: str
    event: str
    of_customer: bool
    since: int
    until: int
    reason: str
    asked_by: str
    asked_at: int
    changed_at: int
    place: str
    """How far a worker has come, in its own words."""
    told: RedactionProof | None
    proof: RedactionProof | None


def ask(conn: Connection, workspace: WorkspaceId, wanted: RedactionWanted, *, by: str, now: int) -> Redaction:
    """Have a worker count where the field is. Nothing is changed.

    Raises InvalidInput for what cannot be meant, NotFound where nobody has this name or there is no such source.
    """
    path = path_of(wanted.field)
    since, until = _moment(wanted.since), now if wanted.until is None else _moment(wanted.until)
    if since >= until:
        raise InvalidInput("the span ends before it begins", hint="it begins at `since` and ends before `until`")
    if until > now:
        raise InvalidInput("the span ends in the future", hint="what is still to come is better not sent at all")
    if not (wanted.customer or wanted.source or wanted.event):
        raise InvalidInput("of which facts is not said", hint="of a customer, of a source, or of a kind of event")
    if wanted.source and wanted.source != IMPORT_SOURCE:
        find_source(conn, workspace, wanted.source)
    keys: list[bytes] = []
    if wanted.customer:
        key = find_key(conn, workspace, wanted.customer, region=settings_of(conn, workspace).region)
        keys = sorted({key, *(one.key for one in members_of(conn, workspace, key))})
    ident = new_id("red")
    row = {
        "workspace": workspace, "id": ident, "state": "asked", "path": ".".join(path), "source": wanted.source,
        "event": wanted.event.strip(), "of_customer": bool(keys), "since": since, "until": until,
        "reason": wanted.reason, "asked_by": by, "asked_at": now, "changed_at": now, "place": "",
    }  # fmt: skip
    conn.execute(redactions.insert().values(row))
    if keys:
        values = [{"workspace": workspace, "redaction": ident, "key": key} for key in keys]
        conn.execute(redaction_keys.insert(), values)
    return find(conn, workspace, ident)


def confirm(conn: Connection, workspace: WorkspaceId, ident: str, *, by: str, now: int) -> Redaction:
    """Have it done, for good; from this transaction's end on the field is left out of what comes. Asked twice, once.

    Raises NotFound, and Conflict before its numbers are there.
    """
    suppression.erasing(conn)
    lock_alone(conn, Lock.APPENDING)  # whoever appends now does not know of it yet, and is waited for
    found = find(conn, workspace, ident)
    if found.state == "asked":
        raise Conflict("nobody knows yet where the field is", hint="wait until its numbers are there")
    here = (*_one(workspace, ident), _r.state == "told")
    values = {"state": "wanted", "changed_at": now, "place": "", "proof": msgspec.json.encode(RedactionProof())}
    if conn.execute(redactions.update().where(*here).values(values)).rowcount:
        trail.append(conn, workspace, "redaction.wanted", about=ident, details=_said(found), who=by, now=now)
    return find(conn, workspace, ident)


def note(
    conn: Connection, found: Redaction, *, state: State, now: int, place: str = "", told: RedactionProof | None = None,
    proof: RedactionProof | None = None,
) -> None:  # fmt: skip
    """A worker has come so far."""
    values: dict[str, object] = {"state": state, "place": place, "changed_at": now}
    if told is not None:
        values["told"] = msgspec.json.encode(told)
    if proof is not None:
        values["proof"] = msgspec.json.encode(proof)
    conn.execute(redactions.update().where(*_one(found.workspace, found.id), _r.state == found.state).values(values))
    if state == "done" and proof is not None:
        details = _said(found) | msgspec.to_builtins(proof)
        trail.append(conn, found.workspace, "redaction.done", about=found.id, details=details, now=now)


def waiting(conn: Connection, *, without: Collection[str] = ()) -> Redaction | None:
    """The one that has waited longest for a worker; None where none does. Those `without` which failed stay behind."""
    query = sa.select(redactions).where(_r.state.in_(WORKING), _r.id.not_in(sorted(without)))
    row = conn.execute(query.order_by(_r.changed_at, _r.id).limit(1)).first()
    return None if row is None else _read(row)


def is_under_way(conn: Connection) -> bool:
    """Whether a field is being taken out: facts must not leave the log meanwhile, or return to it."""
    return conn.execute(sa.select(_r.id).where(_r.state == "wanted").limit(1)).first() is not None


def find(conn: Connection, workspace: WorkspaceId, ident: str) -> Redaction:
    """One by its id. Raises NotFound."""
    row = conn.execute(sa.select(redactions).where(*_one(workspace, ident))).first()
    if row is None:
        raise NotFound(f"there is no redaction {ident[:60]!r}")
    return _read(row)


def newest(conn: Connection, workspace: WorkspaceId, *, limit: int = 50) -> list[Redaction]:
    """Those of a shop, the newest first."""
    query = sa.select(redactions).where(_r.workspace == workspace)
    return [_read(row) for row in conn.execute(query.order_by(_r.asked_at.desc(), _r.id).limit(limit))]


def waits_for(conn: Connection, found: Redaction, *, now: int, held: Mapping[Key, str] | None = None) -> str:
    """Why it waits, or would: the field is in what is kept of somebody who is held. Empty where it does not.

    `held` is what `held_keys` told, where it was asked already. Cost where somebody is: their facts of the span that
    say the field's name are read.
    """
    if found.state not in ("told", "wanted"):
        return ""
    held = held_keys(conn, found.workspace, now=now) if held is None else held
    if not held:
        return ""
    rule = rule_of(conn, found)
    if rule.keys is not None:
        return next((words for key, words in held.items() if key in rule.keys), "")
    policy = identifier_policy(settings_of(conn, found.workspace))
    for table in (log.facts, withdrawn_facts):
        c = table.c
        within = (sa.and_(at >= rule.since, at < rule.until) for at in (c.occurred_at, c.received_at))
        query = sa.select(*(c[name] for name in StoredRow._fields)).where(sa.or_(*within))
        query = query.where(says_field(conn, c.body, rule), *([c.source == rule.source] if rule.source else []))
        for row in map(StoredRow._make, select_among(conn, query, found.workspace, c.strand, held)):
            if rule.means(row) and rule.applied(found.workspace, row.body, policy) is not None:
                return held[Key(row.strand)]
    return ""


def wait_for(conn: Connection, workspace: WorkspaceId, several: Sequence[Redaction], *, now: int) -> dict[str, str]:
    """By its id why each of these of one shop waits, of those that were confirmed. Who is held is asked once."""
    wanted = [one for one in several if one.state == "wanted"]
    held = held_keys(conn, workspace, now=now) if wanted else {}
    waits = {one.id: waits_for(conn, one, now=now, held=held) for one in wanted}
    return {one.id: waits.get(one.id, "") for one in several}


def says_field(conn: Connection, body: sa.ColumnElement[bytes], rule: Rule) -> sa.ColumnElement[bool]:
    """Whether the text of a fact says the field's name."""
    name = msgspec.json.encode(rule.path[-1])
    if conn.dialect.name == "postgresql":
        return sa.func.pg_catalog.position(body, name) > 0
    return sa.func.instr(body, name) > 0


def rule_of(conn: Connection, found: Redaction) -> Rule:
    """Which facts it is about."""
    return rules_of(conn, [found.workspace], ident=found.id)[found.workspace][0]


def _moment(text: str) -> int:
    try:
        return from_iso(text)
    except ValueError as error:
        raise InvalidInput(f"{text[:60]!r} is no moment", hint="2026-11-27T10:00:00Z") from error


def _one(workspace: WorkspaceId, ident: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _r.workspace == workspace, _r.id == ident


def _said(found: Redaction) -> dict[str, object]:
    return {
        "field": found.path, "source": found.source, "event": found.event, "of_customer": found.of_customer,
        "since": to_iso(found.since), "until": to_iso(found.until), "reason": found.reason,
    }  # fmt: skip


def _read(row: sa.Row[tuple[object, ...]]) -> Redaction:
    fields = dict(row._mapping)
    for name in ("told", "proof"):
        fields[name] = None if fields[name] is None else msgspec.json.decode(fields[name], type=RedactionProof)
    if fields["state"] not in get_args(State):
        raise ValueError(f"a redaction in the state {fields['state']!r}")
    return Redaction(**fields)
