"""The console's editor of a programme: a form that writes the document, tried before it holds; beside it the JSON."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.capabilities.loyalty.changing import Effect, change_programme, effect_of
from rapport.capabilities.loyalty.checking import UnfitTerms, read_programme
from rapport.capabilities.loyalty.editing import FieldShown, cards_of, changed, document_of, place_of, values_of
from rapport.capabilities.loyalty.plain import differences, sentences
from rapport.capabilities.loyalty.programme import Programme
from rapport.capabilities.loyalty.shipped import EXAMPLE
from rapport.capabilities.loyalty.versions import KeptVersion, names_of
from rapport.kernel.clock import now_us
from rapport.kernel.errors import Conflict, InvalidInput, RapportError
from rapport.kernel.language import gettext
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.storage.engine import Database
from rapport.web.console import render
from rapport.web.forms import Form, integer, raw, text

__all__ = ["EDITOR_PAGES"]

AnyRequest = Request[Any, Any, Any]

LONGEST = 100_000
LONGEST_FIELD = 20_000
MOST_FIELDS = 10_000
_OWN = ("csrf_token", "name", "version", "reason", "then", "document")
"""Fields of the page that are none of the programme's."""


class _Typed(NamedTuple):
    """What somebody has typed, as far as it can be read."""

    values: dict[str, str]
    document: bytes
    programme: Programme | None
    faults: dict[str, str]
    error: RapportError | None


@get("/loyalty/programme", permission="programme:write", sync_to_thread=True)
def programme_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """The terms as a form."""
    wanted = str(request.query_params.get("programme", ""))[:40]
    with db.read() as conn:
        kept = names_of(conn, principal.workspace)
    is_new = request.query_params.get("new") == "yes"
    found = next((one for one in kept if one.name == wanted), kept[0] if kept and not is_new else None)
    return _show(request, _of(found.programme if found else EXAMPLE), found, name=found.name if found else "",
                 seen=found.version if found else 0)  # fmt: skip


