"""What is kept of the visits of those who refuse measuring, or have not answered: all, a number, or nothing.

Asked of sources whose key is public, for what visitors do; what they order, put into the cart, sign up for or answer is
taken for its own sake. A policy may say it for the sources and countries that it is of, by the purpose for which a kind
of visit is collected; else the shop's settings say it. What a message itself says of the purpose counts, else what its
person has said. A refusal that is new is kept, without the visit that brought it: the shop has to know of it. A visit
that a client sends twice is counted twice.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Integer, Table

from rapport.capabilities.consent.facts import answers_of, sends_signal
from rapport.capabilities.consent.model import GPC, Kept, PolicySet, State, strictest
from rapport.capabilities.consent.service import People, people_of, policies_of
from rapport.capabilities.consent.settings import PRIVACY_SETTINGS, PrivacySettings
from rapport.collect.model import CLIENT_KINDS, Source
from rapport.kernel.clock import DAY, SECOND
from rapport.kernel.facts import Fact, decode_fact, encode_fact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage import settings
from rapport.storage.bulk import upsert
from rapport.storage.engine import CText, Database, metadata
from rapport.storage.log import LogRow

__all__ = ["STATED", "Collecting", "consent_uncollected", "uncollected_since"]

STATED = "Consent Stated"
"""What is kept of a visit whose refusal was new."""

consent_uncollected = Table(
    "consent_uncollected",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("source", CText, primary_key=True),
    Column("name", CText, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""By day how many visits were counted and not kept, by what was done: of nobody in particular."""

_u = consent_uncollected.c
_REMEMBERED = 2 * SECOND
_NEEDED = re.compile(
    r"(?i)^(order|checkout|payment|cart|coupon|product (added|removed)|consent|unsubscribed|signed|account|shipment"
    r"|promise|points|return|profile question)\b"
)
_OTHER = "other"
_NAMES_A_DAY = 200
"""Whoever has a public key makes up names: beyond so many they are counted together."""


class _Shop(NamedTuple):
    read_at: int
    asks: bool


