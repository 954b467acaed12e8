"""Candidates from what was learnt of whole visits, for the visit that is running."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo

from rapport.capabilities.recommendations.models import folder_of
from rapport.capabilities.recommendations.serving import Next, ReadMask, serving_of
from rapport.capabilities.recommendations.surroundings import surroundings_of
from rapport.capabilities.recommendations.wording import WORDS
from rapport.decide.model import PRODUCT, Ask, Candidate
from rapport.decide.reasons import Reason

__all__ = ["OFFERED", "learned_candidates"]

OFFERED = 60
"""Of one visit; the rules look at each of them."""


def learned_candidates(
    ask: Ask,
    session: Sequence[str],
    *,
    place: object,
    mask: ReadMask,
    name_of: Callable[[str], str],
    zone: Callable[[], tzinfo],
) -> list[Candidate]:
    """What comes next after these products, by the shop's own model; none where it has none or knows none of them."""
    if ask.db is None or ask.db.folder is None or not session:
        return []
    found = serving_of(folder_of(ask.db.folder, ask.workspace)).next(
        session, limit=OFFERED, place=place, mask=mask, around=lambda: surroundings_of(ask.now, zone(), ask.context)
    )
    page = ask.context.get("product_id") == session[-1]
    last = "" if page or not found else name_of(session[-1])
    return [
        Candidate(kind=PRODUCT, item_id=one.product_id, score=one.share, reasons=[_why(one, last)]) for one in found
    ]


def _why(found: Next, last: str) -> Reason:
    words = _WORDS[found.why][1 if last else 0]
    return Reason(words, name=last) if last else Reason(words)


_WORDS = {
    **{why: (WORDS[f"{why}_here"], WORDS[why]) for why in ("follows", "around", "near")},
    "neighbours": (WORDS["neighbours"], WORDS["neighbours"]),
    "popular": (WORDS["shop"], WORDS["shop"]),
}
"""Beside the product on the page, then after another one by name."""
