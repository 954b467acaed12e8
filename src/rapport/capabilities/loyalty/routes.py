"""`/api/v1/loyalty`: programmes, quotes, redemptions, memberships; and what a customer has."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import get, post, put
from litestar.params import Parameter
from msgspec import Meta

from rapport.capabilities.loyalty import membership as paid
from rapport.capabilities.loyalty import redeeming
from rapport.capabilities.loyalty.advising import Suggestion
from rapport.capabilities.loyalty.changing import Effect, change_programme, effect_of
from rapport.capabilities.loyalty.checking import read_programme
from rapport.capabilities.loyalty.currencies import Place, first_for
from rapport.capabilities.loyalty.effects import effects_of
from rapport.capabilities.loyalty.links import OPEN_FOR, PASS_PAGES, WalletLinks
from rapport.capabilities.loyalty.pass_keys import shown_keys
from rapport.capabilities.loyalty.plain import differences, sentences
from rapport.capabilities.loyalty.programme import Programme, json_ld
from rapport.capabilities.loyalty.quoting import Quote, QuoteAsked, holder_of, quote
from rapport.capabilities.loyalty.redeeming import Redemption
from rapport.capabilities.loyalty.renewing import RenewalForecast
from rapport.capabilities.loyalty.trials import BenefitCost, TrialShown
from rapport.capabilities.loyalty.versions import KeptVersion, names_of, versions_of
from rapport.capabilities.loyalty.wallet import Wallet, wallet_of
from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.currencies import currency_code
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.ids import Key, new_id
from rapport.kernel.principal import Principal
from rapport.kernel.work import Connection
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.reading.references import find_key
from rapport.storage.engine import Database

__all__ = ["ROUTES"]

Reference = Annotated[
    str, Parameter(description="A customer id (`cus_…`) or `namespace:value`, such as `email:ada@example.com`.")
]
Named = Annotated[str, Parameter(max_length=40, description="The programme's name.")]
Short = Annotated[str, Meta(max_length=120)]
OneOf = Annotated[str, Meta(min_length=1, max_length=120)]


class ProgrammeShown(msgspec.Struct, frozen=True, kw_only=True):
    """A programme as it is in force; `json_ld` is for the shop's own pages."""

    name: str
    version: int
    changed_at: str
    changed_by: str
    reason: str
    programme: Programme
    json_ld: dict[str, Any]


class ProgrammeWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The new terms. `version` is the one that was changed: 0 for a new programme."""

    programme: dict[str, Any]
    version: int
    reason: Annotated[str, Meta(max_length=500)] = ""


class TermsTried(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Terms to be tried, not put in force."""

    programme: dict[str, Any]


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What terms would change and cost; nothing is changed yet."""

    effect: Effect
    goes: list[str]
    """Sentences of the terms that would hold no more."""
    comes: list[str]


class HoldWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Points for a checkout. `request_id` is the shop's own: the same one is one hold; without one, each request is."""

    customer: Annotated[str, Meta(max_length=300)]
    points: int
    request_id: Short = ""
    programme: Annotated[str, Meta(max_length=40)] = ""
    order_id: Short = ""
    currency: Annotated[str, Meta(max_length=3)] = ""
    """What the checkout is paid in; empty: the programme's own, of the shop's first programme where none is named."""
    country: Annotated[str, Meta(max_length=2)] = ""
    """Where it goes, as the quote said it: without a programme's name, both are about the same one."""
    brand: Annotated[str, Meta(max_length=80)] = ""
    channel: Annotated[str, Meta(max_length=40)] = "web"

    @property
    def place(self) -> Place | None:
        """Where it is bought; None where nothing of it is said. Raises InvalidInput for a place without a currency."""
        if not self.currency:
            if self.country or self.brand:
                raise InvalidInput("a checkout's country or brand is said without its currency", hint="currency: EUR")
            return None
        return Place(currency_code(self.currency) or self.currency, self.country.upper(), self.brand, self.channel)


class CaptureWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The payment went through."""

    order_id: Short = ""


class RefundWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Points of a refunded order; `refund_id` counts once."""

    points: int
    refund_id: OneOf


class JoinWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who joins which plan; without a payment it is the trial."""

    customer: Annotated[str, Meta(max_length=300)]
    plan: Annotated[str, Meta(max_length=40)]
    payment: Short = ""
    programme: Annotated[str, Meta(max_length=40)] = ""


class PaymentTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payment, by its id."""

    payment: OneOf


class PauseWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how long."""

    days: Annotated[int, Meta(ge=1, le=365)]


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """The membership's id."""

    id: str


class Adjustment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Points given or, below 0, taken by a person, and why."""

    points: int
    reason: Annotated[str, Meta(max_length=200)]
    request_id: OneOf
    programme: Annotated[str, Meta(max_length=40)] = ""


class LinkMade(msgspec.Struct, frozen=True, kw_only=True):
    """The way to somebody's wallet: whoever has it may look, join a trial, cancel."""

    wallet: str
    """An address below that of this server."""
    token: str
    """The same for the components of the shop's own site (`<rapport-wallet token=…>`)."""
    open_until: str
    apple_pass: str = ""
    """The address of their card for Apple Wallet; empty where the shop has no keys for it."""
    google_pass: str = ""
    """The address that leads to Google Wallet with their card; empty as well."""


class Effects(msgspec.Struct, frozen=True, kw_only=True):
    """What a programme changed, and what it gave."""

    currency: str
    trials: list[TrialShown]
    benefits: list[BenefitCost]
    renewals: list[RenewalForecast]
    """Of each plan, for the next 90 days."""
    suggestions: list[Suggestion]


@get("/loyalty/programmes", permission="loyalty:read", tags=["loyalty"], sync_to_thread=True)
def list_programmes(db: Database, principal: Principal) -> list[ProgrammeShown]:
    """All programmes as they are in force."""
    with db.read() as conn:
        return [_shown(one) for one in names_of(conn, principal.workspace)]


@get("/loyalty/programmes/{name:str}", permission="loyalty:read", tags=["loyalty"], sync_to_thread=True)
def get_programme(db: Database, principal: Principal, name: Named) -> ProgrammeShown:
    """A programme as it is in force."""
    with db.read() as conn:
        return _shown(redeeming.current(conn, principal.workspace, name))


@put("/loyalty/programmes/{name:str}", permission="programme:write", tags=["loyalty"], sync_to_thread=True)
def put_programme(db: Database, principal: Principal, name: Named, data: ProgrammeWanted) -> ProgrammeShown:
    """Put terms in force: at once for whoever comes, after the notice for whoever is here."""
    change_programme(
        db, principal.workspace, name, data.programme, seen=data.version, by=principal.name, reason=data.reason,
        now=now_us(),
    )  # fmt: skip
    with db.read() as conn:
        return _shown(redeeming.current(conn, principal.workspace, name))


@post("/loyalty/programmes/{name:str}/try", permission="programme:write", status_code=200, tags=["loyalty"],
      sync_to_thread=True)  # fmt: skip
def try_programme(db: Database, principal: Principal, name: Named, data: TermsTried) -> Tried:
    """Whom terms would affect and what they would cost, by the orders of the last twelve weeks."""
    wanted = read_programme(data.programme)
    with db.read() as conn:
        effect = effect_of(conn, principal.workspace, name, wanted, now=now_us())
        holds = [one.programme for one in names_of(conn, principal.workspace) if one.name == name]
    changes = differences(holds[0], wanted) if holds else [("+", one) for one in sentences(wanted)]
    return Tried(effect=effect, goes=[words for sign, words in changes if sign == "-"],
                 comes=[words for sign, words in changes if sign == "+"])  # fmt: skip


@get("/loyalty/programmes/{name:str}/effects", permission="loyalty:read", tags=["loyalty"], sync_to_thread=True)
def get_effects(db: Database, principal: Principal, name: Named) -> Effects:
    """What trials changed (apologies, invitations to a membership), what each benefit gave in the last year, how many
    memberships will be renewed, and what that suggests.
    """
    with db.read() as conn:
        terms = redeeming.current(conn, principal.workspace, name).programme
        found = effects_of(conn, principal.workspace, name, terms, now=now_us())
    return Effects(currency=terms.currency, trials=found.trials, benefits=found.costs, renewals=found.renewals,
                   suggestions=found.suggestions)  # fmt: skip


