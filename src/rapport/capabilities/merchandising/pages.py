"""The console's page of merchandising: rules, contradictions, a form, a preview as any customer, versions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.capabilities.merchandising import store
from rapport.capabilities.merchandising.model import Rule, checked, conflicts_of
from rapport.capabilities.merchandising.routes import places_of
from rapport.capabilities.merchandising.service.changing import in_force, put_back, save, segment_names
from rapport.capabilities.merchandising.service.trying import Tried, try_rules
from rapport.decide.asked import DecisionAsked, customer_named
from rapport.decide.service import Decider
from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.errors import InvalidInput, RapportError
from rapport.kernel.moments import read_moment
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.storage.workspaces import workspace_of
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, integer, raw, text, texts

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]
PATH = "/console/merchandising"


@get("/merchandising", permission="merchandising:read", sync_to_thread=True)
def merchandising_page(request: AnyRequest, db: Database, principal: Principal, decider: Decider) -> Response[str]:
    """The rules; `change` names one for the form, `placement` a placement to look at as `customer`."""
    return _show(request, db, principal, decider, asked=dict(request.query_params))


@post("/merchandising", permission="merchandising:write", sync_to_thread=True, status_code=200)
def save_rule(request: AnyRequest, db: Database, principal: Principal, decider: Decider, data: Form) -> Response[Any]:
    """Add or change one rule, or only look at what it would do."""
    try:
        rule, old = _written(data), text(data, "old", longest=80)
        with db.write() as conn:
            _, rules = in_force(conn, principal.workspace)
            wanted = _with(rules, rule, old)
            if text(data, "then") == "try":
                segments = segment_names(conn, principal.workspace)
                checked(wanted, placements=places_of(decider), segments=segments, unchanged=rules)
            else:
                save(
                    conn, principal.workspace, wanted, seen=_seen(data), placements=places_of(decider),
                    what=f"{rule.name}: {'changed' if old else 'added'}", by=principal.name, now=now_us(),
                )  # fmt: skip
    except RapportError as error:
        return _show(request, db, principal, decider, error=error, typed=data)
    if text(data, "then") == "try":
        asked = {"placement": text(data, "try_placement") or next(iter(rule.placements), "home")}
        asked |= {name: text(data, f"try_{name}", longest=250) for name in ("customer", "product")}
        return _show(request, db, principal, decider, asked=asked, typed=data, rules=wanted)
    return Redirect(f"{PATH}?done=saved", status_code=303)


@post("/merchandising/remove", permission="merchandising:write", sync_to_thread=True, status_code=200)
def remove_rule(request: AnyRequest, db: Database, principal: Principal, decider: Decider, data: Form) -> Response[Any]:
    """Take a rule away."""
    name = text(data, "name", longest=80)
    return _changed(request, db, principal, decider, data, drop=name, what=f"{name}: removed", done="removed")


@post("/merchandising/restore", permission="merchandising:write", sync_to_thread=True, status_code=200)
def restore_rules(
    request: AnyRequest, db: Database, principal: Principal, decider: Decider, data: Form
) -> Response[Any]:
    """Put an earlier version in force again."""
    try:
        with db.write() as conn:
            put_back(
                conn, principal.workspace, integer(data, "restore", least=0, most=2**31 - 1, otherwise=0),
                seen=_seen(data), placements=places_of(decider), by=principal.name, now=now_us(),
            )  # fmt: skip
    except RapportError as error:
        return _show(request, db, principal, decider, error=error)
    return Redirect(f"{PATH}?done=restored", status_code=303)


_EMPTY: dict[str, Any] = dict.fromkeys((*Rule.__struct_fields__, "old"), "") | {"enabled": True, "placements": []}

PAGES = ConsolePages(
    room="merchandising",
    templates=Path(__file__).parent / "templates",
    handlers=(merchandising_page, save_rule, remove_rule, restore_rules),
    nav=(
        NavItem(
            label="Merchandising", path=PATH, icon="pin", group="Shop", order=420, permission="merchandising:read"
        ),
    ),
)  # fmt: skip


def _changed(
    request: AnyRequest, db: Database, principal: Principal, decider: Decider, data: Form, *, drop: str, what: str,
    done: str,
) -> Response[Any]:  # fmt: skip
    try:
        with db.write() as conn:
            left = [rule for rule in in_force(conn, principal.workspace)[1] if rule.name != drop]
            save(
                conn, principal.workspace, left, seen=_seen(data), placements=places_of(decider), what=what,
                by=principal.name, now=now_us(),
            )  # fmt: skip
    except RapportError as error:
        return _show(request, db, principal, decider, error=error)
    return Redirect(f"{PATH}?done={done}", status_code=303)


def _seen(data: Form) -> int:
    return integer(data, "version", least=0, most=2**31 - 1, otherwise=0)


def _with(rules: list[Rule], rule: Rule, old: str) -> list[Rule]:
    """The rules with this one, in place of the one that was changed or at the end."""
    if any(one.name == old for one in rules):
        return [rule if one.name == old else one for one in rules]
    return [*rules, rule]


def _written(data: dict[str, Any]) -> Rule:
    products = [one.strip() for one in raw(data, "products")[:25_000].replace(",", "\n").splitlines() if one.strip()]
    given = {
        "name": text(data, "name", longest=80), "action": text(data, "action"), "placements": texts(data, "placements"),
        "products": products, "enabled": text(data, "off") != "1",
        **{name: text(data, name, longest=120) for name in ("category", "brand")},
        **{name: int(said) if said.isdecimal() else said
           for name in ("position", "strength") if (said := text(data, name, longest=6))},
        "segment": text(data, "segment"), "note": text(data, "note", longest=500),
        **{name: _moment(text(data, name, longest=40)) for name in ("since", "until")},
    }  # fmt: skip
    try:
        return msgspec.convert(given, Rule)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"this is no rule yet: {error}") from error


def _moment(said: str) -> str:
    """What a field for day and hour sends has no offset: it is taken for UTC, as the form says."""
    return f"{said}Z" if len(said) == len("2026-11-27T10:00") and "T" in said else said


def _show(
    request: AnyRequest, db: Database, principal: Principal, decider: Decider, *,
    asked: Mapping[str, Any] | None = None, error: RapportError | None = None, typed: dict[str, Any] | None = None,
    rules: list[Rule] | None = None,
) -> Response[str]:  # fmt: skip
    asked = dict.fromkeys(("placement", "customer", "product"), "") | dict(asked or {})
    with db.read() as conn:
        version, held = in_force(conn, principal.workspace)
        past, segments = store.history(conn, principal.workspace, limit=20), segment_names(conn, principal.workspace)
        currency = workspace_of(conn, principal.workspace).settings.currency
    tried, error = _tried(db, decider, principal, asked, held if rules is None else rules, currency, error)
    change = text(dict(asked), "change", longest=80)
    form = _form(typed) if typed else next((_fields(rule) for rule in held if rule.name == change), _EMPTY)
    return render(
        request, "merchandising/merchandising.html", status=error.status if error else 200, error=error,
        in_force=version, rules=held, conflicts=conflicts_of(held if rules is None else rules), past=past,
        segments=segments, places=places_of(decider), tried=tried, asked=asked, form=form,
    )  # fmt: skip


def _tried(
    db: Database, decider: Decider, principal: Principal, asked: Mapping[str, Any], rules: list[Rule], currency: str,
    error: RapportError | None,
) -> tuple[Tried | None, RapportError | None]:  # fmt: skip
    """The preview that is asked for, or what is wrong with it. Nothing is logged."""
    place = text(dict(asked), "placement", longest=100)
    if not place or error is not None:
        return None, error
    principal.require("customers:read", words="see customers and their Golden Records")
    product = text(dict(asked), "product", longest=120)
    question = DecisionAsked(
        placement=place, customer=customer_named(text(dict(asked), "customer", longest=250)), limit=6,
        context={"product_id": product} if product else {},
    )  # fmt: skip
    try:
        decider.refuse_unknown(principal.workspace, question, now=now_us())
        return try_rules(db, decider, principal.workspace, question, rules, currency=currency, now=now_us()), None
    except RapportError as found:
        return None, found


def _fields(rule: Rule) -> dict[str, Any]:
    return {
        **{name: getattr(rule, name) for name in Rule.__struct_fields__}, "products": "\n".join(rule.products),
        "old": rule.name, "since": _to_the_minute(rule.since), "until": _to_the_minute(rule.until),
    }  # fmt: skip


def _to_the_minute(said: str) -> str:
    """A moment, however it was written, as a field for day and hour takes it: UTC, as the form says.

    A field that cannot show a moment sends nothing, and the rule would never end.

    >>> _to_the_minute("2026-12-24T18:00:00+01:00"), _to_the_minute("")
    ('2026-12-24T17:00', '')
    """
    moment = read_moment(said) if said else None
    return to_iso(moment)[: len("2026-11-27T10:00")] if moment is not None else ""


def _form(typed: dict[str, Any]) -> dict[str, Any]:
    fields = {name: text(typed, name, longest=500) for name in (*Rule.__struct_fields__, "old")}
    return fields | {
        "products": raw(typed, "products")[:25_000], "placements": texts(typed, "placements"),
        "enabled": text(typed, "off") != "1",
    }  # fmt: skip
