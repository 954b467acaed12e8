"""What people give as theirs and often share: e-mail addresses, telephone numbers, doors, cards.

Each value knows how many different given names stand behind it in the shop's records: a number that several have is a
family's or an office's, and speaks for a household, not for one person. So the texts of these comparisons carry the
given name (`g:`) beside the value.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from rapport.resolve.linking.comparisons.comparison import Comparison, Level, edits, jaro_winkler
from rapport.resolve.linking.comparisons.names import names_of
from rapport.resolve.linking.kinds import fold, words
from rapport.resolve.linking.model import Frequencies

__all__ = ["Cards", "Doors", "Mail", "Mails", "Phones", "count_names", "door_key", "door_keys", "mail_of",
           "numbers_of", "same_mail"]  # fmt: skip

_LETTERS = 3
"""Of a given name that tell it from another: a slip or a short form is no second name."""


def count_names(values: Iterable[tuple[str, str]], *, keep: int = 50_000) -> dict[str, int]:
    """By value how many different given names stand behind it, of those with more than one; pairs of value and name.

    >>> count_names([("x@example.com", "ada"), ("x@example.com", "bo"), ("y@example.com", "ada")])
    {'x@example.com': 2}
    """
    names: dict[str, set[str]] = {}
    for value, name in values:
        if len(name) > 1:
            names.setdefault(value, set()).add(name[:_LETTERS])
    ranked = sorted(((len(found), value) for value, found in names.items() if len(found) > 1), reverse=True)
    return {value: found for found, value in ranked[:keep]}


def _given(texts: Sequence[str]) -> str:
    given, _ = names_of([text for text in texts if text[:2] in ("g:", "f:", "s:")])
    return given[0] if given else ""


def _of(role: str, texts: Sequence[str]) -> list[str]:
    return [text[2:] for text in texts if text.startswith(role)]


def _names_behind(found: Iterable[str], names: Frequencies) -> int:
    return max((names.count_of(value) for value in found), default=1)


# --- e-mail ----------------------------------------------------------------------------------------------------------

_OFFICE = frozenset(
    ("info", "office", "sales", "contact", "kontakt", "mail", "hello", "shop", "service", "support", "admin", "buero",
     "verwaltung", "accounts", "billing", "orders", "einkauf", "order", "purchasing", "reception", "team")
)  # fmt: skip
_RELAYS = ("relay", "marketplace.", "privaterelay", "anonymous", "noreply")


class _Shared(Comparison[Any]):
    """What several people may give."""

    @staticmethod
    @abstractmethod
    def named(texts: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Each value with the given name of its record."""

    @classmethod
    def frequencies(cls, records: Iterable[Sequence[str]]) -> Frequencies:
        """Of values with several different given names behind them, how many."""
        records = list(records)
        return Frequencies.of(len(records), count_names(pair for texts in records for pair in cls.named(texts)))


class Mail(NamedTuple):
    """An e-mail address as it is compared."""

    whole: str
    local: str
    domain: str
    stem: str
    """Without digits."""
    digits: str
    own: bool
    """There is more in it than the name of the record."""
    office: bool


class _MailsOf(NamedTuple):
    mails: tuple[Mail, ...]
    names: Frequencies


