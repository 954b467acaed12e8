"""The consent strings of the advertising industry, parsed and never issued: what TCF says of purposes, GPP of opt-outs.

**Source**: IAB Europe, TCF technical specification 2.3 ("Consent string and vendor list formats v2"); IAB Tech Lab,
Global Privacy Protocol ("Consent String Specification", sections 7 US national and 8 California).
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Mapping

import msgspec

from rapport.capabilities.consent.model import Answer
from rapport.kernel.clock import SECOND, to_iso
from rapport.kernel.errors import InvalidInput
from rapport.kernel.moments import read_moment

__all__ = [
    "GPP_OPT_OUTS",
    "TCF_PURPOSES",
    "GppString",
    "TcfString",
    "gpp_answers",
    "parse_gpp",
    "parse_tcf",
    "tcf_answers",
]

TCF_PURPOSES = 10
"""Purposes of the framework: 1 storing on a device … 10 improving services."""
GPP_OPT_OUTS = ("sale", "sharing", "targeted")

_LONGEST = 8_000
_DISCLOSED_SINCE = read_moment("2026-02-28T00:00:00Z") or 0
"""From then on a string without the vendors that were disclosed is invalid (TCF 2.3)."""
_DISCLOSED = 1
"""The type of the segment that names them."""
_SECTIONS: Mapping[int, tuple[str, Mapping[str, int]]] = {
    7: ("US national", {"sale": 18, "sharing": 20, "targeted": 22}),
    8: ("California", {"sale": 12, "sharing": 14}),
}
"""Where an opt-out stands in the section's bits, counted from 0, two bits each: 0 not said, 1 opted out, 2 did not."""


class TcfString(msgspec.Struct, frozen=True, kw_only=True):
    """What a TC string says."""

    version: int
    created_at: str
    tool: int
    """The consent tool's number (CMP id)."""
    language: str
    policy_version: int
    purposes: list[int]
    """Those that are consented to."""
    objected_to_interest: list[int]
    """Those for which legitimate interest was not established, or was objected to."""
    invalid: str = ""
    """Why it grants nothing although it can be read."""


class GppString(msgspec.Struct, frozen=True, kw_only=True):
    """What a GPP string says of those sections that are read."""

    sections: list[int]
    opted_out: list[str]
    """`sale`, `sharing`, `targeted`: whatever any section says so of."""


class _Bits:
    """Bits of a segment in base64url."""

    def __init__(self, text: str, what: str) -> None:
        try:
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (ValueError, binascii.Error) as error:
            raise InvalidInput(f"{what} is not base64url", hint="hand it over as the consent tool made it") from error
        self._bits, self._what = "".join(f"{byte:08b}" for byte in raw), what

    def take(self, at: int, length: int) -> int:
        if at + length > len(self._bits):
            raise InvalidInput(f"{self._what} ends after {len(self._bits)} bits", hint="it was cut on its way")
        return int(self._bits[at : at + length], 2)

    def text(self) -> str:
        return self._bits


def parse_tcf(text: str) -> TcfString:
    """Read a TC string. Raises InvalidInput, saying what is wrong with it."""
    segments = _plain(text, "the TC string").split(".")
    core = _Bits(segments[0], "the TC string")
    version = core.take(0, 6)
    if version != 2:
        raise InvalidInput(f"the TC string has version {version}", hint="version 2 is read")
    created = core.take(6, 36) * SECOND // 10
    others = [_Bits(one, "a segment of the TC string").take(0, 3) for one in segments[1:]]
    missing = created >= _DISCLOSED_SINCE and _DISCLOSED not in others
    letters = (core.take(108, 6), core.take(114, 6))
    if max(letters) > 25:
        raise InvalidInput("the language of the TC string is none", hint="it was changed on its way")
    return TcfString(
        version=version, created_at=to_iso(created), tool=core.take(78, 12),
        language="".join(chr(65 + letter) for letter in letters).lower(), policy_version=core.take(132, 6),
        purposes=_numbers(core, 152), objected_to_interest=[n for n in _all() if n not in _numbers(core, 176)],
        invalid="since 28 February 2026 it has to name the vendors that were disclosed" if missing else "",
    )  # fmt: skip


