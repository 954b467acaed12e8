"""When two names may be one person's: spelling, order, initials and slips do not contradict; another name does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.kernel.person_names import PersonName, may_be_one, person_name, read_name


def name(text: str, born: str = "") -> PersonName:
    found = person_name({"name": text, "birthday": born} if born else {"name": text})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("John Smith", "J. Smith"),
        ("John Smith", "smith john"),
        ("John Smith", "Smith, John"),
        ("Dr. John Smith", "JOHN SMITH"),
        ("Robert Brown", "Bob Brown"),
        ("Alexander Meyer", "Alex Meyer"),
        ("Jürgen Groß", "Juergen Gross"),
        ("Zoë Wójcik", "Zoe Wojcik"),
        ("Jonas Weber", "Jonsa Weber"),
        ("Lea Krämer", "Leaa Kramer"),
        ("Maria Schmidt", "Maria Weber"),
        ("Mary Ann Jones", "Mary Jones"),
        ("Johann Sebastian Bach", "Sebastian Bach"),
        ("Ada", "Ada Lovelace"),
        ("Наталя Коваль", "Natalya Koval"),
    ],
)
def test_what_may_be_one_person(one: str, other: str) -> None:
    assert may_be_one(name(one), name(other))
    assert may_be_one(name(other), name(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("John Smith", "Mary Smith"),
        ("Mario Rossi", "Maria Rossi"),
        ("Paul Klein", "Paula Klein"),
        ("Smith John", "Mary Smith"),
        ("J. Smith", "Mary Smith"),
        ("M. Weber", "Maria Schmidt"),
        ("Наталя Коваль", "Андрій Коваль"),
    ],
)
def test_what_is_two_people(one: str, other: str) -> None:
    assert not may_be_one(name(one), name(other))
    assert not may_be_one(name(other), name(one))


@pytest.mark.parametrize(
    ("one", "other", "may"),
    [
        ("1950-03-04", "1980-07-21", False),
        ("1950-03-04", "1950-04-03", True),
        ("1950-03-04", "1950-03-05", True),
        ("1950-03-04", "", True),
    ],
)
def test_father_and_son_of_one_name_are_told_apart_by_their_dates_of_birth(one: str, other: str, may: object) -> None:
    assert may_be_one(name("John Smith", one), name("John Smith", other)) is may


@pytest.mark.parametrize("text", ["Mr Smith", "Lovelace & Sons Ltd", "{{name}}", "", "x" * 500, "...", "7" * 100])
def test_what_names_no_person(text: str) -> None:
    assert person_name({"name": text}) is None


def test_a_surname_alone_and_what_is_no_text_name_nobody() -> None:
    assert person_name({"lastName": "Smith"}) is None
    assert person_name({"firstName": ["John"], "name": {"first": "John"}, "birthday": 7}) is None
    assert person_name({"firstName": "Ada", "birthday": "soon"}) == PersonName("ada")


words = st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=4).map(" ".join)
names = words.map(lambda text: person_name({"name": text})).filter(lambda found: found is not None)


@given(one=names, other=names)
def test_a_name_may_be_itself_is_read_as_written_and_neither_comes_first(one: PersonName, other: PersonName) -> None:
    assert may_be_one(one, one)
    assert read_name(str(one)) == one
    assert may_be_one(one, other) == may_be_one(other, one)
