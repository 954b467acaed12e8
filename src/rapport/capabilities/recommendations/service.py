"""Candidates for placements of products: co-visits first, then the category, then what the whole shop likes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from threading import local

import msgspec

from rapport.capabilities.catalog import (
    Product,
    Question,
    find_products,
    name_words,
    products_in_category,
    products_shown,
    products_with,
    search,
)
from rapport.capabilities.recommendations import store
from rapport.capabilities.recommendations.alike import Seen, likeness
from rapport.capabilities.recommendations.learned import learned_candidates
from rapport.capabilities.recommendations.model import Neighbour, Recent, running_visit, similarity
from rapport.capabilities.recommendations.moments import popular_at
from rapport.capabilities.recommendations.serving import ReadMask
from rapport.capabilities.recommendations.surroundings import moments_of, surroundings_of
from rapport.capabilities.recommendations.wording import WORDS
from rapport.capabilities.supply import find_locations, none_to_be_had
from rapport.decide.model import PRODUCT, Ask, Candidate
from rapport.decide.reasons import Reason
from rapport.kernel.clock import DAY, zone_named
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Connection
from rapport.remember.inputs import product_id as product_id_of
from rapport.storage.workspaces import workspace_of

__all__ = [
    "for_the_visitor",
    "in_the_cart",
    "just_bought",
    "known_places",
    "of_the_category",
    "of_the_results",
    "product_also",
    "the_page",
    "with_the_cart",
]

NEIGHBOURS = 60
"""Co-visited products looked at for the product on the page."""

SIDE_NEIGHBOURS = 10
"""Likewise for each of the customer's own recent products."""

RECENT_WEIGHT = 0.3
"""What a neighbour of an earlier product counts against one of the product on the page."""

RECENT_PRODUCTS = 3
CART_PRODUCTS = 10
CATEGORY_FILL = 200
SEARCHED = 60
"""Products that a search finds for a slate."""

LONGEST_QUERY = 200

ENOUGH = 12
"""With fewer candidates than this the category, and then the whole shop, is asked too."""

FILL = 50
"""Popular products that are looked at then."""

COMPARED = 200
"""Products of the same category, and of the same brand, that are compared with one that was met."""

CATEGORY_WEIGHT = 1e-3
ALIKE_WEIGHT = 1e-5
NOW_WEIGHT = 5e-6
SHOP_WEIGHT = 1e-6
RANGE_WEIGHT = 1e-9
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
    page = product_id_of(dict(ask.context))
    latest = [product_id for product_id in _latest(conn, ask) if product_id != page][:RECENT_PRODUCTS]
    anchors = [(page, 1.0)] if page else []
    anchors += [
        (product_id, RECENT_WEIGHT / (len(anchors) + place + 1) if page else 1.0)
        for place, product_id in enumerate(latest)
    ]
    return _suggested(conn, ask, anchors, page=page)


def for_the_visitor(conn: Connection, ask: Ask) -> list[Candidate]:
    """What goes with what this visitor met last; for who is new, what the shop likes."""
    latest = _latest(conn, ask)[:RECENT_PRODUCTS]
    anchors = [(product_id, 1 / (1 + place)) for place, product_id in enumerate(latest)]
    return _suggested(conn, ask, anchors)


def with_the_cart(conn: Connection, ask: Ask) -> list[Candidate]:
    """What goes with all that lies in the cart."""
    cart = _listed(ask, "cart") or sorted(_met(conn, ask, level=2, within=DAY))
    return _together_with(conn, ask, [(product_id, 1.0) for product_id in cart[:CART_PRODUCTS]])


