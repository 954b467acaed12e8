"""Opens the customers behind a number of an insight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from rapport.capabilities.insights.journey_map import roots_of
from rapport.capabilities.insights.service.asking import who_ordered
from rapport.capabilities.insights.service.funnel import STEPS, who_came_to
from rapport.capabilities.insights.service.journeys import Asked, journeys
from rapport.capabilities.insights.service.products import who_bought
from rapport.kernel.errors import InvalidInput
from rapport.measure.model import Question

__all__ = ["Found", "roots_in"]

STEP_WORDS = {
    "viewed": "viewed a product", "added": "put one into the cart", "checkout": "began to check out",
    "ordered": "ordered",
}  # fmt: skip


class Found(NamedTuple):
    """Customers by the roots of their identifiers, and what they have in common."""

    words: str
    roots: list[bytes]


def roots_in(conn: Connection, question: Question, insight: str, asked: Asked, given: Mapping[str, str]) -> Found:
    """Who is behind a number, as its link says. Raises InvalidInput where the insight does not tell who."""
    if insight == "journeys":
        source, target, left = given["of"], given["to"], given["left"] == "1"
        roots = roots_of(journeys(conn, question, asked), source=source, target=target, ended=left)
        onward = f", then {target}" if target else ", and nothing after it" if left else ""
        return Found(f"{source or 'Any journey'}{onward}", roots)
    if insight == "funnel" and given["step"] in STEPS:
        step, left, group = given["step"], given["left"] == "1", given["group"]
        query = who_came_to(conn, question, group, step=STEPS[step], left=left)
        words = f"{STEP_WORDS[step]}{', and came no further' if left else ''}{f' ({group})' if group else ''}"
    elif insight == "products" and given["of"]:
        query = who_bought(conn, question, given["of"], currency=given["group"])
        words = f"ordered {given['of']} ({given['group']})"
    elif insight in ("channels", "campaigns") and given["group"]:
        query, words = who_ordered(conn, question, given["group"]), f"ordered by {given['group']}"
    else:
        raise InvalidInput("this number does not tell who is in it", hint="follow a link of the page")
    return Found(words, sorted(bytes(root) for root in conn.execute(query).scalars()))
