"""A shop's model: weights that were learned where the truth is known, fitted to the shop's own records."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.clusterings import measure_clusters
from benchmarks.judged import honesty, judge_all, totals
from rapport.resolve.linking.batch import link_table
from rapport.resolve.linking.clusters import WORTH_A_LOOK, Clusters
from rapport.resolve.linking.comparer import Comparer, shop_aspects
from rapport.resolve.linking.comparisons.methods import COMPARISONS
from rapport.resolve.linking.kinds import detect
from rapport.resolve.linking.model import LinkModel
from rapport.resolve.linking.models import card_text
from rapport.resolve.linking.scorer import LiveIndex
from rapport.resolve.linking.shop_judge import METHODS, shop_model
from rapport.resolve.linking.training import train
from tests.rooms.resolve.linking import people
from tests.rooms.resolve.linking.people import crowd, write_csv

_TEXTS = st.text(alphabet="abcdefg 0123-@.é/", max_size=14)
_ROWS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("given_name", "surname", "email", "phone", "birth_date", "gender", "street", "postcode", "city", "card"),
        _TEXTS,
    ),
)
ADA = {
    "given_name": "Ada", "surname": "Lordorberg", "email": "ada.lordorberg7@mail.example", "phone": "+44 7700 900123",
    "birth_date": "1980-03-04", "street": "12 High Street", "postcode": "YO1 7AA", "city": "York",
}  # fmt: skip


def odds(left: dict[str, str], right: dict[str, str]) -> float:
    comparer = Comparer.of_model(people.shop_model())
    return comparer.score(comparer.prepare(left), comparer.prepare(right))


def formed(index: LiveIndex) -> Clusters:
    bounds = index.model.thresholds
    return Clusters(index.cautious, threshold=bounds.automatic, mean=bounds.mean)


def without(row: dict[str, str], *columns: str) -> dict[str, str]:
    return {name: text for name, text in row.items() if name not in columns}


def couples(*, own_phones: bool) -> tuple[list[dict[str, str]], list[int]]:
    """Two hundred of two people with names of their own at one door; some there twice."""
    rng = random.Random(3)
    rows, truth = [], []
    for number in range(400):
        person, home = people.somebody(rng), number // 2
        given_name = f"{person['first_name']}{'ab'[number % 2]}"
        row = {
            "given_name": given_name, "surname": f"family{home}", "email": f"{given_name}{number}@mail.example",
            "phone": f"+4477{number if own_phones else home:07}", "street": f"{home} Mill Lane", "city": "York",
        }  # fmt: skip
        copies = 2 if own_phones and number % 16 == 0 else 1
        rows += [row] * copies
        truth += [number] * copies
    return rows, truth


@pytest.mark.parametrize("own_phones", [True, False])
def test_couples_are_two_people_each_by_batch_as_live(tmp_path: Path, own_phones: bool) -> None:  # noqa: FBT001
    rows, truth = couples(own_phones=own_phones)
    report = link_table(write_csv(tmp_path / "people.csv", rows), str(tmp_path / "persons.parquet"))
    assert report.persons == len(set(truth)) == 400
    index = LiveIndex(train(rows, detect(rows)))
    clusters = formed(index)
    for number, row in enumerate(rows):
        clusters.add(number, index.put(number, row, above=WORTH_A_LOOK))
    assert [clusters.person_of(number) for number in range(len(rows))] == pq.read_table(tmp_path / "persons.parquet")[
        "person"
    ].to_pylist()


def test_on_a_table_it_never_saw_what_is_called_sure_is_sure() -> None:
    table = people.shop_table()
    judged = judge_all(people.shop_rows(), people.shop_model())
    pairs = sum(table.persons.count(person) - 1 for person in table.persons) // 2
    found = totals([honesty(judged, table.relation, pairs)])
    assert found["shop_pair_f1"] > 0.88
    assert found["ece"] < 0.06
    assert found["over_999_true_share"] > 0.98
    assert found["auto_precision"] > 0.985
    assert found["auto_recall"] > 0.6


def test_a_whole_table_is_linked_as_it_is_live(tmp_path: Path) -> None:
    rows = people.shop_rows()
    saved = tmp_path / "model.json"
    saved.write_bytes(people.shop_model().to_json())
    table = write_csv(tmp_path / "people.csv", [{k: v for k, v in row.items() if v} for row in rows])
    link_table(table, str(tmp_path / "persons.parquet"), model_path=saved)
    persons = pq.read_table(tmp_path / "persons.parquet")["person"].to_pylist()
    index = LiveIndex(people.shop_model())
    clusters = formed(index)
    for number, row in enumerate(rows):
        clusters.add(number, index.put(number, row, above=WORTH_A_LOOK))
    live = [str(clusters.person_of(number)) for number in range(len(rows))]
    assert measure_clusters(persons, live).f1 > 0.98


def test_people_who_live_alone_lose_nothing() -> None:
    table = crowd(300, seed=9)
    model = train(table.rows, detect(table.rows))
    index = LiveIndex(model)
    clusters = formed(index)
    for number, row in enumerate(table.rows):
        clusters.add(number, index.put(number, row, above=WORTH_A_LOOK))
    found = measure_clusters([clusters.person_of(n) for n in range(len(table.rows))], [str(p) for p in table.truth])
    assert found.precision > 0.99
    assert found.recall > 0.93


@pytest.mark.parametrize(
    ("other", "tied"),
    [
        ({}, True),
        ({"given_name": "A."}, True),
        ({"street": "3 Mill Lane", "postcode": "HU1 3BB", "city": "Hull"}, True),
        ({"email": "ada.lordorberg7@mail.exmaple"}, True),
        ({"given_name": "Vera", "birth_date": "1983-07-21", "email": "vera@mail.example"}, False),
        ({"given_name": "Bo"}, False),
        ({"birth_date": "1951-12-12"}, False),
    ],
)
def test_what_ties_and_what_never_does(other: dict[str, str], tied: bool) -> None:  # noqa: FBT001
    index = LiveIndex(people.shop_model())
    index.put(0, ADA, above=0)
    index.put(1, ADA | other, above=0)
    assert (index.cautious(0, 1, above=-12) >= index.model.thresholds.automatic) is tied


def test_what_a_household_shares_does_not_add_up_to_a_person() -> None:
    """The same surname, door and telephone, and no given name: one household, perhaps one person."""
    mother = without(ADA, "email", "birth_date")
    assert odds(mother, without(mother, "given_name")) < people.shop_model().thresholds.automatic
    assert odds(mother, mother | {"given_name": "Bo"}) < 0


def test_a_name_that_is_said_for_another_contradicts_nothing() -> None:
    """By the same list as the identity policy's: Bob is Robert, and no William."""
    robert, bob, william = ({**ADA, "given_name": name} for name in ("Robert", "Bob", "William"))
    assert odds(robert, bob) > people.shop_model().thresholds.automatic
    assert odds(robert, william) < odds(robert, bob) - 4


