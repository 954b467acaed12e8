"""The kind of fact that deciding states."""

from __future__ import annotations

from rapport.kernel.facts import Fact
from rapport.kernel.language import gettext
from rapport.kernel.wording import FactKind, joined, short

__all__ = ["DECISION_MADE", "FACT_KINDS"]

DECISION_MADE = "Decision Made"


def _decided(fact: Fact) -> str:
    chosen = fact.properties.get("chosen") or fact.properties.get("items")
    number = len(chosen) if isinstance(chosen, list) else 0
    return joined(short(fact.properties.get("placement")), gettext("%(number)s shown", number=number) if number else "")


FACT_KINDS = (
    FactKind(
        name=DECISION_MADE, meaning="a placement was decided", stated_by="rapport", icon="spark", tone="own",
        topic="visits", tell=_decided,
        properties={
            "decision_id": "which decision", "placement": "where", "context": "what the asker said",
            "policy": "what decided, with its version", "candidates": "what could have been chosen",
            "pool": "of those, what the policy chose from, the best first",
            "chosen": "what was, with score, odds and reasons", "guardrails": "what was left out, and why",
        },
    ),
)  # fmt: skip
