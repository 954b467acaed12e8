"""`/api/v1/sources` and `/api/v1/quarantine`: where facts come from, how it goes there, and what was refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.params import Parameter

from rapport.collect import quarantine, sources
from rapport.collect.given import GivenAdmission
from rapport.collect.health import HealthCounts, health_of_sources
from rapport.collect.model import Limits, QuarantineState, Source, SourceKind
from rapport.collect.names import Vocabulary
from rapport.collect.quarantine import Quarantined, Replayed
from rapport.collect.unread import KEPT_DAYS
from rapport.collect.unread_shown import UnreadField, unread_of_source
from rapport.kernel.clock import SECOND, now_us, to_iso
from rapport.kernel.errors import InvalidFact
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.etags import ETAG, IfMatch, seen_version, tagged

__all__ = ["ROUTES"]

Id = Annotated[str, Parameter(max_length=100)]
Limit = Annotated[int, Parameter(ge=1, le=500, description="How many at most.")]


class SourceWanted(msgspec.Struct, frozen=True, kw_only=True):
    """A new source. Kinds web and app send from the shopper's device: their peer address is kept as the shopper's."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    kind: SourceKind
    limits: Limits | None = None
    """Where nothing is said: a rate and a volume for web and app, whose key anybody can read, and none for others."""


class SourceChange(msgspec.Struct, frozen=True, kw_only=True):
    """What to change; what is absent stays."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None
    kind: SourceKind | None = None
    limits: Limits | None = None
    enabled: bool | None = None
    asks_signatures: bool | None = None
    """Of web and app: whether only what the shop's server vouches for counts as somebody's name."""


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """Which write key is replaced, and how long it goes on working."""

    replaces: str | None = None
    """The key that was read: where it is another by now, nothing is changed and the answer is 409."""
    grace_seconds: Annotated[int, msgspec.Meta(ge=0, le=366 * 86_400)] = sources.GRACE // SECOND


class SourceShown(msgspec.Struct, frozen=True, kw_only=True):
    """A source with what came from it in the last 24 hours. Keys are shown to those who may change sources."""

    id: str
    name: str
    kind: SourceKind
    enabled: bool
    asks_signatures: bool
    """Whether only what the shop's server vouches for counts as somebody's name."""
    signing_secret: str | None
    """With which it vouches: the HMAC-SHA256 of the user id under this, in hexadecimal, as `context.userHash`."""
    write_key: str | None
    previous_key: str | None
    previous_key_until: str | None
    limits: Limits
    created_at: str
    last_seen_at: str | None
    last_day: HealthCounts


class QuarantinedShown(msgspec.Struct, frozen=True, kw_only=True):
    """A message that could not become a fact: why, where in it, and the message itself."""

    id: str
    source: str
    received_at: str
    reason: str
    path: str
    event: str
    state: QuarantineState
    settled_at: str | None
    body: str
    """The message as it came; bytes that are not UTF-8 show as U+FFFD."""


class ReplayWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which open messages: of a source, with a text in their reason or path, or all."""

    source: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    reason: Annotated[str, msgspec.Meta(max_length=200)] | None = None


@get("/sources", permission="sources:read", tags=["sources"], sync_to_thread=True)
def list_sources(db: Database, principal: Principal) -> list[SourceShown]:
    """All sources of the shop, oldest first."""
    workspace = principal.workspace
    with db.read() as conn:
        found = sources.list_sources(conn, workspace)
        health = health_of_sources(conn, workspace, now=now_us())
    return [_shown(source, principal, health.get(source.id)) for source in found]


@get("/sources/{source_id:str}/unread", permission="sources:read", tags=["sources"], sync_to_thread=True)
def list_unread(
    source_id: Id, db: Database, principal: Principal,
    days: Annotated[int, Parameter(ge=1, le=KEPT_DAYS, description="Of the shop, the last ones.")] = 7,
) -> list[UnreadField]:  # fmt: skip
    """What of this source's facts could not be read, by event and field, the most frequent first."""
    workspace = principal.workspace
    with db.read() as conn:
        sources.find_source(conn, workspace, source_id)
        return unread_of_source(conn, workspace, source_id, now=now_us(), days=days)


