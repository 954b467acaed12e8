"""Console pages of resolving: identity at large (merges, alarms, policy), and a correction tried before it is made.

What one customer's page shows of it is in `linking/panel.py`, the review queue in `linking/review_pages.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect
from sqlalchemy import Connection

from rapport.collect.sources import identifier_policy
from rapport.kernel.clock import from_iso
from rapport.kernel.errors import InvalidInput, RapportError
from rapport.kernel.identifiers import NAMED
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.language import gettext, noted
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.resolve.actions import audit, policy_pages
from rapport.resolve.actions.outcome import Outcome
from rapport.resolve.actions.service import Identity
from rapport.resolve.actions.split import SplitWanted
from rapport.resolve.graph import policy
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.reading import alarms, identities
from rapport.resolve.reading.identities import Change, Member
from rapport.resolve.reading.naming import a_kind, kind_words, machine_made, name_words
from rapport.resolve.reading.references import find_root
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, text, texts

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]

_WORDS = {
    "withdraw": (noted("Withdraw evidence"), noted("It counts no more, also when it is seen again.")),
    "restore": (noted("Restore evidence"), noted("It counts again.")),
    "split": (noted("Split in two"), noted("The weakest place is proposed; choose who leaves, and look again.")),
    "join": (noted("Join with another customer"), noted("A person's word is the strongest evidence there is.")),
    "forbid": (noted("Keep two identifiers apart"), noted("They are never one customer, whatever is seen.")),
    "undo": (noted("Undo"), noted("What the action changed is changed back, as far as nobody did so before.")),
}
"""What can be done: a title and a sentence."""

_TRYING = "trying"
"""Stands as the reason of a dry run, which leaves none."""


@get("/identity", permission="customers:read", sync_to_thread=True)
def identity_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """Recent merges and splits, alarms, what people did."""
    workspace = principal.workspace
    with db.read() as conn:
        rules = identifier_policy(policy.settings_of(conn, workspace))
        recent = identities.recent_changes(conn, workspace, limit=40)
        context: dict[str, Any] = {
            "alarms": alarms.alarms(conn, workspace, rules, limit=30),
            "changes": recent,
            "labels": _labels(conn, workspace, recent),
            "trail": audit.actions(conn, workspace, limit=40),
            "rules": policy.read_policy(policy.settings_of(conn, workspace)),
        }
    return render(request, "resolve/identity.html", moment_of=from_iso, in_words=_in_words, reasons=_reasons, **context)


@get("/identity/correct", permission="customers:write", sync_to_thread=True)
def try_page(request: AnyRequest, db: Database, identity: Identity, principal: Principal) -> Response[str]:
    """A correction, tried: who would get what."""
    return _tried(request, db, identity, principal, _asked(request))


@post("/identity/correct", permission="customers:write", sync_to_thread=True, status_code=200)
def correct(request: AnyRequest, db: Database, identity: Identity, principal: Principal, data: Form) -> Response[Any]:
    """The correction itself."""
    asked = _Asked(
        do=text(data, "do"), customer=text(data, "customer", longest=400), evidence=texts(data, "evidence"),
        identifiers=texts(data, "identifier"), own=text(data, "own", longest=400),
        other=text(data, "other", longest=400), action=text(data, "action"),
        keep_apart=text(data, "keep_apart") == "yes",
    )  # fmt: skip
    try:
        _do(identity, principal, asked, reason=text(data, "reason", longest=500), dry_run=False)
    except RapportError as error:
        return _tried(request, db, identity, principal, asked, error=error)
    back = f"/console/customers/{asked.customer}?tab=identity&done=saved" if asked.customer else _HOME
    return Redirect(back, status_code=303)


PAGES = ConsolePages(
    room="resolve",
    templates=Path(__file__).parent / "templates",
    handlers=(identity_page, try_page, correct, *policy_pages.HANDLERS),
    nav=(
        NavItem(
            label="Identity", path="/console/identity", icon="link", group="Customers", order=115,
            permission="customers:read", keys="i",
        ),
    ),
)  # fmt: skip

_HOME = "/console/identity?done=saved"


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A correction as the address bar or a form tells it."""

    do: str
    customer: str = ""
    evidence: list[str] = []
    identifiers: list[str] = []
    own: str = ""
    other: str = ""
    action: str = ""
    keep_apart: bool = False

    @property
    def complete(self) -> bool:
        """Whether there is enough to try it: two names for a join, one action for an undo."""
        if self.do in ("join", "forbid"):
            return bool(self.other)
        return bool(self.action) if self.do == "undo" else True


