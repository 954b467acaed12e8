"""What is kept of a person is declared table by table, handed out as a whole and forgotten as a whole."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from litestar.testing import TestClient

from rapport.app.wiring import installed
from rapport.compose.holding import by_columns, of_person, of_shop
from rapport.compose.person import erase_person, export_person
from rapport.compose.routes import ROUTES as EXPORT
from rapport.decide import people
from rapport.kernel.clock import MINUTE
from rapport.kernel.ids import Key
from rapport.remember.golden import find_root
from rapport.web.accounts import create_api_key
from rapport.web.app import create_app
from rapport.web.part import WebPart
from tests.shop import NOON, Shop

DIARY = sa.Table(
    "diary", sa.MetaData(), sa.Column("workspace", sa.Integer), sa.Column("strand", sa.LargeBinary),
    sa.Column("at", sa.BigInteger), sa.Column("text", sa.Text),
)  # fmt: skip


def test_a_table_with_a_persons_key_cannot_be_called_the_shops() -> None:
    with pytest.raises(ValueError, match=r"'diary' is the shop's, yet \['strand'\] name people: say how"):
        of_shop(DIARY, "notes")


def test_a_persons_table_says_by_which_column_or_by_which_function() -> None:
    with pytest.raises(ValueError, match="'diary' has no column \\['owner'\\]"):
        of_person(DIARY, "notes", by=("owner",))
    with pytest.raises(ValueError, match="say how it is done"):
        of_person(DIARY, "notes", by=())


def test_every_slice_of_the_installation_says_how_a_person_is_erased_from_it() -> None:
    """A slice that does not is refused while its declaration is read; none of ours is a person's in words alone
    but where no row names anybody."""
    in_words = {held.table.name for one in installed().slices for held in one.holds if isinstance(held.erase, str)}
    assert in_words == {"sign_in_attempts", "message_suppressions"}


@pytest.fixture
def told(any_shop: Shop) -> Shop:
    """Ada and Bo have looked, filled carts, ordered and been given back; all of it is folded."""
    shop = any_shop
    for user, at in (("ada", NOON), ("bo", NOON + MINUTE)):
        shop.send(
            shop.message("Product Viewed", at=at, user=user, browser=f"{user}-b", product_id="p1"),
            shop.message("Product Added", at=at + 1, user=user, product_id="p1", price=5),
            shop.message("Order Completed", at=at + 2, user=user, order_id=f"o-{user}", total=5, currency="EUR"),
            shop.message("Order Refunded", at=at + 3, user=user, order_id=f"o-{user}", total=2, currency="EUR"),
        )
    shop.wait(NOON + 120 * MINUTE)
    return shop


def keys_of(shop: Shop, user: str) -> list[Key]:
    with shop.db.read() as conn:
        root = find_root(conn, shop.id, f"user_id:{user}")
        return people.strands_by_root(conn, shop.id, [root])[root]


def test_a_person_is_handed_all_that_is_kept_and_nothing_of_anybody_else(told: Shop) -> None:
    with told.db.read() as conn:
        found = export_person(conn, told.pipeline.slices, told.id, keys_of(told, "ada"))
    assert {"facts", "identifiers", "orders", "refunds", "recent_products"} <= {
        t for one in found.values() for t in one
    }
    assert [row["order_id"] for row in found["orders"]["orders"]] == ["o-ada"]
    assert [row["order_id"] for row in found["orders"]["refunds"]] == ["o-ada"]
    assert found["orders"]["orders"][0]["at"].startswith("2026-")
    assert "bo" not in {row.get("value") for row in found["resolve"]["identifiers"]}


def test_erased_means_that_nothing_is_left_in_any_table_and_others_keep_theirs(told: Shop) -> None:
    ada, bo = keys_of(told, "ada"), keys_of(told, "bo")
    slices = told.pipeline.slices
    with told.db.read() as conn:
        bos = export_person(conn, slices, told.id, bo)
    with told.db.write() as conn:
        gone = erase_person(conn, slices, told.id, ada)
    assert gone["facts"] == 4
    assert gone["orders"] == gone["refunds"] == 1
    with told.db.read() as conn:
        assert export_person(conn, slices, told.id, ada) == {}
        assert export_person(conn, slices, told.id, bo) == bos


def test_a_column_named_for_a_time_is_told_in_words() -> None:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as conn:
        DIARY.create(conn)
        conn.execute(DIARY.insert().values(workspace=1, strand=b"s", at=NOON, text="hello"))
        export, erase = by_columns(DIARY, ("strand",))
        assert list(export(conn, 1, [Key(b"s")])) == [  # type: ignore[arg-type]
            {"strand": "73", "at": "2026-09-21T12:00:00.000Z", "text": "hello"}
        ]
        assert erase(conn, 1, [Key(b"s")]) == 1  # type: ignore[arg-type]
    engine.dispose()


def test_a_program_with_the_permission_is_answered_everything_that_is_kept(told: Shop) -> None:
    slices = told.pipeline.slices
    app = create_app(
        db=told.db,
        wording=slices.wording,
        permissions=slices.permissions,
        parts={"export": WebPart(routes=EXPORT)},
        provided={"slices": slices},
    )
    with TestClient(app) as client:
        keys = {
            scope: create_api_key(
                told.db, slices.permissions, workspace=told.id, name=scope, scopes=[scope], created_by="test", now=NOON
            )[1]
            for scope in ("customers:read", "customers:export")
        }
        path = "/api/v1/customers/user_id:ada/export"
        assert client.get(path, headers={"Authorization": f"Bearer {keys['customers:read']}"}).status_code == 403
        told_all = client.get(path, headers={"Authorization": f"Bearer {keys['customers:export']}"}).json()
    assert told_all["record"]["traits"]["orders"]["value"] == 1
    assert len(told_all["kept"]["storage"]["facts"]) == 4
    assert "o-bo" not in str(told_all)
