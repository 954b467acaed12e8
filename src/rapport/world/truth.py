"""Who was really who: the answer that Rapport has to find, written beside the facts and never sent.

`scoring` holds any assignment of identifiers to customers against it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from rapport.kernel.identifiers import Identifier
from rapport.world.timeline import World

__all__ = ["Known", "merged", "owners", "read_truth", "truth_of", "write_truth"]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """One person and every identifier they have been seen under: one line of the truth file."""

    person: str
    household: int
    name: str
    identifiers: list[Identifier]


def truth_of(world: World) -> list[Known]:
    """Everybody who has come so far, in order of their numbers."""
    return [
        Known(
            person=shopper.person.key,
            household=shopper.person.household.index,
            name=f"{shopper.person.given} {shopper.person.family}",
            identifiers=list(shopper.used),
        )
        for _, shopper in sorted(world.shoppers.items())
    ]


def write_truth(path: Path, known: Iterable[Known]) -> int:
    """Write JSON lines, one person each, in place of an earlier file; answers how many."""
    lines = [msgspec.json.encode(person) for person in known]
    partial = path.with_suffix(".partial")
    partial.write_bytes(b"".join(line + b"\n" for line in lines))
    partial.replace(path)
    return len(lines)


def read_truth(path: Path) -> list[Known]:
    """The people of a truth file."""
    decoder = msgspec.json.Decoder(Known)
    return [decoder.decode(line) for line in path.read_bytes().splitlines() if line]


def merged(known: Iterable[Known], earlier: Iterable[Known]) -> list[Known]:
    """Everybody with all identifiers of both; what was known earlier comes last. In order of their numbers."""
    found = {person.person: person for person in known}
    for person in earlier:
        now = found.get(person.person, person)
        both = list(dict.fromkeys([*now.identifiers, *person.identifiers]))
        found[person.person] = msgspec.structs.replace(now, identifiers=both)
    return [person for _, person in sorted(found.items())]


def owners(known: Iterable[Known]) -> dict[Identifier, set[str]]:
    """Per identifier everybody who has used it."""
    found: dict[Identifier, set[str]] = {}
    for person in known:
        for identifier in person.identifiers:
            found.setdefault(identifier, set()).add(person.person)
    return found
