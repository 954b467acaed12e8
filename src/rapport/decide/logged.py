"""The fact of a decision: all that is needed to judge another policy on it, or to explain it to the customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from rapport.collect.own import own_fact
from rapport.decide import people
from rapport.decide.asked import Decision
from rapport.decide.facts import DECISION_MADE
from rapport.decide.model import PRODUCT, Candidate, Choice, Guardrail, Worth
from rapport.decide.policies import POOL
from rapport.kernel.errors import InvalidFact
from rapport.kernel.facts import OWN_SOURCE, Fact, encode_fact
from rapport.kernel.identifiers import Identifier, bucket_of, key_of
from rapport.kernel.ids import WorkspaceId
from rapport.storage.log import LogRow

__all__ = ["Made", "decision_fact", "expected", "named"]

LOGGED_CANDIDATES = 20
"""Candidates kept in the fact with their scores, the best ones. Of all that the policy could choose from, the ids."""


class Made(NamedTuple):
    """What became of the steps of a decision."""

    candidates: Sequence[Candidate]
    """The eligible ones, as they are rated."""
    guardrails: list[Guardrail]
    slate: Sequence[Choice]
    details: Mapping[str, Mapping[str, Any]]
    pool: int = POOL
    """So many of the best the policy chooses from."""


def named(candidate: Candidate) -> dict[str, str]:
    """How answers and facts name what was chosen; a product as it has always been, too."""
    name = {"kind": candidate.kind, "item_id": candidate.item_id}
    return {"product_id": candidate.item_id, **name} if candidate.kind == PRODUCT else name


def expected(worth: Worth) -> dict[str, Any]:
    """What an item is expected to bring, as answers and facts tell it: probabilities and minor units, rounded."""
    told: dict[str, Any] = msgspec.to_builtins(worth)
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in told.items()}


def decision_fact(
    workspace: WorkspaceId,
    decision: Decision,
    context: Mapping[str, Any],
    made: Made,
    identifier: Identifier | None,
    *,
    now: int,
) -> LogRow:
    """`Decision Made`, on the strand of whom it is about; a visitor without any identifier is in nobody's record."""
    best = sorted(made.candidates, key=lambda c: -c.score)[:LOGGED_CANDIDATES]
    chosen = [
        {
            **named(choice.candidate), "position": position, "score": round(choice.candidate.score, 6),
            "odds": round(choice.odds, 6), "explored": choice.explored,
            "reasons": [str(reason) for reason in choice.candidate.reasons],
            **({"pinned": True} if choice.pinned else {}),
        }
        for position, choice in enumerate(made.slate, start=1)
    ]  # fmt: skip
    properties = {
        "decision_id": decision.decision_id, "placement": decision.placement,
        "context": dict(context), "policy": msgspec.to_builtins(decision.policy),
        "candidate_count": len(made.candidates),
        "candidates": [{**named(c), "score": round(c.score, 6)} for c in best],
        "pool": _pool(made), "chosen": chosen, "guardrails": msgspec.to_builtins(decision.guardrails),
        "personal": decision.personal,
    }  # fmt: skip
    if identifier is not None:
        with suppress(InvalidFact):  # a value that identifies nobody, such as "guest"
            return own_fact(
                workspace, name=DECISION_MADE, id=decision.decision_id, occurred_at=now, received_at=now,
                properties=properties, **people.naming(identifier),
            )  # fmt: skip
    strand = key_of(workspace, Identifier("rapport", "nobody"))
    fact = Fact(id=decision.decision_id, type="track", name=DECISION_MADE, properties=properties)
    body = encode_fact(fact)
    return LogRow(workspace, OWN_SOURCE, decision.decision_id, strand, bucket_of(strand), now, now, body)


def _pool(made: Made) -> list[str]:
    """What the policy could choose from, the best first: scores alone, rounded, would not tell it."""
    pinned = {choice.candidate.item_id for choice in made.slate if choice.pinned}
    ranked = sorted((c for c in made.candidates if c.item_id not in pinned), key=lambda c: (-c.score, c.item_id))
    return [one.item_id for one in ranked[: max(made.pool, len(made.slate) - len(pinned))]]
