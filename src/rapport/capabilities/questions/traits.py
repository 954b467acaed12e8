"""What is remembered of answers: the latest to each question."""

from __future__ import annotations

from rapport.capabilities.questions.facts import ANSWERED
from rapport.kernel.facts import Fact
from rapport.kernel.mergeable import KeyedLatest, Stamp
from rapport.remember.inputs import ReadingSettings
from rapport.remember.registry import Part, Trait

__all__ = ["PARTS", "TRAITS"]


def _answer(fact: Fact, settings: ReadingSettings) -> list[tuple[str, object]] | None:
    question, answer = fact.properties.get("question"), fact.properties.get("answer")
    return [(question[:40], answer)] if isinstance(question, str) and answer is not None else None


def _answers(value: list[tuple[str, object, int]], stamp: Stamp, now: int) -> tuple[object, Stamp | None]:
    return {question: answer for question, answer, _ in sorted(value, key=lambda one: one[0])}, stamp


PARTS = (
    Part(
        name="answers", kind=KeyedLatest(limit=50), take=_answer, on=(ANSWERED,), own=True,
        reads=("properties.question", "properties.answer"),
    ),
)  # fmt: skip
TRAITS = (
    Trait(name="answers", title="Answers", type="object", part="answers", pick=_answers,
          rule="The latest answer to each question of the shop."),
)  # fmt: skip
