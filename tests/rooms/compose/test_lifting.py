"""Who was erased for good is let in again by staff alone, with a reason; copies of the database hear of it."""

from __future__ import annotations

import pytest

from rapport.app.keeping_out import keep_out
from rapport.compose.erasure import erase
from rapport.compose.lifting import LiftWanted, lift
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.identifiers import Identifier, key_of
from rapport.storage import suppressed_file, suppression
from rapport.storage.audit.entries import entries
from tests.shop import NOON, Shop


def visit(shop: Shop, *, at: int) -> None:
    shop.send(shop.message("Product Viewed", at=at, user="ada", product_id="p1"))
    shop.pipeline.forget_all()
    shop.fold()


@pytest.fixture
def shop(any_shop: Shop) -> Shop:
    visit(any_shop, at=NOON)
    erased(any_shop, at=NOON + 1)
    return any_shop


def erased(shop: Shop, *, at: int) -> None:
    with shop.db.write() as conn:
        key = key_of(shop.id, Identifier("user_id", "ada"))
        erase(conn, shop.pipeline.slices, shop.id, key, now=at, told="then")


def let_in(shop: Shop, identifier: str = "user_id:ada", reason: str = "came back", *, at: int = NOON + 5) -> None:
    lift(shop.db, shop.id, LiftWanted(identifier=identifier, reason=reason), by="test", now=at)


def test_facts_are_taken_again_and_what_was_erased_stays_erased(shop: Shop) -> None:
    visit(shop, at=NOON + 3)
    assert shop.facts("Product Viewed") == []
    let_in(shop)
    visit(shop, at=NOON + 10)
    assert len(shop.facts("Product Viewed")) == 1
    with shop.db.read() as conn:
        [told] = [one for one in entries(conn, shop.id) if one.action == "suppression.lifted"]
    assert "ada" not in str(told)


def test_erased_anew_they_are_out_again(shop: Shop) -> None:
    let_in(shop)
    visit(shop, at=NOON + 10)
    erased(shop, at=NOON + 20)
    visit(shop, at=NOON + 30)
    assert shop.facts("Product Viewed") == []


def test_nobody_is_let_in_without_a_reason_or_who_was_not_out(shop: Shop) -> None:
    with pytest.raises(InvalidInput):
        let_in(shop, reason=" ")
    for identifier in ("user_id:bo", "email:nothing", "x", ":::"):
        with pytest.raises(NotFound):
            let_in(shop, identifier)
    let_in(shop)
    with pytest.raises(NotFound):
        let_in(shop)


def test_a_copy_from_before_hears_of_it_and_one_from_before_an_erasure_hears_of_that(shop: Shop) -> None:
    key = key_of(shop.id, Identifier("user_id", "ada"))
    with shop.db.read() as conn:
        before = suppression.listed(conn)
    assert before is not None
    let_in(shop)
    with shop.db.read() as conn:
        after = suppression.listed(conn)
    assert after is not None
    for first, second, out in ((after, before, False), (before, after, False)):
        with shop.db.write() as conn:
            conn.execute(suppression.suppressed.delete())
            suppression.carry(conn, first)
            suppression.carry(conn, second)
        with shop.db.read() as conn:
            assert bool(suppression.is_suppressed(conn, shop.id, [key])) is out
    if shop.db.folder is not None:
        assert keep_out(shop.db, shop.pipeline.slices) == 0
        kept = suppressed_file.read(shop.db.folder)
        assert kept is not None
        assert all(at < 0 for *_, at in kept.rows)