@post("/sources", permission="sources:write", tags=["sources"], sync_to_thread=True)
def add_source(data: SourceWanted, db: Database, principal: Principal) -> SourceShown:
    """Add a source; the answer has its write key."""
    with db.write() as conn:
        made = sources.create_source(
            conn, principal.workspace, name=data.name, kind=data.kind, limits=data.limits, now=now_us()
        )
    return _shown(made, principal, None)


@get(
    "/sources/{source_id:str}", permission="sources:read", tags=["sources"], response_headers=[ETAG],
    sync_to_thread=True,
)  # fmt: skip
def get_source(source_id: Id, db: Database, principal: Principal) -> Response[SourceShown]:
    """One source."""
    workspace = principal.workspace
    with db.read() as conn:
        source = sources.find_source(conn, workspace, source_id)
        health = health_of_sources(conn, workspace, now=now_us())
    return tagged(_shown(source, principal, health.get(source.id)), sources.source_version(source))


@patch(
    "/sources/{source_id:str}", permission="sources:write", tags=["sources"], response_headers=[ETAG],
    sync_to_thread=True,
)  # fmt: skip
def change_source(
    source_id: Id, data: SourceChange, db: Database, principal: Principal, if_match: IfMatch = None
) -> Response[SourceShown]:
    """Rename a source, change its kind or limits, or switch it on or off."""
    workspace = principal.workspace
    with db.write() as conn:
        source = sources.change_source(
            conn, workspace, source_id, name=data.name, kind=data.kind, limits=data.limits, enabled=data.enabled,
            asks_signatures=data.asks_signatures, seen=seen_version(if_match),
        )  # fmt: skip
        health = health_of_sources(conn, workspace, now=now_us())
    return tagged(_shown(source, principal, health.get(source.id)), sources.source_version(source))


@post(
    "/sources/{source_id:str}/rotate", permission="sources:write", tags=["sources"], status_code=200,
    sync_to_thread=True,
)  # fmt: skip
def rotate_source(source_id: Id, data: Rotation, db: Database, principal: Principal) -> SourceShown:
    """Give a source a new write key; the old one works on for a while."""
    with db.write() as conn:
        source = sources.rotate_key(
            conn, principal.workspace, source_id, now=now_us(), grace=data.grace_seconds * SECOND, seen=data.replaces
        )
    return _shown(source, principal, None)


@post(
    "/sources/{source_id:str}/signing-secret", permission="sources:write", tags=["sources"], status_code=200,
    sync_to_thread=True,
)  # fmt: skip
def renew_signing_secret(source_id: Id, db: Database, principal: Principal) -> SourceShown:
    """Give a source another secret for signatures of user ids; what was signed with the old one counts no more."""
    with db.write() as conn:
        source = sources.renew_signing_secret(conn, principal.workspace, source_id, now=now_us())
    return _shown(source, principal, None)


@delete(
    "/sources/{source_id:str}/previous-key", permission="sources:write", tags=["sources"], status_code=204,
    sync_to_thread=True,
)  # fmt: skip
def end_previous_key(source_id: Id, db: Database, principal: Principal) -> None:
    """End the write key before the last rotation now, whatever was left of its time."""
    with db.write() as conn:
        sources.end_previous_key(conn, principal.workspace, source_id, now=now_us())


@get("/quarantine", permission="quarantine:read", tags=["quarantine"], sync_to_thread=True)
def list_quarantine(
    db: Database,
    principal: Principal,
    wanted: Annotated[Literal["open", "replayed", "discarded", "all"], Parameter(query="state")] = "open",
    source: Annotated[str | None, Parameter(max_length=100, description="A source's id.")] = None,
    reason: Annotated[str | None, Parameter(max_length=200, description="Text in the reason or the path.")] = None,
    before: Annotated[str | None, Parameter(max_length=100, description="The last id of the page before.")] = None,
    limit: Limit = 50,
) -> list[QuarantinedShown]:
    """Messages that could not become facts, newest first."""
    with db.read() as conn:
        found = quarantine.list_quarantined(
            conn, principal.workspace, state=None if wanted == "all" else wanted, source=_clean(source),
            reason=_clean(reason), before=_clean(before), limit=limit,
        )  # fmt: skip
    return [_quarantined(row) for row in found]


