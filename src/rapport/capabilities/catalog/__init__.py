"""The catalogue as the facts tell it: what each product is called, costs and belongs to.

For whoever shows products. Nothing has to be imported: every fact that describes a product teaches it.
"""

from rapport.capabilities.catalog.entries import products_in_category, products_shown, products_with, variants_of
from rapport.capabilities.catalog.model import Product
from rapport.capabilities.catalog.searching import Question, search
from rapport.capabilities.catalog.service import Offer, find, offers_of
from rapport.capabilities.catalog.shown import FoundShown, ProductShown, find_shown
from rapport.capabilities.catalog.store import find_groups, find_products, ids_after
from rapport.capabilities.catalog.words import words_of as name_words

__all__ = [
    "FoundShown",
    "Offer",
    "Product",
    "ProductShown",
    "Question",
    "find",
    "find_groups",
    "find_products",
    "find_shown",
    "ids_after",
    "name_words",
    "offers_of",
    "products_in_category",
    "products_shown",
    "products_with",
    "search",
    "variants_of",
]
