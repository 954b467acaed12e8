"""Fetches a shop's lists, outside of any transaction: the outbox calls it, a page at a time goes into the log.

Each page and the place after it are one transaction, so a killed worker goes on where it stood, and a page that is read
twice says nothing new. Requests keep the pause of their system and wait as long as the shop asks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from sqlalchemy import Connection

from rapport.act.channels import ChannelSettings, Delivered, Outgoing
from rapport.act.outbox import extend
from rapport.adapters.channels.connecting import Answer, NeverSent, Unanswered, ask
from rapport.adapters.shops import store as doors
from rapport.adapters.shops.pulling import store
from rapport.adapters.shops.pulling.jobs import PULL
from rapport.adapters.shops.pulling.model import Asked, Page, Place, Said, ShopList, System, Unreadable, after
from rapport.adapters.shops.pulling.store import Pull
from rapport.adapters.shops.pulling.systems import SYSTEMS
from rapport.adapters.shops.store import Door
from rapport.adapters.shops.taking import take_fetched
from rapport.collect.model import Source
from rapport.collect.sources import find_source
from rapport.kernel.clock import MINUTE, SECOND, now_us
from rapport.kernel.errors import Misconfigured, NotFound
from rapport.storage.engine import Database

__all__ = ["PullAsked", "PullChannel"]

OVERLAP = 5 * MINUTE
"""What changed so long before the last reading began is read again: a shop's transaction may be late to be seen."""
AT_ONCE_SECONDS = 120.0
"""After so long the others have their turn; the next message goes on."""
REQUEST_SECONDS = 25.0
"""Shorter than the lease of a message, which each request extends."""
LARGEST = 32_000_000
"""Bytes of one page."""
MOST_PAGES = 50_000
"""Of one reading: a shop whose pages never end is left alone until its next time, and then read from the start."""
MOST_OF_A_PART = 50
"""Pages of what belongs to one thing, such as a product's variations."""
_LONGEST_WAIT = 3_600.0


class PullAsked(msgspec.Struct, frozen=True):
    """What the message says: whose lists, and when that was due."""

    source: str
    shop: str
    at: int


class _Trouble(Exception):
    """The shop did not answer what was asked."""

    def __init__(
        self, why: str, *, wait_seconds: float = 0.0, is_final: bool = False, anew: Place | None = None
    ) -> None:
        super().__init__(why)
        self.wait_seconds = wait_seconds
        self.is_final = is_final
        """Asking again soon is in vain: people have to change something."""
        self.anew = anew
        """From where to read the next time, as the page that was asked for is gone."""


class _Refused(_Trouble):
    """The shop says that the question itself is wrong, as it does of a cursor that it knows no more."""


class _Got(NamedTuple):
    said: list[Said]
    place: Place | None
    """The next; None where all lists are read."""
    began_at: int


