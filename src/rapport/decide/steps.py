"""The steps before the choice, joined over all slices: candidates → eligibility → scores."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from math import isfinite
from typing import Any, NamedTuple, TypeVar

from rapport.decide.model import (
    Ask,
    Candidate,
    CandidateSource,
    EligibilityRule,
    Guardrail,
    ItemKind,
    Pin,
    Pinner,
    Placement,
    Score,
    Scorer,
)
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Connection

__all__ = ["MOST_CANDIDATES", "Eligible", "Steps"]

MOST_CANDIDATES = 500
"""Of one source, its best ones; the look-ups of rules and scorers stay as bounded."""

_logger = logging.getLogger(__name__)

Step = TypeVar("Step", EligibilityRule, Scorer, Pinner)


class Eligible(NamedTuple):
    """Who may be shown, and whom the rules took away."""

    candidates: list[Candidate]
    guardrails: list[Guardrail]


class Steps:
    """What all slices bring to decisions. Immutable.

    Raises ValueError where a placement shows items of a kind that no slice brings, or a source offers for a placement
    that no slice brings.
    """

    def __init__(
        self,
        placements: Mapping[str, Placement],
        *,
        kinds: Mapping[str, ItemKind],
        sources: Iterable[CandidateSource],
        rules: Iterable[EligibilityRule],
        scorers: Iterable[Scorer],
        pinners: Iterable[Pinner] = (),
    ) -> None:
        self.placements = placements
        self._kinds = kinds
        self.kinds = frozenset(kinds)
        self._sources = tuple(sources)
        self._rules = tuple(sorted(rules, key=lambda rule: rule.order))
        self._scorers = tuple(sorted(scorers, key=lambda scorer: scorer.order))
        self._pinners = tuple(sorted(pinners, key=lambda pinner: pinner.order))
        for placement in placements.values():
            if placement.kind not in kinds:
                raise ValueError(f"the placement {placement.name!r} shows {placement.kind!r}, a kind no slice brings")
        for source in self._sources:
            missing = sorted(set(source.placements) - set(placements))
            if missing:
                raise ValueError(f"the candidates {source.name!r} are for the placement {missing[0]!r}, which is none")

    def candidates(self, conn: Connection, ask: Ask) -> list[Candidate]:
        """What all sources of the placement offer, each item once.

        An item that several offer has the highest score of them, and the reasons of all.
        """
        found: dict[str, Candidate] = {}
        for source in self._sources:
            if ask.placement in source.placements:
                for candidate in _bounded(source.find(conn, ask)):
                    if candidate.kind != ask.kind:
                        raise ValueError(f"the source {source.name!r} offers a {candidate.kind!r}, not a {ask.kind!r}")
                    known = found.get(candidate.item_id)
                    found[candidate.item_id] = candidate if known is None else _both(known, candidate)
        return list(found.values())

    def eligible(self, conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> Eligible:
        """Those that no rule bars. A rule that fails bars all that are left, and its guardrail says so."""
        left, guardrails = list(candidates), []
        with _apart(conn) as savepoint:  # one for all: after a rule that fails, nothing is left to ask of others
            for rule in _applying(self._rules, ask):
                failed = ""
                try:
                    barred = rule.barred(conn, ask, tuple(left)) if left else frozenset()
                    passed = [candidate for candidate in left if candidate.item_id not in barred]
                except Exception as error:  # what is not known to be allowed is not shown
                    _logger.exception("the eligibility rule %s failed", rule.name)
                    passed, failed = [], type(error).__name__
                    if savepoint is not None:
                        savepoint.rollback()
                removed = len(left) - len(passed)
                guardrails.append(Guardrail(name=rule.name, removed=removed, title=rule.title, failed=failed))
                left = passed
        return Eligible(left, guardrails)

    def scored(self, conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The same candidates as the scorers rate them. One that fails leaves all scores as they are."""
        rated = list(candidates)
        for scorer in _applying(self._scorers, ask) if rated else ():
            try:
                with _apart(conn):
                    scores = scorer.rate(conn, ask, tuple(rated))
                rated = [_rated(candidate, scores.get(candidate.item_id)) for candidate in rated]
            except Exception:
                _logger.exception("the scorer %s failed", scorer.name)
        return rated

    def pins(self, conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> dict[str, Pin]:
        """Which of the candidates have a place before any is chosen, by id; no two of them the same one."""
        found: dict[str, Pin] = {}
        taken: set[int] = set()
        ids = {candidate.item_id for candidate in candidates}
        for pinner in _applying(self._pinners, ask) if ids else ():
            try:
                with _apart(conn):
                    wanted = pinner.pins(conn, ask, tuple(candidates))
            except Exception:
                _logger.exception("the pinner %s failed", pinner.name)
                continue
            for item_id, pin in sorted(wanted.items(), key=lambda one: (one[1].position, one[0])):
                place = next(n for n in range(max(1, pin.position), max(1, pin.position) + len(taken) + 1)
                             if n not in taken)  # fmt: skip
                if item_id in ids and item_id not in found and place <= ask.limit:
                    found[item_id] = Pin(position=place, reason=pin.reason)
                    taken.add(place)
        return found

    def details(
        self, conn: Connection, workspace: WorkspaceId, kind: str, item_ids: Sequence[str],
        context: Mapping[str, Any] | None = None, *, now: int = 0,
    ) -> Mapping[str, Mapping[str, Any]]:  # fmt: skip
        """How these items look when shown, by id; prices are those of the context's market and currency at `now`."""
        return self._kinds[kind].details(conn, workspace, item_ids, context or {}, now) if item_ids else {}

    def names(self, conn: Connection, workspace: WorkspaceId, items: Iterable[tuple[str, str]]) -> dict[str, str]:
        """What the items, each given as (kind, id), are called, by id; those are missing that nobody here knows."""
        by_kind: dict[str, list[str]] = {}
        for kind, item_id in items:
            if kind in self._kinds:
                by_kind.setdefault(kind, []).append(item_id)
        return {
            item_id: str(shown["name"])
            for kind, item_ids in by_kind.items()
            for item_id, shown in self.details(conn, workspace, kind, item_ids).items()
            if shown.get("name")
        }


def _apart(conn: Connection) -> AbstractContextManager[Any]:
    """On PostgreSQL a failed query would end the whole transaction; on SQLite it ends nothing, and two statements less
    are a tenth of a decision.
    """
    return conn.begin_nested() if conn.dialect.name == "postgresql" else nullcontext()


def _applying(steps: Iterable[Step], ask: Ask) -> list[Step]:
    return [
        step for step in steps
        if (not step.kinds or ask.kind in step.kinds) and (not step.placements or ask.placement in step.placements)
    ]  # fmt: skip


def _bounded(found: Sequence[Candidate]) -> Sequence[Candidate]:
    if len(found) <= MOST_CANDIDATES:
        return found
    return sorted(found, key=lambda c: (-c.score, c.item_id))[:MOST_CANDIDATES]


def _both(one: Candidate, other: Candidate) -> Candidate:
    better, worse = (one, other) if one.score >= other.score else (other, one)
    return Candidate(
        kind=better.kind, item_id=better.item_id, score=better.score,
        reasons=list(dict.fromkeys([*better.reasons, *worse.reasons])),
    )  # fmt: skip


def _rated(candidate: Candidate, score: Score | None) -> Candidate:
    if score is None:
        return candidate
    if not isfinite(score.score):
        raise ValueError(f"{score.score} is no score for {candidate.item_id!r}")
    reasons = [*score.reasons, *candidate.reasons]
    return Candidate(
        kind=candidate.kind, item_id=candidate.item_id, score=score.score, reasons=reasons,
        worth=candidate.worth if score.worth is None else score.worth,
    )  # fmt: skip
