"""Short texts: in how many parts a telephone network carries them. Pure."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Parts", "parts_of"]

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
"""Each takes the room of two."""


class Parts(NamedTuple):
    """How a text is carried, and billed."""

    coding: str
    """`GSM-7` or `UCS-2`, which one letter outside of the first is enough for."""
    number: int
    left: int
    """Letters that still fit into the last part."""


def parts_of(text: str) -> Parts:
    """The parts of an SMS. **Source:** 3GPP TS 23.038 (alphabets), TS 23.040 (6 bytes of each part join several).

    >>> parts_of("a" * 160).number, parts_of("a" * 161).number, parts_of("a" * 70 + "😀")
    (1, 2, Parts(coding='UCS-2', number=2, left=62))
    """
    if all(letter in _BASIC or letter in _EXTENDED for letter in text):
        return _divided("GSM-7", [2 if letter in _EXTENDED else 1 for letter in text], 160, 153)
    return _divided("UCS-2", [2 if ord(letter) > 0xFFFF else 1 for letter in text], 70, 67)


def _divided(coding: str, sizes: list[int], alone: int, each: int) -> Parts:
    """No letter is divided between two parts."""
    if sum(sizes) <= alone:
        return Parts(coding, 1, alone - sum(sizes))
    number, used = 1, 0
    for size in sizes:
        if used + size > each:
            number, used = number + 1, 0
        used += size
    return Parts(coding, number, each - used)