@post("/loyalty/quote", permission="loyalty:read", status_code=200, tags=["loyalty"], sync_to_thread=True)
def ask_quote(db: Database, principal: Principal, data: QuoteAsked) -> Quote:
    """What a cart is worth to somebody now: benefits, saving, points, the next tier, what a membership would save."""
    workspace, now = principal.workspace, now_us()
    with db.look() as conn:
        versions = versions_of(conn, workspace)
        newest = {name: several[-1].programme for name, several in versions.items()}
        name = data.programme or first_for(newest, data.cart.place)
        if name not in versions:
            raise NotFound(f"there is no programme {name[:40]!r}", hint="PUT /api/v1/loyalty/programmes/{name}")
        key = _known(conn, principal, data.customer) if data.customer else None
        holder = holder_of(conn, workspace, versions[name], name, key, now=now)
    return quote(holder, data.cart, now=now)


@post("/loyalty/redemptions", permission="loyalty:write", tags=["loyalty"], sync_to_thread=True)
def hold_points(db: Database, principal: Principal, data: HoldWanted) -> Redemption:
    """Hold points for a checkout, until it is paid (`capture`), given up (`release`), or its time is over."""
    return redeeming.hold(
        db, principal.workspace, data.customer, data.points, request_id=data.request_id or new_id("req"),
        programme=data.programme, order_id=data.order_id, place=data.place, now=now_us(),
    )  # fmt: skip


@post(
    "/loyalty/redemptions/{redemption:str}/capture",
    permission="loyalty:write",
    status_code=200,
    tags=["loyalty"],
    sync_to_thread=True,
)
def capture_points(
    db: Database, principal: Principal, redemption: str, data: CaptureWanted | None = None
) -> Redemption:
    """The payment went through: the held points are spent. Again is once."""
    order_id = data.order_id if data else ""
    return redeeming.capture(db, principal.workspace, redemption, order_id=order_id, now=now_us())


@post(
    "/loyalty/redemptions/{redemption:str}/release",
    permission="loyalty:write",
    status_code=200,
    tags=["loyalty"],
    sync_to_thread=True,
)
def release_points(db: Database, principal: Principal, redemption: str) -> Redemption:
    """The checkout was given up: the held points are back in their lots. Again is once."""
    return redeeming.release(db, principal.workspace, redemption, now=now_us())


@post(
    "/loyalty/redemptions/{redemption:str}/refund",
    permission="loyalty:write",
    status_code=200,
    tags=["loyalty"],
    sync_to_thread=True,
)
def refund_points(db: Database, principal: Principal, redemption: str, data: RefundWanted) -> Redemption:
    """What was paid with points was refunded: they go back into their lots."""
    return redeeming.give_back(
        db, principal.workspace, redemption, data.points, refund_id=data.refund_id, now=now_us()
    )  # fmt: skip


@post("/loyalty/memberships", permission="loyalty:write", tags=["loyalty"], sync_to_thread=True)
def join_membership(db: Database, principal: Principal, data: JoinWanted) -> Joined:
    """Begin a membership, with its payment or its trial."""
    with db.read() as conn:
        key = _find(conn, principal, data.customer)
    return Joined(id=paid.join(
        db, principal.workspace, key, data.plan, payment=data.payment, programme=data.programme, now=now_us()
    ))  # fmt: skip


@post(
    "/loyalty/memberships/{membership:str}/renew",
    permission="loyalty:write",
    status_code=204,
    tags=["loyalty"],
    sync_to_thread=True,
)
def renew_membership(db: Database, principal: Principal, membership: str, data: PaymentTold) -> None:
    """One more period is paid: one for each payment, for ever."""
    paid.renew(db, principal.workspace, membership, payment=data.payment, now=now_us())


@post(
    "/loyalty/memberships/{membership:str}/cancel",
    permission="loyalty:write",
    status_code=204,
    tags=["loyalty"],
    sync_to_thread=True,
)
def cancel_membership(db: Database, principal: Principal, membership: str) -> None:
    """No more periods; benefits last to the end of what is paid."""
    paid.cancel(db, principal.workspace, membership, now=now_us())


@post(
    "/loyalty/memberships/{membership:str}/withdraw",
    permission="loyalty:write",
    status_code=200,
    tags=["loyalty"],
    sync_to_thread=True,
)
def withdraw_membership(db: Database, principal: Principal, membership: str) -> paid.Withdrawn:
    """Taken back in time: it ends now, and this much is to be paid back. Again answers the same."""
    return paid.withdraw(db, principal.workspace, membership, now=now_us())


