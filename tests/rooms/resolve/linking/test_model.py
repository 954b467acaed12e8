"""Comparisons: symmetric, explained, and the same from JSON."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.resolve.linking.comparer import Comparer, aspects_of
from rapport.resolve.linking.comparisons.methods import COMPARISONS, sentences
from rapport.resolve.linking.kinds import Kind, Layout, detect
from rapport.resolve.linking.model import Frequencies, LinkModel, Method, probability
from rapport.resolve.linking.training import train
from tests.rooms.resolve.linking.people import crowd, model, shop_rows

_TEXTS = st.text(alphabet="abcdefg 0123-@.é/", max_size=14)
_ROWS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("first_name", "last_name", "birthday", "phone", "street", "postcode", "city"), _TEXTS),
)


@settings(max_examples=200, deadline=None)
@given(_ROWS, _ROWS)
def test_which_record_comes_first_never_matters(left: dict[str, str], right: dict[str, str]) -> None:
    comparer = Comparer.of_model(model())
    a, b = comparer.prepare(left), comparer.prepare(right)
    assert comparer.levels(a, b) == comparer.levels(b, a)


@settings(max_examples=200, deadline=None)
@given(_ROWS, _ROWS)
def test_the_reasons_sum_to_the_score(left: dict[str, str], right: dict[str, str]) -> None:
    comparer = Comparer.of_model(model())
    a, b = comparer.prepare(left), comparer.prepare(right)
    assert comparer.score(a, b) == pytest.approx(
        comparer.prior + sum(r.weight for r in comparer.reasons(a, b)), abs=0.1
    )


@settings(max_examples=200, deadline=None)
@given(_ROWS, _ROWS, st.floats(-20, 20))
def test_giving_up_early_never_hides_a_match(left: dict[str, str], right: dict[str, str], above: float) -> None:
    comparer = Comparer.of_model(model())
    a, b = comparer.prepare(left), comparer.prepare(right)
    whole, cut = comparer.score(a, b), comparer.score(a, b, above=above)
    assert cut == pytest.approx(whole) if whole >= above else cut < above


@settings(max_examples=100, deadline=None)
@given(_ROWS)
def test_a_record_is_never_unlike_itself(row: dict[str, str]) -> None:
    comparer = Comparer.of_model(model())
    record = comparer.prepare(row)
    for aspect, level in zip(comparer.aspects, comparer.levels(record, record), strict=True):
        assert level != 0 or aspect.method in (Method.NAME, Method.WORDS)


def test_a_model_is_plain_json_and_scores_the_same_when_read_again() -> None:
    again = LinkModel.from_json(model().to_json())
    rows = crowd(30, seed=3).rows
    before, after = Comparer.of_model(model()), Comparer.of_model(again)
    for left in rows[:10]:
        for right in rows[10:20]:
            assert before.score(before.prepare(left), before.prepare(right)) == after.score(
                after.prepare(left), after.prepare(right)
            )


def test_a_model_of_another_format_is_refused() -> None:
    other = msgspec.structs.replace(model(), format=99)
    with pytest.raises(msgspec.ValidationError, match="train anew"):
        LinkModel.from_json(other.to_json())


def test_a_model_holds_no_text_of_whoever_taught_it() -> None:
    rows = [*shop_rows(), *({"given_name": given, "surname": "Zanzibarsson", "email": "zz9@plural.example",
             "phone": "+44 7700 999321", "street": "77 Canaryquay Row", "postcode": "CQ7 7RW", "city": "Canaryton"}
            for given in ("Zaphodina", "Zaphodina", "Trilliane"))]  # fmt: skip
    document = train(rows, detect(rows)).to_json().decode().lower()
    held = {word for row in rows[-3:] for text in row.values() for word in text.lower().split() if len(word) > 4}
    assert not [word for word in (*held, "700999321") if word in document]


def test_a_rare_word_tells_more_than_a_frequent_one() -> None:
    layout = detect([{"surname": f"smith{n % 5}", "given_name": f"a{n}"} for n in range(40)])
    rows = [{"given_name": "ann", "surname": "smith"}] * 90 + [
        {"given_name": "ann", "surname": "featherstonehaugh"}
    ] * 2
    comparer = Comparer.of_rows(aspects_of(layout), rows)
    common, rare = comparer.prepare(rows[0]), comparer.prepare(rows[-1])
    assert comparer.levels(rare, rare) > comparer.levels(common, common)


def test_swapped_names_initials_and_slips_are_still_the_name() -> None:
    rows = [{"given_name": f"given{n}", "surname": f"sur{n}name"} for n in range(500)]
    rows += [{"given_name": "ada", "surname": "lovelace"}]
    comparer = Comparer.of_rows(aspects_of(detect(rows)), rows)
    ada = comparer.prepare({"given_name": "ada", "surname": "lovelace"})
    for written in (
        {"given_name": "lovelace", "surname": "ada"},
        {"given_name": "ada", "surname": "lovelave"},
        {"given_name": "a", "surname": "lovelace"},
        {"given_name": None, "surname": "lovelace"},
    ):
        assert comparer.levels(ada, comparer.prepare(written))[0] >= 7, written
    assert comparer.levels(ada, comparer.prepare({"given_name": "bo", "surname": "jones"}))[0] == 0


@pytest.mark.parametrize("method", Method)
def test_every_level_has_a_sentence_and_how_often_one_person_comes_out_at_it(method: Method) -> None:
    comparison = COMPARISONS[method]
    assert len(sentences(method)) == len(comparison.usual_m) > 1
    assert sum(comparison.usual_m) == pytest.approx(1.0)


def test_frequencies_keep_the_most_frequent_values_and_count_the_rest_as_the_rarest_kept() -> None:
    counted = Frequencies.count([["a"], ["a"], ["a"], ["b"], ["b"], ["c"], ["c"], ["d"]], keep=2)
    assert [counted.count_of(value) for value in "abcd"] == [3, 1, 2, 1]
    assert counted.bits("b") == counted.bits("c") == counted.bits("never seen")


def test_probability_of_log_odds() -> None:
    assert [round(probability(odds), 4) for odds in (-1e9, 0.0, 1.0, 1e9)] == [0.0, 0.5, 0.6667, 1.0]


def test_a_table_without_names_is_compared_by_what_there_is() -> None:
    assert [a.method for a in aspects_of(Layout([]))] == []
    rows = [{"phone": f"+4477009{n:05}", "email": f"p{n}@example.com"} for n in range(30)]
    assert {a.method for a in aspects_of(detect(rows))} == {Method.CODE, Method.EMAIL}
    assert detect(rows).of(Kind.EMAIL) == ["email"]
