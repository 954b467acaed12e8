"""What a shop's own labels teach its model, and what they may not, since no kind of them is a fair sample."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import lru_cache

import pytest

from rapport.resolve.linking.clusters import WORTH_A_LOOK
from rapport.resolve.linking.comparer import Comparer
from rapport.resolve.linking.comparisons.methods import COMPARISONS
from rapport.resolve.linking.kinds import detect
from rapport.resolve.linking.labels import Label, SaidBy
from rapport.resolve.linking.lessons import FEWEST, least_bound, taught
from rapport.resolve.linking.model import LinkModel, Method, probability
from rapport.resolve.linking.models import card_text
from rapport.resolve.linking.scorer import LiveIndex
from rapport.resolve.linking.training import train
from rapport.world.tables import HOMES, Home, Mix, table_of
from tests.rooms.resolve.linking import people

ADA = {
    "given_name": "Ada", "surname": "Lordorberg", "email": "ada.lordorberg7@mail.example", "phone": "+44 7700 900123",
    "street": "12 High Street", "postcode": "YO1 7AA", "city": "York",
}  # fmt: skip
OTHER_MAIL = ADA | {"email": "lovelace@post.example"}


def by_staff(right: dict[str, str], *, one_person: bool, times: int) -> list[Label]:
    return [Label(ADA, right, one_person, SaidBy.STAFF, frozenset())] * times


def by_account(right: dict[str, str], *shared: str, times: int = 300) -> list[Label]:
    return [Label(ADA, right, True, SaidBy.ACCOUNT, frozenset(shared))] * times


def odds(model: LinkModel, right: dict[str, str]) -> float:
    comparer = Comparer.of_model(model)
    return comparer.score(comparer.prepare(ADA), comparer.prepare(right))


def weights(model: LinkModel, method: Method) -> list[float]:
    return next(one.weights for one in model.comparisons if one.aspect.method is method)


def test_a_handful_teaches_nothing() -> None:
    known = by_staff(OTHER_MAIL, one_person=False, times=FEWEST - 1)
    assert taught(people.shop_model(), known).model == people.shop_model()
    assert taught(people.shop_model(), []).model == people.shop_model()


@pytest.mark.parametrize("one_person", [True, False])
def test_what_staff_decides_again_and_again_is_told_likewise(*, one_person: bool) -> None:
    before = odds(people.shop_model(), OTHER_MAIL)
    some, many = (
        odds(taught(people.shop_model(), by_staff(OTHER_MAIL, one_person=one_person, times=times)).model, OTHER_MAIL)
        for times in (30, 300)
    )
    assert before < some < many if one_person else before > some > many


def test_the_order_of_labels_does_not_matter() -> None:
    known = [
        *by_staff(OTHER_MAIL, one_person=False, times=40), *by_staff(ADA, one_person=True, times=25),
        *by_account(ADA | {"phone": "+44 7700 900777"}, "email", times=30),
    ]  # fmt: skip
    mixed = random.Random(1).sample(known, len(known))
    assert taught(people.shop_model(), known).model == taught(people.shop_model(), mixed).model


def test_an_account_teaches_nothing_of_what_it_was_chosen_by() -> None:
    """All its pairs share the e-mail address and write one name: that is no news. Nor is it that all are one person."""
    before, after = people.shop_model(), taught(people.shop_model(), by_account(ADA, "email")).model
    for method in (Method.MAIL, Method.PERSON_NAME, Method.BEARERS):
        assert weights(after, method) == weights(before, method)
    assert after.prior == before.prior


def test_where_people_change_their_telephones_another_number_says_less() -> None:
    after = taught(people.shop_model(), by_account(ADA | {"phone": "+44 7911 123456"}, "email")).model
    assert weights(after, Method.PHONE)[0] > weights(people.shop_model(), Method.PHONE)[0]


def test_two_people_as_facts_state_only_make_a_machine_shyer() -> None:
    """They live together more often than two people do, so their weights would teach that."""
    model = people.shop_model()
    two = [Label(ADA, ADA, False, SaidBy.ACCOUNTS_AT_ONCE, frozenset({"anonymous_id"}))] * 40
    assert taught(model, two).model == model
    assert least_bound(model, two, 0.995) == pytest.approx(odds(model, ADA))
    assert least_bound(model, two[: FEWEST - 1], 0.995) == -math.inf
    rows = people.shop_rows()
    shy = train(rows, detect(rows), labels=two)
    assert shy.thresholds.automatic > odds(shy, ADA) or shy.thresholds.automatic == 12
    assert shy.thresholds.automatic > model.thresholds.automatic


def test_weights_rise_with_agreement_whatever_is_taught() -> None:
    """Even by staff that takes each pair for the contrary of what it is."""
    rng, rows = random.Random(2), people.shop_rows()
    known = [
        Label(rng.choice(rows), rng.choice(rows), rng.random() < 0.5, SaidBy.STAFF, frozenset()) for _ in range(400)
    ]
    known += by_staff(ADA, one_person=False, times=400)
    after = taught(people.shop_model(), known).model
    for one, before in zip(after.comparisons, people.shop_model().comparisons, strict=True):
        assert all(one.weights[low] <= one.weights[high] for low, high in COMPARISONS[one.aspect.method].rises)
        falls = [now - was for now, was in zip(one.weights, before.weights, strict=True)]
        assert min(falls) >= -3.01


@lru_cache(maxsize=1)
def _fathers_and_sons() -> tuple[LinkModel, list[Label], list[Label]]:
    """A shop of many more fathers with sons of one name than any; what staff decides of half the pairs it is asked."""
    mix = Mix(homes={home: 0.4 if home is Home.FATHER_AND_SON else 0.07 for home in HOMES}, births=0.2)
    table = table_of(3, records=1_600, mix=mix)
    rows = [{name: text for name, text in row.items() if text} for row in table.rows]
    model = train(rows, detect(table.rows))
    index = LiveIndex(model)
    asked: list[Label] = []
    for number, row in enumerate(rows):
        for match in index.put(number, row, above=WORTH_A_LOOK):
            if 0.2 < probability(match.score) < 0.97:
                one = table.persons[number] == table.persons[match.record]
                asked.append(Label(row, rows[match.record], one, SaidBy.STAFF, frozenset()))
    random.Random(5).shuffle(asked)
    return model, asked[: len(asked) // 2], asked[len(asked) // 2 :]


def _surprise(model: LinkModel, known: Sequence[Label]) -> float:
    """Mean log loss, in bits."""
    comparer = Comparer.of_model(model)
    total = 0.0
    for one in known:
        p = probability(comparer.score(comparer.prepare(one.left), comparer.prepare(one.right)))
        total -= math.log2(max(1e-9, p if one.one_person else 1 - p))
    return total / len(known)


def test_a_shop_unlike_the_simulated_ones_is_told_better_of_pairs_that_nobody_decided() -> None:
    model, decided, others = _fathers_and_sons()
    assert len(decided) > 100
    assert _surprise(taught(model, decided).model, others) < 0.97 * _surprise(model, others)


def test_the_card_says_what_was_known_beforehand() -> None:
    rows = people.shop_rows()
    model = train(rows, detect(rows), labels=by_staff(ADA, one_person=True, times=25))
    assert "with 25 pairs of which it is known who they are; of 25 decided by people it had told 25 likewise" in (
        card_text(model)
    )
    assert model.card["links"]["low"] <= model.card["links"]["right"] <= model.card["links"]["high"]
