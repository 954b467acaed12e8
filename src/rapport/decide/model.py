"""The nouns of a decision: placement, candidates, the chosen with their odds, guardrails. No I/O."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection

__all__ = ["Ask", "Candidate", "Choice", "Guardrail", "Offer", "OfferFunction", "Placement", "Policy", "PolicyName"]


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a placement."""

    workspace: WorkspaceId
    strands: tuple[Key, ...]
    """All strands of the customer; empty where nobody is named or the customer is new."""
    context: Mapping[str, Any]
    limit: int
    now: int


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """Something that may be shown, with its score and what speaks for it."""

    product_id: str
    score: float
    reasons: list[str]


class Guardrail(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that candidates had to pass, and how many it took away."""

    name: str
    removed: int


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a slice brings to a decision: eligible candidates, what was taken away, and how each looks when shown."""

    candidates: Sequence[Candidate]
    guardrails: Sequence[Guardrail]
    details: Mapping[str, Mapping[str, Any]]
    """By product id: name, price and so on, merged into the answer."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A place on the slate."""

    candidate: Candidate
    odds: float
    """The probability with which the policy puts this candidate at this place, given the places before it."""
    explored: bool
    """True where it was not the best one left."""


class PolicyName(msgspec.Struct, frozen=True, kw_only=True):
    """Which rule chose, so that it can be judged later on what was logged."""

    name: str
    version: str


class Policy(Protocol):
    """Chooses from candidates. Its chance comes in as `rng`, so a decision can be replayed."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def choose(self, candidates: Sequence[Candidate], *, limit: int, rng: random.Random) -> list[Choice]: ...


OfferFunction: TypeAlias = Callable[[Connection, Ask], Offer]


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """A place where something is shown: who offers candidates for it and which policy chooses."""

    name: str
    title: str
    description: str
    offer: OfferFunction
    policy: Policy
