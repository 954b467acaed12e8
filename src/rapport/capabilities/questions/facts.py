"""The facts of questions."""

from __future__ import annotations

from rapport.kernel.wording import FactKind, joined, short

__all__ = ["ANSWERED", "FACT_KINDS", "SKIPPED"]

ANSWERED, SKIPPED = "Profile Question Answered", "Profile Question Skipped"
_SAID = {"question": "which question", "purpose": "what the answer is used for", "language": "in which it was asked"}

FACT_KINDS = (
    FactKind(
        name=ANSWERED, meaning="somebody answered what the shop asked", stated_by="rapport",
        by_person=True, icon="check", tone="who",
        tell=lambda fact: joined(short(fact.properties.get("question")), short(fact.properties.get("answer"))),
        properties={
            **_SAID, "answer": "what they said", "reward": "what was promised for it",
            "first": "whether it is their first answer to it",
        },
    ),
    FactKind(
        name=SKIPPED, meaning="somebody would rather not answer", stated_by="rapport",
        by_person=True, icon="x", tone="who",
        tell=lambda fact: short(fact.properties.get("question")), properties=_SAID,
    ),
)  # fmt: skip