class PullChannel:
    """Reads lists of shops into the log."""

    name = PULL

    def __init__(self, db: Database, given: ChannelSettings, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self._db = db
        self._given = given
        self._sleep = sleep

    def deliver(self, message: Outgoing, *, now: int) -> Delivered:
        """Read pages for a while. What the shop does not answer is tried again from the same page."""
        asked = msgspec.json.decode(message.payload, type=PullAsked)
        with self._db.write() as conn:
            pull = store.claim(conn, message.workspace, asked.source, asked.shop, now=self._db.now_us(conn))
        if pull is None:
            return self._not_ours(message, asked)
        if pull.place is None and (pull.finished_at or 0) > asked.at:
            self._let_go(pull)
            return Delivered(result="delivered", detail="read since")
        return self._read(message, pull)

    def switch_off(self, conn: Connection, message: Outgoing, *, reason: str) -> None:
        """Nothing: a shop that answers no more is asked at its next time."""

    def _not_ours(self, message: Outgoing, asked: PullAsked) -> Delivered:
        """Whoever reads it may be dead: the message stays until the lease says so."""
        with self._db.read() as conn:
            found, now = store.pull_of(conn, message.workspace, asked.source, asked.shop), self._db.now_us(conn)
        if found is None or not found.enabled:
            return Delivered(result="delivered", detail="gone or switched off")
        left = max(1, (found.leased_until - now) // SECOND + 1)
        return Delivered(result="retry", detail="read by another", retry_after_seconds=left)

    def _failed(self, pull: Pull, error: _Trouble | Misconfigured | NotFound) -> Delivered:
        why = str(error) if isinstance(error, _Trouble) else error.message
        self._fail(pull, why, anew=error.anew if isinstance(error, _Trouble) else None)
        if isinstance(error, _Trouble) and not error.is_final:
            return Delivered(result="retry", detail=why, retry_after_seconds=error.wait_seconds)
        return Delivered(result="dead", detail=why)

    def _fail(self, pull: Pull, why: str, *, anew: Place | None = None) -> None:
        with self._db.write() as conn:
            store.fail(conn, pull, why, now=self._db.now_us(conn), anew=anew)

    def _let_go(self, pull: Pull, *, is_to_go_on: bool = False) -> None:
        with self._db.write() as conn:
            store.let_go(conn, pull, next_at=self._db.now_us(conn) if is_to_go_on else None)

    def _read(self, message: Outgoing, pull: Pull) -> Delivered:
        ends, pages = time.monotonic() + AT_ONCE_SECONDS, 0
        try:
            with self._db.read() as conn:
                access = store.key_of_access(conn, pull)
            reader = _Reader(SYSTEMS[pull.shop], pull, access, self._given, self._sleep)
            while extend(self._db, message):
                kept = self._keep(pull, reader.page(pull))
                if kept is None:
                    return Delivered(result="delivered", detail="it was changed meanwhile")
                pull, pages = kept, pages + 1
                if pull.place is None:
                    return Delivered(result="delivered", detail=f"{pages} pages, to the end")
                if pull.pages >= MOST_PAGES:
                    start = Place(0, _since(pull, reader.first), is_anew=True)
                    raise _Trouble(f"after {MOST_PAGES:,} pages it still has no end", is_final=True, anew=start)
                if time.monotonic() > ends:
                    self._let_go(pull, is_to_go_on=True)
                    return Delivered(result="delivered", detail=f"{pages} pages, more to come")
        except (_Trouble, Misconfigured, NotFound) as error:
            return self._failed(pull, error)
        except Exception as error:  # a bug of ours: it is seen at the source, and the next attempt need not wait
            self._fail(pull, f"it could not be read: {type(error).__name__}")
            raise
        return Delivered(result="delivered", detail="another has taken it up")

    def _keep(self, pull: Pull, got: _Got) -> Pull | None:
        """Put a page into the log and move the place. None, and nothing is kept, where it is not ours any more."""
        with self._db.write() as conn:
            now = self._db.now_us(conn)
            held = store.renew(conn, pull, now=now)
            if held is None:
                return None
            door, source = _door(conn, pull), _source(conn, pull)
            facts = 0
            if got.said:
                taken = take_fetched(conn, door, source, got.said, now=now, vocabulary=self._given.vocabulary)
                facts = taken.facts
            return store.go_on(
                conn, held, got.place, began_at=got.began_at, things=len(got.said), facts=facts, now=now
            )  # fmt: skip


def _door(conn: Connection, pull: Pull) -> Door:
    found = doors.door_of(conn, pull.workspace, pull.source, pull.shop)
    if found is None:
        raise _Trouble("its webhooks were disconnected: connect it anew", is_final=True)
    return found


def _source(conn: Connection, pull: Pull) -> Source:
    found = find_source(conn, pull.workspace, pull.source)
    if not found.enabled:
        raise _Trouble("this source is switched off", is_final=True)
    return found


class _Reader:
    """Asks one shop, in its pace."""

    def __init__(
        self, system: System, pull: Pull, access: str, given: ChannelSettings, sleep: Callable[[float], object]
    ) -> None:
        self._system = system
        self._address = pull.address
        self._headers = {"accept": "application/json", **system.headers(access)}
        self._allow_private = given.allow_private
        self._sleep = sleep
        self._asked_at: float | None = None

    @property
    def first(self) -> ShopList:
        """With which a reading begins."""
        return self._system.lists[0]

    def page(self, pull: Pull) -> _Got:
        """The page at the pull's place, with what has a list of its own on it. Raises _Trouble."""
        place = pull.place or Place(0, _since(pull, self.first))
        asked = self._system.lists[place.number]
        answer, headers = self._page(asked, place)
        try:
            page = self._understood(pull, asked, place, answer, headers)
            said = list(page.said)
            for part in page.parts:
                said += self._parts(asked, part)
        except (Unreadable, ValueError) as error:
            raise _Trouble(f"{asked.name}: {error}", wait_seconds=60) from error
        began_at = pull.began_at or _clock_of(headers)
        following = after(self._system, place, page, lambda one: _since(pull, one))
        return _Got(said, following, began_at)

    def _parts(self, asked: ShopList, part: str) -> list[Said]:
        """The list that a thing has of its own, to its end."""
        if asked.ask_part is None or asked.read_part is None:
            return []
        said: list[Said] = []
        before: Any = None
        for number in range(1, MOST_OF_A_PART + 1):
            told, _ = self._ask(asked.name, asked.ask_part(part, number))
            if number > 1 and told == before:  # a shop that counts no pages says the same again
                return said
            said += asked.read_part(part, told)
            if len(told) < asked.part_size:
                return said
            before = told
        raise Unreadable(f"after {MOST_OF_A_PART} pages what belongs to one of them still has no end")

    def _page(self, asked: ShopList, place: Place) -> tuple[Any, Mapping[str, str]]:
        try:
            return self._ask(asked.name, asked.ask(place))
        except _Refused as error:
            error.anew = place.at_start() if place.page else None
            raise

    def _understood(self, pull: Pull, asked: ShopList, place: Place, answer: Any, headers: Mapping[str, str]) -> Page:
        """What it says. Systems that refuse a cursor in words are believed the second time: once may be an accident."""
        try:
            return asked.read(place, answer, headers)
        except Unreadable as error:
            is_stuck = bool(place.page) and pull.failed_at is not None
            anew = place.at_start() if is_stuck else None
            raise _Trouble(f"{asked.name}: {error}", wait_seconds=60, anew=anew) from error

    def _ask(self, name: str, asked: Asked) -> tuple[Any, Mapping[str, str]]:
        self._pause()
        query = f"?{urlencode(asked.query)}" if asked.query else ""
        headers = self._headers | ({"content-type": "application/json"} if asked.body else {})
        try:
            answer = ask(
                "POST" if asked.body else "GET", f"{self._address}{asked.path}{query}", asked.body, headers,
                allow_private=self._allow_private, timeout_seconds=REQUEST_SECONDS, largest=LARGEST,
            )  # fmt: skip
        except (NeverSent, Unanswered) as error:
            raise _Trouble(f"{name}: {error}") from error
        _refuse(name, answer)
        try:
            return msgspec.json.decode(answer.body), answer.headers
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            what = "too large" if len(answer.body) >= LARGEST else "no JSON"
            raise _Trouble(f"{name}: the answer is {what}", wait_seconds=60) from error

    def _pause(self) -> None:
        if self._asked_at is not None:
            self._sleep(max(0.0, self._asked_at + self._system.pause_seconds - time.monotonic()))
        self._asked_at = time.monotonic()


def _since(pull: Pull, one: ShopList) -> int:
    """From when a list is wanted: what changed since the last reading; the first time all, of orders some days."""
    if pull.reached:
        return max(0, pull.reached - OVERLAP)
    return 0 if one.is_whole else pull.orders_since


def _clock_of(headers: Mapping[str, str]) -> int:
    """When the shop answered, by its own clock, as its changes are; by ours a while ago where it does not say."""
    now = now_us()
    try:
        return min(now, int(parsedate_to_datetime(headers["date"]).timestamp()) * SECOND)
    except (KeyError, ValueError, TypeError, OverflowError):
        return now - 2 * OVERLAP


def _refuse(name: str, answer: Answer) -> None:
    """Raises _Trouble for anything but a good answer."""
    status = answer.status
    if 200 <= status < 300:
        return
    if status in (401, 403):
        raise _Trouble(f"{name}: answered {status}: is the access key right, and may it read {name}?", is_final=True)
    if 300 <= status < 400:
        raise _Trouble(f"{name}: answered {status}: it leads elsewhere; name the address it leads to", is_final=True)
    if status in (404, 410):
        raise _Trouble(f"{name}: answered {status}: there is no such list at this address", is_final=True)
    kind = _Refused if status in (400, 422) else _Trouble
    raise kind(f"{name}: answered {status}", wait_seconds=_wait(answer.headers))


def _wait(headers: Mapping[str, str]) -> float:
    """Seconds that the shop asks to wait; 0 where it asks nothing that can be read."""
    try:
        found = float(headers.get("retry-after", "0"))
    except ValueError:
        try:
            found = parsedate_to_datetime(headers["retry-after"]).timestamp() - now_us() / SECOND
        except (ValueError, TypeError):
            return 0.0
    return min(max(found, 0.0), _LONGEST_WAIT) if found == found else 0.0
