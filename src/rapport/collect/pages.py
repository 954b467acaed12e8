"""Console pages of collecting: the live feed, one fact, sources, quarantine."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec
import sqlalchemy as sa
from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.collect import quarantine as aside
from rapport.collect import signing_pages, withdrawal_pages
from rapport.collect import sources as sources_
from rapport.collect.feed import ROWS, read_feed
from rapport.collect.given import GivenAdmission
from rapport.collect.health import HealthCounts, health_of_sources
from rapport.collect.model import IMPORT_SOURCE, SOURCE_KINDS, Limits, QuarantineState, Source
from rapport.collect.names import Vocabulary
from rapport.collect.unread import EVENT
from rapport.collect.unread_shown import ORDER_OF_ANOTHER, unread_of_source
from rapport.kernel.clock import DAY, HOUR, now_us
from rapport.kernel.errors import Conflict, InvalidFact, NotFound, RapportError
from rapport.kernel.facts import OWN_SOURCE, Fact
from rapport.kernel.language import gettext
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.kernel.wording import Told, Wording, channel_of
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.log import StoredRow, to_fact
from rapport.web.cards import OfSource, SourceCards
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, integer, raw, text
from rapport.web.pages import public_address

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]

_PAGE = 50

_MOST_SEQ = 2**62
"""No fact has a larger number; the database would refuse one."""

_GRACES = {"none": 0, "day": DAY, "week": sources_.GRACE}
"""How long the old write key works after a rotation, as one may choose."""

_STATES: dict[str, QuarantineState] = {state: state for state in get_args(QuarantineState)}


class FeedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the live feed."""

    seq: int
    told: Told
    strand: str
    who: str
    source: str
    channel: str
    received_at: int
    occurred_at: int


# Live feed


@get("/feed", permission="facts:read", sync_to_thread=True)
def feed_page(request: AnyRequest, db: Database, principal: Principal, wording: Wording) -> Response[str]:
    """Facts as they land, and with `before` the older ones."""
    before = integer(dict(request.query_params), "before", least=0, most=_MOST_SEQ, otherwise=0)
    return render(request, "collect/feed.html", **_feed(request, db, principal, wording, before=before or None))


@get("/feed/rows", permission="facts:read", sync_to_thread=True)
def feed_rows(
    request: AnyRequest, db: Database, principal: Principal, wording: Wording, after: int = 0
) -> Response[str]:
    """The facts that landed after a number, and the next question."""
    found = _feed(request, db, principal, wording, after=max(0, min(after, _MOST_SEQ)))
    return render(request, "collect/feed_rows.html", **found)


@get("/facts/{seq:int}", permission="facts:read", sync_to_thread=True)
def fact_page(request: AnyRequest, db: Database, principal: Principal, wording: Wording, seq: int) -> Response[str]:
    """One fact: what it says, where it came from, whom it belongs to."""
    with db.read() as conn:
        query = sa.select(log.facts).where(
            log.facts.c.workspace == principal.workspace, log.facts.c.seq == min(seq, _MOST_SEQ)
        )
        row = conn.execute(query).first()
        names = _source_names(conn, principal)
    if row is None:
        raise NotFound(f"no fact has the number {seq}")
    return _fact(request, StoredRow._make(row), names, wording)


@get("/fact", permission="facts:read", sync_to_thread=True)
def fact_by_id(request: AnyRequest, db: Database, principal: Principal, wording: Wording) -> Response[str]:
    """One fact, by its message id."""
    fact_id = request.query_params.get("id", "")[:200].replace("\0", "")
    with db.read() as conn:
        query = sa.select(log.facts).where(
            log.facts.c.workspace == principal.workspace, log.facts.c.message_id == fact_id
        )
        row = conn.execute(query).first()
        names = _source_names(conn, principal)
    if row is None:
        raise NotFound(f"no fact has the id {fact_id[:100]!r}")
    return _fact(request, StoredRow._make(row), names, wording)


# Sources


@get("/sources", permission="sources:read", sync_to_thread=True)
def sources_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """Where facts come from."""
    return _sources(request, db, principal)


