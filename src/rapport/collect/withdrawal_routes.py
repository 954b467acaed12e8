"""`/api/v1/sources/{id}/withdrawals`: what a source sent in a window is taken back, after a look at what would go."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import Parameter

from rapport.collect import withdrawals
from rapport.collect.sources import find_source
from rapport.collect.withdrawals import Effects, State, Withdrawal
from rapport.kernel.clock import from_iso, now_us, to_iso
from rapport.kernel.errors import InvalidInput
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database

__all__ = ["ROUTES", "WithdrawalShown", "shown"]

Id = Annotated[str, Parameter(max_length=100)]
_Moment = Annotated[str, msgspec.Meta(max_length=60)]


class WithdrawalWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A window of what a source sent: by when it was received, the end not included."""

    since: _Moment
    until: _Moment | None = None
    """Up to now where it is left out."""
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class EffectsShown(msgspec.Struct, frozen=True, kw_only=True):
    """What goes, or went, with a withdrawal."""

    facts: int
    followed: int
    """Facts that Rapport stated because of them."""
    first_at: str | None
    last_at: str | None
    kinds: dict[str, int]
    customers: int
    """Customers of whom something changes."""
    parted: int
    """Customers that come out of others."""
    gone: int
    """Identifiers that nobody else has named."""
    evidence: int
    numbers: dict[str, int]
    """By what they count: `orders`, `refunds`, `points`, `revenue_minor:EUR` …"""
    whole: bool
    """False where only the first facts of very many were looked at; `facts` counts all."""


class WithdrawalShown(msgspec.Struct, frozen=True, kw_only=True):
    """A withdrawal as it stands: `asked`, `told` (its numbers are there), `wanted`, `done`, `back_wanted`, `back`."""

    id: str
    source: str
    since: str
    until: str
    reason: str
    state: State
    asked_by: str
    asked_at: str
    changed_at: str
    would: EffectsShown | None
    """What would go."""
    did: EffectsShown | None
    """What went."""
    may_be_put_back_until: str | None


@post("/sources/{source_id:str}/withdrawals", permission="sources:write", tags=["sources"], sync_to_thread=True)
def ask_withdrawal(source_id: Id, data: WithdrawalWanted, db: Database, principal: Principal) -> WithdrawalShown:
    """Have a worker tell what would go if what the source sent in this window had never come. Nothing is changed."""
    now = now_us()
    with db.write() as conn:
        asked = withdrawals.ask(
            conn, principal.workspace, source_id, since=_moment(data.since),
            until=now if data.until is None else _moment(data.until), reason=data.reason, by=_by(principal), now=now,
        )  # fmt: skip
    return shown(asked)


@get("/sources/{source_id:str}/withdrawals", permission="sources:read", tags=["sources"], sync_to_thread=True)
def list_withdrawals(source_id: Id, db: Database, principal: Principal) -> list[WithdrawalShown]:
    """The withdrawals of a source, the newest first."""
    with db.read() as conn:
        find_source(conn, principal.workspace, source_id)
        return [shown(one) for one in withdrawals.listing(conn, principal.workspace, source_id)]


@get("/withdrawals/{withdrawal_id:str}", permission="sources:read", tags=["sources"], sync_to_thread=True)
def get_withdrawal(withdrawal_id: Id, db: Database, principal: Principal) -> WithdrawalShown:
    """One withdrawal as it stands."""
    with db.read() as conn:
        return shown(withdrawals.find(conn, principal.workspace, withdrawal_id))


@post(
    "/withdrawals/{withdrawal_id:str}/confirm", permission="sources:write", tags=["sources"], status_code=200,
    sync_to_thread=True,
)  # fmt: skip
def confirm_withdrawal(withdrawal_id: Id, db: Database, principal: Principal) -> WithdrawalShown:
    """Have it done; once its numbers are there. Confirmed twice, it is done once."""
    with db.write() as conn:
        return shown(withdrawals.confirm(conn, principal.workspace, withdrawal_id, by=_by(principal), now=now_us()))


@post(
    "/withdrawals/{withdrawal_id:str}/put-back", permission="sources:write", tags=["sources"], status_code=200,
    sync_to_thread=True,
)  # fmt: skip
def put_withdrawal_back(withdrawal_id: Id, db: Database, principal: Principal) -> WithdrawalShown:
    """Put everything back, within 30 days after it was done."""
    with db.write() as conn:
        return shown(withdrawals.put_back(conn, principal.workspace, withdrawal_id, by=_by(principal), now=now_us()))


ROUTES = (ask_withdrawal, list_withdrawals, get_withdrawal, confirm_withdrawal, put_withdrawal_back)


def _by(principal: Principal) -> str:
    return f"{principal.kind}:{principal.id}"


def shown(found: Withdrawal) -> WithdrawalShown:
    """A withdrawal in the API's words."""
    return WithdrawalShown(
        id=found.id, source=found.source, since=to_iso(found.since), until=to_iso(found.until), reason=found.reason,
        state=found.state, asked_by=found.asked_by, asked_at=to_iso(found.asked_at),
        changed_at=to_iso(found.changed_at), would=_effects(found.told), did=_effects(found.effects),
        may_be_put_back_until=to_iso(found.may_be_put_back_until) if found.state == "done" else None,
    )  # fmt: skip


def _effects(found: Effects | None) -> EffectsShown | None:
    if found is None:
        return None
    moments = (None if at is None else to_iso(at) for at in (found.first_at, found.last_at))
    first, last = moments
    return EffectsShown(
        facts=found.facts, followed=found.followed, first_at=first, last_at=last, kinds=found.kinds,
        customers=found.customers, parted=found.parted, gone=found.gone, evidence=found.evidence,
        numbers=found.numbers, whole=found.whole,
    )  # fmt: skip


def _moment(text: str) -> int:
    try:
        return from_iso(text)
    except ValueError as error:
        raise InvalidInput(f"{text[:60]!r} is no moment", hint="2026-11-27T10:00:00Z") from error
