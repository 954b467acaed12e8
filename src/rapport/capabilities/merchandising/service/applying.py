"""The rules in decisions: what is offered, left out, moved and pinned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from threading import local
from typing import Any

from rapport.capabilities.catalog import find_products
from rapport.capabilities.merchandising import store
from rapport.capabilities.merchandising.model import Rule, Thing, holds, is_about
from rapport.decide.model import PRODUCT, Ask, Candidate, Pin, Score
from rapport.decide.people import roots_of
from rapport.decide.reasons import Reason
from rapport.kernel.work import Connection
from rapport.remember.membership import names_by_root

__all__ = ["TRIED", "boosted", "excluded", "not_included", "offered", "pinned"]

TRIED = "merchandising"
"""Under this name a decision is given rules that are tried (`Ask.trial`)."""

_WANTED = Reason({"en": "put forward by the shop", "de": "vom Geschäft hervorgehoben"})
_NO_SORT = ("", "relevance", "none", None)


def offered(conn: Connection, ask: Ask) -> list[Candidate]:
    """Products that a pin or a boost names, for places that suggest something: they need not be found otherwise."""
    named = (rule.products for rule in _holding(conn, ask) if rule.action in ("pin", "boost"))
    ids = dict.fromkeys(product for products in named for product in products)
    return [Candidate(kind=PRODUCT, item_id=one, score=0.0, reasons=[]) for one in ids]


def excluded(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> set[str]:
    """What a rule leaves out."""
    rules = [rule for rule in _holding(conn, ask) if rule.action == "exclude"]
    return {one.product_id for one in _things(conn, ask, rules, candidates) if any(is_about(r, one) for r in rules)}


def not_included(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> set[str]:
    """Where rules say what alone is shown: everything else."""
    rules = [rule for rule in _holding(conn, ask) if rule.action == "include"]
    if not rules:
        return set()
    things = _things(conn, ask, rules, candidates)
    return {one.product_id for one in things if not any(is_about(rule, one) for rule in rules)}


def boosted(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> dict[str, Score]:
    """Scores moved up and down by a part of what lies between the worst and the best; several rules add up."""
    rules = [rule for rule in _holding(conn, ask) if rule.action in ("boost", "bury")]
    if not rules:
        return {}
    scores = {candidate.item_id: candidate.score for candidate in candidates}
    spread = max(scores.values()) - min(scores.values()) or 1.0
    found: dict[str, Score] = {}
    for one in _things(conn, ask, rules, candidates):
        moved = [rule.strength if rule.action == "boost" else -rule.strength for rule in rules if is_about(rule, one)]
        if moved:
            reasons: list[str] = [_WANTED] if sum(moved) > 0 else []
            score = scores[one.product_id] + spread * sum(moved) / 100
            found[one.product_id] = Score(score=score, reasons=reasons)
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


def _things(
    conn: Connection, ask: Ask, rules: Sequence[Rule], candidates: Sequence[Candidate]
) -> list[Thing]:  # fmt: skip
    """What rules may ask of the candidates; looked up only where one asks for a category or a brand."""
    if not rules:
        return []
    known: Mapping[str, Any] = {}
    if any(rule.category or rule.brand for rule in rules):
        known = find_products(conn, ask.workspace, [candidate.item_id for candidate in candidates])
    return [_thing(candidate.item_id, known.get(candidate.item_id)) for candidate in candidates]


def _thing(product_id: str, product: Any) -> Thing:
    return Thing(product_id, (product and product.category) or "", (product and product.brand) or "")
