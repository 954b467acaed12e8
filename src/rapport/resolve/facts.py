"""The kinds of facts about who somebody is, stated by clients, and about what became of customers, by Rapport."""

from __future__ import annotations

from rapport.kernel.facts import Fact
from rapport.kernel.wording import FactKind, joined, short

__all__ = ["FACT_KINDS", "MERGED", "SPLIT"]

MERGED = "Customer Merged"
SPLIT = "Customer Split"


def _identified(fact: Fact) -> str:
    context = fact.context.get("traits")
    traits = {**(context if isinstance(context, dict) else {}), **fact.traits}
    names = [short(traits.get(key)) for key in ("name", "firstName", "first_name", "email", "phone")]
    return joined(*[name for name in names if name][:2]) or (f"as {short(fact.user_id)}" if fact.user_id else "")


FACT_KINDS = (
    FactKind(
        name="Identified", meaning="somebody said who they are; the traits say what the shop knows of them",
        icon="person", tone="who", tell=_identified,
    ),
    FactKind(
        name="Aliased", meaning="two ids of one person were named together", icon="merge", tone="who",
        properties={"previousId": "the other id, beside `userId` or `anonymousId`"},
    ),
    FactKind(name="Group Joined", meaning="a person belongs to a group, such as a company", icon="people", tone="who"),
    FactKind(
        name=MERGED, meaning="two people became one", stated_by="rapport", icon="merge", tone="who",
        tell=lambda _: "two records became one",
        properties={"customer_id": "who is left", "merged_customer_id": "who is not", "cause": "why"},
    ),
    FactKind(
        name=SPLIT, meaning="one person was taken apart", stated_by="rapport", icon="link", tone="who",
        tell=lambda _: "one record became two",
        properties={"customer_id": "who is new", "split_from_customer_id": "from whom", "cause": "why"},
    ),
)  # fmt: skip
