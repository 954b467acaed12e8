"""Console pages of learned links: the review queue, one pair at a time, and the model behind it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect
from sqlalchemy import Connection

from rapport.kernel.clock import from_iso
from rapport.kernel.errors import InvalidInput, NotFound, RapportError
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.resolve.actions.action import Action
from rapport.resolve.actions.outcome import Party, parties
from rapport.resolve.actions.service import POLICY_PERMISSION, Identity
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.linking import charts, models, review, telling
from rapport.resolve.linking.decide import Decide, Reopen
from rapport.resolve.linking.models import ModelInfo
from rapport.resolve.linking.review import ReviewPair
from rapport.resolve.linking.use_model import UseModel
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, integer, text, texts

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]

AHEAD = 10
"""Pairs shown as coming next."""

COUNTED = 1_000
"""Waiting pairs that the page counts, with each pair anew."""

_QUEUE = "/console/identity/review"
_MODEL = "/console/identity/model"

_UNSAID = {
    "accept": "one person, looked at side by side",
    "reject": "two people, looked at side by side",
    "reopen": "to be looked at again",
    "accept_all": "one person each, ticked in the list",
    "reject_all": "two people each, ticked in the list",
}
"""What can be done to a pair, and the reason where none is given."""


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the address bar or a form tells."""

    pair: str = ""
    """The pair to show; the most alike where it is empty."""
    after: str = ""
    """Where in the queue to go on: behind what was skipped."""
    last: str = ""
    """The pair that was decided just now."""
    decided: bool = False
    """Show the list of what was decided."""
    cursor: str = ""
    """Of that list."""


@get("/identity/review", permission="customers:read", sync_to_thread=True)
def review_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """The pair to decide now, side by side, and what comes next; or what was decided."""
    asked = _Asked(
        **{name: clean(request.query_params.get(name), longest=100) for name in ("pair", "after", "last", "cursor")},
        decided=request.query_params.get("show") == "decided",
    )
    return _decided(request, db, principal, asked) if asked.decided else _queue(request, db, principal, asked)


@post("/identity/review", permission="customers:write", sync_to_thread=True, status_code=200)
def decide(request: AnyRequest, db: Database, identity: Identity, principal: Principal, data: Form) -> Response[Any]:
    """Accept, reject or reopen a pair; the next one comes at once."""
    do, pair, after = text(data, "do"), text(data, "pair"), text(data, "after")
    if do not in _UNSAID:
        raise InvalidInput(f"{do[:40]!r} cannot be done", hint=", ".join(_UNSAID))
    asked = _Asked(pair=pair, after=after, decided=text(data, "show") == "decided")
    if do in _SEVERAL:
        return _decide_several(request, db, identity, principal, data, asked)
    try:
        identity.act(principal, _action(do, pair), reason=text(data, "reason", longest=500) or _UNSAID[do])
    except RapportError as error:
        shown = _decided if asked.decided else _queue
        return shown(request, db, principal, asked, error=error)
    return Redirect(_then(do, asked), status_code=303)


@get("/identity/model", permission="customers:read", sync_to_thread=True)
def model_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """What a model learned: the one in force, or another version."""
    version = integer(dict(request.query_params), "version", least=0, most=2_000_000_000, otherwise=0)
    return _model(request, db, principal, version)


@post("/identity/model", permission=POLICY_PERMISSION, sync_to_thread=True, status_code=200)
def use_model(request: AnyRequest, db: Database, identity: Identity, principal: Principal, data: Form) -> Response[Any]:
    """Make another version the model in force."""
    version = integer(data, "version", least=0, most=2_000_000_000, otherwise=0)
    reason, seen = text(data, "reason", longest=500), text(data, "in_force") or None
    try:
        identity.act(principal, UseModel(version, seen), reason=reason)
    except RapportError as error:
        return _model(request, db, principal, version, error=error, reason=reason)
    return Redirect(f"{_MODEL}?done=saved", status_code=303)


PAGES = ConsolePages(
    room="linking",
    templates=Path(__file__).parent / "templates",
    handlers=(review_page, decide, model_page, use_model),
    nav=(
        NavItem(
            label="Review", path=_QUEUE, icon="merge", group="Customers", order=116, permission="customers:read",
            keys="r", waiting=lambda conn, workspace: review.count_queue(conn, workspace, most=100),
        ),
    ),
)  # fmt: skip


_SEVERAL = {"accept_all": "accept", "reject_all": "reject"}