def of_the_category(conn: Connection, ask: Ask) -> list[Candidate]:
    """The popular products of a category, before them those that go with what this visitor met last."""
    category = str(ask.context.get("category") or "")
    if not category:
        return for_the_visitor(conn, ask)
    ids = products_in_category(conn, ask.workspace, category, limit=500)
    scores = _Scores()
    best = store.popular_among(conn, ask.workspace, ids, limit=CATEGORY_FILL)
    reason = _popular_in(category) if any(best.values()) else _in_the_category(category)
    _add_popular(scores, best, CATEGORY_WEIGHT, reason)
    wanted = set(ids)
    for candidate in for_the_visitor(conn, ask):
        if candidate.item_id in wanted and candidate.reasons[0] is not _OF_THE_RANGE:
            scores.add(candidate.item_id, candidate.score, candidate.reasons[0])
            scores.reasons[candidate.item_id].sort(key=lambda one: one is reason)
    return _candidates(scores)


def of_the_results(conn: Connection, ask: Ask) -> list[Candidate]:
    """What a search found, its order bent towards what this visitor met last; asked for nothing, as on Home.

    The page may have searched by itself (`results`); otherwise the catalogue is searched for `query`.
    """
    results, query = _listed(ask, "results"), str(ask.context.get("query") or "")[:LONGEST_QUERY]
    if not results and not query:
        return for_the_visitor(conn, ask)
    if not results:
        question = Question(query=query, limit=SEARCHED, wants_facets=False)
        results = [one.product_id for one in search(conn, ask.workspace, question, now=ask.now).products]
    scores = _Scores()
    found = Reason(WORDS["found"])
    for place, product_id in enumerate(results):
        scores.add(product_id, 1 / (1 + place), found)
    for candidate in for_the_visitor(conn, ask):
        if candidate.item_id in scores.scores and candidate.reasons[0] is not _OF_THE_RANGE:
            scores.add(candidate.item_id, candidate.score, candidate.reasons[0])
    return _candidates(scores)


