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
from rapport.kernel.language import gettext, noted
from rapport.measure.model import Question

__all__ = ["Found", "roots_in"]

_CAME = {
    "viewed": noted("viewed a product"), "added": noted("put one into the cart"),
    "checkout": noted("began to check out"), "ordered": noted("ordered"),
}  # fmt: skip
_LEFT = {
    "viewed": noted("viewed a product, and came no further"),
    "added": noted("put one into the cart, and came no further"),
    "checkout": noted("began to check out, and came no further"),
}


class Found(NamedTuple):
    """Customers by the roots of their identifiers, and what they have in common."""

    words: str
    roots: list[bytes]


def roots_in(conn: Connection, question: Question, insight: str, asked: Asked, given: Mapping[str, str]) -> Found:
    """Who is behind a number, as its link says. Raises InvalidInput where the insight does not tell who."""
    if insight == "journeys":
        source, target, left = given["of"], given["to"], given["left"] == "1"
        roots = roots_of(journeys(conn, question, asked), source=source, target=target, ended=left)
        return Found(_way(gettext(source), gettext(target), left=left), roots)
    if insight == "funnel" and given["step"] in STEPS:
        step, left, group = given["step"], given["left"] == "1", given["group"]
        query = who_came_to(conn, question, group, step=STEPS[step], left=left)
        words = gettext((left and _LEFT.get(step)) or _CAME[step]) + (f" ({group})" if group else "")
    elif insight == "products" and given["of"]:
        query = who_bought(conn, question, given["of"], currency=given["group"])
        words = gettext("ordered %(product)s (%(group)s)", product=given["of"], group=given["group"])
    elif insight in ("channels", "campaigns") and given["group"]:
        query = who_ordered(conn, question, given["group"])
        words = gettext("ordered by %(group)s", group=given["group"])
    else:
        raise InvalidInput("this number does not tell who is in it", hint="follow a link of the page")
    return Found(words, sorted(bytes(root) for root in conn.execute(query).scalars()))


def _way(source: str, target: str, *, left: bool) -> str:
    """From one kind of touchpoint to another, or to the end."""
    source = source or gettext("Any journey")
    if target:
        return gettext("%(one)s, then %(other)s", one=source, other=target)
    return gettext("%(one)s, and nothing after it", one=source) if left else source
