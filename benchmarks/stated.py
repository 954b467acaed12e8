"""How right stated evidence alone is on tables of people as shops have them, imported as facts.

    python -m benchmarks.stated [--seeds 20-24] [--records 3000] [--accounts]

Each record is a fact that states what it holds: name, e-mail, phone, birth date, and its card as a loyalty card. With
`--accounts`, records that came as an account carry its user id. Pairs of records in one customer are held against who
is really who: as it was, where whatever shares an e-mail or a phone is one person, and by the default of the policy.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.settings import Settings
from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import IdentifierPolicy, identifiers_of, key_of
from rapport.kernel.ids import Key
from rapport.resolve import Resolver
from rapport.resolve.graph import store
from rapport.storage.workspaces import default_workspace
from rapport.world.tables import PeopleTable, Way, table_of

FIELDS = {
    "given_name": "firstName", "surname": "lastName", "email": "email", "phone": "phone", "birth_date": "birthday",
}  # fmt: skip


def main() -> None:
    """Measure and print a line for each seed and policy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="20-24")
    parser.add_argument("--records", type=int, default=3_000)
    parser.add_argument("--accounts", action="store_true")
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("-")
    for seed in range(int(first), int(last or first) + 1):
        table = table_of(seed, records=arguments.records)
        for one_name in (False, True):
            print(
                json.dumps({"seed": seed, **measure(table, one_name=one_name, accounts=arguments.accounts)}), flush=True
            )


def measure(table: PeopleTable, *, one_name: bool, accounts: bool = False) -> dict[str, Any]:
    """Precision and recall over pairs of records, and the wrong pairs by how the two people are related."""
    facts = [_fact(table, number, accounts=accounts) for number in range(len(table.rows))]
    began = time.perf_counter()
    customers = _customers(facts, IdentifierPolicy(one_name=one_name, default_region="GB"))
    seconds = time.perf_counter() - began
    groups: dict[Key, list[int]] = {}
    for number, customer in enumerate(customers):
        groups.setdefault(customer or Key(b"%d" % number), []).append(number)
    pairs = [(a, b) for several in groups.values() for i, a in enumerate(several) for b in several[i + 1 :]]
    wrong = Counter(str(relation.value) for a, b in pairs if (relation := table.relation(a, b)) is not None)
    truth = sum(n * (n - 1) // 2 for n in Counter(table.persons).values())
    right = len(pairs) - wrong.total()
    return {
        "one_name": one_name, "records": len(facts), "people": len(set(table.persons)), "customers": len(groups),
        "precision": round(right / max(1, len(pairs)), 4), "recall": round(right / truth, 4),
        "wrong": dict(wrong.most_common()), "seconds": round(seconds, 2),
    }  # fmt: skip


def _fact(table: PeopleTable, number: int, *, accounts: bool) -> Fact:
    row = table.rows[number]
    account = accounts and table.ways[number] is Way.ACCOUNT
    traits = {name: row[column] for column, name in FIELDS.items() if row[column]}
    context = {"externalIds": [{"type": "loyalty_card", "id": row["card"]}]} if row["card"] else {}
    fact = Fact(
        id=f"r{number}", type="identify", name="Identified", user_id=table.persons[number] if account else None,
        anonymous_id=None, previous_id=None, traits=traits, context=context,
    )  # fmt: skip
    fact.occurred_at = fact.received_at = number + 1
    fact.source = "table"
    return fact


def _customers(facts: Sequence[Fact], policy: IdentifierPolicy) -> list[Key | None]:
    """The customer of each fact, in a database of its own; None of a fact without any identifier."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load({}, data_dir=Path(folder))
        db = open_database(settings, ping=False)
        bootstrap(db, settings)
        with db.read() as conn:
            shop = default_workspace(conn).id
        resolver = Resolver(lambda _: policy)
        strands: list[Key | None] = []
        for start in range(0, len(facts), 500):
            for fact in facts[start : start + 500]:
                found = identifiers_of(fact, policy)
                strands.append(key_of(shop, found[0]) if found else None)
                if found:
                    resolver.observe(shop, fact, key_of(shop, found[0]))
            with db.write() as conn:
                resolver.flush(conn)
        columns = store.identifiers.c
        with db.read() as conn:
            roots = {Key(key): Key(root) for key, root in conn.execute(sa.select(columns.key, columns.root))}
        db.close()
    return [roots[strand] if strand else None for strand in strands]


if __name__ == "__main__":
    main()