def _asked(request: AnyRequest) -> _Asked:
    asked = request.query_params

    def one(name: str) -> str:
        return clean(asked.get(name), longest=400)

    def several(name: str) -> list[str]:
        return [clean(value, longest=400) for value in asked.getall(name, []) if value]

    return _Asked(
        do=one("do"), customer=one("customer"), evidence=several("evidence"), identifiers=several("identifier"),
        own=one("own"), other=one("other"), action=one("action"), keep_apart=one("keep_apart") == "yes",
    )  # fmt: skip


def _do(identity: Identity, principal: Principal, asked: _Asked, *, reason: str, dry_run: bool) -> Outcome:
    match asked.do:
        case "withdraw":
            return identity.withdraw(principal, asked.evidence, reason=reason, dry_run=dry_run)
        case "restore":
            return identity.restore(principal, asked.evidence, reason=reason, dry_run=dry_run)
        case "split":
            wanted = SplitWanted(evidence=asked.evidence, identifiers=asked.identifiers, keep_apart=asked.keep_apart)
            return identity.split(principal, asked.customer, wanted, reason=reason, dry_run=dry_run)
        case "join":
            return identity.join(principal, asked.own or asked.customer, asked.other, reason=reason, dry_run=dry_run)
        case "forbid":
            return identity.forbid(principal, asked.own or asked.customer, asked.other, reason=reason, dry_run=dry_run)
        case "undo":
            return identity.undo(principal, asked.action, reason=reason, dry_run=dry_run)
        case _:
            raise InvalidInput(f"{asked.do[:40]!r} cannot be done", hint=", ".join(_WORDS))


def _tried(
    request: AnyRequest, db: Database, identity: Identity, principal: Principal, asked: _Asked, *,
    error: RapportError | None = None,
) -> Response[str]:  # fmt: skip
    workspace = principal.workspace
    if asked.do not in _WORDS:
        raise InvalidInput(f"{asked.do[:40]!r} cannot be done", hint=", ".join(_WORDS))
    outcome = None
    if asked.complete:
        try:
            outcome = _do(identity, principal, asked, reason=_TRYING, dry_run=True)
        except RapportError as failed:
            error = error or failed
    with db.read() as conn:
        members: list[Member] = []
        if asked.customer:
            region = policy.settings_of(conn, workspace).region
            root = find_root(conn, workspace, asked.customer, region=region)
            members = identities.identifiers_of_customer(conn, workspace, root)
        action = audit.find_action(conn, workspace, asked.action) if asked.do == "undo" else None
    title, sentence = (gettext(one) for one in _WORDS[asked.do])
    leaving = set(asked.identifiers) or _leaving(outcome, asked, members)
    return render(
        request, "resolve/correct.html", status=error.status if error else 200, asked=asked, title=title,
        sentence=sentence, outcome=outcome, members=members, leaving=leaving, action=action, error=error,
    )  # fmt: skip


def _leaving(outcome: Outcome | None, asked: _Asked, members: Sequence[Member]) -> set[str]:
    """Of a proposed cut: who is not with the customer's oldest identifier."""
    if outcome is None or asked.do != "split" or not members:
        return set()
    names = [{f"{i.namespace}:{i.value}" for i in party.identifiers} for party in outcome.customers]
    first = f"{members[0].namespace}:{members[0].value}"
    return {name for party in names if first not in party for name in party}


def _labels(conn: Connection, workspace: WorkspaceId, changes: Sequence[Change]) -> dict[Key, tuple[str, str]]:
    """Root → (customer id, what to call it), for both ends of each change."""
    keys = {key for change in changes for key in (change.root_from, change.root_to)}
    if not keys:
        return {}
    ids, found = load_customer_ids(conn), identities.members(conn, workspace, keys)
    return {
        key: (ids.customer_id(key), _in_words(f"{one.namespace}:{one.value}", one.first_seen_at))
        for key, one in found.items()
    }


def _in_words(identifier: str, first_seen_at: int = 0) -> str:
    """`user_id:u-1` as people say it: "account u-1"; of what a machine made up, its kind and since when it is known."""
    namespace, _, value = identifier.partition(":")
    if namespace == NAMED:
        contact, _, name = value.partition(" ")
        return f"{name.replace('/', ' ').title()}, {contact}"
    said = name_words(value, first_seen_at)
    return a_kind(namespace) if machine_made(said) else f"{kind_words(namespace)} {said}"


def _reasons(because: Sequence[str]) -> str:
    """Why two customers were not joined, for those who look: the limits both together would exceed, or a person."""
    own = {
        "forbidden": gettext("somebody keeps them apart"),
        "max_identifiers": gettext("that would be too many identifiers for one"),
    }
    return "; ".join(own.get(one) or gettext("each has their own: %(kind)s", kind=kind_words(one)) for one in because)
