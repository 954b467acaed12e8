"""The console page of the identity policy: limits and bounds in time of each namespace, tried before they apply."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.collect.sources import identifier_policy
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput, RapportError
from rapport.kernel.identifiers import SEEN_KINDS, IdentifierPolicy
from rapport.kernel.language import gettext, noted
from rapport.kernel.principal import Principal
from rapport.resolve.actions.policy_effect import policy_effect
from rapport.resolve.actions.seen import refuse_unseen_policy
from rapport.resolve.actions.service import POLICY_PERMISSION, Identity
from rapport.resolve.graph import policy
from rapport.resolve.graph.policy import PolicySettings, SlidingLimit
from rapport.storage.engine import Database
from rapport.storage.workspaces import WorkspaceSettings
from rapport.web.console import render
from rapport.web.forms import Form, integer, raw, text, texts

__all__ = ["HANDLERS"]

AnyRequest = Request[Any, Any, Any]

_OWN = ("own-1", "own-2")
"""Rows left empty for namespaces that the shop names itself."""

_KINDS = {"seen": noted("seen together"), "alias": noted("alias"), "renamed": noted("renamed in a browser")}


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy says of one namespace, as a form shows it: empty where it says nothing."""

    key: str
    """The namespace or the kind of evidence; of a row left empty, what its fields are called by."""
    label: str = ""
    limited: bool = True
    """False of a kind of evidence, which has no limit."""
    at_most: str = ""
    within_days: str = ""
    counts_days: str = ""
    otherwise: int = 0
    """What holds where `at_most` is empty."""


@get("/identity/policy", permission="customers:read", sync_to_thread=True)
def policy_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """What counts as one person here."""
    with db.read() as conn:
        settings = policy.settings_of(conn, principal.workspace)
    return _show(request, policy.read_policy(settings), settings)


@post("/identity/policy", permission=POLICY_PERMISSION, sync_to_thread=True, status_code=200)
def change_policy(
    request: AnyRequest, db: Database, identity: Identity, principal: Principal, data: Form
) -> Response[Any]:
    """Try a changed policy, or apply it."""
    workspace = principal.workspace
    with db.read() as conn:
        settings = policy.settings_of(conn, workspace)
    wanted, reason, seen = (
        policy.read_policy(settings),
        text(data, "reason", longest=500),
        text(data, "version") or None,
    )
    try:
        wanted = _read(data)
        if text(data, "then") == "apply":
            identity.apply_policy(principal, wanted, reason=reason, seen=seen)
            return Redirect("/console/identity?done=saved", status_code=303)
        with db.read() as conn:
            refuse_unseen_policy(conn, workspace, seen, now=policy.read_policy(settings), wanted=wanted)
            effect = policy_effect(conn, workspace, wanted, now=now_us())
    except RapportError as error:
        return _show(request, wanted, settings, error=error, reason=reason)
    return _show(request, wanted, settings, effect=effect, reason=reason)


HANDLERS = (policy_page, change_policy)


def _show(
    request: AnyRequest, wanted: PolicySettings, settings: WorkspaceSettings, *, effect: Any = None,
    error: RapportError | None = None, reason: str = "",
) -> Response[str]:  # fmt: skip
    """The form with what is `wanted`, to be compared with the settings in force."""
    rules = identifier_policy(settings)
    return render(
        request, "resolve/policy.html", status=error.status if error else 200, wanted=wanted, rules=rules,
        rows=_rows(wanted, rules), effect=effect, error=error, may_change=POLICY_PERMISSION,
        reason=reason, version=policy.policy_version(settings),
    )  # fmt: skip


def _rows(wanted: PolicySettings, rules: IdentifierPolicy) -> list[_Row]:
    """The known namespaces, most stable first, the shop's own, two empty rows, and the kinds of evidence."""
    named = [name for name in (*wanted.limits, *wanted.evidence_days) if name not in SEEN_KINDS]
    rows = [_row(name, wanted) for name in dict.fromkeys((*rules.priority, *sorted(named)))]
    rows += [_Row(key=key, otherwise=wanted.default_limit) for key in _OWN]
    return rows + [
        _Row(key=kind, label=gettext(_KINDS[kind]), limited=False, counts_days=_digits(wanted.evidence_days.get(kind)))
        for kind in SEEN_KINDS
    ]


def _row(name: str, wanted: PolicySettings) -> _Row:
    limit = wanted.limits.get(name)
    sliding = limit if isinstance(limit, SlidingLimit) else None
    return _Row(
        key=name, label=name, at_most=_digits(sliding.at_most if sliding else limit),
        within_days=_digits(sliding and sliding.within_days), counts_days=_digits(wanted.evidence_days.get(name)),
        otherwise=IdentifierPolicy().limits.get(name, wanted.default_limit),
    )  # fmt: skip


def _digits(number: object) -> str:
    return "" if number is None else str(number)


def _read(data: dict[str, Any]) -> PolicySettings:
    """The policy that a form says. Raises InvalidInput."""
    limits: dict[str, int | SlidingLimit] = {}
    evidence_days: dict[str, int] = {}
    for key in texts(data, "row"):
        name = text(data, f"{key}.name") if key in _OWN else key
        most, within, days = (_number(data, key, field) for field in ("at_most", "within_days", "counts_days"))
        if not name and (most or within or days):
            raise InvalidInput("a namespace has no name", hint="crm, club_card …")
        if within and not most:
            raise InvalidInput(f"how many {name} within {within} days?", hint="fill in both, or neither")
        if most:
            limits[name] = SlidingLimit(at_most=most, within_days=within) if within else most
        if days:
            evidence_days[name] = days
    return PolicySettings(
        blocked=[line.strip() for line in raw(data, "blocked")[:100_000].splitlines() if line.strip()],
        limits=limits, evidence_days=evidence_days,
        default_limit=integer(data, "default_limit", least=1, most=1_000, otherwise=5),
        max_identifiers=integer(data, "max_identifiers", least=2, most=1_000, otherwise=100),
        shared_after=integer(data, "shared_after", least=1, most=10_000, otherwise=50),
        one_name=text(data, "names") != "together",
    )  # fmt: skip


_MOST = {"at_most": 1_000, "within_days": 3_650, "counts_days": 3_650}


def _number(data: dict[str, Any], key: str, field: str) -> int | None:
    """A whole number of a row; None where its field is empty."""
    value = text(data, f"{key}.{field}")
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= _MOST[field]):
        raise InvalidInput(f"{key}: {value[:20]!r} is no number from 1 to {_MOST[field]}", hint="empty means no bound")
    return int(value)
