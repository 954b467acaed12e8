"""Two records in plain words: what agrees, what speaks against one person, and whether they seem to live together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.ids import WorkspaceId
from rapport.kernel.person_names import may_be_one, person_name
from rapport.resolve.linking.households import household_key
from rapport.resolve.linking.kinds import words
from rapport.resolve.linking.model import probability
from rapport.resolve.linking.store import DECIDED, CandidateStatus, link_candidates

__all__ = ["Learned", "against", "agreeing", "learned_from", "together"]

_HERE = WorkspaceId(0)

_CALLED = {
    "birthday": "date of birth", "email": "e-mail", "name": "name", "postcode": "postcode", "loyalty_card": "card",
}  # fmt: skip


class Learned(NamedTuple):
    """What people's decisions say of a model."""

    pairs: int
    one_person: int
    expected: float
    """How many the model had expected to be one person, by the odds it found them with."""
    spread: float
    """The standard deviation of that number, were the odds right."""


def learned_from(conn: Connection, workspace: WorkspaceId) -> Learned:
    """What the latest 1,000 decisions say of the models that found the pairs."""
    c = link_candidates.c
    query = sa.select(c.status, c.millibits).where(c.workspace == workspace, c.status.in_(DECIDED))
    rows = conn.execute(query.order_by(c.at.desc(), c.id).limit(1_000)).all()
    chances = [probability(row.millibits / 1000) for row in rows]
    return Learned(
        len(rows), sum(row.status == CandidateStatus.ACCEPTED for row in rows), sum(chances),
        math.sqrt(sum(chance * (1 - chance) for chance in chances)),
    )  # fmt: skip


def agreeing(fields: Iterable[tuple[str, str, str, float]]) -> list[str]:
    """What both have in common; of each aspect its name, both texts, and its weight in bits.

    >>> agreeing([("phone", "+44 1", "+44 1", 9.0), ("name", "Ada King", "Ada Kng", 4.0), ("city", "York", "Hull", -2)])
    ['the same phone', 'a similar name']
    """
    return [
        f"{'the same' if _alike(left, right) else 'a similar'} {_called(aspect)}"
        for aspect, left, right, weight in fields
        if left and right and weight > 0
    ]


def against(
    fields: Iterable[tuple[str, str, str, float]], left: Mapping[str, str], right: Mapping[str, str]
) -> list[str]:
    """What speaks against one person; two given names or dates of birth come first.

    >>> against([("phone", "+44 1", "+44 2", -1.0)], {"name": "Ada King"}, {"name": "Bo King"})
    ['two names or dates of birth', 'another phone']
    """
    one, other = person_name(left), person_name(right)
    found = ["two names or dates of birth"] if one and other and not may_be_one(one, other) else []
    return found + [f"another {_called(aspect)}" for aspect, a, b, weight in fields if a and b and weight < 0]


def together(left: Mapping[str, str], right: Mapping[str, str]) -> bool:
    """Whether both have one surname and one address, as a family has."""
    home = household_key(_HERE, left)
    return home is not None and home == household_key(_HERE, right)


def _called(aspect: str) -> str:
    return _CALLED.get(aspect, aspect.replace("_", " "))


def _alike(left: str, right: str) -> bool:
    return sorted(words(left)) == sorted(words(right))
