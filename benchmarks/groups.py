"""Households and companies on the project's own tables, whose truth is known.

    python -m benchmarks.groups [--seeds 10-12] [--records 2000]

Every record is put in live, one at a time in random order, and stands in the likelier of its household and its company.
Counted are pairs of records of two people (`by_record`) and pairs of people (`by_person`): of those who live together,
or buy for one company, the share that was found, and of those found the share that is so. Seeds 0 to 9 are for
choosing.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.linking.clusters import WORTH_A_LOOK, Clusters
from rapport.resolve.linking.homes import Homes
from rapport.resolve.linking.households import Living
from rapport.resolve.linking.kinds import detect
from rapport.resolve.linking.model import GroupKind
from rapport.resolve.linking.scorer import LiveIndex
from rapport.resolve.linking.training import train
from rapport.world.tables import Home, PeopleTable, table_of

_SHOP = WorkspaceId(1)


def found_in(table: PeopleTable) -> dict[int, Living]:
    """Where each record belongs that is of a group."""
    rows: list[dict[str, Any]] = [dict(row) for row in table.rows]
    model = train(rows, detect(rows))
    index = LiveIndex(model)
    persons = Clusters(index.cautious, threshold=model.thresholds.automatic, mean=model.thresholds.mean)
    homes = Homes(index, persons)
    for number in random.Random(1).sample(range(len(rows)), len(rows)):
        persons.add(number, index.put(number, rows[number], above=WORTH_A_LOOK))
        homes.add(number)
    keys = {number: Key(b"%016d" % number) for number in range(len(rows))}
    taken = homes.taken(_SHOP, keys)
    return {number: one for number, key in keys.items() if (one := taken.get(key)) is not None}


def counts(table: PeopleTable, found: Mapping[int, Living], kind: GroupKind) -> Counter[str]:
    """True, said and right pairs, of records and of people."""
    true: defaultdict[object, list[int]] = defaultdict(list)
    said: defaultdict[object, list[int]] = defaultdict(list)
    for number, home in enumerate(table.homes):
        if (home is Home.COMPANY) == (kind is GroupKind.COMPANY):
            true[table.households[number]].append(number)
        if number in found and found[number].kind == kind:
            said[found[number].household].append(number)
    counted: Counter[str] = Counter()
    records = [_pairs(groups.values(), table) for groups in (true, said)]
    people = [{tuple(sorted((table.persons[a], table.persons[b]))) for a, b in pairs} for pairs in records]
    for name, (real, told) in (("by_record", records), ("by_person", people)):
        counted |= {f"{name}_true": len(real), f"{name}_said": len(told), f"{name}_right": len(real & told)}
    return counted


def _pairs(groups: Iterable[list[int]], table: PeopleTable) -> set[Any]:
    persons = table.persons
    return {(a, b) for group in groups for a, b in combinations(sorted(group), 2) if persons[a] != persons[b]}


def main() -> None:
    """Measure and print, the last line all seeds together."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.groups", description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", default="10-12")
    parser.add_argument("--records", type=int, default=2_000)
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("-")
    counted = {kind: Counter[str]() for kind in GroupKind}
    for seed in range(int(first), int(last or first) + 1):
        table = table_of(seed, records=arguments.records)
        found = found_in(table)
        for kind in GroupKind:
            counted[kind] += counts(table, found, kind)
        print(f"seed {seed}: {len(table.rows)} records", file=sys.stderr, flush=True)
    print(json.dumps({kind.value: _rates(counted[kind]) for kind in GroupKind}))


def _rates(counted: Counter[str]) -> dict[str, float]:
    told: dict[str, float] = {}
    for name in ("by_record", "by_person"):
        true, said, right = (counted[f"{name}_{what}"] for what in ("true", "said", "right"))
        told |= {
            f"{name}_f1": round(2 * right / max(1, true + said), 4),
            f"{name}_precision": round(right / max(1, said), 4),
            f"{name}_recall": round(right / max(1, true), 4),
        }  # fmt: skip
    return told


if __name__ == "__main__":
    main()
