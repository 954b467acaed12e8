"""The list of decisions is read page by page, each decision once."""

from __future__ import annotations

from itertools import pairwise

from rapport.measure.store import DecisionPlace, DecisionRow, latest_decisions, save_decisions
from tests.shop import NOON, Shop

PLACEMENT = "product.also"


def kept(shop: Shop, *, same_moment: int, placement: str = PLACEMENT) -> set[str]:
    """Decisions of one microsecond, with one before and one after it."""
    times = [NOON - 1, *[NOON] * same_moment, NOON + 1]
    rows = [DecisionRow(shop.id, f"{placement}-{n:03}", at, placement, "also", b"a" * 16) for n, at in enumerate(times)]
    with shop.db.write() as conn:
        save_decisions(conn, rows, [])
    return {row.id for row in rows}


def paged(shop: Shop, *, limit: int, placement: str = "") -> list[DecisionRow]:
    """All decisions, a page at a time."""
    rows: list[DecisionRow] = []
    with shop.db.read() as conn:
        page = latest_decisions(conn, shop.id, placement=placement, limit=limit)
        while page:
            rows += page
            place = DecisionPlace(page[-1].at, page[-1].id)
            page = latest_decisions(conn, shop.id, placement=placement, before=place, limit=limit)
    return rows


def test_many_decisions_of_one_microsecond_are_each_paged_through_once(any_shop: Shop) -> None:
    made = kept(any_shop, same_moment=25)
    rows = paged(any_shop, limit=4)
    assert len(rows) == len(made)
    assert {row.id for row in rows} == made
    assert all(newer.at >= older.at for newer, older in pairwise(rows))


def test_a_placement_is_paged_through_alone(any_shop: Shop) -> None:
    made = kept(any_shop, same_moment=9)
    kept(any_shop, same_moment=9, placement="cart.also")
    assert {row.id for row in paged(any_shop, limit=2, placement=PLACEMENT)} == made
