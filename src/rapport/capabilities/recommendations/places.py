"""The placements of a shop that show products, and the rules that hold on them."""

from __future__ import annotations

from rapport.capabilities.recommendations.policies import PRODUCT_ALSO, RELEVANCE
from rapport.capabilities.recommendations.service import (
    for_the_visitor,
    in_the_cart,
    just_bought,
    of_the_category,
    of_the_results,
    product_also,
    the_page,
    with_the_cart,
)
from rapport.decide.model import CandidateSource, EligibilityRule, Placement
from rapport.kernel.language import noted

__all__ = ["ELIGIBILITY", "PLACEMENTS", "SOURCES"]


def _place(name: str, title: str, description: str) -> Placement:
    return Placement(name=name, title=title, description=description, policy=RELEVANCE)


PLACEMENTS = (
    Placement(
        name="product.also", title="You may also like", policy=PRODUCT_ALSO,
        description=noted("Other products beside the one on the page (context.product_id)."),
    ),
    _place("home", noted("Home"), noted("What this visitor may want next; what the shop likes for who is new.")),
    _place("category", noted("Category"), noted("The best of a category (context.category) for this visitor.")),
    _place("product", noted("Product page"), noted("Beside the product on the page (context.product_id).")),
    _place("cart", noted("Cart"), noted("What goes with the cart (context.cart, or the cart that is known).")),
    _place("search", noted("Search"), noted("What is found (context.query), in the order that suits this visitor.")),
    _place("mail", noted("Mail"), noted("For a message to a customer.")),
    _place("app", noted("App"), noted("The first screen of an app.")),
    _place(
        "store", noted("Store associate"), noted("What to offer somebody who stands in the store (context.location)."),
    ),
)  # fmt: skip

_ALL = tuple(placement.name for placement in PLACEMENTS)
_SUGGESTING = tuple(name for name in _ALL if name not in ("category", "search"))
"""Where nobody looks for a certain thing: what somebody has already is not suggested."""

SOURCES = (
    CandidateSource(name="recommendations.covisits", placements=("product.also", "product"), find=product_also),
    CandidateSource(name="recommendations.visitor", placements=("home", "mail", "app", "store"), find=for_the_visitor),
    CandidateSource(name="recommendations.category", placements=("category",), find=of_the_category),
    CandidateSource(name="recommendations.cart", placements=("cart",), find=with_the_cart),
    CandidateSource(name="recommendations.search", placements=("search",), find=of_the_results),
)

ELIGIBILITY = (
    EligibilityRule(
        name="not_the_same_product", title="Not the product on the page", order=100, barred=the_page,
        placements=_SUGGESTING,
    ),
    EligibilityRule(
        name="not_in_the_cart_already", title="Not in the cart already", order=110, barred=in_the_cart,
        placements=_SUGGESTING,
    ),
    EligibilityRule(
        name="not_just_bought", title="Not bought within 30 days", order=120, barred=just_bought,
        placements=_SUGGESTING,
    ),
)  # fmt: skip
