"""Errors are raised in English, values in them, and told to people in their language; programs read them as raised."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from rapport.kernel.errors import RapportError
from rapport.kernel.language import ENGLISH, _Shape, _shape, speak, told
from rapport.web import accounts
from rapport.web.catalogues import PACKAGE, Catalogues
from rapport.web.extraction import errors_in, texts_of
from rapport.web.raised import MARK
from tests.rooms.web.conftest import Browser, Join, sign_in, submit
from tests.rooms.web.test_languages import OTHERS, messages


@pytest.fixture(autouse=True)
def english() -> None:
    speak(ENGLISH)


@pytest.mark.parametrize("tag", OTHERS)
def test_every_error_that_people_meet_is_translated(tag: str) -> None:
    marked = [message for message in messages(tag) if MARK in message.auto_comments]
    assert len(marked) > 500
    assert [message.id for message in marked if not message.string] == []


def test_an_error_is_found_again_by_its_shape_and_keeps_its_values() -> None:
    speak(Catalogues().language("de"))
    assert told("there is no segment 'VIP'") == "es gibt kein Segment 'VIP'"
    said = told("a password has 12 to 128 characters, this one has 3")
    assert said == "ein Passwort hat 12 bis 128 Zeichen, dieses hat 3"
    assert told("an error that nobody knows 'x'") == "an error that nobody knows 'x'"
    assert told("'there is no segment 5'") == "'there is no segment 5'", "what somebody wrote stays"
    assert told("shop.csv: the file is empty") == "shop.csv: die Datei ist leer"
    assert told("no template " * 200) == "no template " * 200, "what is longer than an error is not looked through"


def test_no_text_of_an_error_is_so_short_of_words_that_it_would_be_found_in_anything() -> None:
    speak(Catalogues().language("fr"))
    for said in ("Ada is no Bo", "tea is 5", "a: b: c: d", "5 of 6"):
        assert told(said) == said


def test_values_are_found_as_an_expression_with_groups_finds_them() -> None:
    rng = random.Random(11)
    for _ in range(20_000):
        parts = ["".join(rng.choices("ab: ", k=rng.randrange(4))) for _ in range(rng.randrange(2, 5))]
        shape = "".join(f"{part}%(v{n})s" for n, part in enumerate(parts[:-1])) + parts[-1]
        wanted = "".join(f"{re.escape(part)}(?P<v{n}>.+?)" for n, part in enumerate(parts[:-1])) + re.escape(parts[-1])
        said = "".join(rng.choices("ab: ", k=rng.randrange(12)))
        match = re.fullmatch(wanted, said, re.DOTALL)
        assert _shape(shape).values_in(said) == (match.groupdict() if match else None), (shape, said)


@pytest.mark.parametrize("piece", ["ab", "", "there is no", "'", "5 of", "the rule 5 says: "])
def test_what_a_text_takes_does_not_grow_with_the_colons_in_it(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    speak(Catalogues().language("de"))
    looked = list[int]()
    plain = _Shape.values_in

    def counted(shape: _Shape, said: str) -> dict[str, str] | None:
        looked.append(len(said))
        return plain(shape, said)

    monkeypatch.setattr(_Shape, "values_in", counted)
    steps = []
    for many in (40, 160):
        looked.clear()
        told(": ".join([piece] * many)[:999])
        steps.append(len(looked))
    assert steps[1] <= steps[0] * 1.1 + 10


def test_an_error_is_told_in_the_language_of_whoever_made_it_and_to_programs_in_english(
    browser: Browser, join: Join
) -> None:
    sign_in(browser, join("owner"))
    submit(browser, "/console/account", "/console/account/language", language="de")
    wrong = submit(browser, "/console/team", "/console/team/invitations", email="no address", role="viewer")
    assert "&#39;no address&#39; ist keine E-Mail-Adresse" in wrong.text
    assert "sie sieht aus wie ada@example.com" in wrong.text
    with pytest.raises(RapportError, match="'no address' is no e-mail address"):
        accounts.email_of("no address")


def test_errors_of_a_package_are_found_where_they_are_raised(tmp_path: Path) -> None:
    teas = tmp_path / "teas"
    teas.mkdir()
    (teas / "model.py").write_text(
        "from rapport.kernel.errors import InvalidInput\n"
        "MOST = 5\n"
        "class NoTea(InvalidInput): ...\n"
        "def brew(cup, pot):\n"
        "    raise NoTea(f'{cup.name!r} and {pot.name} hold 100 % no tea', hint=f'at most {MOST} cups of it')\n"
        "def pour():\n"
        "    raise ValueError('a mistake of the program')\n"
    )
    found = {"%(name)s and %(name2)s hold 100 %% no tea", "at most 5 cups of it"}
    assert set(errors_in(teas)) == found
    assert found <= set(texts_of(teas))


def test_commands_and_what_programs_alone_ask_are_left_out() -> None:
    files = set().union(*errors_in(PACKAGE).values())
    assert "rapport/web/accounts.py" in files
    assert not {name for name in files if name.endswith(("commands.py", "routes.py"))}
