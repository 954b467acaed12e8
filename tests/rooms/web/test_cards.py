"""Cards that slices add to the customer's page and to Home: drawn by themselves, for whoever may see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient
from sqlalchemy import Connection, text

from rapport.app.asgi import create_server
from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.pipeline import Pipeline
from rapport.app.server import Server
from rapport.app.settings import Settings
from rapport.app.wiring import OWN
from rapport.app.worker import drain
from rapport.compose.installed import Installed
from rapport.compose.slice import Slice
from rapport.kernel.clock import now_us
from rapport.kernel.ids import WorkspaceId
from rapport.web import accounts
from rapport.web.app import create_app
from rapport.web.cards import Cards, OfPerson, OfShop, Panel, Tile
from rapport.web.part import WebPart
from rapport.web.permissions import Permission
from tests.databases import ENGINES, database_at, opened_database
from tests.rooms.web.conftest import PASSWORD, sign_in
from tests.running import Engine
from tests.slices import PERMISSIONS, WORDING

ORDER = {
    "type": "track", "event": "Order Completed", "userId": "ada", "messageId": "m1",
    "properties": {
        "order_id": "o-77", "total": 59.5, "currency": "EUR", "products": [{"product_id": "p", "price": 59.5}],
    },
}  # fmt: skip


def _falls(conn: Connection, asked: OfPerson | OfShop) -> Mapping[str, Any]:
    conn.execute(text("SELECT nothing FROM nowhere"))
    return {}


def _panel(name: str, title: str, *, permission: str = "customers:read", calm: bool = False) -> Panel:
    read = (lambda *_: None) if calm else _falls
    return Panel(
        name=f"weather.{name}", title=title, order=1, permission=permission, template="orders/cart.html", read=read
    )


STORM = msgspec.structs.replace(_panel("storm", "Storm"), place="main")
CALM = _panel("calm", "Calm", calm=True)
RAIN = Tile(
    name="weather.rain",
    title="Rain",
    order=1,
    permission="metrics:read",
    template="orders/cart.html",
    read=lambda *_: {},  # the template misses all it needs
)
WEB = WebPart(panels=(STORM, _panel("hidden", "Secret", permission="weather:read"), CALM), tiles=(RAIN,))

WEATHER = Slice(
    name="weather", title="Weather", permissions=(Permission(name="weather:read", words="see the sky"),),
    web=f"{__name__}:WEB",
)  # fmt: skip


@pytest.fixture(params=ENGINES, scope="module")
def browser(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient[Any]]:
    """Signed in as an agent of a shop with one order, where the weather's cards fail."""
    engine: Engine = request.param
    folder = tmp_path_factory.mktemp("cards")
    with database_at(engine, folder) as url:
        settings = Settings.load({}, data_dir=folder, database_url=url)
        db = open_database(settings)
        slices = Installed([*OWN, WEATHER])
        key = bootstrap(db, settings, slices=slices).write_key
        for name, role in (("ada", "agent"), ("olga", "owner")):
            accounts.create_user(
                db, email=f"{name}@example.com", password=PASSWORD, name=name, workspace=WorkspaceId(1), role=role,
                now=now_us(),
            )  # fmt: skip
        with TestClient(create_server(settings, Server(settings, db, slices=slices))) as client:  # type: ignore[type-var]
            assert client.post("/v1/batch", json={"batch": [ORDER]}, auth=(key, "")).status_code == 200
            drain(Pipeline(db, slices=slices))
            sign_in(client, "ada@example.com")  # type: ignore[arg-type]  # in front of the framework stand the endpoints
            yield client


def test_a_panel_that_fails_says_so_and_the_customers_page_stands(browser: TestClient[Any]) -> None:
    page = browser.get("/console/customers/user_id:ada")
    assert page.status_code == 200
    storm, timeline = page.text.index("<h2>Storm</h2>"), page.text.index('id="timeline"')
    assert page.text.index('id="orders-title"') < timeline, "orders are read before the timeline, on a phone, too"
    assert storm < timeline
    assert "cannot be shown at the moment" in page.text[storm : storm + 500]
    assert "Calm" not in page.text
    assert "Secret" not in page.text


def test_whoever_may_hand_out_what_is_kept_of_a_person_downloads_it_from_their_page(browser: TestClient[Any]) -> None:
    page = browser.get("/console/customers/user_id:ada")
    address = f"{page.url.path}/export"
    assert address not in page.text
    assert browser.get(address).status_code == 403
    agent = dict(browser.cookies)
    browser.cookies.clear()
    sign_in(browser, "olga@example.com")
    assert f'href="{address}"' in browser.get(page.url.path).text
    file = browser.get(address)
    assert file.headers["content-disposition"].endswith('.json"')
    assert (file.json()["record"]["traits"]["orders"]["value"], "facts" in file.json()["kept"]["storage"]) == (1, True)
    browser.cookies.clear()
    browser.cookies.update(agent)


def test_a_tile_that_fails_says_so_and_home_stands(browser: TestClient[Any]) -> None:
    for path in ("/console", "/console/home/report"):
        page = browser.get(path)
        assert page.status_code == 200
        assert "<h2>Rain</h2>" in page.text
        assert "€59.50" in page.text


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"permission": "storm:read"}, "needs the permission 'storm:read', which no slice declares"),
        ({"template": "weather/none.html"}, "names the template 'weather/none.html', which is nowhere"),
    ],
)
def test_a_card_that_nobody_could_ever_see_stops_the_servers_start(
    tmp_path: Path, changed: dict[str, str], complaint: str
) -> None:
    part = WebPart(panels=(msgspec.structs.replace(CALM, **changed),))
    with opened_database("sqlite", tmp_path) as db, pytest.raises(ValueError, match=complaint):
        create_app(db=db, wording=WORDING, permissions=PERMISSIONS, parts={"weather": part})


def test_a_card_is_named_after_the_slice_that_brings_it() -> None:
    with pytest.raises(ValueError, match=r"the card 'weather\.storm', whose name must begin with 'climate\.'"):
        Installed([Slice(name="climate", title="Climate", web=f"{__name__}:WEB")]).web_parts()


def test_two_cards_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"two of kind card are named 'weather\.calm'"):
        Cards([CALM, CALM])
