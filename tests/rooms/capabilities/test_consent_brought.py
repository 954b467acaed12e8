"""Answers brought along from elsewhere: a yes needs time, place and words, and never undoes a later no."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rapport.adapters.files.importer import import_csv
from rapport.adapters.files.ready import FOLDER
from rapport.app.worker import drain
from rapport.capabilities.consent.importing import Brought, BroughtAnswer, bring, lacks
from rapport.capabilities.consent.service import may, people_of
from rapport.capabilities.consent.store import consent_held
from rapport.collect.appender import Appender
from rapport.kernel.clock import DAY, to_iso
from rapport.kernel.identifiers import Identifier, key_of
from rapport.storage import log, suppression
from rapport.storage.workspaces import default_workspace
from tests.rooms.adapters import exports
from tests.shop import NOON, Shop

PURPOSE = "email_marketing"
YES: dict[str, Any] = {"purposes": {PURPOSE: "granted"}, "source": "newsletter form", "wording": "v3"}


@pytest.fixture
def appender(any_shop: Shop) -> Iterator[Appender]:
    made = Appender(any_shop.db)
    yield made
    made.close()


def brought(shop: Shop, appender: Appender, *answers: dict[str, Any], now: int = NOON) -> Brought:
    several = [msgspec.convert({"customer": "email:ada@example.com"} | one, BroughtAnswer) for one in answers]
    return bring(shop.db, appender, shop.id, several, by="api_key:k", now=now)


def state(shop: Shop, email: str = "ada@example.com") -> tuple[str, str]:
    with shop.db.read() as conn:
        key = key_of(shop.id, Identifier("email", email))
        verdict = people_of(conn, shop.id, [key]).verdict(key, PURPOSE)
    return verdict.state, verdict.how


def test_a_yes_counts_from_when_it_was_given_and_a_later_no_stays(any_shop: Shop, appender: Appender) -> None:
    no = {"purposes": {PURPOSE: "denied"}, "given_at": to_iso(NOON - 2 * DAY)}
    assert brought(any_shop, appender, no).refused == []
    before = brought(any_shop, appender, YES | {"given_at": to_iso(NOON - 9 * DAY)})
    assert (before.taken, before.overtaken, state(any_shop)[0]) == (1, 1, "denied")
    drain(any_shop.pipeline)
    assert state(any_shop)[0] == "denied"
    after = brought(any_shop, appender, YES | {"given_at": to_iso(NOON - DAY)})
    assert (after.overtaken, state(any_shop)) == (0, ("granted", "import: newsletter form"))
    with any_shop.db.read() as conn:
        assert may(conn, any_shop.id, key_of(any_shop.id, Identifier("email", "ada@example.com")), PURPOSE).may


def test_what_lacks_something_is_told_by_its_line_and_keeps_out_nothing_else(
    any_shop: Shop, appender: Appender
) -> None:
    when = {"given_at": to_iso(NOON - DAY)}
    found = brought(
        any_shop, appender, YES, YES | when | {"source": " "}, YES | when | {"wording": ""}, YES | when,
        YES | {"given_at": to_iso(NOON + DAY)}, YES | {"given_at": "some day"}, YES | when | {"customer": "ada"},
        YES | when | {"purposes": {"mind_reading": "granted"}}, YES | when | {"purposes": {"service": "denied"}},
    )  # fmt: skip
    assert (found.taken, [one.line for one in found.refused]) == (1, [1, 2, 3, 5, 6, 7, 8, 9])
    assert [one.reason for one in found.refused[:3]] == [
        "a yes has to say when it was given", "a yes has to say where it was given",
        "a yes has to say to which words it was given",
    ]  # fmt: skip


def test_bringing_it_again_adds_nothing_and_no_word_of_a_place_makes_it_confirmed(
    any_shop: Shop, appender: Appender
) -> None:
    when = {"given_at": to_iso(NOON - DAY)}
    for _ in range(2):
        brought(any_shop, appender, YES | when | {"source": "confirmed"}, YES | when | {"confirmed": True})
    drain(any_shop.pipeline)
    with any_shop.db.read() as conn:
        rows = [row for row in log.latest(conn, any_shop.id, limit=10) if b"Consent Answered" in row.body]
    assert len(rows) == 2
    assert state(any_shop)[1].startswith("import: ")


def test_refusals_without_a_time_sent_again_undo_no_yes_that_came_between(any_shop: Shop, appender: Appender) -> None:
    no = {"purposes": {PURPOSE: "denied"}, "source": "the old tool"}
    brought(any_shop, appender, no)
    brought(any_shop, appender, YES | {"given_at": to_iso(NOON + DAY)}, now=NOON + 2 * DAY)
    assert brought(any_shop, appender, no, now=NOON + 3 * DAY).overtaken == 1
    assert state(any_shop)[0] == "granted"
    drain(any_shop.pipeline)
    assert state(any_shop)[0] == "granted"


def test_an_old_list_brings_back_nothing_of_whom_it_names_and_who_was_erased(
    any_shop: Shop, appender: Appender
) -> None:
    key = key_of(any_shop.id, Identifier("email", "ada@example.com"))
    with any_shop.db.write() as conn:
        suppression.erasing(conn)
        suppression.suppress(conn, any_shop.id, [key], now=NOON)
    assert brought(any_shop, appender, YES | {"given_at": to_iso(NOON - DAY)}).refused == []  # it tells nobody of that
    assert [row for row in any_shop.rows(consent_held) if row["key"] == key] == []


def test_a_file_of_answers_is_in_force_once_it_is_imported(any_shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "consents.csv"
    path.write_text(exports.CONSENTS)
    with any_shop.db.read() as conn:
        workspace = default_workspace(conn)
    report = import_csv(any_shop.db, path, map_path=FOLDER / "consents.toml", workspace=workspace)
    drain(any_shop.pipeline)
    assert (report.refused, state(any_shop)) == (4, ("granted", "import: newsletter form"))
    assert state(any_shop, "bo@example.com")[0] == "unknown"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"event": "Consent Answered"}, "Rapport's own"),
        ({"context": {"consent": {"categoryPreferences": {"a": True}}}}, "when, where, to which words"),
        ({"context": {"consentManagement": {"allowedConsentIds": ["a"]}}, "timestamp": "2024-05-01"}, "where, to"),
        ({"context": {"consent": {"categoryPreferences": {"a": False}}}}, ""),
        ({"context": {"consent": "yes"}}, ""),
        ({"type": "identify"}, ""),
    ],
)
def test_what_a_message_of_a_file_lacks(message: dict[str, Any], words: str) -> None:
    assert words in lacks(message)
    assert bool(words) is bool(lacks(message))
