"""What the town's people have written of a product: simulated as the world simulates their marks.

A product has the quality that the world's own `Product Reviewed` facts are drawn with, so good things have good marks
and no shelf is all praise. It is the same at every look: new ones appear as time goes by, what stands does not change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from rapport.world.catalogue import Product
from rapport.world.names import COUNTRIES
from rapport.world.storefront.words.opinions import OPINIONS, fits
from rapport.world.streams import digest_of

__all__ = ["Review", "Reviews", "reviews_of"]

_WINDOW = 480
"""Days a review stands."""
_EPOCH = date(1970, 1, 1)
SHOWN = 6


@dataclass(frozen=True, slots=True)
class Review:
    """One opinion."""

    rating: int
    title: str
    text: str
    by: str
    city: str
    on: date


@dataclass(frozen=True, slots=True)
class Reviews:
    """All opinions of a product: `counts` from five stars down to one, and the newest of them."""

    counts: tuple[int, int, int, int, int]
    newest: tuple[Review, ...]

    @property
    def count(self) -> int:
        return sum(self.counts)

    @property
    def mean(self) -> float:
        """The mean of all marks; 0 where there is none."""
        total = sum(stars * count for stars, count in zip((5, 4, 3, 2, 1), self.counts, strict=True))
        return total / self.count if self.count else 0.0


def reviews_of(product: Product, today: date, *, seed: int) -> Reviews:
    """What is to be read of a product on a day."""
    every = 12 + digest_of("reviewed every", product.id) % 150
    """Days between two reviews: some things are much talked about, some hardly."""
    day = (today - _EPOCH).days
    quality = 3.4 + 1.5 * (digest_of("quality", product.id) % 100) / 100
    found: list[Review] = []
    for turn in range((day - _WINDOW) // every, day // every + 1):
        rng = Random(digest_of("review", seed, product.id, turn))
        at = turn * every + rng.randrange(every)
        if day - _WINDOW < at < day and rng.random() < 0.86:
            found.append(_review(product, rng, quality, _EPOCH + timedelta(days=at), turn))
    found.sort(key=lambda review: review.on, reverse=True)
    counts = [sum(review.rating == stars for review in found) for stars in (5, 4, 3, 2, 1)]
    return Reviews((counts[0], counts[1], counts[2], counts[3], counts[4]), tuple(found[:SHOWN]))


def _review(product: Product, rng: Random, quality: float, on: date, turn: int) -> Review:
    rating = max(1, min(5, round(rng.gauss(quality, 0.9))))
    said = [one for one in OPINIONS[product.department][rating] if fits(one, product.tags)]
    title, text = said[(turn * 7 + digest_of("opinion", product.id)) % len(said)]
    country = rng.choices(COUNTRIES, [c.share for c in COUNTRIES])[0]
    by = f"{rng.choice(country.given)} {rng.choice(country.family)[0]}."
    return Review(rating, title, text, by, rng.choice(country.cities)[0], on)