@post("/sources", permission="sources:write", sync_to_thread=True, status_code=200)
def add_source(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[Any]:
    """Add a source, then show how to connect it."""
    try:
        with db.write() as conn:
            made = sources_.create_source(
                conn, principal.workspace, name=text(data, "name"), kind=_kind(text(data, "kind")), now=now_us()
            )
    except RapportError as error:
        return _sources(request, db, principal, error=error)
    return Redirect(f"/console/sources/{made.id}?done=added", status_code=303)


@get("/sources/{source_id:str}", permission="sources:read", sync_to_thread=True)
def source_page(
    request: AnyRequest, db: Database, principal: Principal, source_cards: SourceCards, source_id: str
) -> Response[str]:
    """One source: key, health, what could not be read, limits, how to connect."""
    return _one_source(request, db, principal, source_cards, source_id)


@post("/sources/{source_id:str}", permission="sources:write", sync_to_thread=True, status_code=200)
def change_source(
    request: AnyRequest, db: Database, principal: Principal, source_cards: SourceCards, source_id: str, data: Form
) -> Response[Any]:
    """Change name, kind and limits; where that cannot be, what was typed stays in the form."""
    with db.read() as conn:
        before = sources_.find_source(conn, principal.workspace, source_id)
    name, limits, kind = text(data, "name"), _limits(data, before.limits), text(data, "kind")
    try:
        with db.write() as conn:
            sources_.change_source(
                conn, principal.workspace, source_id, name=name, kind=_kind(kind), limits=limits,
                seen=text(data, "version") or None,
            )  # fmt: skip
    except RapportError as error:
        typed = {"name": name, "kind": kind, "limits": limits}
        return _one_source(request, db, principal, source_cards, source_id, error=error, typed=typed)
    return Redirect(f"/console/sources/{source_id}?done=saved", status_code=303)


@post("/sources/{source_id:str}/rotate", permission="sources:write", sync_to_thread=True, status_code=200)
def rotate(
    request: AnyRequest, db: Database, principal: Principal, source_cards: SourceCards, source_id: str, data: Form
) -> Response[Any]:
    """A new write key; the old one works as long as was chosen."""
    grace = _GRACES.get(text(data, "grace"), sources_.GRACE)
    try:
        with db.write() as conn:
            sources_.rotate_key(
                conn, principal.workspace, source_id, now=now_us(), grace=grace, seen=text(data, "replaces")
            )
    except Conflict as error:
        return _one_source(request, db, principal, source_cards, source_id, error=error)
    return Redirect(f"/console/sources/{source_id}?done=rotated", status_code=303)


@post("/sources/{source_id:str}/end-old-key", permission="sources:write", sync_to_thread=True, status_code=303)
def end_old_key(db: Database, principal: Principal, source_id: str) -> Redirect:
    """Make the write key before the last rotation useless."""
    with db.write() as conn:
        sources_.end_previous_key(conn, principal.workspace, source_id, now=now_us())
    return Redirect(f"/console/sources/{source_id}?done=saved", status_code=303)


@post("/sources/{source_id:str}/enabled", permission="sources:write", sync_to_thread=True, status_code=303)
def set_enabled(db: Database, principal: Principal, source_id: str, data: Form) -> Redirect:
    """Open or close the source."""
    enabled = text(data, "enabled") == "yes"
    with db.write() as conn:
        sources_.set_enabled(conn, principal.workspace, source_id, enabled=enabled)
    return Redirect(f"/console/sources/{source_id}?done={'enabled' if enabled else 'disabled'}", status_code=303)


# Quarantine


@get("/quarantine", permission="quarantine:read", sync_to_thread=True)
def quarantine_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """Messages that could not become facts."""
    state = _STATES.get(request.query_params.get("state", ""), "open")
    source = clean(request.query_params.get("source"), longest=60)
    reason = clean(request.query_params.get("q"), longest=100)
    before = clean(request.query_params.get("before"), longest=60)
    with db.read() as conn:
        rows = aside.list_quarantined(
            conn, principal.workspace, state=state, source=source or None, reason=reason or None,
            before=before or None, limit=_PAGE + 1,
        )  # fmt: skip
        groups = aside.count_by_reason(conn, principal.workspace)
        names = _source_names(conn, principal)
    return render(
        request, "collect/quarantine.html", rows=rows[:_PAGE], more=rows[_PAGE - 1].id if len(rows) > _PAGE else "",
        groups=groups, names=names, state=state, source=source, q=reason, waiting=sum(g[3] for g in groups),
        still_bad=integer(dict(request.query_params), "still_bad", least=0, most=10**9, otherwise=0),
        accepted=integer(dict(request.query_params), "accepted", least=0, most=10**9, otherwise=-1),
    )  # fmt: skip


@get("/quarantine/{row_id:str}", permission="quarantine:read", sync_to_thread=True)
def quarantined_page(request: AnyRequest, db: Database, principal: Principal, row_id: str) -> Response[str]:
    """One refused message, with the offending place."""
    return _quarantined(request, db, principal, row_id)


@post("/quarantine/{row_id:str}", permission="quarantine:write", sync_to_thread=True, status_code=200)
def mend(
    request: AnyRequest, db: Database, principal: Principal, vocabulary: Vocabulary, admission: GivenAdmission,
    row_id: str, data: Form,
) -> Response[Any]:  # fmt: skip
    """Save the mended message and replay it; where it is still bad, say why."""
    body = raw(data, "body")
    workspace = principal.workspace
    try:
        with db.write() as conn:
            if body.strip() != aside.find_quarantined(conn, workspace, row_id).text.strip():
                aside.mend(conn, workspace, row_id, body.encode("utf-8", "replace"))
            aside.replay(conn, workspace, row_id, now=now_us(), admission=admission, vocabulary=vocabulary)
    except RapportError as error:
        return _quarantined(request, db, principal, row_id, body=body, error=error)
    return Redirect("/console/quarantine?done=replayed", status_code=303)


@post("/quarantine/{row_id:str}/discard", permission="quarantine:write", sync_to_thread=True, status_code=303)
def discard(db: Database, principal: Principal, row_id: str) -> Redirect:
    """Give one message up."""
    with db.write() as conn:
        aside.discard(conn, principal.workspace, row_id, now=now_us())
    return Redirect("/console/quarantine?done=discarded", status_code=303)


@post("/quarantine-all/replay", permission="quarantine:write", sync_to_thread=True, status_code=303)
def replay_all(
    db: Database, principal: Principal, vocabulary: Vocabulary, admission: GivenAdmission, data: Form
) -> Redirect:
    """Replay every open message that matches the filter."""
    outcome = aside.replay_all(
        db, principal.workspace, source=text(data, "source") or None, reason=text(data, "q") or None, now=now_us(),
        admission=admission, vocabulary=vocabulary,
    )  # fmt: skip
    return Redirect(f"/console/quarantine?accepted={outcome.accepted}&still_bad={outcome.still_bad}", status_code=303)


@post("/quarantine-all/discard", permission="quarantine:write", sync_to_thread=True, status_code=303)
def discard_all(db: Database, principal: Principal, data: Form) -> Redirect:
    """Give up every open message (of one source)."""
    with db.write() as conn:
        aside.discard_all(conn, principal.workspace, source=text(data, "source") or None, now=now_us())
    return Redirect("/console/quarantine?done=discarded", status_code=303)


PAGES = ConsolePages(
    room="collect",
    templates=Path(__file__).parent / "templates",
    handlers=(
        feed_page, feed_rows, fact_page, fact_by_id, sources_page, add_source, source_page, change_source, rotate,
        end_old_key, set_enabled, quarantine_page, quarantined_page, mend, discard, replay_all, discard_all,
        *signing_pages.HANDLERS, *withdrawal_pages.HANDLERS,
    ),
    nav=(
        NavItem(
            label="Live feed", path="/console/feed", icon="pulse", group="Data", order=200,
            permission="facts:read", keys="f",
        ),
        NavItem(
            label="Sources", path="/console/sources", icon="plug", group="Data", order=210,
            permission="sources:read", keys="s",
        ),
        NavItem(
            label="Quarantine", path="/console/quarantine", icon="shield", group="Data", order=220,
            permission="quarantine:read", keys="q",
        ),
    ),
)  # fmt: skip


def _source_names(conn: Any, principal: Principal) -> dict[str, Source]:
    return {source.id: source for source in sources_.list_sources(conn, principal.workspace)}


def _feed(
    request: AnyRequest,
    db: Database,
    principal: Principal,
    wording: Wording,
    *,
    after: int = 0,
    before: int | None = None,
) -> dict[str, Any]:
    source = clean(request.query_params.get("source"), longest=60)
    event = clean(request.query_params.get("event"), longest=100)
    with db.read() as conn:
        names = _source_names(conn, principal)
        look = read_feed(conn, principal.workspace, source=source, event=event, after=after, before=before)
    return {
        "rows": [_line(row, to_fact(row), names, wording) for row in look.rows],
        "after": look.first.seq if look.first else after,
        "live": before is None,
        "look": look,
        "full": len(look.rows) == ROWS,
        "sources": names.values(),
        "source": source,
        "event": event,
    }


def _line(row: StoredRow, fact: Fact, names: dict[str, Source], wording: Wording) -> FeedRow:
    source = names.get(row.source)
    return FeedRow(
        seq=row.seq, told=wording.tell(fact), strand=row.strand.hex(), who=_who(fact),
        source=_source_name(row.source, names), channel=channel_of(fact) or (source.kind if source else ""),
        received_at=row.received_at, occurred_at=row.occurred_at,
    )  # fmt: skip


def _source_name(source_id: str, names: dict[str, Source]) -> str:
    known = names.get(source_id)
    return known.name if known else {OWN_SOURCE: "Rapport", IMPORT_SOURCE: "Import"}.get(source_id, source_id)


def _who(fact: Fact) -> str:
    for traits in (fact.traits, fact.context.get("traits")):
        if isinstance(traits, dict):
            for key in ("name", "email"):
                value = traits.get(key)
                if isinstance(value, str) and value.strip():
                    return value.strip()[:80]
    if fact.user_id:
        return fact.user_id[:80]
    external = fact.context.get("externalIds")
    for entry in external if isinstance(external, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("id"), str):
            return str(entry["id"])[:80]
    return gettext("visitor %(id)s", id=fact.anonymous_id[:8]) if fact.anonymous_id else gettext("someone")


def _fact(request: AnyRequest, row: StoredRow, names: dict[str, Source], wording: Wording) -> Response[str]:
    fact = to_fact(row)
    template = "collect/fact_drawer.html" if request.headers.get("hx-request") else "collect/fact.html"
    return render(
        request, template, row=row, told=wording.tell(fact), fact=fact, body=json.loads(row.body),
        strand=row.strand.hex(), source_name=_source_name(row.source, names), who=_who(fact),
    )  # fmt: skip


def _sources(
    request: AnyRequest, db: Database, principal: Principal, *, error: RapportError | None = None
) -> Response[str]:
    now = now_us()
    with db.read() as conn:
        found = sources_.list_sources(conn, principal.workspace)
        day = health_of_sources(conn, principal.workspace, now=now)
    return render(
        request, "collect/sources.html", status=error.status if error else 200, sources=found, health=day,
        nothing=HealthCounts(), kinds=SOURCE_KINDS, error=error, fresh=now - HOUR,
    )  # fmt: skip


def _one_source(
    request: AnyRequest, db: Database, principal: Principal, cards: SourceCards, source_id: str, *,
    error: RapportError | None = None, typed: Mapping[str, Any] | None = None,
) -> Response[str]:  # fmt: skip
    """The page of a source; its form holds what was `typed`, or else what the source is."""
    now = now_us()
    with db.read() as conn:
        source = sources_.find_source(conn, principal.workspace, source_id)
        day = health_of_sources(conn, principal.workspace, now=now).get(source_id, HealthCounts())
        week = health_of_sources(conn, principal.workspace, now=now, back=7 * DAY).get(source_id, HealthCounts())
        unread = unread_of_source(conn, principal.workspace, source_id, now=now, days=7)
    about = OfSource(principal.workspace, source.id, source.client_side)
    return render(
        request, "collect/source.html", status=error.status if error else 200, source=source, day=day, week=week,
        slices=cards.draw(request, db, principal, about),
        unread=[one for one in unread if one.field not in (EVENT, ORDER_OF_ANOTHER)][:20],
        strange=[one for one in unread if one.field == ORDER_OF_ANOTHER],
        names=[one for one in unread if one.field == EVENT],
        kinds=SOURCE_KINDS, error=error, host=public_address(request), version=sources_.source_version(source),
        form=typed or {"name": source.name, "kind": source.kind, "limits": source.limits},
        client=request.query_params.get("client", "browser" if source.client_side else "python"),
    )  # fmt: skip


def _quarantined(
    request: AnyRequest, db: Database, principal: Principal, row_id: str, *, body: str | None = None,
    error: RapportError | None = None,
) -> Response[str]:  # fmt: skip
    with db.read() as conn:
        row = aside.find_quarantined(conn, principal.workspace, row_id)
        names = _source_names(conn, principal)
    path = error.path if isinstance(error, InvalidFact) else row.path
    shown = _indented(row.text) if body is None else body
    return render(
        request, "collect/quarantined.html", status=error.status if error else 200, row=row, error=error, body=shown,
        path_=path, lines=_marked(_indented(row.as_it_came), row.path), is_changed=row.original is not None,
        source_name=_source_name(row.source, names),
    )  # fmt: skip


def _indented(text_: str) -> str:
    try:
        indented = json.dumps(json.loads(text_), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text_
    # Half a surrogate pair stays as JSON names it, so that what is saved unchanged is what came.
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", indented)


def _marked(text_: str, path: str) -> list[tuple[str, bool]]:
    """The lines of the message, each with whether the offending value stands there: the last name of the path."""
    last = path.rpartition(".")[2].partition("[")[0].strip("$'\"")
    lines = text_.splitlines()[:400]
    hit = next((i for i, line in enumerate(lines) if last and line.lstrip().startswith(f'"{last}":')), None)
    return [(line[:300], i == hit) for i, line in enumerate(lines)]


def _kind(text_: str) -> Any:
    return text_


def _limits(data: dict[str, Any], before: Limits) -> Limits:
    fields = {
        name: integer(data, name, least=0, most=2**31 - 1, otherwise=getattr(before, name))
        for name in Limits.__struct_fields__
    }
    return Limits(**fields)