@get("/quarantine/{row_id:str}", permission="quarantine:read", tags=["quarantine"], sync_to_thread=True)
def get_quarantined(row_id: Id, db: Database, principal: Principal) -> QuarantinedShown:
    """One message in quarantine."""
    with db.read() as conn:
        return _quarantined(quarantine.find_quarantined(conn, principal.workspace, row_id))


@put("/quarantine/{row_id:str}", permission="quarantine:write", tags=["quarantine"], sync_to_thread=True)
def mend_quarantined(row_id: Id, data: dict[str, Any], db: Database, principal: Principal) -> QuarantinedShown:
    """Replace the message by a corrected one: the body of this request, a JSON object."""
    with db.write() as conn:
        return _quarantined(quarantine.mend(conn, principal.workspace, row_id, msgspec.json.encode(data)))


@post(
    "/quarantine/{row_id:str}/replay", permission="quarantine:write", tags=["quarantine"], status_code=200,
    sync_to_thread=True,
)  # fmt: skip
def replay_quarantined(
    row_id: Id, db: Database, principal: Principal, vocabulary: Vocabulary, admission: GivenAdmission
) -> QuarantinedShown:
    """Make the message a fact, as of when it came. 400 with the reason where it is still bad."""
    workspace = principal.workspace
    try:
        with db.write() as conn:
            quarantine.replay(conn, workspace, row_id, now=now_us(), admission=admission, vocabulary=vocabulary)
            return _quarantined(quarantine.find_quarantined(conn, workspace, row_id))
    except InvalidFact as error:
        with db.write() as conn:
            quarantine.note_still_bad(conn, workspace, row_id, error)
        raise


@post("/quarantine/replay", permission="quarantine:write", tags=["quarantine"], status_code=200, sync_to_thread=True)
def replay_matching(
    data: ReplayWanted, db: Database, principal: Principal, vocabulary: Vocabulary, admission: GivenAdmission
) -> Replayed:
    """Replay every open message that matches."""
    return quarantine.replay_all(
        db, principal.workspace, source=_clean(data.source), reason=_clean(data.reason), now=now_us(),
        admission=admission, vocabulary=vocabulary,
    )  # fmt: skip


@delete(
    "/quarantine/{row_id:str}", permission="quarantine:write", tags=["quarantine"], status_code=204,
    sync_to_thread=True,
)  # fmt: skip
def discard_quarantined(row_id: Id, db: Database, principal: Principal) -> None:
    """Give the message up; sent again it stays away."""
    with db.write() as conn:
        quarantine.discard(conn, principal.workspace, row_id, now=now_us())


ROUTES = (
    list_sources, add_source, get_source, list_unread, change_source, rotate_source,
    end_previous_key, renew_signing_secret,
    list_quarantine, get_quarantined, mend_quarantined, replay_quarantined, replay_matching, discard_quarantined,
)  # fmt: skip


def _shown(source: Source, principal: Principal, health: HealthCounts | None) -> SourceShown:
    trusted = principal.may("sources:write")
    in_grace = source.previous_key is not None and source.previous_until > now_us()
    return SourceShown(
        id=source.id,
        name=source.name,
        kind=source.kind,
        enabled=source.enabled,
        asks_signatures=source.asks_signatures,
        signing_secret=(source.signing_secret or None) if trusted else None,
        write_key=source.write_key if trusted else None,
        previous_key=source.previous_key if trusted and in_grace else None,
        previous_key_until=to_iso(source.previous_until) if in_grace else None,
        limits=source.limits,
        created_at=to_iso(source.created_at),
        last_seen_at=None if source.last_seen_at is None else to_iso(source.last_seen_at),
        last_day=health or HealthCounts(),
    )


def _quarantined(row: Quarantined) -> QuarantinedShown:
    return QuarantinedShown(
        id=row.id,
        source=row.source,
        received_at=to_iso(row.received_at),
        reason=row.reason,
        path=row.path,
        event=row.event,
        state=row.state,
        settled_at=None if row.settled_at is None else to_iso(row.settled_at),
        body=row.text,
    )


def _clean(text: str | None) -> str | None:
    """No database text holds NUL, so nothing can be found by it either."""
    return None if text is None else text.replace("\0", "\ufffd")