def the_page(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> set[str]:
    """The product on the page itself."""
    product_id = product_id_of(dict(ask.context))
    return {product_id} if product_id else set()


def in_the_cart(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> set[str]:
    """What lies in the cart as the page says, and what the customer put into it within a day."""
    return _met(conn, ask, level=2, within=DAY) | set(_listed(ask, "cart"))


def just_bought(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> set[str]:
    """What the customer bought within JUST_BOUGHT."""
    return _met(conn, ask, level=3, within=JUST_BOUGHT)


def _suggested(
    conn: Connection, ask: Ask, anchors: Sequence[tuple[str, float]], *, page: str | None = None
) -> list[Candidate]:
    """What the shop's own model expects next; where it has too little to say, behind it what goes with the anchors."""
    session = [*running_visit(_recent_of(conn, ask)), *_listed(ask, "viewed")]
    if page is not None and session[-1:] != [page]:
        session.append(page)
    found = learned_candidates(
        ask, session, place=(ask.context.get("location"), ask.context.get("market")), mask=_mask(ask),
        name_of=lambda product_id: _name(
            find_products(conn, ask.workspace, [product_id]).get(product_id), product_id
        ),
        zone=lambda: zone_named(workspace_of(conn, ask.workspace).settings.time_zone),
    )  # fmt: skip
    if len(found) >= ENOUGH:
        return found
    rest = _together_with(conn, ask, anchors, page=page)
    return [*found, *_behind(rest, found)] if found else rest


def _behind(rest: Sequence[Candidate], found: Sequence[Candidate]) -> list[Candidate]:
    """These candidates in their order, each below the last of those that were found."""
    known = {candidate.item_id for candidate in found}
    least = min(candidate.score for candidate in found)
    most = max((candidate.score for candidate in rest), default=0) or 1.0
    return [
        msgspec.structs.replace(candidate, score=least * candidate.score / (2 * most))
        for candidate in rest
        if candidate.item_id not in known
    ]


def _mask(ask: Ask) -> ReadMask:
    """What can be had where this decision is for, of a whole catalogue; read beside the decisions."""
    location, market = (str(ask.context.get(name) or "") for name in ("location", "market"))

    def read(product_ids: Sequence[str]) -> list[bool]:
        with ask.db.read() as conn:
            gone = none_to_be_had(conn, ask.workspace, product_ids, now=ask.now, location=location, market=market)
        return [product_id not in gone for product_id in product_ids]

    return read


def _together_with(
    conn: Connection, ask: Ask, anchors: Sequence[tuple[str, float]], *, page: str | None = None
) -> list[Candidate]:
    """What goes with these products, each with what it weighs; too few are filled up with what is popular."""
    ids = [product_id for product_id, _ in anchors]
    known = find_products(conn, ask.workspace, ids)
    popularity = store.popularity_of(conn, ask.workspace, ids)
    scores = _Scores()
    for anchor, weight in anchors:
        main = anchor == page
        found = store.neighbours_of(conn, ask.workspace, anchor, limit=NEIGHBOURS if main else SIDE_NEIGHBOURS)
        name = None if main else _name(known.get(anchor), anchor)
        _score_neighbours(scores, found, popularity.get(anchor, 0), weight=weight, name=name)
    if len(scores.scores) < ENOUGH:
        met = [known[anchor] for anchor in ids[:RECENT_PRODUCTS] if anchor in known]
        _fill_up(conn, ask, scores, known.get(page) if page else None, met)
    return _candidates(scores)


def _candidates(scores: _Scores) -> list[Candidate]:
    return [
        Candidate(kind=PRODUCT, item_id=found_id, score=score, reasons=scores.reasons[found_id][:3])
        for found_id, score in scores.scores.items()
    ]


def _latest(conn: Connection, ask: Ask) -> list[str]:
    """What the visitor met last, latest first: what the page says they viewed, then what is known of them."""
    recent = sorted(_recent_of(conn, ask), key=lambda e: -e.at)
    return list(dict.fromkeys([*reversed(_listed(ask, "viewed")), *(entry.product_id for entry in recent)]))


def _listed(ask: Ask, name: str) -> list[str]:
    found = ask.context.get(name)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _score_neighbours(
    scores: _Scores, found: Iterable[Neighbour], popularity: int, *, weight: float, name: str | None
) -> None:
    for neighbour in found:
        strength = similarity(neighbour.weight, popularity, neighbour.popularity)
        scores.add(neighbour.product_id, weight * strength, _together(neighbour, name))


def _together(neighbour: Neighbour, name: str | None) -> Reason:
    """Why a neighbour is offered, in words a shopper may read: a count is named where it is support enough.

    Without a name it is the product on the page.
    """
    named = {} if name is None else {"name": name}
    if neighbour.bought >= ORDERS_TO_NAME:
        return Reason(_BOUGHT[name is None], orders=neighbour.bought, **named)
    if neighbour.viewed >= VISITS_TO_NAME:
        return Reason(_VIEWED[name is None], visits=neighbour.viewed, **named)
    return Reason(_SOMETIMES[name is None], **named)


_BOUGHT = (WORDS["bought"], WORDS["bought_here"])
_VIEWED = (WORDS["viewed"], WORDS["viewed_here"])
_SOMETIMES = (WORDS["sometimes"], WORDS["sometimes_here"])
"""Of another product by name, then of the product on the page."""


def _fill_up(conn: Connection, ask: Ask, scores: _Scores, page: Product | None, met: Sequence[Product]) -> None:
    """Cold start: what is popular in the category of the page, what is like the products met, what is popular at this
    moment (in the store, at this time of the day, in this weather), then what is popular anywhere; of a shop that
    nobody has visited yet, what it has.
    """
    workspace = ask.workspace
    if page is not None and page.category is not None:
        ids = products_in_category(conn, workspace, page.category, limit=500)
        best = store.popular_among(conn, workspace, ids, limit=FILL)
        liked = {product_id: total for product_id, total in best.items() if total}
        _add_popular(scores, liked, CATEGORY_WEIGHT, _popular_in(page.category))
    for product in met if len(scores.scores) < ENOUGH else ():
        reason = _alike(None if product is page else _name(product, product.product_id))
        known = set(scores.scores)
        for product_id, alike in _products_alike(conn, workspace, product).items():
            if product_id not in known:
                scores.add(product_id, ALIKE_WEIGHT * alike, reason)
    if len(scores.scores) < ENOUGH:
        _add_popular_now(conn, ask, scores)
    _add_popular(scores, store.popular(conn, workspace, limit=FILL), SHOP_WEIGHT, _IN_THE_SHOP)
    if len(scores.scores) < ENOUGH:
        some = dict.fromkeys(products_shown(conn, workspace, limit=FILL), 0)
        _add_popular(scores, some, RANGE_WEIGHT, _OF_THE_RANGE)


def known_places(conn: Connection, workspace: WorkspaceId) -> Collection[str]:
    """The ids of the shop's locations: what is popular is counted in these alone."""
    return find_locations(conn, workspace).keys()


def _add_popular_now(conn: Connection, ask: Ask, scores: _Scores) -> None:
    """What is popular where and when this is asked; what was offered already keeps its reason."""
    zone = zone_named(workspace_of(conn, ask.workspace).settings.time_zone)
    around = surroundings_of(ask.now, zone, ask.context)
    found = popular_at(conn, ask.db, ask.workspace, moments_of(around), now=ask.now)
    known = set(scores.scores)
    for product_id, popular in found.items():
        if product_id not in known:
            scores.add(product_id, NOW_WEIGHT * popular.share, _NOW[popular.kind])


def _products_alike(conn: Connection, workspace: WorkspaceId, product: Product) -> dict[str, float]:
    """Those of the same category or brand that are most like a product, with their likeness. Four statements."""
    wanted: dict[str, None] = {}
    for facet, value in (("category", product.category), ("brand", product.brand)):
        if value:
            wanted |= dict.fromkeys(products_with(conn, workspace, facet, value, limit=COMPARED))
    wanted.pop(product.product_id, None)
    mine = _seen(product)
    found = {one.product_id: likeness(mine, _seen(one)) for one in find_products(conn, workspace, wanted).values()}
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0]))[:FILL])