def parse_gpp(text: str) -> GppString:
    """Read a GPP string. Raises InvalidInput, saying what is wrong with it."""
    header, *bodies = _plain(text, "the GPP string").split("~")
    bits = _Bits(header, "the header of the GPP string")
    if bits.take(0, 6) != 3:
        raise InvalidInput("this is no GPP string", hint="one begins with the header's type, 3")
    sections = _section_ids(bits.text()[12:])
    if len(sections) != len(bodies):
        raise InvalidInput(f"the GPP string names {len(sections)} sections and has {len(bodies)}", hint="it was cut")
    opted_out: set[str] = set()
    for section, body in zip(sections, bodies, strict=True):
        if section in _SECTIONS:
            name, places = _SECTIONS[section]
            core = _Bits(body.partition(".")[0], f"the section {name} of the GPP string")
            opted_out |= {what for what, at in places.items() if core.take(at, 2) == 1}
    return GppString(sections=sections, opted_out=[one for one in GPP_OPT_OUTS if one in opted_out])


def tcf_answers(text: object) -> list[Answer]:
    """What a TC string answers, by `tcf:1` … `tcf:10`. What cannot be read, or does not hold, is a no to all."""
    try:
        found = parse_tcf(text) if isinstance(text, str) else None
    except InvalidInput:
        found = None
    agreed = found.purposes if found is not None and not found.invalid else ()
    return [Answer(f"tcf:{number}", "granted" if number in agreed else "denied") for number in _all()]


def gpp_answers(text: object) -> list[Answer]:
    """The opt-outs of a GPP string, by `gpp:sale`, `gpp:sharing`, `gpp:targeted`.

    That somebody did not opt out is no yes; what cannot be read is an opt-out of all.
    """
    try:
        refused = parse_gpp(text).opted_out if isinstance(text, str) else GPP_OPT_OUTS
    except InvalidInput:
        refused = GPP_OPT_OUTS
    return [Answer(f"gpp:{name}", "denied") for name in refused]


def _plain(text: str, what: str) -> str:
    if not text or len(text) > _LONGEST or not text.isascii() or not text.isprintable():
        raise InvalidInput(f"{what} is empty, too long or no plain text", hint=f"at most {_LONGEST:,} characters")
    return text


def _all() -> range:
    return range(1, TCF_PURPOSES + 1)


def _numbers(core: _Bits, at: int) -> list[int]:
    return [number for number in _all() if core.take(at + number - 1, 1)]


def _section_ids(bits: str) -> list[int]:
    """A range in Fibonacci code: how many entries, then single ids or spans, each as its distance from the last."""
    if len(bits) < 12:
        raise InvalidInput("the header of the GPP string is cut", hint="hand it over whole")
    entries, at, last, found = int(bits[:12], 2), 12, 0, list[int]()
    for _ in range(min(entries, 100)):
        is_span, at = bits[at : at + 1] == "1", at + 1
        distance, at = _fibonacci(bits, at)
        first = last + distance
        last = first
        if is_span:
            more, at = _fibonacci(bits, at)
            last = first + more
        if last > 200:
            raise InvalidInput(f"the GPP string names a section {last}", hint="it was changed on its way")
        found += range(first, last + 1)
    return found


def _fibonacci(bits: str, at: int) -> tuple[int, int]:
    """A number whose code ends with two ones, and where it ends."""
    end = bits.find("11", at)
    if end < 0 or end - at > 40:
        raise InvalidInput("the header of the GPP string is cut", hint="hand it over whole")
    total, (small, large) = 0, (1, 2)
    for bit in bits[at : end + 1]:
        total += small if bit == "1" else 0
        small, large = large, small + large
    return total, end + 2
