"""Mistakes to look at: customers that hold several people, and people who are in several customers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest

import msgspec

from rapport.app.scorecard.state import Customers
from rapport.kernel.identifiers import Identifier
from rapport.kernel.ids import CustomerId, Key
from rapport.resolve.graph.customer_ids import CustomerIds

__all__ = ["Mixed", "PartOfPerson", "Parted", "mixed_customers", "parted_people"]

MOST = 10
"""Examples of each kind."""


class Mixed(msgspec.Struct, frozen=True, kw_only=True):
    """A customer that is several people."""

    customer: CustomerId
    people: dict[str, int]
    """Name → identifiers that are theirs alone; who has most comes first. Namesakes are numbered."""
    learned: bool
    """True where no piece of certain evidence brought them together, but a learned link."""
    shared: list[str]
    """Namespaces of identifiers that several of them used."""


class PartOfPerson(msgspec.Struct, frozen=True, kw_only=True):
    """One of the customers that a person is."""

    customer: CustomerId
    namespaces: dict[str, int]
    """How many identifiers of each namespace are there."""


class Parted(msgspec.Struct, frozen=True, kw_only=True):
    """A person who is several customers."""

    name: str
    parts: list[PartOfPerson]
    """The largest first."""


def mixed_customers(
    customers: Customers, truth: Mapping[Identifier, set[str]], names: Mapping[str, str], ids: CustomerIds
) -> list[Mixed]:
    """The customers with most pairs of identifiers that are not one person. `names`: person → what they are called."""
    found: list[tuple[int, Key, Counter[str]]] = []
    members = customers.members()
    for root, keys in members.items():
        people = Counter(person for key in keys if (person := _owner(customers, truth, key)))
        if len(people) > 1:
            found.append((_pairs([people.total()]) - _pairs(people.values()), root, people))
    return [
        Mixed(
            customer=ids.customer_id(root),
            people=_by_name(people, names),
            learned=not _certainly_mixed(customers, truth, members[root]),
            shared=_shared(customers, truth, members[root], people),
        )
        for _, root, people in nlargest(MOST, found, key=lambda each: each[:2])
    ]


def parted_people(
    customers: Customers, truth: Mapping[Identifier, set[str]], names: Mapping[str, str], ids: CustomerIds
) -> list[Parted]:
    """The people with most pairs that were missed although each end was seen together with something else."""
    places: defaultdict[str, defaultdict[Key, list[Key]]] = defaultdict(lambda: defaultdict(list))
    sizes = Counter(customers.roots.values())
    for key, root in customers.roots.items():
        if person := _owner(customers, truth, key):
            places[person][root].append(key)
    found: list[tuple[int, str]] = []
    for person, parts in places.items():
        tied = [len(keys) for root, keys in parts.items() if sizes[root] > 1]
        found.append((_pairs([sum(tied)]) - _pairs(tied), person))
    return [
        Parted(name=names[person], parts=_parts(customers, places[person], ids))
        for missed, person in nlargest(MOST, found)
        if missed
    ]


def _owner(customers: Customers, truth: Mapping[Identifier, set[str]], key: Key) -> str | None:
    """Whose own this identifier is; None of a shared or unknown one."""
    people = truth.get(customers.names[key], set())
    return next(iter(people)) if len(people) == 1 else None


def _certainly_mixed(customers: Customers, truth: Mapping[Identifier, set[str]], keys: Sequence[Key]) -> bool:
    """Whether some of the customer's units holds several people by itself."""
    people: defaultdict[Key, set[str]] = defaultdict(set)
    for key in keys:
        if person := _owner(customers, truth, key):
            people[customers.units[key]].add(person)
    return any(len(several) > 1 for several in people.values())


def _shared(
    customers: Customers, truth: Mapping[Identifier, set[str]], keys: Iterable[Key], people: Iterable[str]
) -> list[str]:
    everybody = set(people)
    used = (customers.names[key] for key in keys)
    return sorted({each.namespace for each in used if len(truth.get(each, set()) & everybody) > 1})


def _by_name(people: Counter[str], names: Mapping[str, str]) -> dict[str, int]:
    met: Counter[str] = Counter()
    found: dict[str, int] = {}
    for person, count in people.most_common():
        name = names[person]
        met[name] += 1
        found[name if met[name] == 1 else f"{name} ({met[name]})"] = count
    return found


def _parts(customers: Customers, parts: Mapping[Key, Sequence[Key]], ids: CustomerIds) -> list[PartOfPerson]:
    return [
        PartOfPerson(
            customer=ids.customer_id(root),
            namespaces=dict(Counter(customers.names[key].namespace for key in keys).most_common()),
        )
        for root, keys in sorted(parts.items(), key=lambda part: (-len(part[1]), part[0]))
    ]


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)
