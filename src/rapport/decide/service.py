"""Decide: candidates → eligibility → scores → exploration → slate, and the decision as a fact before it is answered."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection

from rapport.decide import people
from rapport.decide.asked import (
    CustomerNamed,
    Decision,
    DecisionAsked,
    Decisions,
    placements_asked,
    taken_of_context,
)
from rapport.decide.elsewhere import Elsewhere, Question
from rapport.decide.logged import Made, decision_fact, expected, named
from rapport.decide.model import PRODUCT, Ask, Candidate, Choice, Guardrail, Pin, Placement, PolicyName
from rapport.decide.policies import POOL
from rapport.decide.reasons import Reason, language_among, worded
from rapport.decide.steps import Steps
from rapport.decide.whom import FindCustomer, Whom, whom_of
from rapport.kernel.errors import NotFound
from rapport.kernel.gate import Gate
from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.storage.engine import Database
from rapport.storage.log import LogRow
from rapport.storage.workspaces import locale_of

__all__ = ["CustomerNamed", "Decider", "Decision", "DecisionAsked", "Decisions", "FindCustomer"]

Append = Callable[[Sequence[LogRow]], Awaitable[object]]

THREADS = 2
"""That decide at the same moment: more would only take the interpreter from each other, and from whoever answers."""

THREADS_WAITING = 8
"""Likewise where the database is another process, for which most of a decision waits."""

_EXPLORED = Reason({
    "en": "shown to learn how it does here", "de": "gezeigt, um zu lernen, wie es hier ankommt",
    "fr": "montré pour apprendre comment il est reçu ici", "es": "mostrado para saber qué acogida tiene aquí",
    "pt": "mostrado para saber como é recebido aqui", "id": "ditampilkan untuk mengetahui minat di sini",
    "th": "แสดงเพื่อเรียนรู้ว่าเป็นที่สนใจเพียงใด",
})  # fmt: skip


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
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self.placements = steps.placements
        self._steps = steps
        self._db = db
        self._append = append
        self._find_customer = find_customer
        self._gate = gate
        self._rng = rng or random.Random()
        self._elsewhere = elsewhere
        at_once = THREADS if db.dialect == "sqlite" else THREADS_WAITING
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="decide")

    async def decide(self, workspace: WorkspaceId, asked: DecisionAsked, *, now: int) -> Decision:
        """Decide for the one placement, log it durably, then answer. Raises NotFound, InvalidInput, Overloaded."""
        [decision] = (await self.decide_all(workspace, asked, now=now)).decisions
        return decision

    async def decide_all(
        self, workspace: WorkspaceId, asked: DecisionAsked, *, now: int, alone: bool = False
    ) -> Decisions:
        """Decide for each placement in turn, log them durably, then answer. Raises as `decide`."""
        made = None
        if self._elsewhere is not None:
            made = await self._elsewhere.decide(Question(workspace, asked, now, alone))
        if made is None:
            compute = partial(self.compute_all, workspace, asked, now=now, alone=alone)
            made = await asyncio.get_running_loop().run_in_executor(self._threads, compute)
        await self._append([row for _, row in made])
        return Decisions(decisions=[decision for decision, _ in made])

    def compute(
        self, workspace: WorkspaceId, asked: DecisionAsked, *, now: int, trial: Mapping[str, Any] | None = None
    ) -> tuple[Decision, LogRow]:
        """The decision for the one placement, and the fact that is to be logged. Reads only.

        With a `trial`, by slice, it is what would be decided if that held, and the best of it: nothing is explored.
        """
        [made] = self.compute_all(workspace, asked, now=now, trial=trial)
        return made

    def compute_all(
        self, workspace: WorkspaceId, asked: DecisionAsked, *, now: int, alone: bool = False,
        trial: Mapping[str, Any] | None = None,
    ) -> list[tuple[Decision, LogRow]]:  # fmt: skip
        """The decisions and their facts, all of one moment. Reads only."""
        placements = [self._placement(name) for name in placements_asked(asked)]
        context = taken_of_context(asked.context)
        shown: set[tuple[str, str]] = set()
        made = []
        with self._db.read() as conn:
            whom = whom_of(
                conn, workspace, asked, find=self._find_customer, gate=self._gate, now=now, alone=alone
            )  # fmt: skip
            language = self._language(conn, workspace, asked, context)
            for placement in placements:
                ask = Ask(
                    workspace=workspace, placement=placement.name, kind=placement.kind, strands=whom.strands,
                    context=context, limit=asked.limit, now=now, alone=alone, trial=trial or {}, db=self._db,
                    shown=frozenset(item for kind, item in shown if kind == placement.kind),
                )  # fmt: skip
                done = self._choose(conn, placement, ask)
                shown.update((choice.candidate.kind, choice.candidate.item_id) for choice in done.slate)
                decision = _decision(placement, done, whom, language)
                made.append((decision, decision_fact(workspace, decision, context, done, whom.identifier, now=now)))
        return made

    def strands_of(
        self, conn: Connection, workspace: WorkspaceId, named: CustomerNamed, *, now: int
    ) -> tuple[Key, ...] | None:
        """All strands of a customer; None where they do not allow personalisation. Raises InvalidInput, NotFound."""
        asked = DecisionAsked(customer=named)
        whom = whom_of(conn, workspace, asked, find=self._find_customer, gate=self._gate, now=now)
        return whom.strands if whom.permit.may else None

    def refuse_unknown(self, workspace: WorkspaceId, asked: DecisionAsked, *, now: int) -> None:
        """Raises NotFound where the customer or the product that is named is nobody's and nothing's: a slip of a pen.

        For people who try a placement; a shop asks for whom and what it likes, seen for the first time or not.
        """
        product = str(asked.context.get("product_id") or "")
        with self._db.read() as conn:
            if isinstance(asked.customer, CustomerNamed):
                whom = whom_of(conn, workspace, asked, find=self._find_customer, gate=self._gate, now=now)
                if not people.identifiers_by_key(conn, workspace, whom.strands):
                    # Not what was typed: it may be somebody's address.
                    raise NotFound(
                        f"nobody is known by this {(asked.customer.namespace or 'id').replace('_', ' ')}",
                        hint="an e-mail address, user id or customer id that was seen before; empty is a new visitor",
                    )
            is_asked = product and PRODUCT in self._steps.kinds
            if is_asked and not self._steps.details(conn, workspace, PRODUCT, [product]):
                raise NotFound(f"no product {product[:60]!r}", hint="its id as the shop tells it, such as a SKU")

    def _placement(self, name: str) -> Placement:
        placement = self.placements.get(name)
        if placement is None:
            raise NotFound(f"no placement {name!r}", hint=f"there are: {', '.join(sorted(self.placements))}")
        return placement

    def _language(
        self, conn: Connection, workspace: WorkspaceId, asked: DecisionAsked, context: Mapping[str, Any]
    ) -> str:
        wish = asked.language or str(context.get("language") or context.get("locale") or "")
        if not wish:
            wish = locale_of(conn, workspace)
        return language_among(wish)

    def _choose(self, conn: Connection, placement: Placement, ask: Ask) -> Made:
        """All steps, one after the other."""
        found, guardrails = self._steps.candidates(conn, ask), []
        if ask.shown:
            left = [candidate for candidate in found if candidate.item_id not in ask.shown]
            title = "Not shown elsewhere on the page"
            guardrails = [Guardrail(name="not_shown_elsewhere", title=title, removed=len(found) - len(left))]
            found = left
        eligible = self._steps.eligible(conn, ask, found)
        candidates = self._steps.scored(conn, ask, eligible.candidates)
        slate = self._slate(conn, placement, ask, candidates)
        chosen = [choice.candidate.item_id for choice in slate]
        details = self._steps.details(conn, ask.workspace, ask.kind, chosen, ask.context, now=ask.now)
        pool = getattr(placement.policy, "pool", POOL)
        return Made(candidates, [*guardrails, *eligible.guardrails], slate, details, pool)

    def _slate(self, conn: Connection, placement: Placement, ask: Ask, candidates: Sequence[Candidate]) -> list[Choice]:
        """The policy's choice around what people have pinned. Where something is tried, nothing is left to chance."""
        pins = self._steps.pins(conn, ask, candidates)
        rest = [candidate for candidate in candidates if candidate.item_id not in pins]
        rng = _STEADY if ask.trial else self._rng
        chosen = placement.policy.choose(rest, limit=ask.limit - len(pins), rng=rng)
        return _around(chosen, pins, {candidate.item_id: candidate for candidate in candidates})


