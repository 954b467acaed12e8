"""Redactions carried out: the field is counted, then taken out of all that is kept, part by part, and the files tidied.

A part is one transaction over some hundred facts: their bodies lose the field in the log, who is who follows, the
states of their strands are folded anew and the slices told again. So whatever is killed, a part has happened whole or
not at all, and the next turn goes on at the place that is noted beside it. In turn: facts that were taken back, the
log, quarantine, the files. From when it was wanted nothing comes in with the field (`storage/redaction.py`).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from rapport.act.jobs import Job, Turn
from rapport.app.pipeline import Pipeline
from rapport.app.redacted_facts import Change, Changing, changes_of, write_changes
from rapport.app.undoing import learning
from rapport.collect.redacting import Aside, without_field
from rapport.collect.sources import identifier_policy
from rapport.collect.store import quarantine, source_unread
from rapport.compose import redactions
from rapport.compose.copies import Copied
from rapport.compose.holds import Held, held_keys
from rapport.compose.redactions import REDACTING, Redaction, RedactionProof, rule_of
from rapport.compose.unsaid import LookAgain
from rapport.kernel.clock import HOUR, MINUTE
from rapport.kernel.facts import name_of
from rapport.kernel.identifiers import BUCKETS
from rapport.kernel.ids import Key
from rapport.remember import customers
from rapport.resolve.graph import store as identities
from rapport.resolve.graph.policy import settings_of
from rapport.storage import log, suppression
from rapport.storage.engine import Database
from rapport.storage.leases import LeaseLost
from rapport.storage.locks import Lock, lock_alone
from rapport.storage.log import StoredRow, newest_seq
from rapport.storage.redaction import Rule
from rapport.storage.tidying import tidy
from rapport.storage.withdrawn import withdrawn_facts

__all__ = ["redacting"]

_logger = logging.getLogger(__name__)

AT_ONCE = 500
"""Facts changed in one transaction, while nobody appends."""
_WINDOW = 20_000
"""Numbers of the log that are looked through at a time."""
_WINDOWS = 10
"""So often in a turn."""
_MOST_TEXTS = 2_000
"""Values whose absence the files are searched for; beyond that they are written anew unseen."""
_FIRST_REST, _LONGEST_REST = MINUTE, HOUR
_PATIENCE = 10 * MINUTE
"""So long the files wait to be tidied for lists and searches, which follow within seconds."""
_EVERY_BUCKET = tuple(range(BUCKETS))


_ASIDE = 200
"""Messages of quarantine that are looked through in a turn."""
_ALWAYS = (
    "facts", "withdrawn_facts", "quarantine", "strands", "customers", "customer_words", "segment_records",
    "identifiers", "evidence", "link_records", "import_errors",
)  # fmt: skip
"""Tables in which what is made of facts is written anew."""
_LEFT = (
    'files of the lake are written anew by the job "lake.refiling", within a minute',
    "backups, and databases and lakes that a restore put aside, keep the field until they are let go",
    "words that people or stages wrote of it elsewhere stay: reasons of promises, requests, points and orders, errors",
)


class _Kept:
    """What one worker keeps of redactions in its memory alone."""

    def __init__(self) -> None:
        self.resting: dict[str, tuple[int, int]] = {}
        """Those that failed: how often, and until when."""
        self.held: dict[str, int] = {}
        """Those that wait for a hold to end, and when it is looked again."""
        self.free: dict[str, frozenset[Key]] = {}
        """Who was held when none of them had the field."""
        self.roots: dict[str, set[Key]] = {}
        """Customers counted so far."""
        self.texts: dict[str, set[str] | None] = {}
        """What to look for in the files; None where it is too much, or another worker did a part."""

    def is_held(self, conn: Connection, found: Redaction, now: int) -> bool:
        """Looked at again a minute later: it reads all that is kept of whoever is held."""
        if self.held.get(found.id, 0) <= now and self.why_it_waits(conn, found, now):
            self.held[found.id] = now + MINUTE
        return self.held.get(found.id, 0) > now

    def why_it_waits(self, conn: Connection, found: Redaction, now: int) -> str:
        """As `redactions.waits_for` has it; not read again while the same identifiers are held, since the field comes
        in no more once it is wanted.
        """
        held = held_keys(conn, found.workspace, now=now)
        if self.free.get(found.id) == frozenset(held):
            return ""
        if not (why := redactions.waits_for(conn, found, now=now, held=held)):
            self.free[found.id] = frozenset(held)
        return why

    def failed(self, now: int) -> list[str]:
        return [ident for ident, (_, until) in self.resting.items() if until > now]


def redacting(pipeline: Pipeline, *, at_once: int = AT_ONCE) -> Job:
    """The job of the worker that has this pipeline."""
    kept = _Kept()  # not what a turn keeps: that is let go when the job fails

    def next_one(conn: Connection, turn: Turn) -> Redaction | None:
        passed = kept.failed(turn.now)
        while (found := redactions.waiting(conn, without=passed)) is not None and has_to_wait(conn, turn, found):
            passed.append(found.id)
        return found

    def has_to_wait(conn: Connection, turn: Turn, found: Redaction) -> bool:
        if found.state == "wanted":
            return learning(conn, pipeline) or kept.is_held(conn, found, turn.now)
        follows = found.state == "tidying" and turn.now < found.changed_at + _PATIENCE
        return follows and customers.pending(conn, buckets=_EVERY_BUCKET)

    def due(conn: Connection, turn: Turn) -> bool:
        return next_one(conn, turn) is not None

    def run(turn: Turn) -> int:
        with turn.db.read() as conn:
            found = next_one(conn, turn)
        if found is None:
            return 0
        turn.again()
        with _resting_after(turn, kept, found.id), suppress(Held):
            one = _Redacting(pipeline, turn, found, kept, at_once)
            {"asked": one.count, "wanted": one.take_out, "tidying": one.tidy}[found.state]()
        return 1

    return Job(
        name=REDACTING, title="Fields are taken out of what is kept where somebody said so", due=due, run=run,
        at_most=1, pause_seconds=1.0, waiting_seconds=0.0,
    )  # fmt: skip


@contextmanager
def _resting_after(turn: Turn, kept: _Kept, ident: str) -> Iterator[None]:
    """Have this one rest should it fail, twice as long each time; it fails in the job's report where it is alone."""
    try:
        yield
    except LeaseLost:
        raise
    except Exception as error:
        times = kept.resting.get(ident, (0, 0))[0] + 1
        kept.resting[ident] = times, turn.now + min(_FIRST_REST * 2 ** min(times - 1, 9), _LONGEST_REST)
        kept.texts[ident] = None
        _logger.error(  # what a database says of its failure may name people
            "the redaction %s failed for the %dth time: %s", ident, times, type(error).__name__,
            exc_info=not isinstance(error, DBAPIError),
        )  # fmt: skip
        with turn.db.read() as conn:
            if redactions.waiting(conn, without=list(kept.resting)) is None:
                raise
    else:
        kept.resting.pop(ident, None)