def test_a_number_in_an_address_is_a_number() -> None:
    one, other = (without(ADA, "phone") | {"email": f"ada.lordorberg{n}@mail.example"} for n in (250, 251))
    assert odds(one, one) > odds(one, other) + 3


@pytest.mark.parametrize("sharing", [0, 1, 2])
def test_weights_never_fall_where_agreement_rises(sharing: int) -> None:
    rows = people.shop_rows()
    model = shop_model(Comparer.of_rows(shop_aspects(detect(rows)), rows), sharing)
    assert {c.aspect.method for c in model.comparisons} == set(METHODS)
    for comparison in model.comparisons:
        how = COMPARISONS[comparison.aspect.method]
        assert len(comparison.weights) == len(how.said) == len(how.groups)
        assert all(comparison.weights[low] <= comparison.weights[high] for low, high in how.rises)


@settings(max_examples=150, deadline=None)
@given(_ROWS, _ROWS)
def test_the_order_does_not_matter_and_the_reasons_sum_to_the_score(
    left: dict[str, str], right: dict[str, str]
) -> None:
    comparer = Comparer.of_model(people.shop_model())
    a, b = comparer.prepare(left), comparer.prepare(right)
    assert comparer.levels(a, b) == comparer.levels(b, a)
    said = comparer.reasons(a, b)
    assert comparer.score(a, b) == pytest.approx(comparer.prior + sum(r.weight for r in said), abs=0.1)
    assert all(r.weight == 0 for r in said if r.level is None)


def test_a_shop_is_known_by_how_people_are_reached() -> None:
    rows = people.shop_rows()
    assert [aspect.method for aspect in shop_aspects(detect(rows))] == list(METHODS)
    nobody_reached: list[dict[str, Any]] = [
        {k: v for k, v in row.items() if k not in ("email", "phone")} for row in rows
    ]
    assert shop_aspects(detect(nobody_reached)) == []


def test_a_higher_precision_asked_for_links_less_and_the_card_says_what_to_expect() -> None:
    rows = people.shop_rows()
    careful, bold = (train(rows, detect(rows), precision=precision) for precision in (0.999, 0.95))
    assert careful.thresholds.automatic > bold.thresholds.automatic
    assert careful.card["expected_links"] < bold.card["expected_links"]
    assert careful.card["expected_precision"] > bold.card["expected_precision"] > 0.94
    text = card_text(bold)
    assert "of 100 links made without asking" in text
    assert LinkModel.from_json(bold.to_json()).shop
