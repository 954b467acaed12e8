"""The learnt model in a process that answers: loaded once, exchanged beside the answers, masked by what is there.

Which model serves stands in a file (`models.py`); that file's time is looked at every second. A model is loaded beside
the answers and then takes the old one's place. What a store cannot hand over is marked in an array, made anew in the
background: it keeps the better part of a shop's items from taking places. The rule `can_be_had` then asks the levels
themselves, so nothing is shown that was sold meanwhile.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rapport.capabilities.recommendations import models
from rapport.capabilities.recommendations.models import Loaded
from rapport.capabilities.recommendations.surroundings import NOWHERE, Surroundings

if TYPE_CHECKING:
    from rapport.capabilities.recommendations.learning.rows import Bools, Floats

__all__ = ["Next", "ReadMask", "Serving", "serving_of"]

LOOKED_EVERY = 1.0
MASKED_EVERY = 15.0
"""Seconds a mask holds; longer where making one takes longer than a tenth of it."""

_logger = logging.getLogger(__name__)

ReadMask = Callable[[Sequence[str]], Sequence[bool]]
"""Which of the products may be shown; reads the database by itself."""


class Next(NamedTuple):
    """A product that may come next."""

    product_id: str
    share: float
    """How likely it is the next one, of all that were found: they add up to 1."""
    why: str
    """What speaks most for it: `follows`, `neighbours`, `around`, `near`, `popular`."""


class _Mask(NamedTuple):
    allowed: Bools
    made_at: float
    took: float


class Serving:
    """The model of one shop in this process. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._loaded: Loaded | None = None
        self._seen: tuple[int, int] | None = None
        self._looked_at = 0.0
        self._loading = False
        self._masks: dict[object, _Mask] = {}
        self._masking: set[object] = set()

    def loaded(self) -> Loaded | None:
        """The model that serves now; None where there is none, or its packages are not installed."""
        now = time.monotonic()
        if now - self._looked_at >= LOOKED_EVERY:
            self._looked_at = now
            self._look()
        return self._loaded

    def next(
        self, session: Sequence[str], *, limit: int, place: object = None, mask: ReadMask | None = None,
        around: Callable[[], Surroundings] = lambda: NOWHERE,
    ) -> list[Next]:  # fmt: skip
        """What comes next in this visit, likeliest first, among what `mask` allows; nothing where nothing is known.

        `around` is asked by a model that has learnt what suits which surroundings. The mask of a `place` is kept for
        MASKED_EVERY. About a millisecond on one thread.
        """
        found = self.loaded()
        if found is None:
            return []
        import numpy as np

        allowed = None if mask is None else self._mask(found, place, mask)
        known = [found.numbers[product_id] for product_id in session if product_id in found.numbers]
        here = NOWHERE if found.recommender.lifts is None else around()
        candidates = found.recommender.describe(known, allowed=allowed, around=here)
        if candidates is None or not len(candidates.items):
            return []
        scores = found.recommender.scores(candidates)
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        best = np.argsort(-scores, kind="stable")[:limit]
        why = _reasons(candidates.features[best])
        chosen, likely = candidates.items[best].tolist(), shares[best].tolist()
        return [Next(found.products[item], share, _TOLD[n]) for item, share, n in zip(chosen, likely, why, strict=True)]

    def _look(self) -> None:
        try:
            state = (self.folder / "manifest.json").stat()
        except OSError:
            self._loaded, self._seen = None, None
            return
        seen = (state.st_mtime_ns, state.st_ino)
        with self._lock:
            if seen == self._seen or self._loading:
                return
            self._loading = True
        if self._loaded is None:
            self._load(seen)
        else:
            threading.Thread(target=self._load, args=(seen,), daemon=True).start()

    def _load(self, seen: tuple[int, int]) -> None:
        try:
            loaded = models.load(self.folder)
            if loaded is not None and loaded.fault:
                _logger.error("%s: the model before it serves", loaded.fault)
            with self._lock:
                self._loaded, self._seen = loaded, seen
                self._masks.clear()
        except ImportError as error:  # the extra is not installed: the co-visits answer
            _logger.warning("a learnt model lies here, but %s is not installed", error.name)
            self._seen = seen
        finally:
            self._loading = False

    def _mask(self, found: Loaded, place: object, read: ReadMask) -> Bools:
        key = (place, id(found))
        known, now = self._masks.get(key), time.monotonic()
        if known is None:
            return self._make_mask(found, key, read)
        is_old = now - known.made_at > max(MASKED_EVERY, 10 * known.took)
        if is_old and key not in self._masking:
            self._masking.add(key)
            threading.Thread(target=self._make_mask, args=(found, key, read), daemon=True).start()
        return known.allowed

    def _make_mask(self, found: Loaded, key: object, read: ReadMask) -> Bools:
        import numpy as np

        began = time.monotonic()
        try:
            allowed = np.asarray(read(found.products), dtype=bool)
        finally:
            self._masking.discard(key)
        if len(self._masks) > MOST_PLACES:
            self._masks.clear()
        self._masks[key] = _Mask(allowed, time.monotonic(), time.monotonic() - began)
        return allowed


MOST_PLACES = 500
"""Places whose masks are kept, each a byte an item."""

_servings: dict[Path, Serving] = {}


def serving_of(folder: Path) -> Serving:
    """The one of this process for the models in this folder."""
    return _servings.setdefault(folder, Serving(folder))


_SPEAKS = {"following_last": "follows", "neighbours": "neighbours", "around": "around", "near": "near"}
"""By feature what speaks for a candidate where it is above 0, the strongest first."""
_TOLD = (*_SPEAKS.values(), "popular")


def _reasons(features: Floats) -> list[int]:
    """What speaks most for each candidate, as its place in _TOLD."""
    import numpy as np

    from rapport.capabilities.recommendations.learning.candidates import FEATURES

    speaks = features[:, [FEATURES.index(name) for name in _SPEAKS]] > 0
    told: list[int] = np.where(speaks.any(axis=1), speaks.argmax(axis=1), len(_SPEAKS)).tolist()
    return told
