"""`rapport sources` and `rapport quarantine`."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from rapport.collect.appender import Appender
from rapport.collect.commands import quarantine_group, sources_group
from rapport.collect.model import Envelope
from rapport.collect.prepare import prepare_all
from rapport.collect.quarantine import mend
from rapport.collect.sources import find_source, list_sources
from rapport.kernel.clock import now_us
from rapport.storage.engine import Database
from tests.installation import Opened
from tests.rooms.collect.conftest import Shop
from tests.slices import SLICES

Run = Callable[..., str]


class Here(Opened):
    vocabulary = SLICES.vocabulary
    admission = staticmethod(SLICES.admission)


@pytest.fixture
def shop(db: Database) -> Shop:
    """The only shop of its installation, for commands take the first."""
    return Shop(db)


@pytest.fixture
def run(shop: Shop) -> Run:
    """Run one command line against the shop; answers its output."""

    def call(*arguments: str, code: int = 0) -> str:
        group = {"sources": sources_group, "quarantine": quarantine_group}[arguments[0]]
        result = CliRunner().invoke(group, arguments[1:], obj=Here(shop.db))
        assert result.exit_code == code, result.output
        return result.output

    return call


def test_sources_are_listed_added_rotated_and_switched_off(run: Run, shop: Shop) -> None:
    assert shop.source.write_key in run("sources", "list")
    source_id, key = run("sources", "add", "Till", "--kind", "store").split()
    listed = [json.loads(line) for line in run("sources", "list", "--json").splitlines()]
    assert [(source["name"], source["kind"]) for source in listed] == [("Site", "web"), ("Till", "store")]
    _, new_key = run("sources", "rotate", source_id).split()
    assert new_key != key
    run("sources", "disable", source_id)
    assert "(off)" in run("sources", "list")
    with shop.db.read() as conn:
        assert find_source(conn, shop.workspace, source_id).previous_key == key
        assert [source.enabled for source in list_sources(conn, shop.workspace)] == [True, False]
    run("sources", "enable", source_id)
    run("sources", "add", "x", "--kind", "fax", code=2)


def test_refused_messages_are_listed_replayed_and_given_up(run: Run, shop: Shop) -> None:
    rows, aside = prepare_all(
        [b'{"userId":"ada"}', b'{"userId":"bo"}'],
        source=shop.source,
        received_at=now_us(),
        envelope=Envelope(type="track"),
    )
    appender = Appender(shop.db)
    appender.append_sync(rows, aside)
    appender.close()
    listed = [json.loads(line) for line in run("quarantine", "list", "--json").splitlines()]
    assert {row["body"] for row in listed} == {'{"userId":"ada"}', '{"userId":"bo"}'}
    assert "$.event" in run("quarantine", "list")
    run("quarantine", "replay", code=2)
    assert "0 replayed, 2 still bad" in run("quarantine", "replay", "--all")
    with shop.db.write() as conn:
        mend(conn, shop.workspace, aside[0].id, b'{"userId":"ada","event":"Cart Viewed"}')
    assert "1 replayed, 1 still bad" in run("quarantine", "replay", aside[0].id, aside[1].id)
    assert "1 discarded" in run("quarantine", "discard", "--all")
    assert run("quarantine", "list") == ""
    assert len(shop.facts()) == 1
