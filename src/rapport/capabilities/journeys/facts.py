"""The facts of journeys: who came into one, who left it and how, what was asked and answered, what is to be done."""

from __future__ import annotations

from rapport.kernel.facts import Fact
from rapport.kernel.language import gettext, noted
from rapport.kernel.wording import FactKind, joined, short

__all__ = ["ANSWERED", "ASKED", "ENTERED", "FACT_KINDS", "LEFT", "TASK_DONE", "TASK_GIVEN"]

ENTERED = "Journey Entered"
LEFT = "Journey Left"
ASKED = "Question Asked"
ANSWERED = "Question Answered"
TASK_GIVEN = "Task Given"
TASK_DONE = "Task Done"

_OUTCOMES = {
    "goal": noted("with what it is for"), "end": noted("at its end"), "merged": noted("they are in it once already"),
    "failed": noted("a step failed"), "removed": noted("the journey was removed"),
}  # fmt: skip


def _entered(fact: Fact) -> str:
    arm = gettext("as one of those who get nothing, to compare") if fact.properties.get("arm") == "control" else ""
    return joined(short(fact.properties.get("title"), 60), short(fact.properties.get("subject"), 40), arm)


def _left(fact: Fact) -> str:
    outcome = gettext(_OUTCOMES.get(str(fact.properties.get("outcome")), ""))
    return joined(short(fact.properties.get("title"), 60), outcome, short(fact.properties.get("reason"), 80))


def _question(fact: Fact) -> str:
    return joined(short(fact.properties.get("question"), 80), short(fact.properties.get("answer"), 60))


def _task(fact: Fact) -> str:
    return joined(short(fact.properties.get("title"), 80), short(fact.properties.get("by"), 40))


_OF_JOURNEY = {
    "journey": "which one", "version": "of it", "subject": "which cart, order or product it is about",
    "arm": "`journey`, or `control` for those who only enter",
    "outcome": "`goal`, `end`, `merged`, `failed` or `removed`", "reason": "why",
}  # fmt: skip
_OF_QUESTION = {
    "question": "what was asked",
    "trait": "under what the answer is remembered",
    "answer": "what they said",
}
_OF_TASK = {"title": "what is to be done", "task_id": "which one", "by": "who did it"}

FACT_KINDS = (
    FactKind(name=ENTERED, meaning="somebody came into a journey", stated_by="rapport", icon="pulse", tone="own",
             tell=_entered, properties=_OF_JOURNEY),
    FactKind(name=LEFT, meaning="somebody is in a journey no more", stated_by="rapport", icon="pulse", tone="own",
             tell=_left, properties=_OF_JOURNEY),
    FactKind(name=ASKED, meaning="a question was put to somebody", stated_by="rapport", icon="pulse", tone="own",
             tell=_question, properties=_OF_QUESTION),
    FactKind(name=ANSWERED, meaning="somebody answered a question", stated_by="rapport",
             by_person=True, icon="people", tone="who",
             tell=_question, properties=_OF_QUESTION),
    FactKind(name=TASK_GIVEN, meaning="somebody of the shop has something to do about a customer", stated_by="rapport",
             icon="pulse", tone="own", tell=_task, properties=_OF_TASK),
    FactKind(name=TASK_DONE, meaning="it is done", stated_by="rapport", icon="pulse", tone="own", tell=_task,
             properties=_OF_TASK),
)  # fmt: skip
