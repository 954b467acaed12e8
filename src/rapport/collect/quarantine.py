"""Messages that could not become facts: kept with their reason, listed, mended, replayed or discarded.

They are written in the same group commit as the good facts around them. A replay passes through `prepare` again, with
the time of the original receipt and everything its request said, and appends in the transaction that settles the row.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.collect.admission import Admission
from rapport.collect.model import MAX_MENDED_BYTES, Envelope, QuarantineRow, QuarantineState, internal_source
from rapport.collect.names import SPECIFICATION, Vocabulary
from rapport.collect.prepare import prepare
from rapport.collect.redacting import Aside, without_field
from rapport.collect.sources import find_source, identifier_policy
from rapport.collect.store import insert_quarantined, quarantine
from rapport.kernel.errors import Conflict, InvalidFact, InvalidInput, NotFound, TooLarge
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.text import writable
from rapport.storage.engine import Database
from rapport.storage.locks import Lock, lock_shared
from rapport.storage.log import append
from rapport.storage.redaction import rules_of
from rapport.storage.workspaces import all_workspaces

__all__ = [
    "QuarantineRow",
    "Quarantined",
    "Replayed",
    "count_by_reason",
    "discard",
    "discard_all",
    "find_quarantined",
    "insert_quarantined",
    "list_quarantined",
    "mend",
    "note_still_bad",
    "replay",
    "replay_all",
]

_decode_envelope = msgspec.json.Decoder(Envelope).decode


class Quarantined(msgspec.Struct, frozen=True, kw_only=True):
    """One message in quarantine."""

    workspace: WorkspaceId
    id: str
    source: str
    received_at: int
    reason: str
    path: str
    body: bytes
    envelope: Envelope
    state: QuarantineState
    settled_at: int | None
    original: bytes | None = None
    """As it came, where somebody has changed it since."""

    @property
    def as_it_came(self) -> str:
        """The original as text for people."""
        return self.text if self.original is None else self.original.decode("utf-8", "replace")

    @property
    def text(self) -> str:
        """The message as text for people; bytes that are not UTF-8 show as U+FFFD."""
        return self.body.decode("utf-8", "replace")

    @property
    def event(self) -> str:
        """What the message seems to be about: its event, else its type, else nothing."""
        try:
            tree = json.loads(self.body, strict=False)
        except (ValueError, RecursionError):
            return ""
        if not isinstance(tree, dict):
            return ""
        told = tree.get("event") or tree.get("type") or self.envelope.type or ""
        return writable(str(told)[:100])


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of replaying several."""

    accepted: int
    still_bad: int


def list_quarantined(
    conn: Connection,
    workspace: WorkspaceId,
    *,
    state: QuarantineState | None = "open",
    source: str | None = None,
    reason: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[Quarantined]:
    """Messages in quarantine, newest first; `reason` is part of the reason or path, `before` the last id seen."""
    query = sa.select(quarantine).where(quarantine.c.workspace == workspace)
    if state is not None:
        query = query.where(quarantine.c.state == state)
    if source is not None:
        query = query.where(quarantine.c.source == source)
    if reason:
        query = query.where(
            sa.or_(
                quarantine.c.reason.icontains(reason, autoescape=True),
                quarantine.c.path.icontains(reason, autoescape=True),
            )
        )
    if before is not None:
        query = query.where(quarantine.c.id < before)
    return [_quarantined(row) for row in conn.execute(query.order_by(quarantine.c.id.desc()).limit(limit))]


def count_by_reason(conn: Connection, workspace: WorkspaceId) -> list[tuple[str, str, str, int]]:
    """How many are open for each (source, path, one of the reasons), most first: what to mend first."""
    number = sa.func.count()
    query = (
        sa.select(quarantine.c.source, quarantine.c.path, sa.func.min(quarantine.c.reason), number)
        .where(quarantine.c.workspace == workspace, quarantine.c.state == "open")
        .group_by(quarantine.c.source, quarantine.c.path)
        .order_by(number.desc(), quarantine.c.source, quarantine.c.path)
        .limit(100)
    )
    return [(row[0], row[1], row[2], row[3]) for row in conn.execute(query)]


def find_quarantined(conn: Connection, workspace: WorkspaceId, row_id: str) -> Quarantined:
    """One message in quarantine. Raises NotFound."""
    return _load(conn, workspace, row_id, for_update=False)


def mend(conn: Connection, workspace: WorkspaceId, row_id: str, body: bytes) -> Quarantined:
    """Replace an open message by a corrected one (a JSON object). Raises NotFound, Conflict, InvalidInput.

    The original is kept beside it, and the hash stays its own: if the client sends the bad one again it is known.
    A field that was redacted is taken out.
    """
    lock_shared(conn, Lock.APPENDING)  # before the row, and before it is read what was redacted
    row = _open(_load(conn, workspace, row_id, for_update=True))
    if len(body) > MAX_MENDED_BYTES:
        raise TooLarge(f"the message has {len(body)} bytes, at most {MAX_MENDED_BYTES}")
    try:
        tree = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"this is not JSON: {error}") from None
    if not isinstance(tree, dict):
        raise InvalidInput("a message is a JSON object")
    body = _without_redacted(conn, row, body)
    original = sa.func.coalesce(quarantine.c.original, quarantine.c.body)
    size = len(body) + sa.func.length(original) + sa.func.length(quarantine.c.envelope)
    conn.execute(_where(workspace, row_id).values(body=body, original=original, size=size))
    return _load(conn, workspace, row_id, for_update=False)


