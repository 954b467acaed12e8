"""Who is one person and who lives together in the demonstration's town, over several towns: the truth is known.

    python -m benchmarks.demo_identity [--seeds 1-20] [--people 2000] [--days 90] [--json]

For each seed a data folder as `rapport demo` makes it: the town's messages are taken in as its sources send them, the
older shop's orders are imported, a model is trained and everybody scored, by the same commands. Nothing is served.

`auto_precision`: of the links that were made without asking, the share of one person. `queue_…`: the pairs that a
person is asked in the first week; `queue_undecided` is the share that the model calls between .2 and .95 likely.
`queue_right_share` is of the pairs of which it is known whose they are.
`homes_…`: of pairs of two people, both known to the shop by name or address, those said to live together;
`homes_told_…` of those alone of whom the shop has heard a street. Two whom it takes for one customer are left out of
both and counted in `homes_merged`: that is another mistake, and no household. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations, islice
from pathlib import Path
from typing import NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.app.bootstrap import open_database
from rapport.app.demo.shop import prepare
from rapport.app.pipeline import Pipeline
from rapport.app.scorecard.measure import measure
from rapport.app.settings import Settings
from rapport.app.wiring import installed
from rapport.app.worker import drain, run_job_now
from rapport.collect.appender import Appender
from rapport.collect.model import Envelope, Source
from rapport.collect.prepare import prepare_all
from rapport.collect.sources import list_sources
from rapport.compose.upkeep import ASKING
from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph.store import identifiers, roots_of
from rapport.resolve.linking.model import GroupKind, probability
from rapport.resolve.linking.store import households, link_candidates, link_records
from rapport.storage.engine import Database
from rapport.storage.workspaces import default_workspace
from rapport.world.before import known_before, write_orders_before
from rapport.world.messages import Delivery
from rapport.world.timeline import Town, World
from rapport.world.truth import Known, merged, truth_of

_AT_ONCE = 500
_UNDECIDED = (0.2, 0.95)
_ROUNDS = 400
"""Turns of the job that asks; each weighs some sixty pairs."""

Pair = tuple[str, str]


class Found(NamedTuple):
    """What a town came to, as counts that can be added up."""

    right: int
    wrong: int
    asked: int
    asked_known: int
    """Of whose both ends it is known who they are."""
    asked_right: int
    undecided: int
    homes: Counter[str]
    customers: int


def town_found(town: Town, folder: Path) -> Found:
    """Tell the town to a shop in this folder, have it learn, and hold what it says against the truth."""
    settings = Settings(data_dir=folder)
    prepare(settings, town)
    world = World(town)
    db = open_database(settings)
    try:
        with db.read() as conn:
            shop = default_workspace(conn).id
        _tell(db, shop, world.history(town.starts_at + town.days * 86_400_000_000))
        before = folder / "orders-before.csv"
        write_orders_before(before, town)
        pipeline = Pipeline(db, slices=installed())
        drain(pipeline)
        for command in (
            ("import", "csv", str(before), "--map", "any-orders"), ("identity", "train"), ("identity", "score"),
        ):  # fmt: skip
            _command(*command, "--data", str(folder))
        for _ in range(_ROUNDS):
            run_job_now(pipeline, ASKING.name)
            if _is_all_weighed(db, shop):
                break
        with db.read() as conn:
            return _held_against(conn, shop, merged(truth_of(world), known_before(town)))
    finally:
        db.close()


def _tell(db: Database, shop: WorkspaceId, deliveries: Iterable[Delivery]) -> None:
    """Take in each message as its channel's source would be sent it."""
    with db.read() as conn:
        sources: Mapping[str, Source] = {source.kind: source for source in list_sources(conn, shop)}
    appender, vocabulary = Appender(db), installed().vocabulary
    try:
        coming = iter(deliveries)
        while some := list(islice(coming, _AT_ONCE)):
            made = [
                prepare_all(
                    [msgspec.json.encode(one.message | {"sentAt": to_iso(one.arrives_at + one.skew)})],
                    source=sources[one.channel], received_at=one.arrives_at, envelope=Envelope(), vocabulary=vocabulary,
                )
                for one in some
            ]  # fmt: skip
            appender.append_sync([row for rows, _ in made for row in rows], [row for _, aside in made for row in aside])
    finally:
        appender.close()


def _command(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "rapport", *arguments], stdout=subprocess.DEVNULL, check=True)


def _is_all_weighed(db: Database, shop: WorkspaceId) -> bool:
    c = link_candidates.c
    waits = c.status.in_(("review", "refused"))
    query = sa.select(sa.func.count()).where(c.workspace == shop, waits, c.worth.is_(None))
    with db.read() as conn:
        return conn.execute(query).scalar_one() == 0


# --- beside the truth ----------------------------------------------------------------------------------------------


def _held_against(conn: Connection, shop: WorkspaceId, known: list[Known]) -> Found:
    measured = measure(conn, shop, known, at=now_us(), live=False, facts=0)
    owner = _owners(conn, shop, known)
    c = link_candidates.c
    query = sa.select(c.a, c.b, c.millibits).where(c.workspace == shop, c.asked_at.is_not(None))
    asked = [(Key(row.a), Key(row.b), probability(row.millibits / 1000)) for row in conn.execute(query)]
    roots = roots_of(conn, shop, {key for a, b, _ in asked for key in (a, b)})
    whose = [(owner.get(roots[a], set()), owner.get(roots[b], set())) for a, b, _ in asked]
    same = [bool(one & other) for one, other in whose if one and other]
    low, high = _UNDECIDED
    return Found(
        measured.right_links, measured.wrong_links, len(asked), len(same), sum(same),
        sum(low <= chance <= high for *_, chance in asked), _homes(conn, shop, known, owner), measured.customers,
    )  # fmt: skip


