"""Console pages of privacy: the policies with what people answered, and a customer's answers taken by staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.capabilities.consent import changing, store
from rapport.capabilities.consent.effect import Effect
from rapport.capabilities.consent.model import FREE, Policy, State
from rapport.capabilities.consent.rates import SPANS, rates_of
from rapport.capabilities.consent.recording import Given, record
from rapport.capabilities.consent.service import policies_of
from rapport.capabilities.consent.shipped import read_policy
from rapport.collect.appender import Appender
from rapport.collect.sources import list_sources
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput, RapportError
from rapport.kernel.facts import OWN_SOURCE
from rapport.kernel.language import noted
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, integer, raw, text

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]

_TITLES = (
    noted("Orders, delivery and help"), noted("Measuring how the shop is used"), noted("News and offers by e-mail"),
    noted("News and offers by text message"), noted("Choosing what is shown by what we know of you"),
    noted("Passing on what we know of you for advertising"), noted("Europe"), noted("Brazil"), noted("Canada"),
    noted("United States"), noted("Strict"),
)  # fmt: skip
"""What the policies that come with Rapport say in their files: told in the reader's language on these pages."""

_LONGEST_POLICY = 100_000
_USUAL = 28


class _Answers(msgspec.Struct, frozen=True, kw_only=True):
    """A purpose with how many identifiers hold which answer."""

    title: str
    granted: int
    denied: int

    @property
    def share(self) -> float | None:
        """Of those that answered, how many agreed."""
        answered = self.granted + self.denied
        return self.granted / answered if answered else None


@get("/privacy", permission="consent:read", sync_to_thread=True)
def privacy_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """The policies in force, with what people answered; with `?change=NAME` one of them to be changed."""
    name = request.query_params.get("change", "")
    with db.read() as conn:
        policies = policies_of(conn, principal.workspace).policies.policies if name else ()
    typed = next((changing.as_text(one) for one in policies if one.name == name), "")
    return _show(request, db, principal, typed=typed)


@get("/privacy/rates", permission="consent:read", sync_to_thread=True)
def rates_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """Which share agrees, by purpose, over time, by source and wording."""
    given = integer(dict(request.query_params), "days", least=1, most=max(SPANS), otherwise=_USUAL)
    days = given if given in SPANS else _USUAL
    with db.read() as conn:
        policies = policies_of(conn, principal.workspace).policies
        rates = rates_of(conn, principal.workspace, policies, until=now_us(), days=days)
        names = {source.id: source.name for source in list_sources(conn, principal.workspace)}
    return render(
        request, "consent/rates.html", rates=rates, days=days, spans=list(SPANS), names={OWN_SOURCE: "Rapport", **names}
    )


@post("/privacy", permission="privacy:write", sync_to_thread=True, status_code=200)
def change_policy(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[Any]:
    """Try a policy, or put it in force."""
    typed, seen = raw(data, "policy")[:_LONGEST_POLICY], integer(data, "version", least=0, most=2**31 - 2, otherwise=0)
    reason, is_default = text(data, "reason", longest=500), "default" in data
    try:
        policy = read_policy(typed.encode(), name="policy.json" if typed.lstrip().startswith("{") else "policy.toml")
        if text(data, "then") == "apply":
            with db.write() as conn:
                changing.apply(
                    conn, principal.workspace, policy, is_default=is_default, seen=seen, by=principal.name,
                    reason=reason, now=now_us(),
                )  # fmt: skip
            return Redirect("/console/privacy?done=saved", status_code=303)
        with db.read() as conn:
            effect = changing.try_out(conn, principal.workspace, policy, is_default=is_default)
    except RapportError as error:
        return _show(request, db, principal, typed=typed, error=error, reason=reason, is_default=is_default)
    return _show(request, db, principal, typed=typed, effect=effect, reason=reason, is_default=is_default)


@post("/customers/{customer_id:str}/consent", permission="consent:write", sync_to_thread=True, status_code=200)
def answer_for(db: Database, principal: Principal, appender: Appender, customer_id: str, data: Form) -> Response[Any]:
    """Record what a customer said to somebody of the staff."""
    said, purpose = text(data, "said"), text(data, "purpose", longest=40)
    if said not in ("granted", "denied"):
        raise InvalidInput(f"{said[:40]!r} is no answer", hint="granted or denied")
    wording = text(data, "wording", longest=100)
    if said == "granted" and not wording:
        raise InvalidInput("say how the customer agreed", hint="on the phone, in writing, at the till: a few words")
    state: Any = said
    given = Given(purposes={purpose: state}, wording=wording, language="", how="staff", by=f"user:{principal.id}")
    record(db, appender, principal.workspace, customer_id, given, now=now_us())
    return Redirect(f"/console/customers/{customer_id}#privacy-title", status_code=303)


PAGES = ConsolePages(
    room="consent",
    templates=Path(__file__).parent / "templates",
    handlers=(privacy_page, rates_page, change_policy, answer_for),
    nav=(
        NavItem(
            label="Privacy", path="/console/privacy", icon="shield", group="Settings", order=815,
            permission="consent:read",
        ),
    ),
)  # fmt: skip


def _show(
    request: AnyRequest,
    db: Database,
    principal: Principal,
    *,
    typed: str = "",
    effect: Effect | None = None,
    error: RapportError | None = None,
    reason: str = "",
    is_default: bool = False,
) -> Response[str]:
    with db.read() as conn:
        kept = policies_of(conn, principal.workspace)
        counted = store.counts(conn, principal.workspace)
        sources = {source.id: source.name for source in list_sources(conn, principal.workspace)}
    first = sorted(kept.policies.policies, key=lambda one: (one.name != kept.policies.default, one.title))
    return render(
        request, "consent/policies.html", status=error.status if error else 200, policies=first,
        default=kept.policies.default, version=kept.version, answers=_answers(first, counted), typed=typed,
        effect=effect, error=error, reason=reason, is_default=is_default, sources=sources,
    )  # fmt: skip


def _answers(policies: Sequence[Policy], counted: Mapping[str, Mapping[State, int]]) -> dict[str, _Answers]:
    """By purpose, as the first of the policies calls it: those of all policies that are a customer's to decide."""
    found: dict[str, _Answers] = {}
    for policy in policies:
        for name, rule in policy.purposes.items():
            if name not in found and rule.basis in FREE:
                words = policy.names(name)
                held = [by_state for category, by_state in counted.items() if category.casefold() in words]
                found[name] = _Answers(
                    title=rule.title,
                    granted=sum(one.get("granted", 0) for one in held),
                    denied=sum(one.get("denied", 0) for one in held),
                )
    return found
