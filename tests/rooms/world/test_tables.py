"""Tables of people: made from a seed, every relation in the share that was asked for, the truth beside."""

from __future__ import annotations

from collections import Counter

import pytest

from rapport.world.tables import COLUMNS, HOMES, WAYS, Density, Home, PeopleTable, Way, mix_of, table_of


@pytest.fixture(scope="module")
def table() -> PeopleTable:
    return table_of(4)


def test_the_same_seed_makes_the_same_table_and_another_one_another(table: PeopleTable) -> None:
    assert table_of(4) == table
    assert table_of(13).rows != table.rows


def test_there_are_two_records_a_person_as_many_as_asked_for(table: PeopleTable) -> None:
    assert len(table.rows) == pytest.approx(6_000, rel=0.05)
    assert len(set(table.persons)) == pytest.approx(3_000, rel=0.02)
    assert all(tuple(row) == COLUMNS for row in table.rows)


@pytest.mark.parametrize("home", list(HOMES))
def test_each_kind_of_home_has_its_share_of_the_people(table: PeopleTable, home: Home) -> None:
    by_home = Counter(dict(zip(table.persons, table.homes, strict=True)).values())
    assert by_home[home] / by_home.total() == pytest.approx(HOMES[home], abs=0.006)


@pytest.mark.parametrize("way", [way for way in WAYS if way is not Way.ACCOUNT])
def test_each_way_has_its_share_of_the_later_records(table: PeopleTable, way: Way) -> None:
    later = len(table.rows) - len(set(table.persons))
    assert table.ways.count(way) / later == pytest.approx(WAYS[way], abs=0.025)


def test_what_a_home_shares_is_shared(table: PeopleTable) -> None:
    firsts: dict[str, dict[str, dict[str, str | None]]] = {}
    for row, person, household, home in zip(table.rows, table.persons, table.households, table.homes, strict=True):
        if home in (Home.FATHER_AND_SON, Home.ONE_MAIL):
            firsts.setdefault(f"{home} {household}", {}).setdefault(person, row)
    for shared, home in (("surname", Home.FATHER_AND_SON), ("email", Home.ONE_MAIL)):
        pairs = [list(rows.values()) for key, rows in firsts.items() if key.startswith(home)]
        same = sum(a[shared] == b[shared] for a, b in (pair for pair in pairs if len(pair) == 2))
        assert same > 0.5 * len(pairs)


def test_two_records_are_one_person_a_kind_of_home_or_strangers(table: PeopleTable) -> None:
    at = {person: number for number, person in enumerate(table.persons)}
    couples = [p for p in at if table.homes[at[p]] is Home.COUPLE]
    by_household: dict[str, list[int]] = {}
    for person in couples:
        by_household.setdefault(table.households[at[person]], []).append(at[person])
    one, *rest = (pair for pair in by_household.values() if len(pair) == 2)
    assert table.relation(one[0], one[0]) is None
    assert table.relation(*one) is Home.COUPLE
    assert table.relation(one[0], rest[0][0]) in (Home.STRANGERS, Home.GIFT)


def test_nine_seeds_bring_every_density_with_few_some_and_many_dates_of_birth() -> None:
    assert {(mix_of(seed).density, mix_of(seed).births) for seed in range(10, 19)} == {
        (density, births) for density in Density for births in (0.0, 0.35, 0.9)
    }


def test_dates_of_birth_are_in_the_share_asked_for_or_nowhere() -> None:
    none = table_of(0, records=400)
    many = table_of(8, records=400)
    assert not any(row["birth_date"] for row in none.rows)
    assert sum(bool(row["birth_date"]) for row in many.rows) > 0.5 * len(many.rows)
