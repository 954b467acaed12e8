"""What the Golden Record shows of consent: what the gate rests on, and nothing beside it."""

from __future__ import annotations

from rapport.remember.registry import Trait

__all__ = ["TRAITS"]

TRAITS: tuple[Trait, ...] = (
    Trait(name="consent", title="Consent", type="object", certain=True,
          rule="What the person has said of each purpose of their policy, the strictest of what their identifiers "
               "hold."),
)  # fmt: skip
