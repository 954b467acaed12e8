"""Candidates for "You may also like": co-visits first, then the category, then what the whole shop likes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rapport.capabilities.catalog import Product, find_products, products_in_category
from rapport.capabilities.recommendations import store
from rapport.capabilities.recommendations.model import Neighbour, Recent, similarity
from rapport.decide.model import PRODUCT, Ask, Candidate
from rapport.kernel.clock import DAY
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Connection
from rapport.remember.inputs import product_id as product_id_of

__all__ = ["in_the_cart", "just_bought", "product_also", "the_page"]

NEIGHBOURS = 60
"""Co-visited products looked at for the product on the page."""

SIDE_NEIGHBOURS = 10
"""Likewise for each of the customer's own recent products."""

RECENT_WEIGHT = 0.3
"""What a neighbour of an earlier product counts against one of the product on the page."""

RECENT_PRODUCTS = 3

ENOUGH = 12
"""With fewer candidates than this the category, and then the whole shop, is asked too."""

FILL = 50
"""Popular products that are looked at then."""

CATEGORY_WEIGHT = 1e-3
SHOP_WEIGHT = 1e-6
"""Popularity fills up; it never outranks a co-visit."""

JUST_BOUGHT = 30 * DAY

ORDERS_TO_NAME = 3
"""From so many common orders on a reason says that two products are bought together: once is chance, not a reason."""

VISITS_TO_NAME = 2
"""Likewise for common visits."""


class _Scores:
    """Candidates as they are found: the first reason is the strongest one."""

    def __init__(self) -> None:
        self.scores: dict[str, float] = {}
        self.reasons: dict[str, list[str]] = {}

    def add(self, product_id: str, score: float, reason: str) -> None:
        self.scores[product_id] = self.scores.get(product_id, 0.0) + score
        self.reasons.setdefault(product_id, []).append(reason)


def product_also(conn: Connection, ask: Ask) -> list[Candidate]:
    """What goes with the product on the page, for this customer. A handful of index look-ups."""
    product_id = product_id_of(dict(ask.context))
    recent = _recent_of(conn, ask)
    anchors = _anchors(product_id, recent)
    known = find_products(conn, ask.workspace, anchors)
    popularity = store.popularity_of(conn, ask.workspace, anchors)
    scores = _Scores()
    for position, anchor in enumerate(anchors):
        main = anchor == product_id
        found = store.neighbours_of(conn, ask.workspace, anchor, limit=NEIGHBOURS if main else SIDE_NEIGHBOURS)
        weight = 1.0 if main or product_id is None else RECENT_WEIGHT / (position + 1)
        name = _name(known.get(anchor), anchor, page=main)
        _score_neighbours(scores, found, popularity.get(anchor, 0), weight=weight, name=name)
    if len(scores.scores) < ENOUGH:
        _fill_up(conn, ask.workspace, scores, known.get(product_id) if product_id else None)
    return [
        Candidate(kind=PRODUCT, item_id=found_id, score=score, reasons=scores.reasons[found_id][:3])
        for found_id, score in scores.scores.items()
    ]


def the_page(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> set[str]:
    """The product on the page itself."""
    product_id = product_id_of(dict(ask.context))
    return {product_id} if product_id else set()


def in_the_cart(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> set[str]:
    """What the customer put into the cart within a day."""
    return _met(conn, ask, level=2, within=DAY)


def just_bought(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> set[str]:
    """What the customer bought within JUST_BOUGHT."""
    return _met(conn, ask, level=3, within=JUST_BOUGHT)


def _anchors(product_id: str | None, recent: Iterable[Recent]) -> list[str]:
    """The product on the page, then the customer's latest others."""
    latest = [entry.product_id for entry in sorted(recent, key=lambda e: -e.at) if entry.product_id != product_id]
    return [product_id, *latest[:RECENT_PRODUCTS]] if product_id else latest[:RECENT_PRODUCTS]


def _score_neighbours(
    scores: _Scores, found: Iterable[Neighbour], popularity: int, *, weight: float, name: str
) -> None:
    for neighbour in found:
        strength = similarity(neighbour.weight, popularity, neighbour.popularity)
        scores.add(neighbour.product_id, weight * strength, _together(neighbour, name))


def _together(neighbour: Neighbour, name: str) -> str:
    """Why a neighbour is offered, in words a shopper may read: a count is named where it is support enough."""
    if neighbour.bought >= ORDERS_TO_NAME:
        return f"bought together with {name} in {neighbour.bought} orders"
    if neighbour.viewed >= VISITS_TO_NAME:
        return f"viewed with {name} in {neighbour.viewed} visits"
    return f"sometimes looked at with {name}"


def _fill_up(conn: Connection, workspace: WorkspaceId, scores: _Scores, page: Product | None) -> None:
    """Cold start: what is popular in the category of the page, then anywhere."""
    if page is not None and page.category is not None:
        ids = products_in_category(conn, workspace, page.category, limit=500)
        best = store.popular_among(conn, workspace, ids, limit=FILL)
        _add_popular(scores, best, CATEGORY_WEIGHT, f"popular in {page.category}")
    _add_popular(scores, store.popular(conn, workspace, limit=FILL), SHOP_WEIGHT, "popular in the shop")


def _add_popular(scores: _Scores, totals: Mapping[str, int], weight: float, reason: str) -> None:
    most = max(totals.values(), default=0) + 1
    known = set(scores.scores)
    for product_id, total in totals.items():
        if product_id not in known:
            scores.add(product_id, weight * (total + 1) / most, reason)


def _met(conn: Connection, ask: Ask, *, level: int, within: int) -> set[str]:
    """What the customer took this far, so lately."""
    return {e.product_id for e in _recent_of(conn, ask) if e.level == level and ask.now - e.at <= within}


def _recent_of(conn: Connection, ask: Ask) -> list[Recent]:
    loaded = store.load_recents(conn, [(ask.workspace, strand) for strand in ask.strands])
    return [entry for recent in loaded.values() for entry in recent]


def _name(product: Product | None, product_id: str, *, page: bool) -> str:
    if page:
        return "this product"
    return product.name if product is not None and product.name else product_id
