"""What questions bring: asked one at a time, answered as facts, known as a trait."""

from __future__ import annotations

from pathlib import Path

from rapport.capabilities.questions import store
from rapport.capabilities.questions.facts import FACT_KINDS
from rapport.capabilities.questions.settings import QUESTION_SETTINGS
from rapport.capabilities.questions.stage import stage
from rapport.capabilities.questions.traits import PARTS, TRAITS
from rapport.compose.holding import of_person, of_shop
from rapport.compose.slice import Slice
from rapport.web.permissions import Permission

__all__ = ["QUESTIONS"]

QUESTIONS = Slice(
    name="questions",
    title="Questions",
    facts=FACT_KINDS,
    stage=stage,
    parts=PARTS,
    traits=TRAITS,
    holds=(
        of_shop(store.questions, "what the shop asks"),
        of_person(store.question_answers, "when somebody answered a question, or would rather not", by=("key",)),
        of_shop(store.tallies, "how often each answer was given, by anybody"),
    ),
    migrations=Path(__file__).parent / "migrations",
    settings=QUESTION_SETTINGS,
    permissions=(
        Permission(name="questions:ask", words="ask customers questions and record their answers", roles=("agent",)),
        Permission(name="questions:write", words="write questions", roles=("marketer",)),
    ),
    web="rapport.capabilities.questions.web:WEB",
)
