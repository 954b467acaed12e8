"""Decide: candidates → eligibility → scores → exploration → slate, and the decision as a fact before it is answered."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from rapport.collect.own import own_fact
from rapport.decide import people
from rapport.decide.facts import DECISION_MADE
from rapport.decide.model import PRODUCT, Ask, Candidate, Choice, Guardrail, Placement, PolicyName
from rapport.decide.steps import Steps
from rapport.kernel.errors import InvalidFact, InvalidInput, NotFound
from rapport.kernel.facts import OWN_SOURCE, Fact, encode_fact
from rapport.kernel.gate import PERSONALISATION, Gate, Permit
from rapport.kernel.identifiers import Identifier, bucket_of, email_identifier, key_of, phone_identifier
from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.storage.engine import Database
from rapport.storage.log import LogRow

__all__ = ["CustomerNamed", "Decider", "Decision", "DecisionAsked", "FindCustomer"]

LOGGED_CANDIDATES = 20
"""Candidates kept in the fact, the best ones."""

FindCustomer = Callable[[Connection, WorkspaceId, str], Key | None]
"""The key behind a customer id (`cus_…`), None where there is none."""

Append = Callable[[Sequence[LogRow]], Awaitable[object]]


class CustomerNamed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A customer by one of their identifiers (`namespace` and `value`) or by customer `id`."""

    namespace: Annotated[str, Meta(max_length=50)] | None = None
    value: Annotated[str, Meta(max_length=200)] | None = None
    id: Annotated[str, Meta(max_length=50)] | None = None


class DecisionAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /api/v1/decisions`."""

    placement: Annotated[str, Meta(max_length=100)]
    customer: CustomerNamed | None = None
    context: dict[str, Any] = {}
    limit: Annotated[int, Meta(ge=1, le=50)] = 6


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown, and why. Send `decision_id` back as a property of clicks."""

    decision_id: str
    placement: str
    items: list[dict[str, Any]]
    """In order; each with kind, item_id (a product's also as product_id), what is known of it, score, odds, reasons."""
    policy: PolicyName
    guardrails: list[Guardrail]
    personal: bool
    """Whether it rests on what is known of the customer: somebody is named, and it may."""
    personal_reason: str
    """Why it does or does not."""


class _Customer(NamedTuple):
    identifier: Identifier | None
    """How the fact will name them; None where nobody is named."""
    strands: tuple[Key, ...]
    """What may be looked at: none where nobody is named or nothing of them may be used."""
    permit: Permit


class _Made(NamedTuple):
    candidates: Sequence[Candidate]
    """The eligible ones, as they are rated."""
    guardrails: list[Guardrail]
    slate: Sequence[Choice]
    details: Mapping[str, Mapping[str, Any]]


class Decider:
    """Decides for all placements of the installation. One per process, cheap to call concurrently."""

    def __init__(
        self,
        db: Database,
        steps: Steps,
        *,
        append: Append,
        find_customer: FindCustomer,
        gate: Gate,
        rng: random.Random | None = None,
    ) -> None:
        self.placements = steps.placements
        self._steps = steps
        self._db = db
        self._append = append
        self._find_customer = find_customer
        self._gate = gate
        self._rng = rng or random.Random()

    async def decide(self, workspace: WorkspaceId, asked: DecisionAsked, *, now: int) -> Decision:
        """Decide, log the decision durably, then answer. Raises NotFound, InvalidInput, Overloaded."""
        decision, row = await asyncio.to_thread(self.compute, workspace, asked, now=now)
        await self._append([row])
        return decision

    def compute(self, workspace: WorkspaceId, asked: DecisionAsked, *, now: int) -> tuple[Decision, LogRow]:
        """The decision and the fact that is to be logged. Reads only."""
        placement = self.placements.get(asked.placement)
        if placement is None:
            raise NotFound(f"no placement {asked.placement!r}", hint=f"there are: {', '.join(sorted(self.placements))}")
        with self._db.read() as conn:
            customer = self._customer(conn, workspace, asked.customer, now=now)
            ask = Ask(
                workspace=workspace, placement=placement.name, kind=placement.kind, strands=customer.strands,
                context=asked.context, limit=asked.limit, now=now,
            )  # fmt: skip
            made = self._choose(conn, placement, ask)
        decision = Decision(
            decision_id=new_id("dec"),
            placement=placement.name,
            items=[_item(choice, made.details) for choice in made.slate],
            policy=PolicyName(name=placement.policy.name, version=placement.policy.version),
            guardrails=made.guardrails,
            personal=customer.permit.may,
            personal_reason=customer.permit.reason,
        )
        return decision, _fact(workspace, decision, asked, made, customer.identifier, now=now)

    def refuse_unknown(self, workspace: WorkspaceId, asked: DecisionAsked, *, now: int) -> None:
        """Raises NotFound where the customer or the product that is named is nobody's and nothing's: a slip of a pen.

        For people who try a placement; a shop asks for whom and what it likes, seen for the first time or not.
        """
        product = str(asked.context.get("product_id") or "")
        with self._db.read() as conn:
            if asked.customer is not None:
                strands = self._customer(conn, workspace, asked.customer, now=now).strands
                if not people.identifiers_by_key(conn, workspace, strands):
                    # Not what was typed: it may be somebody's address.
                    raise NotFound(
                        f"nobody is known by this {(asked.customer.namespace or 'id').replace('_', ' ')}",
                        hint="an e-mail address, user id or customer id that was seen before; empty is a new visitor",
                    )
            is_asked = product and PRODUCT in self._steps.kinds
            if is_asked and not self._steps.details(conn, workspace, PRODUCT, [product]):
                raise NotFound(f"no product {product[:60]!r}", hint="its id as the shop tells it, such as a SKU")

    def _choose(self, conn: Connection, placement: Placement, ask: Ask) -> _Made:
        """All steps, one after the other."""
        eligible = self._steps.eligible(conn, ask, self._steps.candidates(conn, ask))
        candidates = self._steps.scored(conn, ask, eligible.candidates)
        slate = placement.policy.choose(candidates, limit=ask.limit, rng=self._rng)
        shown = [choice.candidate.item_id for choice in slate]
        details = self._steps.details(conn, ask.workspace, ask.kind, shown)
        return _Made(candidates, eligible.guardrails, slate, details)

    def _customer(
        self, conn: Connection, workspace: WorkspaceId, named: CustomerNamed | None, *, now: int
    ) -> _Customer:
        if named is None:
            return _Customer(None, (), Permit(may=False, reason="nobody is named"))
        if named.id is not None:
            key = self._find_customer(conn, workspace, named.id)
            if key is None:
                raise NotFound(f"no customer {named.id!r}")
            identifier = people.identifiers_by_key(conn, workspace, [key]).get(key)
        else:
            by_phone = named.namespace == "phone"
            region = people.reading_settings(conn, workspace).region if by_phone else None
            identifier = _identifier(named, region)
            key = key_of(workspace, identifier)
        permit = self._gate(conn, workspace, [key], PERSONALISATION, now)[key]
        if not permit.may:
            return _Customer(identifier, (), permit)
        root = people.roots_of(conn, workspace, [key])[key]
        return _Customer(identifier, tuple(people.strands_by_root(conn, workspace, [root])[root]), permit)


def _identifier(named: CustomerNamed, region: str | None) -> Identifier:
    if not named.namespace or not named.value or not named.value.strip():
        raise InvalidInput("a customer needs namespace and value, or id", hint='{"namespace":"user_id","value":"ada"}')
    identifier: Identifier | None = Identifier(named.namespace, named.value.strip())
    if named.namespace == "email":
        identifier = email_identifier(named.value)
    elif named.namespace == "phone":
        identifier = phone_identifier(named.value, region=region)
    if identifier is None:
        raise InvalidInput(f"this is no {named.namespace}", hint="check the value")
    return identifier


def _named(candidate: Candidate) -> dict[str, str]:
    """How answers and facts name what was chosen; a product as it has always been, too."""
    named = {"kind": candidate.kind, "item_id": candidate.item_id}
    return {"product_id": candidate.item_id, **named} if candidate.kind == PRODUCT else named


def _item(choice: Choice, details: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    candidate = choice.candidate
    reasons = [*candidate.reasons, "shown to learn how it does here"] if choice.explored else candidate.reasons
    return {
        **_named(candidate),
        **details.get(candidate.item_id, {}),
        "score": round(candidate.score, 6),
        "odds": round(choice.odds, 6),
        "reasons": reasons,
    }


def _fact(
    workspace: WorkspaceId,
    decision: Decision,
    asked: DecisionAsked,
    made: _Made,
    identifier: Identifier | None,
    *,
    now: int,
) -> LogRow:
    """`Decision Made`, with all that is needed to judge another policy on it or to explain it to the customer."""
    best = sorted(made.candidates, key=lambda c: -c.score)[:LOGGED_CANDIDATES]
    chosen = [
        {
            **_named(choice.candidate), "position": position, "score": round(choice.candidate.score, 6),
            "odds": round(choice.odds, 6), "explored": choice.explored, "reasons": choice.candidate.reasons,
        }
        for position, choice in enumerate(made.slate, start=1)
    ]  # fmt: skip
    properties = {
        "decision_id": decision.decision_id, "placement": decision.placement,
        "context": _logged_context(asked.context), "policy": msgspec.to_builtins(decision.policy),
        "candidate_count": len(made.candidates),
        "candidates": [{**_named(c), "score": round(c.score, 6)} for c in best],
        "chosen": chosen, "guardrails": msgspec.to_builtins(decision.guardrails), "personal": decision.personal,
    }  # fmt: skip
    if identifier is not None:
        with suppress(InvalidFact):  # a value that identifies nobody, such as "guest"
            return own_fact(
                workspace, name=DECISION_MADE, id=decision.decision_id, occurred_at=now, received_at=now,
                properties=properties, **people.naming(identifier),
            )  # fmt: skip
    return _about_nobody(workspace, decision.decision_id, properties, now)


def _logged_context(context: dict[str, Any]) -> dict[str, Any]:
    """Plain values only, so that a fact stays small whatever a client sends along."""
    return {
        key[:100]: value[:500] if isinstance(value, str) else value
        for key, value in list(context.items())[:50]
        if isinstance(value, str | int | float | bool)
    }


def _about_nobody(workspace: WorkspaceId, decision_id: str, properties: dict[str, Any], now: int) -> LogRow:
    """A decision for a visitor without any identifier: in the log, but in nobody's record."""
    strand = key_of(workspace, Identifier("rapport", "nobody"))
    fact = Fact(id=decision_id, type="track", name=DECISION_MADE, properties=properties)
    return LogRow(workspace, OWN_SOURCE, decision_id, strand, bucket_of(strand), now, now, encode_fact(fact))