@post("/loyalty/programme", permission="programme:write", sync_to_thread=True, status_code=200)
def change_terms(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[Any]:
    """Add a part or take one out, try terms, or put them in force."""
    name, then = text(data, "name", longest=40), text(data, "then", longest=100)
    seen, reason = integer(data, "version", least=0, most=2**31 - 2, otherwise=0), text(data, "reason", longest=500)
    if "." in then or ":" in then:
        values, focus = changed(_values(data), then)
        return _show(request, _read(values), _kept(db, principal, name), name=name, seen=seen, reason=reason,
                     focus=focus, is_said=False)  # fmt: skip
    typed = _of_json(raw(data, "document")[:LONGEST]) if then.endswith("-json") else _read(_values(data))
    if typed.programme is None:
        return _show(request, typed, _kept(db, principal, name), name=name, seen=seen, reason=reason)
    said: dict[str, Any] = {}
    try:
        if then.startswith("apply"):
            change_programme(db, principal.workspace, name, typed.document, seen=seen, by=principal.name, reason=reason,
                             now=now_us())  # fmt: skip
            return Redirect(f"/console/loyalty?programme={name}&done=saved", status_code=303)
        _refuse_stale(_kept(db, principal, name), name, seen)
        with db.read() as conn:
            said["effect"] = effect_of(conn, principal.workspace, name, typed.programme, now=now_us())
    except RapportError as error:
        typed = typed._replace(error=error)
    return _show(request, typed, _kept(db, principal, name), name=name, seen=seen, reason=reason, **said)


EDITOR_PAGES = (programme_page, change_terms)


def _kept(db: Database, principal: Principal, name: str) -> KeptVersion | None:
    with db.read() as conn:
        return next((one for one in names_of(conn, principal.workspace) if one.name == name), None)


def _refuse_stale(kept: KeptVersion | None, name: str, seen: int) -> None:
    """What is tried is compared with what holds: whoever began from another version would undo somebody's change."""
    newest = kept.version if kept else 0
    if newest != seen:
        raise Conflict(
            f"the programme {name!r} is at version {newest}, you changed version {seen}", hint="read it again"
        )


def _values(data: dict[str, Any]) -> dict[str, str]:
    """What stands in the fields; one that came twice is its last."""
    if len(data) > MOST_FIELDS:
        raise InvalidInput(f"the form has {len(data):,} fields", hint=f"{MOST_FIELDS:,} at most")
    last = {name: value[-1] if isinstance(value, list) and value else value for name, value in data.items()}
    said = {name: value for name, value in last.items() if name not in _OWN and isinstance(value, str)}
    for name, value in said.items():
        if len(name) > 200 or len(value) > LONGEST_FIELD:
            raise InvalidInput(
                f"the field {name[:60]!r} has {len(value):,} characters; {LONGEST_FIELD:,} can be typed in one",
                hint="nothing was changed; change so long a list in the document itself",
            )
    return _cleaned(said)


def _cleaned(values: dict[str, str]) -> dict[str, str]:
    return {clean(name): clean(value, longest=LONGEST_FIELD) for name, value in values.items()}


def _read(values: dict[str, str]) -> _Typed:
    """The form as a document; a fault is said at its field, and once above where it has none."""
    document, faults = document_of(values)
    body = msgspec.json.encode(document)
    if faults:
        error = InvalidInput(gettext("Some fields cannot be read."), hint=gettext("Each says below what it takes."))
        return _Typed(values, body, None, faults, error)
    try:
        return _Typed(values, body, read_programme(body), {}, None)
    except UnfitTerms as error:
        names = [f.name for f in _fields(values)]
        place = place_of(error.path, error.message, names)
        return _Typed(values, body, None, {place: error.message} if place else {}, error)


def _of_json(typed: str) -> _Typed:
    """The document itself; the form shows it where it can be read."""
    try:
        programme = read_programme(typed.encode())
    except UnfitTerms as error:
        return _Typed({}, typed.encode(), None, {}, error)
    return _of(programme)


def _of(programme: Programme) -> _Typed:
    """Terms as they are; those that the form would not send back as they are can be changed as a document alone."""
    values = values_of(programme)
    try:
        same = msgspec.convert(document_of(_cleaned(values))[0], Programme) == programme
    except msgspec.ValidationError:
        same = False
    values = values if same and max(map(len, values.values())) <= LONGEST_FIELD else {}
    return _Typed(values, msgspec.json.encode(programme), programme, {}, None)


def _fields(values: dict[str, str]) -> list[FieldShown]:
    found: list[FieldShown] = []
    for card in cards_of(values, {}):
        found += card.fields
        lists = list(card.lists)
        while lists:
            for item in lists.pop(0).items:
                found += item.fields
                lists += item.lists
    return found


def _show(
    request: AnyRequest, typed: _Typed, kept: KeptVersion | None, *, name: str, seen: int, reason: str = "",
    focus: str = "",
    effect: Effect | None = None, is_said: bool = True,
) -> Response[str]:  # fmt: skip
    """The page; while parts are added nothing that is not filled in yet is called a fault."""
    said = sentences(typed.programme) if typed.programme else []
    changes: list[tuple[str, str]] = []
    if typed.programme is not None:
        changes = differences(kept.programme, typed.programme) if kept else [("+", one) for one in said]
    error = typed.error if is_said else None
    document = typed.document.decode(errors="replace")
    if typed.programme is not None or typed.values:
        document = msgspec.json.format(document, indent=2)
    return render(
        request, "loyalty/programme.html", status=error.status if error else 200, error=error, kept=kept, name=name,
        version=seen, reason=reason, effect=effect, changes=changes, sentences=said, focus=focus,
        document=document,
        cards=cards_of(typed.values, typed.faults if is_said else {}, focus=focus) if typed.values else [],
        programme=typed.programme or (kept.programme if kept else EXAMPLE),
    )  # fmt: skip
