"""What people ask of what is kept of them: taken, verified, due by law, answered by a job, with its proof.

| status | then |
|---|---|
| `verifying` | somebody has to say how it was made sure that it is this person |
| `received` | it waits for a worker |
| `running` | the person is erased, and the files are being tidied |
| `completed`, `refused`, `not_found`, `duplicate` | it is over |
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal, TypeAlias

import msgspec
import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, Table, Text

from rapport.compose.correcting import checked
from rapport.compose.erasure import Proof
from rapport.compose.holds import held_keys
from rapport.compose.law import MONTH, Law
from rapport.compose.partners import PartnerTold, partners_of
from rapport.kernel.clock import DAY, now_us, to_iso
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.remember.golden import find_key
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.linking.units import certain_identifiers
from rapport.storage.audit.entries import append as tell
from rapport.storage.bulk import chunks
from rapport.storage.engine import CText, metadata

__all__ = [
    "DONE_BY_US",
    "ERASED_MEANWHILE",
    "HANDED_OUT",
    "OPEN",
    "OPEN_DAYS",
    "RETENTION",
    "Kind",
    "RequestKind",
    "RequestShown",
    "RequestWanted",
    "answerable",
    "ask",
    "find_request",
    "finish",
    "forget",
    "held_requests",
    "newest_requests",
    "privacy_requests",
    "requests_of",
    "settle",
    "shown",
    "verify",
]

RequestKind: TypeAlias = Literal["access", "portability", "rectification", "restriction", "objection", "erasure"]
Kind: TypeAlias = Literal[RequestKind, "retention"]
"""With that which nobody asks: an erasure as no purpose keeps somebody any longer."""
Status: TypeAlias = Literal[
    "received", "verifying", "running", "completed", "refused", "not_found", "duplicate"
]  # fmt: skip

RETENTION = "retention"
WAITING = ("received", "verifying")
OPEN = (*WAITING, "running")
HANDED_OUT = ("access", "portability")
"""Kinds whose answer is all that is kept, made anew each time it is opened while the answer can be opened."""
DONE_BY_US = (*HANDED_OUT, "restriction", "objection", "erasure", "rectification")
"""Kinds that a job answers; what is to be put right alone where it is said what ought to be."""
OPEN_DAYS = 30
"""How long an answer can be opened."""
ERASED_MEANWHILE = "the person was erased on another request"

ANYWHERE = Law()

privacy_requests = Table(
    "privacy_requests",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("id", CText, primary_key=True),
    Column("kind", CText, nullable=False),
    Column("status", CText, nullable=False),
    Column("subject", LargeBinary),
    Column("asked_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("asked_by", Text, nullable=False),
    Column("verified", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proof", LargeBinary),
    Column("wanted", LargeBinary),
    Index("privacy_requests_by_status", "status", "asked_at"),
    Index("privacy_requests_by_time", "workspace", "asked_at"),
    Index("privacy_requests_of_person", "workspace", "subject"),
)
"""`subject` is the identifier that was named; NULL where it names nobody, and once its person is erased. `wanted` is
what is to be put right, until it is."""

_r = privacy_requests.c


class RequestWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody asks."""

    kind: RequestKind
    customer: Annotated[str, Meta(min_length=1, max_length=300)]
    """A customer id (`cus_…`) or `namespace:value`."""
    verified: Annotated[str, Meta(max_length=200)] = ""
    """How it was made sure that it is this person, such as "signed in" or "passport at the till"; without it the
    request waits in `verifying`. Nothing of the person belongs here."""
    reason: Annotated[str, Meta(max_length=200)] = ""
    correction: Annotated[dict[str, str], Meta(max_length=20)] = {}
    """Of a rectification: what ought to be, by trait (`first_name`, `birthday`, `city` …). Without it a person sees to
    it."""


class RequestShown(msgspec.Struct, frozen=True, kw_only=True):
    """How a request stands."""

    id: str
    status: Status
    due_at: str
    kind: Kind
    asked_at: str
    finished_at: str | None = None
    verified: str = ""
    reason: str = ""
    proof: Proof | None = None
    """What an erasure did, table by table, without anything of the person."""
    correction: dict[str, str] = {}
    """What is to be put right, until it is."""
    partners: list[PartnerTold] = []
    """Who outside was told of it, and what they answered."""
    held: str = ""
    """Why an erasure waits: the person is held (`compose/holds.py`)."""


