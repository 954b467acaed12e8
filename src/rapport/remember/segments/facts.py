"""The facts that somebody came into a segment, or is in it no more."""

from __future__ import annotations

from rapport.kernel.facts import Fact
from rapport.kernel.wording import FactKind, short

__all__ = ["ENTERED", "FACT_KINDS", "LEFT"]

ENTERED, LEFT = "Segment Entered", "Segment Left"


def _named(fact: Fact) -> str:
    return short(fact.properties.get("segment"))


_PROPERTIES = {
    "segment": "the segment's name", "customer_id": "who",
    "cause": "`fact`, `clock` (only time has passed), or `edited` (the condition is another)",
}  # fmt: skip

FACT_KINDS = (
    FactKind(
        name=ENTERED, meaning="somebody fulfils a segment's condition now", stated_by="rapport", icon="people",
        tell=_named, properties=_PROPERTIES,
    ),
    FactKind(
        name=LEFT, meaning="somebody fulfils a segment's condition no more", stated_by="rapport", icon="people",
        tell=_named, properties=_PROPERTIES,
    ),
)  # fmt: skip
