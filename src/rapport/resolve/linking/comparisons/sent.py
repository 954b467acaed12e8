"""Whether a record was sent to somebody else's door: a gift bears the receiver's name and address beside the giver's
e-mail, so that it seems to live in two homes at once.

The shop's other records tell it: whoever gave this e-mail, telephone or card is called otherwise and lives elsewhere,
and at this door somebody of this name is known by other means.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, NamedTuple

from rapport.kernel.person_names import are_said_for_one
from rapport.resolve.linking.comparisons.comparison import Comparison, Level
from rapport.resolve.linking.comparisons.names import names_of
from rapport.resolve.linking.comparisons.shared import door_keys, mail_of, numbers_of
from rapport.resolve.linking.kinds import words
from rapport.resolve.linking.model import Frequencies, Method, hashed

__all__ = ["Sent"]

_MOST = 60
"""Records behind one thing that are looked at; a thing of more is a building's or an office's."""
_LETTERS = 3
"""Of a given name that tell it from another."""


class _Known(NamedTuple):
    """A record, as far as it says who gave it and where it went."""

    given: str
    surname: str
    mail: str
    """What stands before the @."""
    contacts: tuple[str, ...]
    doors: tuple[str, ...]

    @property
    def key(self) -> str:
        """Its number; no text of a person's stands in a model."""
        text = "\x1f".join((self.given, self.surname, *self.contacts, "", *self.doors))
        return hashed(text)


class Sent(Comparison[bool]):
    """Whose door it is. Says nothing of one person; who was sent something does not live with its sender."""

    said = ("neither was sent to another's door", "one was sent to another's door", "both were sent to another's door")
    usual_m = (0.90, 0.08, 0.02)
    groups = (1, 2, 3)
    of_another: ClassVar[Mapping[Level, frozenset[Method]]] = dict.fromkeys(
        (1, 2), frozenset({Method.PERSON_NAME, Method.DOOR, Method.BEARERS})
    )

    @classmethod
    def frequencies(cls, records: Iterable[Sequence[str]]) -> Frequencies:
        """By record that was sent to another's door 1."""
        known = [_known(texts) for texts in records]
        return Frequencies(len(known), dict.fromkeys(_sent(known), 1))

    @staticmethod
    def feature(texts: Sequence[str], frequencies: Frequencies) -> bool:
        """Whether this record was."""
        return bool(frequencies.counts) and _known(texts).key in frequencies.counts

    @staticmethod
    def compare(a: bool, b: bool) -> Level:  # noqa: FBT001  # features
        """How many of the two were."""
        return a + b


def _known(texts: Sequence[str]) -> _Known:
    given, surname = names_of([text for text in texts if text[:2] in ("g:", "f:", "s:")])
    mail = mail_of(texts)
    contacts = [mail.whole] if mail else []
    contacts += numbers_of(texts)
    contacts += [text[0] + "".join(words(text[2:])) for text in texts if text[0].isdigit()]
    local = mail.local if mail else ""
    return _Known(given[0] if given else "", " ".join(surname), local, tuple(contacts), tuple(door_keys(texts)))


def _sent(known: Sequence[_Known]) -> Iterator[str]:
    by_contact, by_door = _by([one.contacts for one in known]), _by([one.doors for one in known])
    for at, one in enumerate(known):
        if not (one.given and one.contacts and one.doors) or _is_named(one.mail, one):
            continue
        givers = _beside(at, one.contacts, by_contact)
        here = _beside(at, one.doors, by_door)
        elsewhere = [known[o] for o in givers - here if known[o].doors and _differ(one.given, known[o].given)]
        if not elsewhere or not any(_is_called_so(one, known[o]) for o in here - givers):
            continue
        alike = sum(o in here or not _differ(one.given, known[o].given) for o in givers)
        if len(elsewhere) >= alike or any(_is_named(one.mail, giver) for giver in elsewhere):
            yield one.key


def _is_called_so(one: _Known, other: _Known) -> bool:
    return one.surname == other.surname and bool(other.given) and not _differ(one.given, other.given)


def _is_named(mail: str, one: _Known) -> bool:
    """Whether an e-mail address holds somebody's name."""
    return (len(one.given) > 2 and one.given in mail) or (len(one.surname) > 3 and one.surname in mail)


def _by(several: Sequence[Sequence[str]]) -> Mapping[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for at, values in enumerate(several):
        for value in values:
            found[value].append(at)
    return found


def _beside(at: int, values: Iterable[str], by: Mapping[str, Sequence[int]]) -> set[int]:
    return {other for value in values if len(by[value]) <= _MOST for other in by[value]} - {at}


def _differ(a: str, b: str) -> bool:
    if not a or not b:
        return False
    if len(a) == 1 or len(b) == 1:
        return a[0] != b[0]
    return a[:_LETTERS] != b[:_LETTERS] and not are_said_for_one(a, b)
