"""How amounts are spread: bands a quarter of a doubling wide, read as quartiles."""

from __future__ import annotations

from rapport.kernel.mergeable.base import NEVER, Mergeable, Stamp, State, keep_smallest, newer


class Histogram(Mergeable):
    """How amounts are spread, by unit, in quarter octaves. Folds `(unit, amount)` with amount > 0.

    State: `[{unit: {band: n}}, *stamp of the latest]`; a band is about 19 % wide, so quantiles are within 10 %.
    """

    __slots__ = ("limit",)

    def __init__(self, *, limit: int = 8) -> None:
        self.limit = limit

    @staticmethod
    def band(amount: int) -> int:
        """The band of an amount: four to each doubling, by its three leading bits.

        >>> [Histogram.band(n) for n in (1, 2, 3, 4, 5, 1000, 1200)]
        [0, 4, 6, 8, 9, 39, 40]
        """
        octave = amount.bit_length() - 1
        return octave * 4 + ((amount << 2 >> octave) & 3)

    @staticmethod
    def lower(band: int) -> int:
        """The smallest amount that falls into a band.

        >>> Histogram.lower(39), Histogram.lower(40)
        (896, 1024)
        """
        octave, quarter = divmod(band, 4)
        return -((-(4 + quarter) << octave) // 4)

    def zero(self) -> State:
        return [{}, NEVER, "", ""]

    def fold(self, state: State, at: int, fact_id: str, source: str, value: tuple[str, int]) -> None:
        unit, amount = value
        by_unit = state[0]
        bands = by_unit.get(unit)
        if bands is None:
            bands = by_unit[unit] = {}
            if len(by_unit) > self.limit + self.limit // 4:
                keep_smallest(by_unit, self.limit)
        octave = amount.bit_length() - 1
        band = octave * 4 + ((amount << 2 >> octave) & 3)
        bands[band] = bands.get(band, 0) + 1
        if at > state[1] or (at == state[1] and fact_id > state[2]):
            state[1] = at
            state[2] = fact_id
            state[3] = source

    def merge(self, left: State, right: State) -> State:
        by_unit = {unit: dict(bands) for unit, bands in left[0].items()}
        for unit, bands in right[0].items():
            mine = by_unit.setdefault(unit, {})
            for band, number in bands.items():
                mine[band] = mine.get(band, 0) + number
        return self.trim([by_unit, *newer(left, right, 1)])

    def trim(self, state: State) -> State:
        keep_smallest(state[0], self.limit)
        return state

    def read(self, state: State) -> dict[str, tuple[int, int, int]] | None:
        """By unit, the amounts below which a quarter, a half and three quarters of the facts lie."""
        return {unit: _quartiles(bands) for unit, bands in sorted(state[0].items())} or None

    def stamp(self, state: State) -> Stamp:
        return state[1:4]


def _quartiles(bands: dict[int, int]) -> tuple[int, int, int]:
    total = sum(bands.values())
    found: list[int] = []
    seen = 0
    for band in sorted(bands):
        seen += bands[band]
        while len(found) < 3 and seen * 4 >= total * (len(found) + 1):
            found.append((Histogram.lower(band) + Histogram.lower(band + 1)) // 2)
    return found[0], found[1], found[2]
