"""The rules in decisions: what is offered, left out, moved and pinned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from threading import local

from rapport.capabilities.catalog import find_groups
from rapport.capabilities.merchandising import store
from rapport.capabilities.merchandising.model import Rule, holds
from rapport.decide.model import PRODUCT, Ask, Candidate, Pin, Score
from rapport.decide.people import roots_of
from rapport.decide.reasons import Reason
from rapport.kernel.work import Connection
from rapport.remember.membership import names_by_root

__all__ = ["TRIED", "boosted", "excluded", "meant", "not_included", "offered", "pinned"]

TRIED = "merchandising"
"""Under this name a decision is given rules that are tried (`Ask.trial`)."""

_WANTED = Reason({
    "en": "put forward by the shop", "de": "vom Geschäft hervorgehoben", "fr": "mis en avant par la boutique",
    "es": "destacado por la tienda", "pt": "destacado pela loja", "id": "diunggulkan oleh toko", "th": "ร้านแนะนำ",
})  # fmt: skip
_NO_SORT = ("", "relevance", "none", None)


def offered(conn: Connection, ask: Ask) -> list[Candidate]:
    """Products that a pin or a boost names, for places that suggest something: they need not be found otherwise."""
    named = (rule.products for rule in _holding(conn, ask) if rule.action in ("pin", "boost"))
    ids = dict.fromkeys(product for products in named for product in products)
    return [Candidate(kind=PRODUCT, item_id=one, score=0.0, reasons=[]) for one in ids]


def excluded(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> set[str]:
    """What a rule leaves out."""
    return set(_about(conn, ask, [rule for rule in _holding(conn, ask) if rule.action == "exclude"], candidates))


def not_included(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> set[str]:
    """Where rules say what alone is shown: everything else."""
    rules = [rule for rule in _holding(conn, ask) if rule.action == "include"]
    if not rules:
        return set()
    return {candidate.item_id for candidate in candidates} - _about(conn, ask, rules, candidates).keys()


def boosted(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> dict[str, Score]:
    """Scores moved up and down by a part of what lies between the worst and the best; several rules add up."""
    rules = [rule for rule in _holding(conn, ask) if rule.action in ("boost", "bury")]
    if not rules:
        return {}
    scores = {candidate.item_id: candidate.score for candidate in candidates}
    spread = max(scores.values()) - min(scores.values()) or 1.0
    found: dict[str, Score] = {}
    for product_id, meant in _about(conn, ask, rules, candidates).items():
        moved = sum(rule.strength if rule.action == "boost" else -rule.strength for rule in meant)
        reasons: list[str] = [_WANTED] if moved > 0 else []
        found[product_id] = Score(score=scores[product_id] + spread * moved / 100, reasons=reasons)
    return found


def pinned(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> dict[str, Pin]:
    """The places of what is pinned and may be shown; none where the shopper has chosen a sort of their own."""
    if ask.context.get("sort") not in _NO_SORT:
        return {}
    ids = {candidate.item_id for candidate in candidates}
    found: dict[str, Pin] = {}
    taken: set[int] = set()
    for rule in _holding(conn, ask):
        here = [product for product in rule.products if product in ids and product not in found]
        for number, product in enumerate(here if rule.action == "pin" else ()):
            place = rule.position + number
            while place in taken:
                place += 1
            taken.add(place)
            found[product] = Pin(position=place, reason=_WANTED)
    return found


class _Last(local):
    """The decision that this thread is making, with what holds in it: five steps ask for the same."""

    ask: Ask | None = None
    rules: Sequence[Rule] = ()


_last = _Last()


def _holding(conn: Connection, ask: Ask) -> Sequence[Rule]:
    if _last.ask is not ask:
        _last.rules = _read_holding(conn, ask)
        _last.ask = ask
    return _last.rules


def _read_holding(conn: Connection, ask: Ask) -> list[Rule]:
    """The rules that hold here, for this customer, now; those that are tried in place of those in force."""
    tried = ask.trial.get(TRIED)
    if tried is None:
        version, body = store.current(conn, ask.workspace)
        rules: Iterable[Rule] = _decoded(ask.workspace, version, body)
    else:
        rules = tried
    some = [rule for rule in rules if rule.enabled]
    segments = _segments(conn, ask) if any(rule.segment for rule in some) else ()
    return [rule for rule in some if holds(rule, placement=ask.placement, segments=segments, now=ask.now)]


@lru_cache(maxsize=64)
def _decoded(workspace: int, version: int, body: bytes) -> tuple[Rule, ...]:
    return tuple(store.bodies.decode(body))


def _segments(conn: Connection, ask: Ask) -> set[str]:
    """In which segments they are; none of a browser that nobody vouches for: a segment is of the whole customer."""
    if ask.alone or not ask.strands:
        return set()
    roots = set(roots_of(conn, ask.workspace, ask.strands[:1]).values())
    return {name for names in names_by_root(conn, ask.workspace, roots).values() for name in names}


def _about(
    conn: Connection, ask: Ask, rules: Sequence[Rule], candidates: Sequence[Candidate]
) -> dict[str, list[Rule]]:  # fmt: skip
    """Which of the rules mean each candidate, by id. Category and brand are read where a rule asks for one."""
    if not rules:
        return {}
    ids = [candidate.item_id for candidate in candidates]
    is_grouped = any(rule.category or rule.brand for rule in rules)
    return meant(rules, ids, find_groups(conn, ask.workspace, ids) if is_grouped else {})


def meant(rules: Sequence[Rule], product_ids: Sequence[str], groups: Groups) -> dict[str, list[Rule]]:
    """By product the rules that mean it, as `model.is_about` says; whom none means is missing.

    What a rule names is looked up, so that three hundred rules cost sixty candidates no eighteen thousand questions.
    """
    products, categories, brands = _named(rules)
    found: dict[str, list[Rule]] = {}
    for product_id in product_ids:
        several = list(products.get(product_id, ()))
        if groups:
            category, brand = groups.get(product_id, _NO_GROUP)
            several += categories.get(category.casefold(), ()) if category else ()
            several += brands.get(brand.casefold(), ()) if brand else ()
        if several:
            found[product_id] = list({id(rule): rule for rule in several}.values())
    return found


Groups = Mapping[str, tuple[str | None, str | None]]
"""Category and brand by product."""
_NO_GROUP = (None, None)
_Named = dict[str, list[Rule]]


def _named(rules: Sequence[Rule]) -> tuple[_Named, _Named, _Named]:
    """The rules by the products, categories and brands that they name."""
    products: _Named = {}
    categories: _Named = {}
    brands: _Named = {}
    for rule in rules:
        for product_id in rule.products:
            products.setdefault(product_id, []).append(rule)
        if rule.category:
            categories.setdefault(rule.category.casefold(), []).append(rule)
        if rule.brand:
            brands.setdefault(rule.brand.casefold(), []).append(rule)
    return products, categories, brands
