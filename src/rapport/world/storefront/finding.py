"""A search that forgives: accents, plurals, slips of the finger, other words for the same thing."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from rapport.world.catalogue import Product, the_catalogue
from rapport.world.storefront.words import said_of

__all__ = ["Found", "find"]

_SMALL_WORDS = frozenset(("a", "an", "and", "the", "of", "for", "with", "in", "to", "my", "some", "de", "di", "du"))
_ALSO_CALLED: dict[str, tuple[str, ...]] = {
    "sweater": ("jumper", "knit"), "pullover": ("jumper", "knit"), "sneaker": ("trainer",), "pants": ("trouser",),
    "pant": ("trouser",), "bubbly": ("sparkling",), "fizz": ("sparkling",), "champers": ("champagne",),
    "vino": ("wine",), "opener": ("corkscrew",), "cup": ("mug", "cup"), "glass": ("flute", "tumbler"),
    "dish": ("plate", "bowl"), "claret": ("bordeaux",), "ham": ("prosciutto", "jamon", "charcuterie"),
    "noodle": ("udon", "soba"), "present": ("gift", "hamper"), "tee": ("shirt", "top"), "tshirt": ("shirt", "top"),
    "jacket": ("coat", "blazer"), "rug": ("throw", "blanket"), "blanket": ("throw",), "duvet": ("bedding",),
    "purse": ("wallet", "bag", "card"), "handbag": ("tote", "bag"), "saucepan": ("pot", "pan"), "skillet": ("pan",),
    "cooker": ("pot",), "cookie": ("biscuit", "stroopwafel", "shortbread"), "kid": ("children",), "lady": ("women",),
    "child": ("children",), "guy": ("men",), "boot": ("shoe",), "footwear": ("shoe", "boot"), "espresso": ("moka",),
}  # fmt: skip
"""What people type and what the shop calls it, both without their plural."""
_LONGEST = 8
"""Words of a question that are looked at."""
_NAME, _KIND, _TEXT, _SHELF = 8, 4, 1, 20
"""What a word counts in a name, in what kind of thing it is, in the description, as the shelf's own name."""


@dataclass(frozen=True, slots=True)
class Found:
    """The products found, best first, and what was looked for where that is not what was typed."""

    products: list[Product]
    read_as: str = ""
    partly: bool = False
    """Whether nothing has all the words, and these have some of them."""


def find(query: str) -> Found:
    """Products for what somebody typed."""
    words = [word for word in _words(query) if word not in _SMALL_WORDS][:_LONGEST]
    if not words:
        return Found([])
    meant = [_meant(word) for word in words]
    read_as = " ".join(shown for shown, _ in meant)
    scores = [_scores(tokens) for _, tokens in meant]
    everywhere = set(scores[0]).intersection(*scores[1:])
    chosen = everywhere or set().union(*scores)
    products = the_catalogue().products
    total = {
        index: (
            sum(index in found for found in scores),
            sum(found.get(index, 0.0) for found in scores) + _shelf_bonus(products[index], words),
        )
        for index in chosen
    }
    ranked = sorted(chosen, key=lambda index: (-total[index][0], -total[index][1], index))
    said = read_as if [shown for shown, _ in meant] != words else ""
    return Found([products[index] for index in ranked], said, partly=bool(chosen) and not everywhere)


def _shelf_bonus(product: Product, words: list[str]) -> float:
    """Who types the name of a shelf means the shelf: `red wine` before the glasses for it."""
    return _SHELF if set(_words(product.category)) == set(words) else 0.0


def _meant(word: str) -> tuple[str, dict[str, float]]:
    """What a typed word may stand for: words of the shop, each with how surely."""
    known = _index()
    tokens: dict[str, float] = {also: 0.9 for also in _ALSO_CALLED.get(word, ()) if also in known}
    if word in known:
        tokens[word] = 1.0
    if len(word) > 2:
        for token in known:
            if token.startswith(word) and token != word:
                tokens.setdefault(token, 0.7)
    if tokens or len(word) < 4:
        return word, tokens
    slips = 1 if len(word) < 6 else 2
    near = process.extract(word, list(known), scorer=OSA.distance, score_cutoff=slips, limit=8)
    best = sorted((far, token) for token, far, _ in near)
    if not best:
        return word, {}
    closest = best[0][0]
    chosen = {token: 0.6 for far, token in best if far == closest}
    return _spelled().get(best[0][1], best[0][1]), chosen


def _scores(tokens: dict[str, float]) -> dict[int, float]:
    found: dict[int, float] = {}
    for token, surely in tokens.items():
        for index, weight in _index()[token].items():
            found[index] = max(found.get(index, 0.0), weight * surely)
    return found


@lru_cache(maxsize=1)
def _index() -> dict[str, dict[int, float]]:
    """Per word of the shop the products it belongs to, each with its weight."""
    index: dict[str, dict[int, float]] = defaultdict(dict)
    for product in the_catalogue().products:
        kinds = f"{product.brand} {product.category} {product.department} {product.origin} {' '.join(product.tags)}"
        details = " ".join(value for _, value in said_of(product).details)
        for text, weight in ((said_of(product).text, _TEXT), (details, _TEXT), (kinds, _KIND), (product.name, _NAME)):
            for word in _words(text):
                if word not in _SMALL_WORDS:
                    index[word][product.index] = weight
    return dict(index)


@lru_cache(maxsize=1)
def _spelled() -> dict[str, str]:
    """Per word as it is kept, the word as it is written in a name: `rosé` for `rose`."""
    found: dict[str, str] = {}
    for product in the_catalogue().products:
        for word in re.findall(r"\w+", product.name.lower()):
            for kept in _words(word):
                found.setdefault(kept, word)
    return found


def _words(text: str) -> list[str]:
    plain = (
        unicodedata.normalize("NFKD", text.lower().replace("t-shirt", "tshirt shirt"))
        .encode("ascii", "ignore")
        .decode()
    )
    return [_singular(word) for word in re.findall(r"[a-z0-9]+", plain.replace("'", ""))]


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