class Collecting:
    """Chooses for one process; a shop's settings are read anew every two seconds."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._shops: dict[WorkspaceId, _Shop] = {}

    def chooses(self, source: Source, now: int) -> bool:
        """Without waiting: a shop whose settings are not known yet, or are old, is asked in `admit`."""
        if source.kind not in CLIENT_KINDS:
            return False
        known = self._shops.get(source.workspace)
        return known is None or not 0 <= now - known.read_at < _REMEMBERED or known.asks

    def admit(self, source: Source, rows: Sequence[LogRow], now: int) -> list[LogRow]:
        """What is kept of these facts."""
        with self._db.read() as conn:
            kept, counted = self._chosen(conn, source, rows, now)
        if counted:
            with self._db.write() as conn:
                _count(conn, source, counted, now)
        return kept

    def admit_in(self, conn: sa.Connection, source: Source, rows: Sequence[LogRow], now: int) -> list[LogRow]:
        """The same within a transaction that writes."""
        kept, counted = self._chosen(conn, source, rows, now)
        if counted:
            _count(conn, source, counted, now)
        return kept

    def _chosen(
        self, conn: sa.Connection, source: Source, rows: Sequence[LogRow], now: int
    ) -> tuple[list[LogRow], Counter[str]]:
        """What is kept, and by name how much is counted alone."""
        wanted = settings.load(conn, source.workspace, PRIVACY_SETTINGS).value
        policies = policies_of(conn, source.workspace)
        asks = _asks(wanted, policies.policies)
        self._shops[source.workspace] = _Shop(now, asks)
        asked = {row.message_id: fact for row in rows if (fact := _visit(row)) is not None} if asks else {}
        if not asked:
            return list(rows), Counter()
        words = _words(policies.policies)
        keys = {Key(row.strand) for row in rows if row.message_id in asked}
        people = people_of(conn, source.workspace, keys, policies=policies)
        # Whom nobody has seen yet comes by this source.
        people = people._replace(source={key: people.source.get(key) or source.id for key in keys})
        kept, counted = list[LogRow](), Counter[str]()
        for row in rows:
            fact = asked.get(row.message_id)
            treated = "kept" if fact is None else _treated(fact, people, Key(row.strand), words, wanted)
            if treated == "kept" or fact is None:
                kept.append(row)
                continue
            if treated == "counted":
                counted[fact.name] += 1
            if _is_new(fact, people, Key(row.strand)):
                kept.append(_stated(row, fact))
        return kept, counted


def _count(conn: sa.Connection, source: Source, counted: Counter[str], now: int) -> None:
    day = now // DAY * DAY
    here = (_u.workspace == source.workspace, _u.day == day, _u.source == source.id)
    known = set(conn.execute(sa.select(_u.name).where(*here)).scalars())
    numbers: Counter[str] = Counter()
    for name, number in counted.items():
        fits = name in known or len(known) < _NAMES_A_DAY
        known |= {name} if fits else set()
        numbers[name if fits else _OTHER] += number
    rows = [
        {"workspace": source.workspace, "day": day, "source": source.id, "name": name, "number": number}
        for name, number in sorted(numbers.items())
    ]
    upsert(
        conn, consent_uncollected, rows, key=("workspace", "day", "source", "name"),
        update={"number": "consent_uncollected.number + excluded.number"},
    )  # fmt: skip


def _asks(wanted: PrivacySettings, policies: PolicySet) -> bool:
    """Whether anything is not simply kept, of anybody."""
    rules = (rule for policy in policies.policies for rule in policy.purposes.values())
    said = {kept for rule in rules for kept in (rule.if_refused, rule.if_unanswered) if kept is not None}
    return {wanted.visits_refused, wanted.visits_unanswered} | said != {"kept"}


def _words(policies: PolicySet) -> dict[str, set[str]]:
    """By purpose all words by which a message may name it, in any policy of the shop."""
    found: dict[str, set[str]] = {}
    for policy in policies.policies:
        for purpose in policy.purposes:
            found.setdefault(purpose, set()).update(policy.names(purpose))
    return found


def _visit(row: LogRow) -> Fact | None:
    """The fact, where it tells of a visit; None where it is taken for its own sake."""
    fact = decode_fact(row.body, occurred_at=row.occurred_at, received_at=row.received_at, source=row.source, seq=0)
    return fact if fact.type in ("page", "screen") or (fact.type == "track" and not _NEEDED.match(fact.name)) else None


def _said(fact: Fact, words: Collection[str]) -> State | None:
    """What a message itself says of a purpose; the strictest of what it says."""
    said = {one.state for one in answers_of(fact) if one.category.casefold() in words}
    return "denied" if "denied" in said else "granted" if "granted" in said else None


def _treated(
    fact: Fact, people: People, key: Key, words: Mapping[str, Collection[str]], wanted: PrivacySettings
) -> Kept:
    policy = people.policy_of(key)
    purpose = policy.collecting(fact.name)
    rule = policy.purposes.get(purpose)
    refused = (None if rule is None else rule.if_refused) or wanted.visits_refused
    said, verdict = _said(fact, words.get(purpose, ())), people.verdict(key, purpose)
    if said == "denied" or (said is None and verdict.state == "denied"):
        return refused
    if said is None and rule is not None and rule.signal_denies and sends_signal(fact) and verdict.state != "granted":
        return refused
    if said == "granted" or verdict.may:
        return "kept"
    return (None if rule is None else rule.if_unanswered) or wanted.visits_unanswered


def _is_new(fact: Fact, people: People, key: Key) -> bool:
    """Whether what it answers, of any purpose, is not held of its person yet: each event repeats all answers."""
    policy = people.policy_of(key)
    said = {answer.category.casefold(): answer.state for answer in answers_of(fact)}
    for purpose in policy.purposes if said else ():
        named = {said[word] for word in policy.names(purpose) if word in said}
        held = people.verdict(key, purpose).state
        if ("denied" in named and held != "denied") or ("granted" in named and held in ("denied", "unknown")):
            return True
    return sends_signal(fact) and strictest(people.each[key], frozenset({GPC})) is None


_ANSWERS = ("consent", "consentManagement", "globalPrivacyControl")


def _stated(row: LogRow, fact: Fact) -> LogRow:
    """The answer of a visit without the visit: who says it, and what."""
    context = {name: said for name, said in fact.context.items() if name in _ANSWERS}
    less = Fact(
        id=fact.id, type="track", name=STATED, user_id=fact.user_id, anonymous_id=fact.anonymous_id, context=context,
        unverified=fact.unverified, unvouched=fact.unvouched,
    )  # fmt: skip
    named = tuple(one for one in row.named if one.value in (fact.user_id, fact.anonymous_id))
    return row._replace(body=encode_fact(less), named=named)


def uncollected_since(
    conn: sa.Connection, workspace: WorkspaceId, *, since: int, most: int = 20
) -> list[tuple[str, int]]:  # fmt: skip
    """What was done in visits that were counted alone, the most first."""
    number = sa.func.sum(_u.number).label("number")
    query = sa.select(_u.name, number).where(_u.workspace == workspace, _u.day >= since).group_by(_u.name)
    return [(name, int(count)) for name, count in conn.execute(query.order_by(number.desc(), _u.name).limit(most))]
