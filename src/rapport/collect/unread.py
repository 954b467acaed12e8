"""What of a source's facts could not be read, counted by event, field and day as they are folded.

Nothing is written where all could be read. What came is kept as it may be shown to whoever connects the source: without
what could be personal. A name that is only like one that is understood counts as well: nobody takes it for that.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.collect.names import Vocabulary
from rapport.collect.prepare import EARLIEST
from rapport.collect.store import source_unread
from rapport.kernel.clock import MINUTE, SECOND, zone_named
from rapport.kernel.facts import OWN_SOURCE, Fact
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.moments import read_moment
from rapport.kernel.wording import Wording
from rapport.kernel.work import EVERY_FACT, Seen, Work
from rapport.storage.bulk import upsert
from rapport.storage.workspaces import all_workspaces

__all__ = ["EVENT", "KEPT_DAYS", "MORE", "CountingUnread", "masked", "time_zone_of"]

_logger = logging.getLogger(__name__)

KEPT_DAYS = 90

MOST_FIELDS = 100
"""Fields, of all events together, that are told apart of one source on one day; who has a write key makes names up."""

EVENT = "event"
"""The field of a name that is like one that is understood; the example is that one."""

MORE = "more"
"""The field, of no event, that counts what was beyond `MOST_FIELDS`."""

_ALL = ""
"""The field of the row that counts all facts of an event."""

_QUARTER = 15 * MINUTE
"""The offsets of all time zones are whole quarters of an hour, so one lies in one day."""

_MOST_HELD = 5_000
"""Counts held in memory of events of which nothing was unread so far."""

Unread = Callable[[Fact], dict[str, str]]


class _Of(NamedTuple):
    """The facts that are counted together before their day is known."""

    workspace: WorkspaceId
    source: str
    quarter: int
    event: str


class _OnDay(NamedTuple):
    workspace: WorkspaceId
    source: str
    day: str
    event: str


class CountingUnread:
    """The stage that counts what could not be read."""

    listens_to = (EVERY_FACT,)

    def __init__(self, wording: Wording, vocabulary: Vocabulary) -> None:
        self._unread: dict[str, Unread] = {
            kind.name: kind.unread for kind in wording.kinds.values() if kind.unread is not None
        }
        self._known = frozenset(wording.kinds)
        self._like = vocabulary.like
        self._found: dict[tuple[_Of, str], tuple[int, str, int]] = {}
        """Facts, the newest one's example, and its number."""
        self._facts: dict[tuple[WorkspaceId, str, int, str], int] = {}
        self._before: dict[_OnDay, int] = {}
        """Facts of events of which nothing was unread on that day so far."""
        self._written: dict[tuple[WorkspaceId, str, str], set[tuple[str, str]]] | None = None
        """Event and field of the rows there are, of today and yesterday."""

    def handle(self, seen: Seen) -> None:
        workspace, _, fact = seen
        name, received_at = fact.name, fact.received_at
        unread = self._unread.get(name)
        if unread is not None:
            key = (workspace, fact.source, received_at // _QUARTER, name)
            self._facts[key] = self._facts.get(key, 0) + 1
            found = self._ask(unread, fact)
            for field in found:
                self._note(seen, field, found[field])
        elif name not in self._known and fact.type == "track" and (like := self._like(name)) is not None:
            self._note(seen, EVENT, like)
        if fact.occurred_at == received_at and fact.original_timestamp is not None and fact.source != OWN_SOURCE:
            early = read_moment(fact.original_timestamp)
            if early is not None and early < EARLIEST:
                self._note(
                    seen, "timestamp", f"{fact.original_timestamp[:40]} is too early: the time of receipt is kept"
                )

    def flush(self, conn: Connection, work: Work, now: int) -> None:
        """Write what could not be read, and of the same events how many facts there were."""
        if not self._facts and not self._found:
            return
        days = _Days(conn, work)
        if self._written is None:
            self._written = _written(conn, since=days.earliest(now))
        facts = self._before
        for (workspace, source, quarter, event), number in self._facts.items():
            key = _OnDay(workspace, source, days.of(workspace, quarter * _QUARTER), event)
            facts[key] = facts.get(key, 0) + number
        self._facts = {}
        if self._found or self._written:
            self._write(conn, days, now)
        if len(facts) > _MOST_HELD:
            facts.clear()
        if len(self._written) > _MOST_HELD:
            self._written = None

    def abandon(self) -> None:
        self._found, self._facts, self._before, self._written = {}, {}, {}, None

    def _ask(self, unread: Unread, fact: Fact) -> dict[str, str]:
        try:
            return unread(fact)
        except Exception:  # whatever a slice makes of a fact, its neighbours are folded
            _logger.exception("what of a %s fact cannot be read could not be told", fact.name)
            del self._unread[fact.name]  # said once: the same thing again for every fact helps nobody
            return {}

    def _note(self, seen: Seen, field: str, example: str) -> None:
        fact = seen.fact
        key = (_Of(seen.workspace, fact.source, fact.received_at // _QUARTER, fact.name), field)
        number, _, _ = self._found.get(key, (0, "", 0))
        self._found[key] = (number + 1, example, fact.seq)

    def _write(self, conn: Connection, days: _Days, now: int) -> None:
        written = self._written = self._written or {}
        rows: dict[tuple[_OnDay, str], tuple[int, str, int]] = {}
        for (of, name), (number, example, seq) in self._found.items():
            key, field = _OnDay(of.workspace, of.source, days.of(of.workspace, of.quarter * _QUARTER), of.event), name
            there = written.setdefault(key[:3], set())
            if (of.event, name) not in there and len(there) >= MOST_FIELDS:
                key, field = key._replace(event=""), MORE
            there |= {(key.event, field), (key.event, _ALL)}
            before, text, newest = rows.get((key, field), (0, "", -1))
            rows[key, field] = (before + number, masked(example, name) if seq > newest else text, max(seq, newest))
        for key in [key for key in self._before if (key.event, _ALL) in written.get(key[:3], ())]:
            rows[key, _ALL] = (self._before.pop(key), "", 0)
        self._found = {}
        _save(conn, rows)
        if rows:
            conn.execute(source_unread.delete().where(source_unread.c.day < days.earliest(now, back=KEPT_DAYS)))


class _Days:
    """The shops' days, each asked for once."""

    def __init__(self, conn: Connection, work: Work) -> None:
        self._conn, self._work = conn, work
        self._found: dict[tuple[WorkspaceId, int], str] = {}

    def of(self, workspace: WorkspaceId, at: int) -> str:
        """The date of a moment in a shop."""
        key = (workspace, at)
        if key not in self._found:
            zone = zone_named(self._work.known(self._conn, workspace, time_zone_of))
            self._found[key] = datetime.fromtimestamp(at // SECOND, zone).date().isoformat()
        return self._found[key]

    @staticmethod
    def earliest(now: int, *, back: int = 2) -> str:
        """A date that no shop is more than a day away from, so many days ago."""
        return (datetime.fromtimestamp(now // SECOND, UTC) - timedelta(days=back)).date().isoformat()


def time_zone_of(conn: Connection, workspace: WorkspaceId) -> str:
    """The name of a shop's time zone, by whose days it is counted."""
    return next((shop.settings.time_zone for shop in all_workspaces(conn) if shop.id == workspace), "UTC")


def _written(conn: Connection, *, since: str) -> dict[tuple[WorkspaceId, str, str], set[tuple[str, str]]]:
    c = source_unread.c
    found: dict[tuple[WorkspaceId, str, str], set[tuple[str, str]]] = {}
    for row in conn.execute(sa.select(c.workspace, c.source, c.day, c.event, c.field).where(c.day >= since)):
        found.setdefault((row.workspace, row.source, row.day), set()).add((row.event, row.field))
    return found


def _save(conn: Connection, rows: Mapping[tuple[_OnDay, str], tuple[int, str, int]]) -> None:
    values: list[dict[str, Any]] = [
        {**key._asdict(), "field": field, "facts": facts, "example": example, "seq": seq}
        for (key, field), (facts, example, seq) in sorted(rows.items())
    ]
    newest = "excluded.seq > source_unread.seq"
    upsert(
        conn, source_unread, values, key=("workspace", "source", "day", "event", "field"),
        update={
            "facts": "source_unread.facts + excluded.facts",
            "example": f"CASE WHEN {newest} THEN excluded.example ELSE source_unread.example END",
            "seq": f"CASE WHEN {newest} THEN excluded.seq ELSE source_unread.seq END",
        },
    )  # fmt: skip


_QUOTED = re.compile("“([^”]*)”")
_WORD = re.compile(r"\S*@\S*|[^\W\d_]+")
_DIGITS = re.compile(r"\d")
_PERSONAL = re.compile(r"[@\d]")


def masked(example: str, field: str = "") -> str:
    """What came, without what may be about a person: words are cut to their first letter, long numbers to noughts.

    Left as they are: one word in small or in capital letters, words of up to four letters beside a number, and what was
    to be a country.

    >>> masked("“24,90 Euro” is no number"), masked("“free” is no number"), masked("“Ada Lovelace” is no number")
    ('“24,90 Euro” is no number', '“free” is no number', '“A… L…” is no number')
    >>> masked("“ada@example.com” is no number"), masked("“+49 151 12345678” is no number")
    ('“…@…” is no number', '“+00 000 00000000” is no number')
    """
    if field.endswith("country") and not _PERSONAL.search(example):
        return example
    return _QUOTED.sub(lambda match: f"“{_masked_value(match[1])}”", example)


def _masked_value(value: str) -> str:
    digits, words = len(_DIGITS.findall(value)), _WORD.findall(value)
    plain = not digits and len(words) == 1 and len(words[0]) <= 12 and (words[0].islower() or words[0].isupper())
    if digits > 9:
        value = _DIGITS.sub("0", value)
    if plain and "@" not in value:
        return value

    def word(match: re.Match[str]) -> str:
        found = match[0]
        if "@" in found:
            return "…@…"
        return found if (digits and len(found) <= 4) or len(found) == 1 else f"{found[0]}…"

    return _WORD.sub(word, value)