class Mails(_Shared):
    """An e-mail address, without tags; a number in it is a number, and a name in it says the name again."""

    said = (
        "different", "the same but for a number", "a slip before the @", "the same before the @, a name and no more",
        "the same before the @, more than a name", "a slip behind the @", "the same, an office's or of many",
        "the same, of several given names", "the same",
    )  # fmt: skip
    usual_m = (0.50, 0.02, 0.03, 0.05, 0.05, 0.05, 0.02, 0.08, 0.20)
    groups = (1, 1, 2, 2, 3, 3, 4, 4, 3)
    rises = ((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 8), (0, 6), (6, 7), (7, 8))
    personal = True
    of_two_names: ClassVar[Mapping[Level, Level]] = {8: 7}

    @staticmethod
    def named(texts: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Each address with the given name of its record."""
        given = _given(texts)
        return [(mail.whole, given) for raw in _of("e:", texts) if (mail := _mail(raw, ()))]

    @staticmethod
    def feature(texts: Sequence[str], frequencies: Frequencies) -> _MailsOf | None:
        """All addresses but those of relays, that are somebody new with every order."""
        given, surname = names_of([text for text in texts if text[:2] in ("g:", "f:", "s:")])
        found = [mail for raw in _of("e:", texts) if (mail := _mail(raw, (*given, *surname)))]
        return _MailsOf(tuple(found), frequencies) if found else None

    @staticmethod
    def compare(a: _MailsOf, b: _MailsOf) -> Level:
        """The most that any two of their addresses say."""
        level = max(_compare_mails(x, y) for x in a.mails for y in b.mails)
        if level == 8:
            behind = max(_names_behind((mail.whole for mail in one.mails), one.names) for one in (a, b))
            office = any(mail.office for mail in a.mails)
            level = 6 if office or behind > 4 else 7 if behind > 1 else 8
        return level

    @staticmethod
    def blocks_alone(feature: _MailsOf) -> list[str]:
        """The address, and what stands before the @."""
        return [text for mail in feature.mails for text in (mail.whole, mail.local)]


def _mail(raw: str, names: Sequence[str]) -> Mail | None:
    local, at, domain = fold(raw).partition("@")
    local = local.partition("+")[0].replace(".", "").replace("_", "").replace("-", "")
    if not at or not local or any(relay in domain for relay in _RELAYS):
        return None
    stem = "".join(c for c in local if not c.isdigit())
    digits = "".join(c for c in local if c.isdigit())
    rest = stem
    for name in sorted(names, key=len, reverse=True):
        rest = rest.replace(name, "", 1)
    own = len(digits) >= 2 or (bool(names) and len(rest) >= 3)
    return Mail(f"{local}@{domain}", local, domain, stem, digits, own, stem in _OFFICE)


def _compare_mails(a: Mail, b: Mail) -> Level:
    if a.whole == b.whole:
        return 8
    if a.local == b.local:
        if edits(a.domain, b.domain, score_cutoff=2) <= 2:
            return 5
        return 4 if a.own and b.own and not a.office else 3
    if a.digits != b.digits:
        return 1 if a.stem == b.stem else 0
    likeness = jaro_winkler(a.local, b.local, score_cutoff=0.9)
    return 2 if len(a.local) > 4 and likeness >= 0.9 and edits(a.local, b.local, score_cutoff=2) <= 2 else 0


# --- telephone and cards -------------------------------------------------------------------------------------------


class _Numbers(NamedTuple):
    numbers: frozenset[str]
    names: Frequencies


class Phones(_Shared):
    """A telephone number; the last nine digits, whatever stands before them."""

    said = ("different", "one edit", "the same, of more than four given names", "the same, of several given names",
            "the same")  # fmt: skip
    usual_m = (0.40, 0.05, 0.05, 0.10, 0.40)
    groups = (1, 2, 3, 3, 2)
    rises = ((0, 1), (1, 4), (0, 2), (2, 3), (3, 4))
    personal = True
    of_two_names: ClassVar[Mapping[Level, Level]] = {1: 0, 4: 3}

    @staticmethod
    def named(texts: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Each number with the given name of its record."""
        given = _given(texts)
        return [(number, given) for number in _numbers("p:", texts)]

    @staticmethod
    def feature(texts: Sequence[str], frequencies: Frequencies) -> _Numbers | None:
        """All numbers of the record."""
        found = frozenset(_numbers("p:", texts))
        return _Numbers(found, frequencies) if found else None

    @staticmethod
    def compare(a: _Numbers, b: _Numbers) -> Level:
        """The most that any two of their numbers say."""
        shared = a.numbers & b.numbers
        if shared:
            behind = min(max(a.names.count_of(number), b.names.count_of(number)) for number in shared)
            return 2 if behind > 4 else 3 if behind > 1 else 4
        near = any(edits(x, y, score_cutoff=1) == 1 for x in a.numbers for y in b.numbers)
        return int(near)

    @staticmethod
    def blocks_alone(feature: _Numbers) -> list[str]:
        """Each number."""
        return sorted(feature.numbers)

    @staticmethod
    def blocks_together(feature: _Numbers) -> list[str]:
        """Beginning and end of one."""
        first = min(feature.numbers)
        return [first[:4], first[-4:]] if len(first) >= 6 else []


class Cards(_Shared):
    """A loyalty card, a bank card, a number of a state: given to one person, and now and then lent."""

    said = ("different", "one edit", "the same, of several given names", "the same")
    usual_m = (0.10, 0.05, 0.05, 0.80)
    groups = (1, 2, 2, 2)
    rises = ((0, 1), (1, 3), (0, 2), (2, 3))
    personal = True
    of_two_names: ClassVar[Mapping[Level, Level]] = {3: 2}

    @staticmethod
    def named(texts: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Each card with the given name of its record."""
        given = _given(texts)
        return [(number, given) for number in _cards(texts)]

    @staticmethod
    def feature(texts: Sequence[str], frequencies: Frequencies) -> _Numbers | None:
        """All cards of the record, each with its column."""
        found = frozenset(_cards(texts))
        return _Numbers(found, frequencies) if found else None

    @staticmethod
    def compare(a: _Numbers, b: _Numbers) -> Level:
        """The most that any two of their cards say."""
        shared = a.numbers & b.numbers
        if shared:
            behind = min(max(a.names.count_of(number), b.names.count_of(number)) for number in shared)
            return 2 if behind > 1 else 3
        return int(any(len(x) > 7 and edits(x, y, score_cutoff=1) == 1 for x in a.numbers for y in b.numbers))

    @staticmethod
    def blocks_alone(feature: _Numbers) -> list[str]:
        """Each card."""
        return sorted(feature.numbers)


def _numbers(role: str, texts: Sequence[str]) -> list[str]:
    codes = ["".join(words(text)) for text in _of(role, texts)]
    return [code[-9:] if code.isdigit() and len(code) > 9 else code for code in codes if code]


def _cards(texts: Sequence[str]) -> list[str]:
    """With the column it stands in, since a loyalty card is no bank card of the same number."""
    return [f"{text[0]}{code}" for text in texts if text[0].isdigit() and (code := "".join(words(text[2:])))]


# --- where somebody lives ------------------------------------------------------------------------------------------


class _Door(NamedTuple):
    street: tuple[str, ...]
    numbers: frozenset[str]
    postcode: str
    city: str
    names: int
    """Different given names behind this door."""


class Doors(_Shared):
    """Street, number, postcode and town as one witness: whoever shares one of them mostly shares the others."""

    said = (
        "another place", "the same town or district", "the same street, another number",
        "the same postcode, street not known", "nearly the same door", "the same door, of more than six given names",
        "the same door, of three to six", "the same door, of two", "the same door",
    )  # fmt: skip
    usual_m = (0.20, 0.03, 0.02, 0.05, 0.05, 0.05, 0.10, 0.15, 0.35)
    groups = (1, 1, 2, 2, 3, 4, 4, 4, 3)
    rises = ((0, 1), (1, 2), (2, 4), (1, 3), (3, 8), (4, 8), (2, 5), (5, 6), (6, 7), (7, 8))
    personal = True
    of_two_names: ClassVar[Mapping[Level, Level]] = {8: 7}

    @staticmethod
    def named(texts: Sequence[str]) -> Iterable[tuple[str, str]]:
        """The door with the given name of the record."""
        door = _door(texts)
        return [(_key(door), _given(texts))] if door and door.street and (door.postcode or door.city) else []

    @staticmethod
    def feature(texts: Sequence[str], frequencies: Frequencies) -> _Door | None:
        """What is known of where somebody lives."""
        door = _door(texts)
        return door and door._replace(names=frequencies.count_of(_key(door)))

    @staticmethod
    def compare(a: _Door, b: _Door) -> Level:
        """See `said`."""
        code = edits(a.postcode, b.postcode, score_cutoff=1) if a.postcode and b.postcode else None
        town = jaro_winkler(a.city, b.city) >= 0.9 if a.city and b.city else None
        near = code == 0 or (code == 1 and town is not False) or (town is True and code != 0)
        unknown = code is None and town is None
        if not a.street or not b.street:
            return 3 if code == 0 else 1 if near or unknown else 0
        same = a.street == b.street and a.numbers == b.numbers
        if same and (code == 0 or (town and code in (None, 1)) or (unknown and a.numbers)):
            behind = max(a.names, b.names)
            return 5 if behind > 6 else 6 if behind > 2 else 7 if behind == 2 else 8
        return _near_door(a, b, same_code=code == 0) if near or (same and unknown) else 0

    @staticmethod
    def blocks_together(feature: _Door) -> list[str]:
        """Street with number, postcode, town: with the name, or two of them."""
        street = " ".join((*feature.street, *sorted(feature.numbers)))
        return [text for text in (street, feature.postcode, feature.city) if text]

    @staticmethod
    def doors(feature: _Door) -> list[str]:
        """Street and number in this place."""
        known = feature.street and feature.numbers and (feature.postcode or feature.city)
        return [_key(feature)] if known else []


def _near_door(a: _Door, b: _Door, *, same_code: bool) -> Level:
    """Of two doors in one town or district: nearly the same, the same street, or no more."""
    if not (a.street == b.street or jaro_winkler(" ".join(a.street), " ".join(b.street)) >= 0.88):
        return 1
    if a.numbers == b.numbers:
        return 4 if a.numbers or a.street == b.street else 2
    one, other = ("".join(sorted(numbers)) for numbers in (a.numbers, b.numbers))
    slip = same_code and min(len(one), len(other)) >= 2 and max(len(one), len(other)) > 2
    return 4 if slip and a.street == b.street and edits(one, other, score_cutoff=1) == 1 else 2


def _door(texts: Sequence[str]) -> _Door | None:
    parts = [part for text in (*_of("t:", texts), *_of("h:", texts)) for part in words(text)]
    street = tuple(sorted(part for part in parts if not part[0].isdigit()))
    numbers = frozenset(part for part in parts if part[0].isdigit())
    postcode = "".join(part for text in _of("z:", texts) for part in words(text))
    city = " ".join(part for text in _of("c:", texts) for part in words(text))
    if not (street or numbers or postcode or city):
        return None
    return _Door(street, numbers, postcode, city, 1)


def _key(door: _Door) -> str:
    return "|".join((*door.street, *sorted(door.numbers), door.postcode or door.city))


# --- what else looks at them -----------------------------------------------------------------------------------------


def mail_of(texts: Sequence[str]) -> Mail | None:
    """The first e-mail address of a record, as it is compared."""
    return next((mail for raw in _of("e:", texts) if (mail := _mail(raw, ()))), None)


def same_mail(a: Mail, b: Mail) -> bool:
    """Whether two are one address, slips forgiven."""
    return a.local == b.local or _compare_mails(a, b) == 2


def numbers_of(texts: Sequence[str]) -> list[str]:
    """The telephone numbers of a record."""
    return _numbers("p:", texts)


def door_key(texts: Sequence[str]) -> str:
    """Where somebody lives, as a text; empty where street or place is not known."""
    door = _door(texts)
    return _key(door) if door and door.street and (door.postcode or door.city) else ""


def door_keys(texts: Sequence[str]) -> list[str]:
    """Where somebody lives, as texts of which a slip in the postcode or in the town leaves one; empty as `door_key`."""
    door = _door(texts)
    if door is None or not door.street or not door.numbers:
        return []
    here = "|".join((*door.street, *sorted(door.numbers)))
    return [f"{here}|{place}" for place in (door.postcode, door.city) if place]