def ask(
    conn: Connection, workspace: WorkspaceId, wanted: RequestWanted, *, by: str, now: int, law: Law = ANYWHERE
) -> RequestShown:  # fmt: skip
    """Take a request in this write transaction. About nobody it ends as `not_found`; where one of its kind is open for
    this person it is a `duplicate`, and the id is that of the open one. `law` says when it is due.
    """
    if wanted.correction and wanted.kind != "rectification":
        raise InvalidInput(f"{wanted.kind} puts nothing right", hint='"kind": "rectification"')
    correction = checked(wanted.correction)
    region = settings_of(conn, workspace).region
    # One at a time in a shop: two that come together would not see each other.
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("LOCK TABLE privacy_requests IN SHARE ROW EXCLUSIVE MODE")
    try:
        subject: Key | None = find_key(conn, workspace, wanted.customer, region=region)
    except NotFound:
        subject = None
    if subject is not None:
        theirs = certain_identifiers(conn, workspace, subject)
        same = sa.select(privacy_requests).where(
            _r.workspace == workspace, _r.subject.in_([subject, *theirs]), _r.kind == wanted.kind, _r.status.in_(OPEN)
        )
        other = conn.execute(same).first()
        if other is not None:
            return msgspec.structs.replace(shown(other), status="duplicate")
    days = MONTH if subject is None else law.answer_days(conn, workspace, subject, wanted.kind)
    status: Status = "not_found" if subject is None else "received" if wanted.verified else "verifying"
    row = {
        "workspace": workspace, "id": new_id("prv"), "kind": wanted.kind, "status": status, "subject": subject,
        "asked_at": now, "due_at": now + days * DAY, "finished_at": now if subject is None else None, "asked_by": by,
        "verified": wanted.verified, "reason": wanted.reason, "proof": None,
        "wanted": msgspec.json.encode(correction) if correction and subject is not None else None,
    }  # fmt: skip
    conn.execute(privacy_requests.insert().values(row))
    said = {"kind": wanted.kind, "status": status, "by": by}
    people = [] if subject is None else [subject]
    tell(conn, workspace, "request.taken", about=str(row["id"]), details=said, people=people, now=now)
    return find_request(conn, workspace, str(row["id"]))


def verify(conn: Connection, workspace: WorkspaceId, request: str, *, how: str) -> RequestShown:
    """Say how it was made sure that it is this person; it is answered from then on. Raises Conflict, InvalidInput."""
    if not how.strip():
        raise InvalidInput("say how it was made sure who asks", hint="signed in, a call back, a passport: a few words")
    _move(conn, workspace, request, "verifying", status="received", verified=how.strip()[:200])
    tell(conn, workspace, "request.verified", about=request, details={"how": how.strip()[:200]})
    return find_request(conn, workspace, request)


def settle(
    conn: Connection, workspace: WorkspaceId, request: str, *, refused: bool, note: str, now: int
) -> RequestShown:
    """A person has answered it, or refuses to, and says why. Raises Conflict, InvalidInput."""
    if not note.strip():
        raise InvalidInput("say what was done, or why not", hint="it stays with the request")
    found = find_request(conn, workspace, request)
    if found.kind == "erasure" and not refused:
        raise Conflict("an erasure is done by Rapport, which proves it", hint="verify the request, or refuse it")
    before = found.status if found.status in ("received", "verifying") else "received"
    _move(
        conn, workspace, request, before, status="refused" if refused else "completed", reason=note.strip()[:200],
        finished_at=now, subject=None, wanted=None,
    )  # fmt: skip
    said = {"kind": found.kind, "note": note.strip()[:200]}
    tell(conn, workspace, f"request.{'refused' if refused else 'settled'}", about=request, details=said, now=now)
    return find_request(conn, workspace, request)


def answerable(conn: Connection, workspace: WorkspaceId, request: str, *, now: int) -> Key:
    """Whose answer to a request for access or portability can be opened. Raises NotFound, Conflict."""
    query = sa.select(privacy_requests).where(_r.workspace == workspace, _r.id == request)
    row = conn.execute(query).first()
    if row is None or row.kind not in HANDED_OUT:
        raise NotFound(f"no request {request[:60]!r} has an answer to open", hint="access and portability have one")
    if row.status != "completed":
        raise Conflict(f"this request is {row.status.replace('_', ' ')}", hint="its answer opens once it is completed")
    if row.subject is None or row.finished_at + OPEN_DAYS * DAY < now:
        raise Conflict("this answer cannot be opened any more", hint=f"it opens for {OPEN_DAYS} days; ask again")
    return Key(row.subject)


def finish(conn: Connection, workspace: WorkspaceId, request: str, proof: Proof, *, now: int) -> None:
    """An erasure is over."""
    _move(
        conn, workspace, request, "running", status="completed", finished_at=now, proof=msgspec.json.encode(proof)
    )  # fmt: skip
    rows = sum(one.rows for one in (*proof.stores, *proof.mentions))
    said = {"identifiers": proof.identifiers, "rows": rows, "files": proof.files, "left": proof.left}
    tell(conn, workspace, "customer.erased", about=request, details=said, now=now)