class _Page(NamedTuple):
    """Facts in which the field is, and how far the log was looked through for them."""

    changes: list[Change]
    reached: int
    is_last: bool


class _Redacting:
    """A turn of one redaction."""

    def __init__(self, pipeline: Pipeline, turn: Turn, found: Redaction, kept: _Kept, at_once: int) -> None:
        self._turn, self._found, self._kept, self._at_once = turn, found, kept, at_once
        self._db: Database = turn.db
        with self._db.read() as conn:
            self._rule: Rule = rule_of(conn, found)
            self._policy = identifier_policy(settings_of(conn, found.workspace))
        self._facts = Changing(
            self._db, pipeline.slices, found.workspace, self._policy, self._rule, cause=found.id, now=turn.now
        )
        self._slices = pipeline.slices
        phase, _, at = found.place.partition(":")
        self._phase, self._at = phase, at

    def count(self) -> None:
        """Look through the log, and note how far; at its end through the rest."""
        found, told = self._found, self._found.told
        if told is None or found.id not in self._kept.roots:  # whoever counted before has not told us whom
            told, self._at = RedactionProof(), ""
            self._kept.roots[found.id] = set()
        page = self._page(int(self._at or 0))
        roots = self._kept.roots[found.id]
        with self._db.read() as conn:
            strands = {Key(one.old.strand) for one in page.changes}
            roots.update(identities.roots_of(conn, found.workspace, strands).values())
            told.add(_counted(page.changes))
            if page.is_last:
                told.withdrawn = len(self._withdrawn(conn, -1, every=True)[0])
                told.quarantined = sum(len(self._aside(conn, some)) for some in self._all_aside(conn))
        told.customers = len(roots)
        with self._turn.write() as conn:
            state: redactions.State = "told" if page.is_last else "asked"
            redactions.note(conn, found, state=state, place=f"log:{page.reached}", told=told, now=self._turn.now)
        if page.is_last:
            self._kept.roots.pop(found.id, None)

    def take_out(self) -> None:
        """The next part: of what was taken back, of the log, of quarantine."""
        if not self._phase:
            self._kept.texts[self._found.id] = set()
        {"": self._out_of_withdrawn, "kept": self._out_of_withdrawn, "log": self._out_of_log,
         "aside": self._out_of_quarantine}[self._phase]()  # fmt: skip

    def tidy(self) -> None:
        """Have the files forget what was there, and say that it is done."""
        found = self._found
        texts = self._kept.texts.pop(found.id, None)
        self._kept.free.pop(found.id, None)
        proof = found.proof or RedactionProof()
        tables = {*proof.stores, *_ALWAYS} & self._slices.tables.keys()
        beside = [
            one.redact_files(self._db, found.workspace, self._rule)
            for one in self._slices.slices if one.redact_files is not None
        ]  # fmt: skip
        tidied = tidy(self._db, sorted(tables), None if texts is None else sorted(texts))
        proof.files = "; ".join([tidied.words, *(words for one in beside for words in one.done)])
        proof.left = [*tidied.left, *(words for one in beside for words in one.left), *_LEFT]
        proof.customers = found.told.customers if found.told is not None else 0
        with self._turn.write() as conn:
            redactions.note(conn, found, state="done", proof=proof, now=self._turn.now)

    # -- the parts

    def _out_of_withdrawn(self) -> None:
        after = int(self._at or -1)
        with self._turn.write() as conn:
            self._alone(conn)
            changes, upto = self._withdrawn(conn, after)
            write_changes(conn, withdrawn_facts, self._found.workspace, changes)
            self._remember(changes)
            proof = RedactionProof(withdrawn=len(changes))
            self._note(conn, proof, "log:0" if upto is None else f"kept:{upto}")

    def _out_of_log(self) -> None:
        page = self._page(int(self._at))
        if not page.changes:
            with self._turn.write() as conn:
                self._note(conn, RedactionProof(), "aside:" if page.is_last else f"log:{page.reached}")
            return
        rows = [one.old for one in page.changes]
        looked = self._facts.look(rows)
        with suppress(LookAgain), self._turn.write() as conn:
            self._alone(conn)
            proof, copied = self._facts.change(conn, [row.seq for row in rows], looked)
            self._remember_texts(copied.texts)
            self._note(conn, proof, f"log:{page.reached}")

    def _out_of_quarantine(self) -> None:
        with self._turn.write() as conn:
            self._alone(conn)
            rows = self._quarantined(conn, self._at)
            changed = self._aside(conn, rows)
            q, workspace = quarantine.c, self._found.workspace
            for ident, aside in changed:  # each has a length of its own; at most a page of them
                here = (q.workspace == workspace, q.id == ident)
                if aside is None:
                    conn.execute(quarantine.delete().where(*here))
                    continue
                size = len(aside.body) + len(aside.envelope) + len(aside.original or b"")
                conn.execute(quarantine.update().where(*here).values(
                    body=aside.body, envelope=aside.envelope, original=aside.original, size=size,
                ))  # fmt: skip
            if changed:
                self._kept.texts[self._found.id] = None
            proof = RedactionProof(quarantined=len(changed))
            if rows:
                self._note(conn, proof, f"aside:{rows[-1].id}")
            else:
                self._forget_examples(conn)
                self._note(conn, proof, "", state="tidying")

    def _forget_examples(self, conn: Connection) -> None:
        """What could not be read of the field is shown by its newest value."""
        u, rule = source_unread.c, self._rule
        here = [u.workspace == self._found.workspace, u.field.in_(_names(rule))]
        here += [u.source == rule.source] if rule.source else []
        here += [u.event == rule.event] if rule.event else []
        conn.execute(source_unread.update().where(*here).values(example=""))

    def _alone(self, conn: Connection) -> None:
        """Whoever has read of these people reads anew, and nobody appends or changes identities meanwhile."""
        suppression.erasing(conn)
        lock_alone(conn, Lock.APPENDING)
        identities.lock(conn, self._found.workspace)
        if conn.dialect.name == "sqlite":
            conn.exec_driver_sql("PRAGMA secure_delete = ON")
        if why := self._kept.why_it_waits(conn, self._found, self._turn.now):  # since it was looked
            raise Held(why)

    def _note(self, conn: Connection, done: RedactionProof, place: str, *, state: redactions.State = "wanted") -> None:
        proof = self._found.proof or RedactionProof()
        proof.add(done)
        redactions.note(conn, self._found, state=state, place=place, proof=proof, now=self._turn.now)

    def _remember(self, changes: Sequence[Change]) -> None:
        values = [value for one in changes for value in one.values]
        self._remember_texts(Copied.of(self._rule.path[-1], values).texts)

    def _remember_texts(self, texts: Sequence[str]) -> None:
        known = self._kept.texts.get(self._found.id)
        if known is not None:
            known.update(texts)
        self._kept.texts[self._found.id] = known if known is not None and len(known) <= _MOST_TEXTS else None

    # -- reading

    def _page(self, after: int) -> _Page:
        """The next facts of the log in which the field is, at most `at_once`."""
        changes: list[Change] = []
        with self._db.read() as conn:
            newest = newest_seq(conn)
            windows = 1 if self._rule.keys is not None else _WINDOWS
            for _ in range(windows):
                upto = newest if self._rule.keys is not None else min(after + _WINDOW, newest)
                room = self._at_once - len(changes)
                query = _of(conn, log.facts, self._found, self._rule)
                query = query.where(log.facts.c.seq > after, log.facts.c.seq <= upto).limit(room)
                rows = [StoredRow._make(row) for row in conn.execute(query)]
                changes += changes_of(self._rule, rows, self._policy)
                after = rows[-1].seq if len(rows) == room else upto
                if after >= newest or len(changes) == self._at_once:
                    break
        return _Page(changes, after, is_last=after >= newest)

    def _withdrawn(self, conn: Connection, after: int, *, every: bool = False) -> tuple[list[Change], int | None]:
        """Of the next facts that were taken back those that have the field, and how far this is; None at the end."""
        query = _of(conn, withdrawn_facts, self._found, self._rule).where(withdrawn_facts.c.seq > after)
        rows = [StoredRow._make(row) for row in conn.execute(query if every else query.limit(self._at_once))]
        return changes_of(self._rule, rows, self._policy), rows[-1].seq if rows else None

    def _quarantined(self, conn: Connection, after: str) -> Sequence[sa.Row[Any]]:
        q = quarantine.c
        query = sa.select(quarantine).where(q.workspace == self._found.workspace, q.id > after)
        if self._rule.source:
            query = query.where(q.source == self._rule.source)
        return conn.execute(query.order_by(q.id).limit(_ASIDE)).all()

    def _all_aside(self, conn: Connection) -> Iterator[Sequence[sa.Row[Any]]]:
        after = ""
        while rows := self._quarantined(conn, after):
            yield rows
            after = rows[-1].id

    def _aside(self, conn: Connection, rows: Sequence[sa.Row[Any]]) -> list[tuple[str, Aside | None]]:
        """Those of these messages that the redaction changes."""
        found = []
        for row in rows:
            kept = Aside(row.source, row.received_at, bytes(row.body), bytes(row.envelope), row.original)
            clean = without_field(self._rule, self._found.workspace, kept)
            if clean != kept:
                found.append((row.id, clean))
        return found


def _of(conn: Connection, table: sa.Table, found: Redaction, rule: Rule) -> sa.Select[*tuple[Any, ...]]:
    """The facts that may be meant, by their numbers: those whose text says the field's name."""
    c = table.c
    within = (sa.and_(at >= rule.since, at < rule.until) for at in (c.occurred_at, c.received_at))
    columns = [c[name] for name in StoredRow._fields]
    query = sa.select(*columns).where(c.workspace == found.workspace, sa.or_(*within)).order_by(c.seq)
    if rule.source:
        query = query.where(c.source == rule.source)
    if rule.keys is not None:
        query = query.where(c.strand.in_(sorted(rule.keys)))
    return query.where(redactions.says_field(conn, c.body, rule))


def _counted(changes: Sequence[Change]) -> RedactionProof:
    happened = [one.old.occurred_at for one in changes]
    return RedactionProof(
        facts=len(changes), nobodys=sum(one.new is None for one in changes), first_at=min(happened, default=None),
        last_at=max(happened, default=None), kinds=dict(Counter(name_of(one.old.body) for one in changes)),
    )  # fmt: skip


def _names(rule: Rule) -> tuple[str, ...]:
    return ".".join(rule.path), ".".join(rule.path[1:]), rule.path[-1]