def _seen(product: Product) -> Seen:
    words = frozenset(name_words(product.name or ""))
    return Seen(product.category, product.brand, words, product.price_minor, product.currency)


def _alike(name: str | None) -> Reason:
    return Reason(_ALIKE[name is None], **({} if name is None else {"name": name}))


_ALIKE = (WORDS["alike"], WORDS["alike_here"])


def _add_popular(scores: _Scores, totals: Mapping[str, int], weight: float, reason: str) -> None:
    most = max(totals.values(), default=0) + 1
    known = set(scores.scores)
    for product_id, total in totals.items():
        if product_id not in known:
            scores.add(product_id, weight * (total + 1) / most, reason)


def _met(conn: Connection, ask: Ask, *, level: int, within: int) -> set[str]:
    """What the customer took this far, so lately."""
    return {e.product_id for e in _recent_of(conn, ask) if e.level == level and ask.now - e.at <= within}


class _Last(local):
    """The decision that this thread is making, with what its customer met: several steps ask for the same."""

    ask: Ask | None = None
    recent: Sequence[Recent] = ()


_last = _Last()


def _recent_of(conn: Connection, ask: Ask) -> Sequence[Recent]:
    if _last.ask is not ask:
        loaded = store.load_recents(conn, [(ask.workspace, strand) for strand in ask.strands])
        _last.recent = [entry for recent in loaded.values() for entry in recent]
        _last.ask = ask
    return _last.recent


def _name(product: Product | None, product_id: str) -> str:
    return product.name if product is not None and product.name else product_id


def _popular_in(category: str) -> Reason:
    return Reason(WORDS["popular_in"], category=category)


def _in_the_category(category: str) -> Reason:
    return Reason(WORDS["in_category"], category=category)


_NOW = {kind: Reason(WORDS[kind]) for kind in ("store_time", "store", "weather", "time", "device")}
_IN_THE_SHOP = Reason(WORDS["shop"])
_OF_THE_RANGE = Reason(WORDS["range"])
