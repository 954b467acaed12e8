"""The endpoints: where SDKs knock. A raw ASGI application, because a request here is read and decoded exactly once.

Speaks Segment's HTTP API, RudderStack's dialect of it, and Jitsu's paths. A request is answered 200 once everything in
it is durable: good messages in the log, bad ones in quarantine. 400 means the body as a whole is oversize or
unreadable, 401 that no open source has the key, 429 to come again later, 5xx that the fault is ours and nothing was
kept.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import ParamSpec, TypeVar

import msgspec

from rapport.collect.admission import Admission, Everything
from rapport.collect.appender import Appender
from rapport.collect.documents import segment_settings, source_config
from rapport.collect.envelope import Parts, inflate, keys_in, read_batch, read_single
from rapport.collect.health import Health
from rapport.collect.http import (
    DRAINED,
    Gone,
    Head,
    HttpAnswer,
    Receive,
    Scope,
    Send,
    SlowBody,
    answer_of,
    keys_of,
    preflight,
    read_body,
    read_head,
    send_answer,
)
from rapport.collect.limiter import MOST_LATE, STRANGERS, InFlight, Misses, RateLimiter
from rapport.collect.model import Envelope, QuarantineRow, Source
from rapport.collect.names import SPECIFICATION, Vocabulary
from rapport.collect.paths import ENDPOINTS, SDK_METRICS, SETTINGS, Endpoint
from rapport.collect.pixel import read_pixel
from rapport.collect.prepare import prepare_all
from rapport.collect.sources import Sources
from rapport.kernel.clock import HOUR, SECOND, now_us
from rapport.kernel.errors import (
    Forbidden,
    InvalidInput,
    NotFound,
    RapportError,
    RateLimited,
    TooLarge,
    Unauthenticated,
)
from rapport.storage.log import LogRow

__all__ = ["Endpoints"]

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)

IN_FLIGHT_BYTES = 64 * 1024 * 1024
MAX_GROWTH = 4
"""How many times its largest size a batch may grow when its context is given to each of its messages."""

AT_ONCE = 100
"""Messages prepared before other requests get their turn: about a millisecond."""

BYTES_AT_ONCE = 256 * 1024
"""Likewise bytes; a body beyond this size is unpacked and cut in a thread."""

SUCCESS = HttpAnswer(200, b'{"success":true}')
GIF = HttpAnswer(
    200,
    bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"),
    b"image/gif",
    ((b"cache-control", b"no-store"),),
)


_HOST = re.compile(r"^[A-Za-z0-9._:\[\]-]{1,255}$")


class Endpoints:
    """The endpoints of one process. `running()` keeps its memory of sources fresh and its counters flushed."""

    def __init__(
        self,
        *,
        registry: Sources,
        appender: Appender,
        health: Health,
        clock: Callable[[], int] = now_us,
        in_flight_bytes: int = IN_FLIGHT_BYTES,
        vocabulary: Vocabulary = SPECIFICATION,
        admission: Admission | None = None,
    ) -> None:
        self.registry = registry
        self.health = health
        self.in_flight = InFlight(in_flight_bytes)
        self._appender = appender
        self._clock = clock
        self._rates = RateLimiter()
        self._misses = Misses()
        self._vocabulary = vocabulary
        self._admission: Admission = admission or Everything()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Read the sources, then keep them fresh and the counters flushed until the block ends."""
        await self.registry.refresh()
        tasks = [asyncio.create_task(self.registry.keep_fresh()), asyncio.create_task(self.health.keep_flushing())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task
            await asyncio.to_thread(self.health.flush)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request to a path that `handles`."""
        head = read_head(scope)
        try:
            answer = await self._answer(head, receive)
        except Gone:
            return
        except (RapportError, UnreadOfStranger) as raised:
            error = raised.error if isinstance(raised, UnreadOfStranger) else raised
            if error.status >= 500:
                _log.error("an endpoint could not keep facts: %s", error.message)
            strange = isinstance(raised, Unauthenticated | UnreadOfStranger)
            cut = strange and not await self._slow_down(head.address)
            await send_answer(send, answer_of(error), cut=cut or _must_cut(head, error))
            return
        except Exception:  # noqa: BLE001 - a bug must become a 500, never a dropped connection
            _log.exception("an endpoint failed at %s", head.path)
            await send_answer(
                send, HttpAnswer(500, b'{"code":"internal_error","message":"the fault is ours; send it again"}')
            )
            return
        await send_answer(send, answer)

    async def _slow_down(self, address: str) -> bool:
        """Let whoever shows wrong keys again and again wait; False where too many wait already."""
        wait = self._misses.seconds_for(address, now=self._clock())
        if wait and self._misses.late >= MOST_LATE:
            return False
        if wait:
            self._misses.late += 1
            try:
                await asyncio.sleep(wait)
            finally:
                self._misses.late -= 1
        return True

    async def _answer(self, head: Head, receive: Receive) -> HttpAnswer:
        path = head.path.rstrip("/")
        if head.method == "OPTIONS":
            return preflight(head)
        endpoint = ENDPOINTS.get(path)
        if endpoint is not None:
            if head.method != endpoint.method and not (endpoint.pixel and head.method == "HEAD"):
                return _wrong_method(endpoint.method)
            return await (self._pixel(head, endpoint) if endpoint.pixel else self._take(head, endpoint, receive))
        if path == SDK_METRICS:
            return SUCCESS
        if head.method not in ("GET", "HEAD"):
            return _wrong_method("GET")
        return await self._document(head, path)

    async def _take(self, head: Head, endpoint: Endpoint, receive: Receive) -> HttpAnswer:
        now = self._clock()
        source = await self._source(_head_keys(head), now=now)
        if source is not None:
            _must_be_open(source)
            self._refuse_over(source, head, now=now)
        limit = self.registry.largest_batch if source is None else _body_limit(source, endpoint)
        of = (head.address,) if source is not None else (head.address, STRANGERS)
        body = await read_body(head, receive, limit=limit, in_flight=self.in_flight, of=of)
        held = len(body)
        try:
            try:
                plain = await _unpacked(body, head.encoding, limit=limit)
            except InvalidInput as error:
                if source is None:
                    raise UnreadOfStranger(error) from error
                raise
            if plain is not body:
                self.in_flight.hold(len(plain), of)
                held += len(plain)
            if source is None and await self._source(await _aside(len(plain), keys_in, plain), now=now) is None:
                raise _no_such_key()
            parts = await _aside(len(plain), read_batch if endpoint.type is None else read_single, plain)
            await self._keep(head, endpoint, parts, source, size=len(plain))
        finally:
            self.in_flight.release(held, of)
        return SUCCESS

    async def _pixel(self, head: Head, endpoint: Endpoint) -> HttpAnswer:
        parts = read_pixel(head.query)
        source = await self._source(_head_keys(head), now=self._clock())
        if head.method == "GET":
            context = {"userAgent": head.user_agent[:500]} if head.user_agent else {}
            await self._keep(head, endpoint, parts._replace(context=context), source, size=len(parts.messages[0]))
        return GIF

    async def _keep(self, head: Head, endpoint: Endpoint, parts: Parts, source: Source | None, *, size: int) -> None:
        """Make everything in a request durable, in the log or in quarantine."""
        now = self._clock()
        if source is None:
            source = await self._source((parts.write_key,) if parts.write_key else (), now=now)
        if source is None:
            raise _no_such_key()
        _must_be_open(source)
        self._check(source, endpoint, parts, size=size, address=head.address, now=now)
        envelope = Envelope(
            type=endpoint.type,
            context=parts.context,
            integrations=parts.integrations,
            sent_at=parts.sent_at,
            history=endpoint.history,
            ip=head.peer,
            opt_out=head.opt_out,
        )
        rows, aside = await _prepare(
            parts.messages, source=source, received_at=now, envelope=envelope, vocabulary=self._vocabulary
        )
        came = len(rows)
        if rows and self._admission.chooses(source, now):
            rows = await asyncio.to_thread(self._admission.admit, source, rows, now)
        unkept = aside if aside and self.registry.is_full(source) else []
        address = head.address if source.client_side else ""
        new = await self._appender.append(rows, [] if unkept else aside, address=address)
        self.health.count(
            source, now=now, accepted=new + came - len(rows), duplicates=len(rows) - new,
            quarantined=len(aside) - len(unkept), dropped=len(unkept), bytes=size,
        )  # fmt: skip
        if unkept:
            raise QuarantineFull(
                f"{len(unkept)} of {len(parts.messages)} messages are invalid and were not kept, since the quarantine"
                f" of this source is full; {len(rows)} were kept. The first: {unkept[0].path}: {unkept[0].reason}",
                hint="mend the client; replay or discard what is in quarantine",
            )

    def _check(self, source: Source, endpoint: Endpoint, parts: Parts, *, size: int, address: str, now: int) -> None:
        limit = _body_limit(source, endpoint)
        count = len(parts.messages)
        if size > limit:
            raise TooLarge(f"the body has {size} bytes, at most {limit} are allowed", hint="send smaller batches")
        if count > source.limits.max_batch_facts:
            raise TooLarge(
                f"the batch has {count} messages, at most {source.limits.max_batch_facts} are allowed",
                hint="send smaller batches",
            )
        shared = (
            len(msgspec.json.encode((parts.context, parts.integrations))) if parts.context or parts.integrations else 0
        )
        if shared * count > MAX_GROWTH * limit:
            raise TooLarge(
                f"{shared} bytes of context for each of {count} messages are too many", hint="send smaller batches"
            )
        try:
            if self.registry.has_spent_its_day(source):
                raise _day_is_spent(source, now)
            self._rates.take(source, count, address=address if source.client_side else "", now=now)
        except RateLimited:
            self.health.count(source, now=now, refused=count)
            raise

    def _refuse_over(self, source: Source, head: Head, *, now: int) -> None:
        """Raises RateLimited before the body is read where nothing of it could pass."""
        try:
            if self.registry.has_spent_its_day(source):
                raise _day_is_spent(source, now)
            self._rates.refuse_over(source, address=head.address if source.client_side else "", now=now)
        except RateLimited:
            self.health.count(source, now=now, refused=1)
            raise

    async def _source(self, keys: tuple[str, ...], *, now: int) -> Source | None:
        for key in keys:
            source = self.registry.find(key, now=now)
            if source is not None:
                return source
        for key in keys:
            source = await self.registry.look_up(key, now=now)
            if source is not None:
                return source
        return None

    async def _document(self, head: Head, path: str) -> HttpAnswer:
        settings = SETTINGS.match(path)
        keys = (settings.group(1),) if settings else _head_keys(head)
        source = await self._source(keys, now=self._clock())
        if source is None or not source.enabled:
            raise NotFound("no open source has this write key", hint="`rapport sources list` shows the keys")
        if settings is None:
            return _json(source_config(source))
        if not _HOST.match(head.host):
            raise InvalidInput("the Host header is missing or malformed")
        return _json(segment_settings(settings.group(1), scheme=head.scheme, host=head.host))


class QuarantineFull(InvalidInput):
    """Invalid messages that there is no room for: not acknowledged, and of no use to send again as they are."""

    code = "quarantine_full"


class UnreadOfStranger(Exception):
    """A body that cannot be unpacked, by somebody who has shown no key that is known: as dear to us as a wrong key."""

    def __init__(self, error: RapportError) -> None:
        super().__init__(error.message)
        self.error = error


class Forbidden401(Forbidden):
    """SDKs take 401 for "this key does not work"."""

    code = "source_disabled"
    status = 401


async def _prepare(
    messages: list[bytes], *, source: Source, received_at: int, envelope: Envelope, vocabulary: Vocabulary
) -> tuple[list[LogRow], list[QuarantineRow]]:
    rows: list[LogRow] = []
    aside: list[QuarantineRow] = []
    for some in _portions(messages):
        if rows or aside:
            await asyncio.sleep(0)
        good, bad = prepare_all(some, source=source, received_at=received_at, envelope=envelope, vocabulary=vocabulary)
        rows += good
        aside += bad
    return rows, aside


def _portions(messages: list[bytes]) -> Iterator[list[bytes]]:
    portion: list[bytes] = []
    size = 0
    for message in messages:
        portion.append(message)
        size += len(message)
        if len(portion) >= AT_ONCE or size >= BYTES_AT_ONCE:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


async def _aside(size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do the work, in a thread if it is about a large body: others must not wait for it."""
    return work(*args, **kwargs) if size <= BYTES_AT_ONCE else await asyncio.to_thread(work, *args, **kwargs)


async def _unpacked(body: bytes, encoding: str, *, limit: int) -> bytes:
    """`inflate`, in a thread where much comes of it: a little that is packed can become megabytes."""
    if len(body) <= BYTES_AT_ONCE < limit:
        with suppress(TooLarge):
            return inflate(body, encoding, limit=BYTES_AT_ONCE)
    return await _aside(limit, inflate, body, encoding, limit=limit)


def _no_such_key() -> Unauthenticated:
    return Unauthenticated(
        "no source has this write key", hint="`rapport sources list` shows the keys; send it as Basic user name"
    )


def _day_is_spent(source: Source, now: int) -> RateLimited:
    return RateLimited(
        f"this source has sent the {source.limits.megabytes_per_day} MB that it may send in 24 hours",
        retry_after_seconds=(HOUR - now % HOUR) / SECOND, hint="raise the source's limit, or find out what it sends",
    )  # fmt: skip


def _must_be_open(source: Source) -> None:
    if not source.enabled:
        raise Forbidden401("this source is switched off", hint="switch it on in the console")


def _head_keys(head: Head) -> tuple[str, ...]:
    keys = keys_of(head.authorization) if head.authorization else ()
    if head.write_key:
        keys = (*keys, head.write_key, head.write_key.partition(":")[0])
    asked = head.query.get("writeKey")
    return (*keys, asked) if asked else keys


def _body_limit(source: Source, endpoint: Endpoint) -> int:
    return source.limits.max_batch_bytes if endpoint.type is None else source.limits.max_event_bytes


def _must_cut(head: Head, error: RapportError) -> bool:
    if isinstance(error, SlowBody):
        return True
    refused = isinstance(error, TooLarge | Unauthenticated | Forbidden401)  # without reading its body to the end
    return refused and (head.length is None or head.length > DRAINED)


def _wrong_method(allowed: str) -> HttpAnswer:
    body = msgspec.json.encode({"code": "method_not_allowed", "message": f"this address answers {allowed}"})
    return HttpAnswer(405, body, headers=((b"allow", f"{allowed}, OPTIONS".encode()),))


def _json(document: object) -> HttpAnswer:
    return HttpAnswer(200, msgspec.json.encode(document), headers=((b"cache-control", b"public, max-age=60"),))
