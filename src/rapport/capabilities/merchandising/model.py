"""A rule of merchandising, when it holds, what it is about, and which rules contradict each other. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from rapport.kernel.errors import InvalidInput
from rapport.kernel.moments import read_moment

__all__ = ["Action", "Conflict", "Rule", "Thing", "checked", "conflicts_of", "holds", "is_about"]

Action = Literal["pin", "boost", "bury", "exclude", "include"]
Word = Annotated[str, Meta(max_length=120)]

MOST_RULES = 300
"""Each is looked at by each decision."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What people want, where, of what, for whom and when."""

    name: Annotated[str, Meta(min_length=1, max_length=80)]
    """In the shop's words; unique."""
    action: Action
    """`pin` to a place, `boost` or `bury` in the order, `exclude`, or `include`: show only these there."""
    placements: Annotated[list[Word], Meta(max_length=30)] = []
    """Empty: all that show products."""
    products: Annotated[list[Annotated[str, Meta(min_length=1, max_length=120)]], Meta(max_length=200)] = []
    """Their ids. A pin puts the first at its position, the next behind it."""
    category: Word = ""
    brand: Word = ""
    """Whatever is of this category, or of this brand, is meant, too."""
    position: Annotated[int, Meta(ge=1, le=50)] = 1
    """Of a pin."""
    strength: Annotated[int, Meta(ge=1, le=100)] = 50
    """Of boost and bury: so many hundredths of the way from the worst candidate to the best."""
    segment: Annotated[str, Meta(max_length=200)] = ""
    """Only for customers in it."""
    since: Annotated[str, Meta(max_length=40)] = ""
    until: Annotated[str, Meta(max_length=40)] = ""
    """Moments with their offset from UTC; empty: always."""
    enabled: bool = True
    note: Annotated[str, Meta(max_length=500)] = ""


class Thing(NamedTuple):
    """What is known of a product that rules ask for."""

    product_id: str
    category: str
    brand: str


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """Two rules that cannot both be kept, and what happens."""

    rules: tuple[str, str]
    what: str


def checked(
    rules: Sequence[Rule], *, placements: Collection[str], segments: Collection[str], unchanged: Sequence[Rule] = ()
) -> list[Rule]:
    """The rules, if they can be; those that stay as they were may. Raises InvalidInput naming the rule."""
    if len(rules) > MOST_RULES:
        raise InvalidInput(f"{len(rules)} rules are more than {MOST_RULES}", hint="let rules end, or join some")
    names = [rule.name.casefold() for rule in rules]
    for rule in rules:
        said = "" if rule in unchanged else _wrong_with(rule, placements, segments)
        if names.count(rule.name.casefold()) > 1:
            said = "there are two of this name"
        if said:
            raise InvalidInput(f"the rule {rule.name[:60]!r}: {said}")
    return list(rules)


def _wrong_with(rule: Rule, placements: Collection[str], segments: Collection[str]) -> str:
    """What is wrong with a rule, in words; empty where nothing is."""
    unknown = [name for name in rule.placements if name not in placements]
    said = {"since": rule.since, "until": rule.until}
    unreadable = [name for name, moment in said.items() if moment and read_moment(moment) is None]
    is_pin = rule.action == "pin"
    faults = (
        (not rule.name.strip() or not rule.name.isprintable(), "its name says nothing"),
        (bool(unknown), f"there is no placement {''.join(unknown[:1])[:60]!r} that shows products"),
        (bool(rule.segment) and rule.segment not in segments, f"there is no segment {rule.segment[:60]!r}"),
        (not (rule.products or rule.category or rule.brand),
         "it is about nothing: name products, a category or a brand"),
        (is_pin and bool(rule.category or rule.brand or not rule.products), "a pin names products and nothing else"),
        (bool(unreadable), f"{''.join(unreadable[:1])} is no moment, such as 2026-11-27T10:00Z"),
        (not unreadable and _since(rule) >= _until(rule), "it ends before it begins"),
    )  # fmt: skip
    return next((words for is_so, words in faults if is_so), "")


def holds(rule: Rule, *, placement: str, segments: Collection[str], now: int) -> bool:
    """Whether a rule holds on a placement now, for somebody who is in these segments."""
    return (
        rule.enabled
        and (not rule.placements or placement in rule.placements)
        and (not rule.segment or rule.segment in segments)
        and _since(rule) <= now < _until(rule)
    )


def _since(rule: Rule) -> int:
    return (read_moment(rule.since) or 0) if rule.since else 0


def _until(rule: Rule) -> int:
    return (read_moment(rule.until) or 0) if rule.until else 2**62


def is_about(rule: Rule, thing: Thing) -> bool:
    """Whether a rule means this product.

    >>> is_about(Rule(name="reds", action="boost", category="Red wine"), Thing("1", "red wine", ""))
    True
    """
    return (
        thing.product_id in rule.products
        or (rule.category != "" and rule.category.casefold() == thing.category.casefold())
        or (rule.brand != "" and rule.brand.casefold() == thing.brand.casefold())
    )


def conflicts_of(rules: Iterable[Rule]) -> list[Conflict]:
    """Where rules contradict each other, at the same placement, at some time, for somebody.

    Two segments may share people, so rules for different segments are looked at, too. What a category or a brand
    holds is not looked at: those are compared by name.
    """
    living = [rule for rule in rules if rule.enabled]
    return [
        Conflict(rules=(one.name, other.name), what=what)
        for one, other in combinations(living, 2)
        if _meet(one, other)
        for what in _contradictions(one, other)
    ]


def _meet(one: Rule, other: Rule) -> bool:
    same_place = not one.placements or not other.placements or set(one.placements) & set(other.placements)
    return bool(same_place) and max(_since(one), _since(other)) < min(_until(one), _until(other))


def _contradictions(one: Rule, other: Rule) -> Iterator[str]:
    by = {one.action: one, other.action: other}
    shared = sorted(set(one.products) & set(other.products))
    same = shared or (one.category and one.category.casefold() == other.category.casefold()) or (
        one.brand and one.brand.casefold() == other.brand.casefold())  # fmt: skip
    what = shared[0] if shared else one.category or one.brand
    if one.action == other.action == "pin":
        if shared and _places(one)[shared[0]] != _places(other)[shared[0]]:
            yield f"{shared[0]} is pinned to two places: the first rule counts"
        elif not shared and set(_places(one).values()) & set(_places(other).values()):
            yield "both pin to one place: the first rule has it, the other the next free one"
    elif same and "exclude" in by:
        yield f"{what} is left out, so nothing else is done with it"
    elif same and {"boost", "bury"} == set(by):
        yield f"{what} is boosted and buried: the two are added up"
    if "include" in by and "pin" in by and not set(by["pin"].products) <= set(by["include"].products):
        yield "what is pinned is not among the only ones that are shown, unless by its category or brand"


def _places(rule: Rule) -> dict[str, int]:
    return {product: rule.position + number for number, product in enumerate(rule.products)}
