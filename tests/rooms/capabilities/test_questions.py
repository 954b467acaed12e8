"""Customers are asked a little at a time, what is most worth knowing first; answers are facts and become known."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from rapport.capabilities.questions import service, store
from rapport.capabilities.questions.model import Option, Question, checked, worth_asking
from rapport.capabilities.questions.service import Next
from rapport.compose.person import erase_person, export_person
from rapport.kernel.clock import DAY, HOUR, now_us
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.identifiers import Identifier, key_of
from rapport.remember.golden import golden_record
from tests.shop import NOON, Shop

ADA = Identifier("user_id", "ada")


def choice(name: str, *values: str, **more: Any) -> Question:
    return Question(name=name, words={"en": f"{name}?"}, options=tuple(Option(value=one) for one in values), **more)


SKIN = choice("skin", "dry", "oily", "normal")
SIZE = choice("size", "S", "L", weight=1)
PET = choice("pet", "cat", "dog", purpose="advertising", weight=90)


@pytest.fixture
def shop(any_shop: Shop) -> Shop:
    with any_shop.db.write() as conn:
        for question in (SKIN, SIZE, PET):
            question.check()
            store.save(conn, any_shop.id, question)
    return any_shop


def asked(shop: Shop, who: Identifier = ADA, *, now: int | None = None, **more: Any) -> Next:
    with shop.db.read() as conn:
        return service.next_question(
            conn, shop.pipeline.slices.gate, shop.id, who, language=more.pop("language", "en"), now=now or now_us(),
            **more,
        )  # fmt: skip


def answer(shop: Shop, name: str, given: Any, who: Identifier = ADA, *, now: int | None = None) -> None:
    service.answer(
        shop.db, shop.pipeline.slices.gate, shop.id, who, name, given, language="en", now=now or now_us()
    )  # fmt: skip


def name_of(found: Next) -> str | None:
    return None if found.question is None else found.question.name


def test_what_is_most_worth_knowing_comes_first_and_the_next_after_a_pause(shop: Shop) -> None:
    began = now_us()
    assert name_of(asked(shop)) == "skin"  # advertising is not allowed
    answer(shop, "skin", "dry", now=began)
    rests = asked(shop, now=began + HOUR)
    assert (rests.question, "not before" in rests.reason) == (None, True)
    assert name_of(asked(shop, now=began + 25 * HOUR)) == "size"
    answer(shop, "size", None, now=began + 25 * HOUR)
    left = asked(shop, now=began + 9 * DAY)
    assert (left.question, "not asked" in left.reason) == (None, True)


def test_an_answer_is_a_fact_with_its_purpose_and_stands_in_the_golden_record(shop: Shop) -> None:
    answer(shop, "skin", "dry")
    shop.fold()
    (fact,) = shop.facts("Profile Question Answered")
    assert (fact.properties["purpose"], fact.properties["first"], fact.source) == ("personalisation", True, "rapport")
    with shop.db.read() as conn:
        record = golden_record(
            conn, shop.id, key_of(shop.id, ADA), now=NOON, remembered=shop.pipeline.slices.remembered
        )
        assert record.traits["answers"].value == {"skin": "dry"}
        assert record.traits["answers"].fact_id == fact.id
        assert store.answers_given(conn, shop.id) == {"skin": {"dry": 1}}
    answer(shop, "skin", "oily")
    shop.fold()
    assert shop.facts("Profile Question Answered")[-1].properties["first"] is False


def test_what_everybody_answers_alike_is_asked_late(shop: Shop) -> None:
    alike = choice("alike", "yes", "no", weight=12)
    assert worth_asking(alike, {}) > worth_asking(alike, {"yes": 500}) < worth_asking(choice("c", "a", "b"), {"a": 9})


@pytest.mark.parametrize("given", ["green", 1, True, ["dry"], {"a": 1}, "", "x" * 5000])
def test_an_answer_the_question_does_not_take_is_refused_and_nothing_kept(shop: Shop, given: Any) -> None:
    with pytest.raises(InvalidInput, match="does not take"):
        answer(shop, "skin", given)
    shop.fold()
    assert shop.facts("Profile Question Answered") == []
    assert name_of(asked(shop)) == "skin"


def test_other_kinds_take_what_they_say() -> None:
    def kind(kind: Any) -> Question:
        return Question(name="q", words={"en": "?"}, kind=kind, options=(Option(value="a"), Option(value="b")))

    assert checked(kind("several"), ["b", "a", "b"]) == ["a", "b"]
    assert checked(kind("number"), 3.5) == 3.5
    assert checked(kind("date"), "1990-05-17") == "1990-05-17"
    assert checked(kind("text"), " fine ") == "fine"
    for one, wrong in (
        ("number", True),
        ("number", float("nan")),
        ("date", "17.5.1990"),
        ("several", []),
        ("text", " "),
    ):
        with pytest.raises(InvalidInput):
            checked(kind(one), wrong)


def test_whoever_refuses_the_purpose_is_neither_asked_nor_heard(shop: Shop) -> None:
    refusal = {"context": {"consent": {"categoryPreferences": {"personalisation": False}}}}
    shop.send(shop.message("Product Viewed", at=NOON, user="ada", product_id="p1") | refusal)
    shop.fold()
    assert name_of(asked(shop)) is None
    with pytest.raises(Conflict, match="may not be used"):
        answer(shop, "skin", "dry")
    assert name_of(asked(shop, Identifier("user_id", "bo"))) == "skin"


def test_a_key_made_for_a_purpose_asks_only_for_that(shop: Shop) -> None:
    assert name_of(asked(shop, purposes=("email_marketing",))) is None
    assert name_of(asked(shop, purposes=("personalisation",))) == "skin"


def test_an_answer_of_one_identifier_counts_for_the_person_and_dies_with_them(shop: Shop) -> None:
    answer(shop, "skin", "dry", Identifier("anonymous_id", "b1"), now=now_us() - 2 * DAY)
    shop.send(shop.message("Signed In", at=NOON, user="ada", browser="b1"))
    shop.fold()
    assert name_of(asked(shop)) == "size"
    keys = [key_of(shop.id, ADA), key_of(shop.id, Identifier("anonymous_id", "b1"))]
    slices = shop.pipeline.slices
    with shop.db.write() as conn:
        assert export_person(conn, slices, shop.id, keys)["questions"]["question_answers"]
        erase_person(conn, slices, shop.id, keys)
    with shop.db.read() as conn:
        assert store.said_by(conn, shop.id, keys) == {}


def test_it_is_asked_again_when_an_answer_may_be_old(shop: Shop) -> None:
    with shop.db.write() as conn:
        store.save(conn, shop.id, choice("mood", "good", "bad", weight=99, again_days=30))
    then = now_us() - 31 * DAY
    answer(shop, "mood", "good", now=then)
    assert name_of(asked(shop, now=then + 29 * DAY)) == "skin"
    assert name_of(asked(shop)) == "mood"


def test_a_late_or_repeated_fact_changes_nothing(shop: Shop) -> None:
    key = key_of(shop.id, ADA)
    new, old = (
        store.Said(shop.id, key, "skin", at, fact, skipped) for at, fact, skipped in ((9, "b", False), (3, "a", True))
    )
    with shop.db.write() as conn:
        for several in ([new], [old], [old, new], [new]):
            store.keep(conn, several)
        assert store.said_by(conn, shop.id, [key]) == {"skin": (9, False)}


def test_two_who_answer_at_once_are_both_kept_and_one_is_the_first(shop: Shop) -> None:
    threads = [threading.Thread(target=answer, args=(shop, "skin", value)) for value in ("dry", "oily")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    shop.fold()
    assert sorted(fact.properties["first"] for fact in shop.facts("Profile Question Answered")) == [False, True]


def test_a_question_that_nobody_could_answer_is_refused() -> None:
    for question, word in (
        (choice("Bad Name", "a", "b"), "small letters"), (choice("q", "a"), "two at least"),
        (choice("q", "a", "a"), "twice"), (Question(name="q", words={"en": " "}, kind="text"), "asks nothing"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput) as caught:
            question.check()
        assert word in f"{caught.value} {caught.value.hint}"


def test_an_unknown_question_is_not_found_and_nobody_is_named_nothing(shop: Shop) -> None:
    with pytest.raises(NotFound):
        answer(shop, "nothing", "x")
    with shop.db.read() as conn, pytest.raises(InvalidInput, match="names nobody"):
        service.whom(conn, shop.id, "ada")
