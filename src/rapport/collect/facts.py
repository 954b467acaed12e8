"""The kinds of facts that every client states: what was looked at."""

from __future__ import annotations

from rapport.kernel.facts import Fact
from rapport.kernel.wording import FactKind, short

__all__ = ["FACT_KINDS"]


def _page(fact: Fact) -> str:
    properties, page = fact.properties, fact.context.get("page")
    places = [fact.title, properties.get("title"), properties.get("path"), properties.get("url")]
    if isinstance(page, dict):
        places += [page.get("title"), page.get("path"), page.get("url")]
    return next((short(place, 100) for place in places if isinstance(place, str) and place.strip()), "")


FACT_KINDS = (
    FactKind(
        name="Page Viewed", meaning="a page of a site was opened", icon="globe", tell=_page,
        properties={"title": "what it is called", "path": "where it is", "url": "its whole address"},
    ),
    FactKind(
        name="Screen Viewed", meaning="a screen of an app was opened", icon="device", tell=_page,
        properties={"title": "what it is called"},
    ),
)  # fmt: skip