def _decide_several(
    request: AnyRequest, db: Database, identity: Identity, principal: Principal, data: Form, asked: _Asked
) -> Response[Any]:
    """Decide what was ticked, each pair by itself: what fails is told, what was decided before it stands."""
    do, pairs = text(data, "do"), texts(data, "several")[: AHEAD + 1]
    done, failed = "", None
    for pair in pairs:
        try:
            identity.act(principal, _action(_SEVERAL[do], pair), reason=_UNSAID[do])
            done = pair
        except RapportError as error:
            failed = error
    if not pairs:
        failed = InvalidInput("no pair was ticked", hint="tick those that you are sure of")
    if failed is not None:
        return _queue(request, db, principal, asked, error=failed)
    return Redirect(f"{_QUEUE}?last={done}&done=saved", status_code=303)


def _action(do: str, pair: str) -> Action:
    return Reopen(pair) if do == "reopen" else Decide(pair, one_person=do == "accept")


def _then(do: str, asked: _Asked) -> str:
    """Where to go once it is done."""
    if do == "reopen":
        return f"{_QUEUE}?{'show=decided&' if asked.decided else ''}done=reopened"
    return f"{_QUEUE}?last={asked.pair}" + (f"&after={asked.after}" if asked.after else "")


def _queue(
    request: AnyRequest, db: Database, principal: Principal, asked: _Asked, *, error: RapportError | None = None
) -> Response[str]:
    workspace = principal.workspace
    with db.read() as conn:
        following = review.queue(conn, workspace, limit=AHEAD + 1, after=asked.after).pairs
        chosen = _chosen(conn, workspace, asked.pair, error)
        pair = chosen or next(iter(following), None)
        context: dict[str, Any] = {
            "pair": pair,
            "following": [one for one in following if pair is None or one.id != pair.id][:AHEAD],
            "sides": _sides(conn, workspace, pair),
            "last": _find(conn, workspace, asked.last),
            "waiting": review.count_queue(conn, workspace, most=COUNTED),
            "trained": models.active_version(conn, workspace) is not None,
        }
    return render(
        request, "linking/review.html", status=error.status if error else 200, asked=asked, error=error,
        steps=charts.steps(context["pair"]) if context["pair"] else None, **context,
    )  # fmt: skip


def _decided(
    request: AnyRequest, db: Database, principal: Principal, asked: _Asked, *, error: RapportError | None = None
) -> Response[str]:
    workspace = principal.workspace
    with db.read() as conn:
        page = review.decided(conn, workspace, limit=50, after=asked.cursor)
        learned = telling.learned_from(conn, workspace)
        waiting = review.count_queue(conn, workspace, most=COUNTED)
    return render(
        request, "linking/decided.html", status=error.status if error else 200, page=page, waiting=waiting,
        learned=learned, error=error, moment_of=from_iso,
    )  # fmt: skip


def _chosen(
    conn: Connection, workspace: WorkspaceId, ident: str, error: RapportError | None
) -> ReviewPair | None:  # fmt: skip
    """The pair that was asked for; after an error only if it can still be decided."""
    if error is None:
        return review.review_pair(conn, workspace, _bytes(ident)) if ident else None
    found = _find(conn, workspace, ident)
    return None if found is None or found.status in review.DECIDED else found


def _find(conn: Connection, workspace: WorkspaceId, ident: str) -> ReviewPair | None:
    try:
        return review.review_pair(conn, workspace, _bytes(ident)) if ident else None
    except NotFound:
        return None


def _bytes(ident: str) -> bytes:
    try:
        return bytes.fromhex(ident)
    except ValueError:
        raise NotFound("no such pair", hint="the review queue lists them") from None


def _sides(conn: Connection, workspace: WorkspaceId, pair: ReviewPair | None) -> Sequence[Party]:
    """Both customers with all their identifiers; one, where they are one."""
    if pair is None:
        return []
    ids = load_customer_ids(conn)
    return parties(conn, workspace, [ids.key(side.customer) for side in (pair.left, pair.right)])


def _model(
    request: AnyRequest, db: Database, principal: Principal, version: int, *, error: RapportError | None = None,
    reason: str = "",
) -> Response[str]:  # fmt: skip
    workspace = principal.workspace
    with db.read() as conn:
        versions = models.list_models(conn, workspace)
        shown = _shown(versions, version)
        model = models.find_model(conn, workspace, shown.version) if shown else None
    return render(
        request, "linking/model.html", status=error.status if error else 200, versions=versions, shown=shown,
        model=model, aspects=charts.aspect_charts(model) if model else [], error=error, may_change=POLICY_PERMISSION,
        reason=reason, in_force=models.in_force(next((one.version for one in versions if one.active), None)),
    )  # fmt: skip


def _shown(versions: Sequence[ModelInfo], version: int) -> ModelInfo | None:
    """The version that was asked for, the active one where none was. Raises NotFound."""
    if version:
        found = next((one for one in versions if one.version == version), None)
        if found is None:
            raise NotFound(f"no model {version}", hint=f"{_MODEL} lists them")
        return found
    return next((one for one in versions if one.active), next(iter(versions), None))