def forget(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
    """Forget who asked, of a person who is being erased; what is still open is over. Returns how many.

    That it was asked and answered, and when, is the shop's to prove.
    """
    now, gone = now_us(), 0
    for some in chunks(sorted(keys), 500):
        theirs = sa.and_(_r.workspace == workspace, _r.subject.in_(some))
        waits = sa.and_(theirs, _r.status.in_(("received", "verifying")))
        for row in conn.execute(sa.select(_r.id, _r.kind).where(waits).with_for_update()).all():
            said = {"kind": row.kind, "note": ERASED_MEANWHILE}
            tell(conn, workspace, "request.settled", about=row.id, details=said, now=now)
        conn.execute(
            privacy_requests.update().where(waits).values(status="not_found", reason=ERASED_MEANWHILE, finished_at=now)
        )
        gone += conn.execute(privacy_requests.update().where(theirs).values(subject=None, wanted=None)).rowcount
    return gone


def find_request(conn: Connection, workspace: WorkspaceId, request: str) -> RequestShown:
    """One request. Raises NotFound."""
    query = sa.select(privacy_requests).where(_r.workspace == workspace, _r.id == request)
    row = conn.execute(query).first()
    if row is None:
        raise NotFound(f"no request {request[:60]!r}")
    [found] = _completed(conn, workspace, [shown(row)])
    return found


def newest_requests(conn: Connection, workspace: WorkspaceId, *, limit: int = 100) -> list[RequestShown]:
    """What is open, the soonest due first; then what is over, the newest first."""
    query = sa.select(privacy_requests).where(_r.workspace == workspace, _r.kind != RETENTION)
    is_open = _r.status.in_(OPEN)
    first = conn.execute(query.where(is_open).order_by(_r.due_at).limit(limit)).all()
    last = conn.execute(query.where(~is_open).order_by(_r.asked_at.desc()).limit(limit)).all()
    return _completed(conn, workspace, [shown(row) for row in (*first, *last)])


def _completed(conn: Connection, workspace: WorkspaceId, found: list[RequestShown]) -> list[RequestShown]:
    """With which partners were told, and why an erasure waits."""
    told = partners_of(conn, workspace, [one.id for one in found])
    return [
        msgspec.structs.replace(one, partners=told.get(one.id, [])) for one in _with_holds(conn, workspace, found)
    ]  # fmt: skip


def _with_holds(conn: Connection, workspace: WorkspaceId, found: list[RequestShown]) -> list[RequestShown]:
    if not any(one.kind == "erasure" and one.status in WAITING for one in found):
        return found
    held = held_requests(conn, now=now_us(), workspace=workspace)
    return [msgspec.structs.replace(one, held=held.get(one.id, "")) for one in found]


def held_requests(conn: Connection, *, now: int, workspace: WorkspaceId | None = None) -> dict[str, str]:
    """The erasures that wait as the person is held, with why; of all shops or of one."""
    wanted = [_r.kind == "erasure", _r.status.in_(WAITING), _r.subject.is_not(None)]
    wanted += [] if workspace is None else [_r.workspace == workspace]
    rows = conn.execute(sa.select(_r.workspace, _r.id, _r.subject).where(*wanted)).all()
    held = {shop: held_keys(conn, WorkspaceId(shop), now=now) for shop in {row.workspace for row in rows}}
    return {
        row.id: held[row.workspace][Key(row.subject)] for row in rows if Key(row.subject) in held[row.workspace]
    }  # fmt: skip


def requests_of(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> list[RequestShown]:
    """What a person with these identifiers asked, the newest first; at most fifty."""
    query = sa.select(privacy_requests).where(_r.workspace == workspace, _r.subject.in_(sorted(keys)[:500]))
    rows = conn.execute(query.order_by(_r.asked_at.desc()).limit(50))
    return _with_holds(conn, workspace, [shown(row) for row in rows])


def shown(row: sa.Row[tuple[object, ...]]) -> RequestShown:
    """A request as it is told."""
    kept = row._mapping
    return RequestShown(
        id=kept["id"], kind=kept["kind"], status=kept["status"], asked_at=to_iso(kept["asked_at"]),
        due_at=to_iso(kept["due_at"]), verified=kept["verified"], reason=kept["reason"],
        finished_at=None if kept["finished_at"] is None else to_iso(kept["finished_at"]),
        proof=None if kept["proof"] is None else msgspec.json.decode(kept["proof"], type=Proof),
        correction={} if kept["wanted"] is None else msgspec.json.decode(kept["wanted"], type=dict[str, str]),
    )  # fmt: skip


def _move(conn: Connection, workspace: WorkspaceId, request: str, before: str, **values: object) -> None:
    query = privacy_requests.update().where(_r.workspace == workspace, _r.id == request, _r.status == before)
    if not conn.execute(query.values(**values)).rowcount:
        status = find_request(conn, workspace, request).status
        raise Conflict(f"this request is {status.replace('_', ' ')} by now", hint="look at it again")