def _owners(conn: Connection, shop: WorkspaceId, known: Iterable[Known]) -> dict[Key, set[str]]:
    """Customer → whose own identifiers it holds."""
    users: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for one in known:
        for each in one.identifiers:
            users[each.namespace, each.value].add(one.person)
    query = sa.select(identifiers.c.namespace, identifiers.c.value, identifiers.c.root)
    found: defaultdict[Key, set[str]] = defaultdict(set)
    for row in conn.execute(query.where(identifiers.c.workspace == shop)):
        people = users.get((row.namespace, row.value), set())
        if len(people) == 1:
            found[Key(row.root)] |= people
    return found


def _homes(
    conn: Connection, shop: WorkspaceId, known: Iterable[Known], owner: Mapping[Key, set[str]]
) -> Counter[str]:  # fmt: skip
    """Pairs of two people who live together, are said to, and both; `told_` where both told a street."""
    c = link_records.c
    rows = conn.execute(sa.select(c.key, c.fields).where(c.workspace == shop))
    fields = {Key(row.key): msgspec.json.decode(row.fields) for row in rows}
    table = households.c
    query = sa.select(table.key, table.household).where(table.workspace == shop, table.kind == GroupKind.HOME.value)
    groups: defaultdict[bytes, set[Key]] = defaultdict(set)
    for row in conn.execute(query):
        groups[bytes(row.household)].add(Key(row.key))
    roots = roots_of(conn, shop, {*fields, *(key for keys in groups.values() for key in keys)})
    recorded = {person for key in fields if key in roots for person in owner.get(roots[key], ())}
    told = {
        person for key, texts in fields.items() if texts.get("street") and key in roots
        for person in owner.get(roots[key], ())
    }  # fmt: skip
    said = {
        pair for keys in groups.values() if len({roots[key] for key in keys if key in roots}) > 1
        for pair in _pairs({who for key in keys if key in roots for who in owner.get(roots[key], ())})
    }  # fmt: skip
    by_home: defaultdict[int, set[str]] = defaultdict(set)
    for one in known:
        by_home[one.household].add(one.person)
    one_customer = {pair for people in owner.values() for pair in _pairs(people)}
    true = {pair for people in by_home.values() for pair in _pairs(people & recorded)}
    lost = len(true & one_customer)
    true, said = true - one_customer, said - one_customer
    counted = Counter(merged=lost)
    for name, among in (("", recorded), ("told_", told)):
        here = [{pair for pair in pairs if among.issuperset(pair)} for pairs in (true, said)]
        counted |= {f"{name}true": len(here[0]), f"{name}said": len(here[1]), f"{name}right": len(here[0] & here[1])}
    return counted


def _pairs(people: Iterable[str]) -> Iterator[Pair]:
    return combinations(sorted(people), 2)


# --- the report ----------------------------------------------------------------------------------------------------


def report(found: list[Found]) -> dict[str, float | int]:
    """Added up over the towns."""
    right, wrong = sum(one.right for one in found), sum(one.wrong for one in found)
    asked, asked_right = sum(one.asked for one in found), sum(one.asked_right for one in found)
    asked_known = sum(one.asked_known for one in found)
    undecided = sum(one.undecided for one in found)
    homes = sum((one.homes for one in found), Counter())
    customers = sum(one.customers for one in found)
    told: dict[str, float | int] = {
        "towns": len(found), "customers": customers, "auto_links": right + wrong,
        "auto_precision": round(right / (right + wrong), 4) if right + wrong else 1.0,
        "queue_a_week_for_2000": round(asked * 2_000 / max(1, customers), 1),
        "queue_undecided": round(undecided / max(1, asked), 4),
        "homes_merged": homes["merged"],
        "queue_right_share": round(asked_right / max(1, asked_known), 4),
    }  # fmt: skip
    for name in ("", "told_"):
        true, said, both = (homes[f"{name}{what}"] for what in ("true", "said", "right"))
        told |= {
            f"homes_{name}f1": round(2 * both / max(1, true + said), 4),
            f"homes_{name}precision": round(both / max(1, said), 4),
            f"homes_{name}recall": round(both / max(1, true), 4),
        }
    return told


def main() -> None:
    """Measure town after town and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.demo_identity", description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", default="1-20")
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--json", action="store_true", help="only the last line")
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("-")
    found = []
    for seed in range(int(first), int(last or first) + 1):
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="rapport-town-") as folder:
            town = Town.until(now_us(), seed=seed, people=arguments.people, days=arguments.days)
            found.append(town_found(town, Path(folder)))
        if not arguments.json:
            told = json.dumps(report(found[-1:]))
            print(f"seed {seed}, {time.monotonic() - began:.0f} s: {told}", file=sys.stderr, flush=True)
    print(json.dumps(report(found)))


if __name__ == "__main__":
    main()