def replay(
    conn: Connection, workspace: WorkspaceId, row_id: str, *, now: int, admission: Admission,
    vocabulary: Vocabulary = SPECIFICATION,
) -> None:  # fmt: skip
    """Append the message to the log as if it had been good when it came. Raises NotFound, Conflict, InvalidFact.

    Of what the shop does not keep by now no more than that is kept, and the row is settled.
    If it is still bad nothing changes; `note_still_bad` records why.
    """
    lock_shared(conn, Lock.APPENDING)  # before the row, as whoever erases: or each waits for the other
    row = _open(_load(conn, workspace, row_id, for_update=True))
    if row.source in {"import", "rapport"}:
        settings = next(shop.settings for shop in all_workspaces(conn) if shop.id == workspace)
        source = internal_source(workspace, row.source, policy=identifier_policy(settings), currency=settings.currency)
    else:
        source = find_source(conn, workspace, row.source)
    relaxed = msgspec.structs.replace(
        source, limits=msgspec.structs.replace(source.limits, max_event_bytes=MAX_MENDED_BYTES)
    )
    made = prepare(row.body, source=relaxed, received_at=row.received_at, envelope=row.envelope, vocabulary=vocabulary)
    append(conn, admission.admit_in(conn, source, [made], now) if admission.chooses(source, now) else [made])
    conn.execute(_where(workspace, row_id).values(state="replayed", settled_at=now))


def note_still_bad(conn: Connection, workspace: WorkspaceId, row_id: str, error: InvalidFact) -> None:
    """Keep the reason for which a replay failed."""
    conn.execute(_where(workspace, row_id).values(reason=error.message, path=error.path))


def replay_all(
    db: Database, workspace: WorkspaceId, *, source: str | None = None, reason: str | None = None, now: int,
    admission: Admission, vocabulary: Vocabulary = SPECIFICATION,
) -> Replayed:  # fmt: skip
    """Replay every open message that matches, each in turn in transactions of a hundred."""
    accepted = still_bad = 0
    before: str | None = None
    while True:
        with db.write() as conn:
            page = list_quarantined(conn, workspace, source=source, reason=reason, before=before, limit=100)
            for row in page:
                try:
                    replay(conn, workspace, row.id, now=now, admission=admission, vocabulary=vocabulary)
                    accepted += 1
                except InvalidFact as error:
                    note_still_bad(conn, workspace, row.id, error)
                    still_bad += 1
                except (NotFound, Conflict):  # gone, or settled, since the page was read
                    continue
        if not page:
            return Replayed(accepted=accepted, still_bad=still_bad)
        before = page[-1].id


def discard(conn: Connection, workspace: WorkspaceId, row_id: str, *, now: int) -> None:
    """Give an open message up; sending it again does not bring it back. Raises NotFound, Conflict."""
    _open(_load(conn, workspace, row_id, for_update=True))
    conn.execute(_where(workspace, row_id).values(state="discarded", settled_at=now))


def discard_all(conn: Connection, workspace: WorkspaceId, *, source: str | None, now: int) -> int:
    """Give up all open messages (of one source). Returns how many."""
    update = quarantine.update().where(quarantine.c.workspace == workspace, quarantine.c.state == "open")
    if source is not None:
        update = update.where(quarantine.c.source == source)
    return conn.execute(update.values(state="discarded", settled_at=now)).rowcount


def _without_redacted(conn: Connection, row: Quarantined, body: bytes) -> bytes:
    """A corrected message as it may be kept. Raises InvalidInput where it may hide a redacted field."""
    for rule in rules_of(conn, [row.workspace]).get(row.workspace, ()):
        kept = without_field(
            rule, row.workspace, Aside(row.source, row.received_at, body, msgspec.json.encode(row.envelope), None)
        )
        if kept is None:
            raise InvalidInput("a field that was redacted may be in it where nobody can take it out")
        body = kept.body
    return body


def _where(workspace: WorkspaceId, row_id: str) -> Any:
    return quarantine.update().where(quarantine.c.workspace == workspace, quarantine.c.id == row_id)


def _load(conn: Connection, workspace: WorkspaceId, row_id: str, *, for_update: bool) -> Quarantined:
    query = sa.select(quarantine).where(quarantine.c.workspace == workspace, quarantine.c.id == row_id)
    row = conn.execute(query.with_for_update() if for_update else query).first()
    if row is None:
        raise NotFound(f"nothing in quarantine has the id {row_id[:60]!r}")
    return _quarantined(row)


def _open(row: Quarantined) -> Quarantined:
    if row.state != "open":
        raise Conflict(f"this message was {row.state} already")
    return row


def _quarantined(row: sa.Row[Any]) -> Quarantined:
    return Quarantined(
        workspace=WorkspaceId(row.workspace), id=row.id, source=row.source, received_at=row.received_at,
        reason=row.reason, path=row.path, body=row.body, envelope=_decode_envelope(row.envelope), state=row.state,
        settled_at=row.settled_at, original=row.original,
    )  # fmt: skip
