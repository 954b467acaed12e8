"""`/api/v1/customers/{reference}/consent` and `/may`: what may be done with a person, and what they answered."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import get, post
from litestar.params import Parameter
from msgspec import Meta

from rapport.capabilities.consent.importing import MOST, Brought, BroughtAnswer, bring
from rapport.capabilities.consent.links import OPEN_FOR, load_links
from rapport.capabilities.consent.model import RESTRICTED
from rapport.capabilities.consent.policy_routes import POLICIES
from rapport.capabilities.consent.receipt import Receipt, receipt_of
from rapport.capabilities.consent.recording import ConsentShown, Given, find_answering, record, shown
from rapport.capabilities.consent.service import may
from rapport.capabilities.consent.strings import GppString, TcfString, parse_gpp, parse_tcf
from rapport.collect.appender import Appender
from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.principal import Principal
from rapport.resolve.graph.customer_ids import ensure_secret
from rapport.storage.engine import Database
from rapport.storage.workspaces import all_workspaces

__all__ = ["ROUTES"]

Reference = Annotated[
    str, Parameter(description="A customer id (`cus_…`) or `namespace:value`, such as `email:ada@example.com`.")
]
Short = Annotated[str, Meta(max_length=100)]


class AnswersGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody answered, and the text they were shown."""

    purposes: Annotated[dict[Annotated[str, Meta(max_length=40)], Literal["granted", "denied"]], Meta(max_length=50)]
    wording: Short = ""
    """The version of the text."""
    language: Short = ""
    restricted: bool | None = None
    """Have the use of what is kept restricted (Art. 18 GDPR), or restricted no more."""


def _said(data: AnswersGiven) -> dict[str, Literal["granted", "denied", "unknown"]]:
    said: dict[str, Literal["granted", "denied", "unknown"]] = {**data.purposes}
    if data.restricted is not None:
        said[RESTRICTED] = "denied" if data.restricted else "unknown"
    return said


class MayShown(msgspec.Struct, frozen=True, kw_only=True):
    """Whether something may be done with a person, and why."""

    may: bool
    reason: str


@get(
    "/customers/{reference:str}/consent", permission="consent:read", door="open", tags=["consent"], sync_to_thread=True
)
def get_consent(db: Database, principal: Principal, reference: Reference) -> ConsentShown:
    """What may be done with a person, by each purpose of the policy that holds for them."""
    workspace = principal.workspace
    with db.read() as conn:
        key = find_answering(conn, workspace, reference)
        return shown(conn, workspace, key)


@post(
    "/customers/{reference:str}/consent", permission="consent:write", door="open", status_code=200, tags=["consent"],
    sync_to_thread=True,
)  # fmt: skip
def answer_consent(
    db: Database, principal: Principal, appender: Appender, reference: Reference, data: AnswersGiven
) -> ConsentShown:
    """Record what somebody answered. It holds from this answer on, for all that is certainly theirs."""
    given = Given(
        purposes=_said(data), wording=data.wording, language=data.language, how="api",
        by=f"{principal.kind}:{principal.id}",
    )  # fmt: skip
    return record(db, appender, principal.workspace, reference, given, now=now_us())


class AnswersBrought(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Answers that people gave elsewhere."""

    answers: Annotated[list[BroughtAnswer], Meta(min_length=1, max_length=MOST)]


@post("/consent/answers", permission="consent:write", status_code=200, tags=["consent"], sync_to_thread=True)
def bring_answers(db: Database, principal: Principal, appender: Appender, data: AnswersBrought) -> Brought:
    """Bring along what people answered elsewhere, at most 1,000 at once; sending the same again changes nothing.

    A yes says when, where and to which words it was given, and never ends a refusal that came later. What is refused
    is told by its line; all else is in force with the reply.
    """
    by = f"{principal.kind}:{principal.id}"
    return bring(db, appender, principal.workspace, data.answers, by=by, now=now_us())


@get("/customers/{reference:str}/may", permission="consent:read", door="open", tags=["consent"], sync_to_thread=True)
def ask_may(
    db: Database,
    principal: Principal,
    reference: Reference,
    purpose: Annotated[str, Parameter(max_length=100, description="Such as `email_marketing`.")],
) -> MayShown:
    """Whether something may be done with a person now, and why or why not."""
    workspace = principal.workspace
    with db.read() as conn:
        key = find_answering(conn, workspace, reference)
        verdict = may(conn, workspace, key, purpose)
    return MayShown(may=verdict.may, reason=verdict.reason)


class LinksWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For a message that is about to be sent to somebody."""

    purpose: Annotated[str, Meta(max_length=40)] = "email_marketing"
    """What the message is for, and the link in it ends."""


class LinksMade(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses of this server, from the first slash on: put its public name before them."""

    preferences: str
    """Opens what they allow, until `preferences_until`."""
    preferences_until: str
    unsubscribe: str
    """Refuses the purpose, for ever. Also for the header `List-Unsubscribe`, with `List-Unsubscribe-Post:
    List-Unsubscribe=One-Click`."""


@post(
    "/customers/{reference:str}/consent/links", permission="consent:write", status_code=200,
    tags=["consent"], sync_to_thread=True,
)  # fmt: skip
def make_links(db: Database, principal: Principal, reference: Reference, data: LinksWanted) -> LinksMade:
    """Two links for a message to this person: to their preferences, and to end what the message is for."""
    workspace, now = principal.workspace, now_us()
    with db.write() as conn:
        ensure_secret(conn)  # that of customer ids, which the first fact makes
    with db.read() as conn:
        key = find_answering(conn, workspace, reference)
        may(conn, workspace, key, data.purpose)
        links = load_links(conn, workspace)
        shop = next(one.slug for one in all_workspaces(conn) if one.id == workspace)
    return LinksMade(
        preferences=f"/shop/consent/preferences?shop={shop}&t={links.preferences(key, now=now)}",
        preferences_until=to_iso(now + OPEN_FOR),
        unsubscribe=f"/shop/consent/unsubscribe?shop={shop}&t={links.refusal(key, data.purpose)}",
    )


class StringsGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Strings of the advertising industry, to be looked into."""

    tcf: Annotated[str, Meta(max_length=8_000)] = ""
    gpp: Annotated[str, Meta(max_length=8_000)] = ""


class StringsRead(msgspec.Struct, frozen=True, kw_only=True):
    """What they say."""

    tcf: TcfString | None
    gpp: GppString | None


@post("/privacy/strings", permission="consent:read", door="open", status_code=200, tags=["consent"])
async def read_strings(data: StringsGiven) -> StringsRead:
    """What a TCF or GPP string says, or what is wrong with it. Nothing is kept: answers come with `context.consent`."""
    return StringsRead(
        tcf=parse_tcf(data.tcf) if data.tcf else None, gpp=parse_gpp(data.gpp) if data.gpp else None
    )  # fmt: skip


@get(
    "/customers/{reference:str}/consent/receipt", permission="consent:read", tags=["consent"],
    sync_to_thread=True,
)  # fmt: skip
def get_receipt(db: Database, principal: Principal, reference: Reference) -> Receipt:
    """What a customer agreed to and refused, when and to which text, with the field names of ISO/IEC TS 27560:2023."""
    with db.read() as conn:
        key = find_answering(conn, principal.workspace, reference)
        return receipt_of(conn, principal.workspace, key, now=now_us())


ROUTES = (get_consent, answer_consent, bring_answers, ask_may, make_links, *POLICIES, read_strings, get_receipt)