@post(
    "/loyalty/memberships/{membership:str}/pause",
    permission="loyalty:write",
    status_code=204,
    tags=["loyalty"],
    sync_to_thread=True,
)
def pause_membership(db: Database, principal: Principal, membership: str, data: PauseWanted) -> None:
    """It brings nothing for so many days, and what is paid for lasts as much longer."""
    paid.pause(db, principal.workspace, membership, days=data.days, now=now_us())


@post(
    "/loyalty/memberships/{membership:str}/resume",
    permission="loyalty:write",
    status_code=204,
    tags=["loyalty"],
    sync_to_thread=True,
)
def resume_membership(db: Database, principal: Principal, membership: str) -> None:
    """Go on now; of one that is not paused nothing changes."""
    paid.resume(db, principal.workspace, membership, now=now_us())


@get("/customers/{reference:str}/loyalty", permission="loyalty:read", tags=["loyalty"], sync_to_thread=True)
def get_wallet(db: Database, principal: Principal, reference: Reference, programme: str = "") -> Wallet:
    """What a customer has: points by lot, tier and the way to the next, benefits, memberships, history in words."""
    with db.read() as conn:
        key = _find(conn, principal, reference)
        return wallet_of(conn, principal.workspace, key, programme=programme, now=now_us())


@post(
    "/customers/{reference:str}/loyalty/links", permission="loyalty:write", status_code=200, tags=["loyalty"],
    sync_to_thread=True,
)  # fmt: skip
def make_link(db: Database, principal: Principal, reference: Reference) -> LinkMade:
    """A link to this person's wallet, for a message to them or their account in the shop."""
    workspace, now = principal.workspace, now_us()
    with db.read() as conn:
        key = _find(conn, principal, reference)
        links = WalletLinks(conn, workspace)
        passes = {one.wallet: links.path(key, now=now, page=PASS_PAGES[one.wallet])
                  for one in shown_keys(conn, workspace) if one.readable}  # fmt: skip
        return LinkMade(
            wallet=links.path(key, now=now), token=links.token(key, now=now), open_until=to_iso(now + OPEN_FOR),
            apple_pass=passes.get("apple", ""), google_pass=passes.get("google", ""),
        )  # fmt: skip


@post(
    "/customers/{reference:str}/loyalty/adjustments", permission="loyalty:adjust", tags=["loyalty"], sync_to_thread=True
)
def adjust_points(db: Database, principal: Principal, reference: Reference, data: Adjustment) -> Wallet:
    """Correct somebody's points, with a reason that they read, too."""
    now = now_us()
    with db.read() as conn:
        key = _find(conn, principal, reference)
    redeeming.adjust(
        db, principal.workspace, key, data.points, reason=data.reason, by=principal.name, request_id=data.request_id,
        programme=data.programme, now=now,
    )  # fmt: skip
    with db.read() as conn:
        return wallet_of(conn, principal.workspace, key, programme=data.programme, now=now)


ROUTES = (
    list_programmes, get_programme, put_programme, try_programme, get_effects, ask_quote, hold_points, capture_points,
    release_points, refund_points, join_membership, renew_membership, cancel_membership, withdraw_membership,
    pause_membership, resume_membership, get_wallet, make_link, adjust_points,
)  # fmt: skip


def _find(conn: Connection, principal: Principal, reference: str) -> Key:
    return find_key(conn, principal.workspace, reference, region=settings_of(conn, principal.workspace).region)


def _known(conn: Connection, principal: Principal, reference: str) -> Key | None:
    """Whoever is named; None for somebody nobody has seen yet, who has the benefits of the first tier all the same."""
    if len(reference) > 300 or (":" not in reference and not reference.startswith("cus_")):
        raise InvalidInput(f"{reference[:60]!r} names no customer", hint="cus_… or namespace:value")
    try:
        return _find(conn, principal, reference)
    except NotFound:
        return None


def _shown(kept: KeptVersion) -> ProgrammeShown:
    return ProgrammeShown(
        name=kept.name, version=kept.version, changed_at=to_iso(kept.changed_at), changed_by=kept.changed_by,
        reason=kept.reason, programme=kept.programme, json_ld=json_ld(kept.programme, name=kept.name),
    )  # fmt: skip