class _Steady(random.Random):
    """Chance that never explores."""

    def random(self) -> float:
        return 1.0 - 2**-53


_STEADY = _Steady()


def _around(chosen: Sequence[Choice], pins: Mapping[str, Pin], known: Mapping[str, Candidate]) -> list[Choice]:
    """Pins at their places, the policy's choice in its order at the others; fewer choices bring pins forward."""
    slate: list[Choice] = []
    left = list(chosen)
    for item_id, pin in sorted(pins.items(), key=lambda one: one[1].position):
        before = pin.position - 1 - len(slate)
        slate += left[:before]
        left = left[before:]
        candidate = msgspec.structs.replace(known[item_id], reasons=[pin.reason, *known[item_id].reasons])
        slate.append(Choice(candidate=candidate, odds=1.0, explored=False, pinned=True))
    return slate + left


def _decision(placement: Placement, made: Made, whom: Whom, language: str) -> Decision:
    return Decision(
        decision_id=new_id("dec"),
        placement=placement.name,
        items=[_item(choice, made.details, position, language) for position, choice in enumerate(made.slate, start=1)],
        policy=PolicyName(name=placement.policy.name, version=placement.policy.version),
        guardrails=made.guardrails,
        personal=whom.permit.may,
        personal_reason=whom.permit.reason,
    )


def _item(choice: Choice, details: Mapping[str, Mapping[str, Any]], position: int, language: str) -> dict[str, Any]:
    candidate: Candidate = choice.candidate
    reasons = [*candidate.reasons, _EXPLORED] if choice.explored else candidate.reasons
    return {
        "position": position,
        **named(candidate),
        **details.get(candidate.item_id, {}),
        "score": round(candidate.score, 6),
        "odds": round(choice.odds, 6),
        **({} if candidate.worth is None else {"expected": expected(candidate.worth)}),
        "reasons": [worded(reason, language) for reason in reasons],
    }
