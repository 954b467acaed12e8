"""The API of customers, and Segment's shape of it, as programs meet them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from rapport.kernel.clock import now_us
from rapport.remember.profiles import PROFILES
from rapport.remember.routes import ROUTES
from rapport.web import accounts
from rapport.web.app import create_app
from rapport.web.part import WebPart
from tests.remembered import REMEMBERED
from tests.rooms.remember.shop import Shop, bought, did
from tests.slices import PERMISSIONS, WORDING

Get = Callable[..., httpx.Response]

ADA = "/v1/spaces/any/collections/users/profiles/user_id:ada"


@pytest.fixture
def http(shop: Shop) -> Iterator[TestClient[Any]]:
    given = {"remembered": REMEMBERED}
    app = create_app(
        db=shop.db,
        wording=WORDING,
        permissions=PERMISSIONS,
        parts={"remember": WebPart(routes=ROUTES)},
        routes=[PROFILES],
        provided=given,
    )
    with TestClient(app) as made:
        yield made


@pytest.fixture
def key(shop: Shop) -> str:
    """The secret of an API key that may read customers."""
    _, secret = accounts.create_api_key(
        shop.db,
        PERMISSIONS,
        workspace=shop.workspace,
        name="test",
        scopes=["customers:read"],
        created_by="test",
        now=now_us(),
    )
    return secret


@pytest.fixture
def get(http: TestClient[Any], key: str) -> Get:
    """Ask with the key as Bearer."""

    def call(path: str, **options: Any) -> httpx.Response:
        return http.get(path, headers={"Authorization": f"Bearer {key}"}, **options)

    return call


@pytest.fixture
def ada(shop: Shop) -> None:
    """Ada looked around, signed in, and bought."""
    shop.take(
        did("Page Viewed", 0, web="w-1"), did("Page Viewed", 0.5, web="w-1"),
        did("Identified", 1, user="ada", web="w-1", traits={"email": "ada@example.com", "name": "Ada Lovelace"}),
        bought("o-1", 12.5, 2, user="ada"),
    )  # fmt: skip


def test_nobody_may_read_customers_without_a_key_that_allows_it(shop: Shop, http: TestClient[Any]) -> None:
    _, other = accounts.create_api_key(
        shop.db,
        PERMISSIONS,
        workspace=shop.workspace,
        name="other",
        scopes=["sources:read"],
        created_by="test",
        now=now_us(),
    )
    for path in ("/api/v1/customers", "/api/v1/customers/user_id:ada", f"{ADA}/traits", f"{ADA}/events"):
        assert http.get(path).status_code == 401
        assert http.get(path, headers={"Authorization": "Bearer rk_wrong"}).status_code == 401
        assert http.get(path, headers={"Authorization": f"Bearer {other}"}).status_code == 403


@pytest.mark.usefixtures("ada")
def test_a_customer_is_found_by_identifier_by_id_and_by_search(get: Get) -> None:
    record = get("/api/v1/customers/email:Ada@Example.com").json()
    assert record["traits"]["revenue"]["value"] == {"EUR": 1250}
    assert get(f"/api/v1/customers/{record['id']}").json() == record
    found = get("/api/v1/customers", params={"q": "love"}).json()
    assert [one["id"] for one in found["customers"]] == [record["id"]]
    assert found["cursor"] is None


def test_a_customer_whose_id_has_slashes_is_asked_for_like_any_other(shop: Shop, get: Get) -> None:
    shop.take(did("Identified", 1, user="gid://shopify/Customer/1", traits={"name": "Gid"}))
    reference = "user_id:gid%3A%2F%2Fshopify%2FCustomer%2F1"
    assert get(f"/api/v1/customers/{reference}").json()["traits"]["name"]["value"] == "Gid"
    assert [one["name"] for one in get(f"/api/v1/customers/{reference}/timeline").json()["facts"]] == ["Identified"]
    assert get(f"{ADA.replace('user_id:ada', reference)}/traits").json()["traits"]["name"] == "Gid"


@pytest.mark.usefixtures("ada")
def test_the_timeline_is_paged(get: Get) -> None:
    first = get("/api/v1/customers/user_id:ada/timeline", params={"limit": 3}).json()
    assert [fact["name"] for fact in first["facts"]] == ["Order Completed", "Identified", "Page Viewed"]
    rest = get("/api/v1/customers/user_id:ada/timeline", params={"limit": 3, "cursor": first["cursor"]}).json()
    assert ([fact["name"] for fact in rest["facts"]], rest["cursor"]) == (["Page Viewed"], None)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/customers/user_id:nobody", 404),
        ("/api/v1/customers/cus_nonsense", 404),
        ("/api/v1/customers/user_id:nobody/timeline", 404),
        ("/api/v1/customers?cursor=nonsense", 400),
        ("/api/v1/customers?limit=0", 400),
        ("/api/v1/customers?sort=height", 400),
        ("/v1/spaces/x/collections/users/profiles/user_id:nobody/traits", 404),
        (f"{ADA}/traits?next=nonsense", 400),
        (f"{ADA}/events?next=nonsense", 400),
    ],
)
@pytest.mark.usefixtures("ada")
def test_what_cannot_be_answered_is_a_typed_problem(get: Get, path: str, status: int) -> None:
    answer = get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["code"] in ("not_found", "invalid_input")


@pytest.mark.usefixtures("ada")
def test_segments_clients_read_profiles_with_the_key_as_user_name(http: TestClient[Any], key: str) -> None:
    basic = {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}
    traits = http.get(f"{ADA}/traits", headers=basic, params={"limit": 200}).json()
    assert traits["traits"]["orders"] == 1
    assert traits["cursor"]["has_more"] is False
    verbose = http.get(f"{ADA}/traits", headers=basic, params={"include": "email", "verbose": "true"}).json()
    assert set(verbose["traits"]) == {"email"}
    assert set(verbose["traits"]["email"]) == {"value", "source_id", "updated_at"}
    ids = http.get(f"{ADA}/external_ids", headers=basic).json()
    assert {(one["type"], one["id"]) for one in ids["data"]} == {
        ("anonymous_id", "w-1"), ("user_id", "ada"), ("email", "ada@example.com"),
    }  # fmt: skip
    events = http.get(f"{ADA}/events", headers=basic, params={"limit": 1}).json()
    assert events["data"][0]["event"] == "Order Completed"
    assert events["cursor"]["has_more"] is True
    older = http.get(f"{ADA}/events", headers=basic, params={"limit": 1, "next": events["cursor"]["next"]}).json()
    assert older["data"][0]["type"] == "identify"
    assert http.get(f"{ADA}/metadata", headers=basic).json()["metadata"]["created_at"].startswith("2023-11-14")
    assert http.get(f"{ADA}/traits", headers={"Authorization": "Basic !"}).status_code == 401


@pytest.mark.usefixtures("ada")
def test_traits_come_in_pages_of_ten(get: Get) -> None:
    names: list[str] = []
    following = ""
    while True:
        page = get(f"{ADA}/traits", params={"next": following} if following else {}).json()
        names += page["traits"]
        if not page["cursor"]["has_more"]:
            break
        following = page["cursor"]["next"]
    assert len(names) == len(set(names)) > 10


def test_another_shops_customers_are_unknown_here(shop: Shop, get: Get) -> None:
    Shop(shop.db).take(did("Identified", 0, user="stranger"))
    assert get("/api/v1/customers/user_id:stranger").status_code == 404
    assert get("/api/v1/customers").json()["customers"] == []
