"""A segment that is named by something of the shop keeps its name and stays, and nothing else is held up by it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rapport.capabilities.journeys.store import journeys
from rapport.capabilities.journeys.store import versions as journey_versions
from rapport.capabilities.loyalty.store import programmes
from rapport.capabilities.merchandising import store
from rapport.capabilities.merchandising.model import Rule
from rapport.capabilities.merchandising.service.changing import save as save_rules
from rapport.kernel.errors import Conflict, InvalidInput
from rapport.remember.segments import service
from rapport.remember.segments.fields import Fields
from tests.shop import NOON, Shop


def test_a_segment_that_anything_of_the_shop_names_keeps_its_name_and_stays(any_shop: Shop) -> None:
    """Rules of placements, nodes and conditions of journeys, rules of points: renamed, they would mean nobody."""
    shop = any_shop
    fields = Fields(shop.pipeline.slices.remembered)
    rules = [Rule(name="no wine", action="exclude", category="Wine", segment="minors"),
             Rule(name="other", action="boost", products=["a"])]  # fmt: skip
    programme: dict[str, Any] = {"title": "Club", "currency": "EUR", "earning": [
        {"name": "double", "title": "Double", "on": "Order Completed", "points": 1, "segments": ["savers"]},
    ]}  # fmt: skip
    graph = {"nodes": [{"entry": {"on": "segment", "segment": "walkers"}}, {"if": "in_segment('readers')"}]}
    with shop.db.write() as conn:
        for name in ("minors", "savers", "walkers", "readers", "free"):
            service.add(conn, shop.id, name=name, where="orders >= 0", fields=fields, by="x", now=NOON)
        save_rules(conn, shop.id, rules, seen=0, placements={"home": 1}, what="", by="x", now=NOON)
        conn.execute(
            programmes.insert().values(
                workspace=shop.id,
                name="club",
                version=1,
                body=msgspec.json.encode(programme),
                changed_at=NOON,
                changed_by="x",
                reason="",
            )
        )
        conn.execute(
            journeys.insert().values(
                workspace=shop.id,
                name="hello",
                version=1,
                state="live",
                moves_from=0,
                removed_upto=0,
                filled_to=b"",
                changed_at=NOON,
                changed_by="x",
            )
        )
        conn.execute(journey_versions.insert().values(
            workspace=shop.id, name="hello", version=1, body=msgspec.json.encode(graph), changed_at=NOON,
            changed_by="x",
        ))  # fmt: skip

    def rename(name: str) -> None:
        with shop.db.write() as conn:
            service.change(conn, shop.id, name, where=None, new_name="other", fields=fields, by="x", now=NOON)

    users = {"minors": "no wine", "savers": "club", "walkers": "hello", "readers": "hello"}
    for name, user in users.items():
        with pytest.raises(Conflict, match=user):
            rename(name)
        with pytest.raises(Conflict, match=user), shop.db.write() as conn:
            service.remove(conn, shop.id, name, fields=fields)
    rename("free")


def test_a_rule_whose_segment_is_gone_holds_up_no_change_of_others(shop: Shop) -> None:
    rules = [Rule(name="no wine", action="exclude", category="Wine", segment="gone"),
             Rule(name="other", action="boost", products=["a"])]  # fmt: skip
    with shop.db.write() as conn:
        store.add(conn, shop.id, 1, rules, what="", by="x", now=NOON)
        assert save_rules(conn, shop.id, rules[:1], seen=1, placements={}, what="", by="x", now=NOON) == 2
        changed = [msgspec.structs.replace(rules[0], category="Beer")]
        with pytest.raises(InvalidInput, match="no segment"):
            save_rules(conn, shop.id, changed, seen=2, placements={}, what="", by="x", now=NOON)
