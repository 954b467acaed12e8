"""How many people are known who are called so: at this door, and anywhere.

Two records of one name and one door are a person twice, or a father and his son. What the shop's other records of that
name say of it tells more than these two can: one e-mail address or two, one date of birth or two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rapport.resolve.linking.comparisons.births import two_births
from rapport.resolve.linking.comparisons.comparison import Comparison, Level
from rapport.resolve.linking.comparisons.dates import Dates
from rapport.resolve.linking.comparisons.names import names_of
from rapport.resolve.linking.comparisons.shared import Mail, door_key, mail_of, numbers_of, same_mail
from rapport.resolve.linking.model import Frequencies

__all__ = ["Bearers"]

_ANYWHERE, _HERE = "n", "d"
_MOST = 60
"""Records of one name that are looked at; a name of more has many bearers."""


class _Bearer(NamedTuple):
    door: str
    here: int
    anywhere: int


class _Known(NamedTuple):
    """What tells the bearers of one name apart."""

    mail: Mail | None
    phones: frozenset[str]
    door: str
    born: str


class Bearers(Comparison[_Bearer]):
    """Others of the name, as far as the shop's records know them."""

    said = (
        "several of this name are known elsewhere", "two of this name are known", "nobody else of this name is known",
        "at this door two of this name are known", "at this door some of this name may be known",
        "at this door nobody else of this name is known",
    )  # fmt: skip
    usual_m = (0.1, 0.1, 0.2, 0.1, 0.1, 0.4)
    groups = (1, 2, 3, 4, 5, 6)
    rises = ((0, 1), (1, 2), (3, 4), (4, 5))

    @classmethod
    def frequencies(cls, records: Iterable[Sequence[str]]) -> Frequencies:
        """By name how many bearers, and by name and door what is known of two."""
        several: defaultdict[str, list[_Known]] = defaultdict(list)
        total = 0
        for texts in records:
            total += 1
            name = _name(texts)
            if name:
                several[name].append(_known(texts))
        counts = dict(_counted(several))
        ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:50_000]
        return Frequencies.of(total, dict(ranked))

    @staticmethod
    def feature(texts: Sequence[str], frequencies: Frequencies) -> _Bearer | None:
        """The door, and the counts of the record's name."""
        name = _name(texts)
        if not name:
            return None
        door = door_key(texts)
        here = frequencies.count_of(f"{_HERE}|{name}|{door}") if door else 1
        return _Bearer(door, here, frequencies.count_of(f"{_ANYWHERE}|{name}"))

    @staticmethod
    def compare(a: _Bearer, b: _Bearer) -> Level:
        """See `said`."""
        if a.door and a.door == b.door:
            return 6 - max(1, min(3, max(a.here, b.here)))
        return 3 - max(1, min(3, max(a.anywhere, b.anywhere)))


def _name(texts: Sequence[str]) -> str:
    given, surname = names_of(texts)
    return f"{given[0]} {' '.join(sorted(surname))}" if given and surname else ""


def _known(texts: Sequence[str]) -> _Known:
    born = Dates.feature([text[2:] for text in texts if text.startswith("b:")], Frequencies(0, {}))
    return _Known(mail_of(texts), frozenset(numbers_of(texts)), door_key(texts), born.digits if born else "")


def _counted(several: dict[str, list[_Known]]) -> Iterator[tuple[str, int]]:
    """Only what is more than one."""
    for name, all_known in several.items():
        if len(all_known) == 1:
            continue
        known = all_known[:_MOST]
        bearers = _groups([one for one in known if one.door or one.mail or one.phones])
        if bearers > 1:
            yield f"{_ANYWHERE}|{name}", bearers
        doors: defaultdict[str, list[_Known]] = defaultdict(list)
        for one in known:
            if one.door:
                doors[one.door].append(one)
        for door, here in doors.items():
            rank = _rank(here)
            if rank > 1:
                yield f"{_HERE}|{name}|{door}", rank


def _rank(here: Sequence[_Known]) -> int:
    """1 one bearer, 2 perhaps two, 3 two: their dates of birth say so, or each has an address in steady use."""
    born = [one.born for one in here if one.born]
    if any(two_births(x, y) for at, x in enumerate(born) for y in born[at + 1 :]):
        return 3
    uses: list[tuple[Mail, int]] = []
    for one in here:
        if one.mail is None:
            continue
        for at, (mail, times) in enumerate(uses):
            if same_mail(mail, one.mail):
                uses[at] = (mail, times + 1)
                break
        else:
            uses.append((one.mail, 1))
    return 3 if sum(times > 1 for _, times in uses) > 1 else 2 if len(uses) > 1 else 1


def _groups(known: Sequence[_Known]) -> int:
    """How many are left when records that share an address, a number, a door or a date are one."""
    top = list(range(len(known)))

    def find(at: int) -> int:
        while top[at] != at:
            top[at] = at = top[top[at]]
        return at

    for at, one in enumerate(known):
        for before in range(at):
            other = known[before]
            if find(at) == find(before):
                continue
            mail = one.mail is not None and other.mail is not None and same_mail(one.mail, other.mail)
            door = bool(one.door) and one.door == other.door
            if mail or door or one.phones & other.phones or (one.born and one.born == other.born):
                top[find(at)] = find(before)
    return len({find(at) for at in range(len(known))})
