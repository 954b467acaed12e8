"""The maps that come with Rapport, on files shaped like those of the systems they are for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rapport.adapters.files import store
from rapport.adapters.files.importer import import_files
from rapport.adapters.files.mapped_csv import MappedCsv
from rapport.adapters.files.model import ImportReport, Refused, silent
from rapport.adapters.files.ready import best_fit, ready_map, ready_maps
from rapport.capabilities.acquisition.store import costs as acquisition_costs
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.remember.golden import find_key, golden_record
from rapport.storage.workspaces import WorkspaceSettings, change_settings, default_workspace
from tests.databases import ENGINES, database_at
from tests.remembered import REMEMBERED
from tests.rooms.adapters import exports
from tests.shop import NOON, Shop

Told = list[dict[str, Any]]

FILES = {
    "shopify-orders": exports.SHOPIFY_ORDERS,
    "shopify-customers": exports.SHOPIFY_CUSTOMERS,
    "woocommerce-orders": exports.WOO_ORDERS,
    "woocommerce-customers": exports.WOO_CUSTOMERS,
    "magento-orders": exports.MAGENTO_ORDERS,
    "magento-customers": exports.MAGENTO_CUSTOMERS,
    "amazon-all-orders": exports.AMAZON_ALL,
    "amazon-order-report": exports.AMAZON_BUYERS,
    "google-ads-costs": exports.GOOGLE_COSTS,
    "meta-ads-costs": exports.META_COSTS,
    "consents": exports.CONSENTS,
}


def told(folder: Path, name: str, *, text: str = "", zone: str = "UTC") -> tuple[Told, list[Refused]]:
    """The messages of a file, and the rows that were refused."""
    path = folder / "export.csv"
    path.write_text(text or FILES[name], encoding="utf-8")
    steps = list(MappedCsv(path, said=ready_map(name), time_zone=zone).steps(progress=silent))
    return [m for step in steps for m in step.messages], [one for step in steps for one in step.refused]


TIPPED = """\
Name,Email,Financial Status,Currency,Subtotal,Shipping,Taxes,Total,Duties,Created at,Lineitem quantity,Lineitem name,\
Lineitem price,Lineitem sku,Payment Method
#1,ada@example.com,paid,EUR,100.00,5.00,19.00,147.00,12.00,2026-03-01 10:15:00 +0100,1,Gin,100.00,GIN,Shopify Payments
#1,ada@example.com,,,,,,,,2026-03-01 10:15:00 +0100,1,Trinkgeld,11.00,,
#2,bo@example.com,paid,EUR,100.00,0.00,0.00,100.00,,2026-03-01 10:15:00 +0100,1,Tip,100.00,TIP-1,Shopify Payments
#3,eve@example.com,paid,EUR,100.00,0.00,0.00,100.00,,2026-03-01 10:15:00 +0100,1,Gin,100.00,GIN,for testing (Bogus)
"""


def test_a_tip_and_duties_are_told_apart_and_an_order_that_tries_the_shop_is_none(tmp_path: Path) -> None:
    """A product of that name, which has a number, is a product."""
    messages, refused = told(tmp_path, "shopify-orders", text=TIPPED)
    assert (events(messages), refused) == ([("Order Completed", "#1"), ("Order Completed", "#2")], [])
    said = messages[0]["properties"]
    assert (said["total"], said["tip"], said["duties"], len(said["products"])) == (147, 11, 12, 1)
    assert messages[1]["properties"]["tip"] == 0
    assert [one["name"] for one in messages[1]["properties"]["products"]] == ["Tip"]


def events(messages: Told) -> list[tuple[str, str]]:
    return [(message["event"], message["properties"]["order_id"]) for message in messages]


def test_every_map_is_tried_here() -> None:
    assert set(FILES) == set(ready_maps())


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_known_by_its_first_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / "export.csv"
    path.write_text(FILES[name], encoding="utf-8")

    found, other = best_fit(path)

    assert (found.name, other) == (name, None)


@pytest.mark.parametrize("name", FILES)
def test_a_map_says_what_to_export_and_where_to_click(name: str) -> None:
    table = ready_map(name).table

    assert table.title
    assert " open " in table.export
    assert ready_map(name).text.startswith(b"# ")


def test_a_yes_without_when_where_and_to_what_is_refused_by_its_line_and_a_no_needs_nothing(tmp_path: Path) -> None:
    messages, refused = told(tmp_path, "consents")

    assert [one["context"]["traits"]["email"] for one in messages] == ["ada@example.com", "eve@example.com"]
    assert messages[0]["timestamp"] == "2024-05-01T10:00:00+00:00"
    assert messages[0]["context"]["consentManagement"] == {"allowedConsentIds": ["email_marketing"]}
    assert messages[1]["context"]["consentManagement"] == {"deniedConsentIds": ["sms_marketing"]}
    assert [(one.line, one.reason.removeprefix("a yes has to say ")) for one in refused[:3]] == [
        (3, "when it was given"), (4, "where it was given"), (5, "to which words it was given"),
    ]  # fmt: skip
    assert (refused[3].line, "'perhaps' is none that the map knows" in refused[3].reason) == (7, True)


def test_shopify_orders_have_lines_refunds_and_fates(tmp_path: Path) -> None:
    messages, refused = told(tmp_path, "shopify-orders")

    assert refused == []
    assert events(messages) == [
        ("Order Completed", "#1001"), ("Order Refunded", "#1001"), ("Order Completed", "#1002"),
        ("Order Cancelled", "#1002"), ("Order Completed", "#1003"), ("Order Cancelled", "#1003"),
        ("Order Refunded", "#1003"),
    ]  # fmt: skip
    order, refund, in_store = messages[:3]
    assert order["timestamp"] == "2026-03-01T15:15:00+00:00"
    assert [(p["product_id"], p["price"], p["quantity"]) for p in order["properties"]["products"]] == [
        ("FERN-1", 16, 2), ("TOTE-1", 20, 1),
    ]  # fmt: skip
    assert order["properties"]["tags"] == ["vip", "gift"]
    assert order["context"]["traits"]["phone"] == "+16175550123"
    assert order["context"]["traits"]["address"]["postalCode"] == "02110"
    assert refund["properties"] | {"refund_id": "", "order_id": ""} == {
        "refund_id": "", "order_id": "", "currency": "USD", "total": 5.6, "so_far": True,
    }  # fmt: skip
    assert (in_store["anonymousId"], in_store["context"]["channel"]) == ("shopify:#1002", "store")
    assert messages[4]["context"]["traits"]["phone"] == "+491701234567"
    assert messages[5]["timestamp"] == "2026-03-04T13:00:00+00:00"


def test_shopify_customers_are_who_they_are_when_they_are_imported(tmp_path: Path) -> None:
    (ada, jan), refused = told(tmp_path, "shopify-customers")

    assert refused == []
    assert "timestamp" not in ada
    assert ada["context"]["externalIds"] == [{"type": "shopify_customer", "id": "7210448301122"}]
    assert ada["traits"]["tags"] == ["vip", "gift"]
    assert (jan["traits"]["lastName"], jan["traits"]["phone"]) == ("'t Hooft", "+31612345678")
    assert jan["traits"]["accepts_marketing"] is False


def test_a_customer_changed_is_another_fact_and_one_unchanged_is_not(tmp_path: Path) -> None:
    (before, same), _ = told(tmp_path, "shopify-customers")
    (after, again), _ = told(
        tmp_path, "shopify-customers", text=exports.SHOPIFY_CUSTOMERS.replace("1 Elm St", "2 Oak St")
    )

    assert before["messageId"] != after["messageId"]
    assert same["messageId"] == again["messageId"]
    assert "ada" not in before["messageId"]


def test_woocommerce_orders_are_those_that_are_orders(tmp_path: Path) -> None:
    messages, refused = told(tmp_path, "woocommerce-orders", zone="Europe/Berlin")

    assert events(messages) == [
        ("Order Completed", "501"), ("Order Completed", "502"), ("Order Refunded", "502"), ("Order Completed", "503"),
        ("Order Cancelled", "503"),
    ]  # fmt: skip
    order = messages[0]
    assert order["timestamp"] == "2026-01-15T22:30:00+00:00"
    assert [(p["product_id"], p["quantity"]) for p in order["properties"]["products"]] == [("TEA", 100), ("CUP", 1)]
    assert order["context"]["externalIds"] == [{"type": "woocommerce_customer", "id": "12"}]
    assert order["context"]["traits"]["phone"] == "+49301234567"
    assert "externalIds" not in messages[1]["context"]
    assert [(one.line, one.reason.split(";")[0]) for one in refused] == [
        (7, "Order Status: 'In Prüfung' is none that the map knows")
    ]


@pytest.mark.parametrize(
    ("completed", "refunded", "cancelled"),
    [
        ("Abgeschlossen", "Rückerstattet", "Storniert"), ("Terminée", "Remboursée", "Annulée"),
        ("Completado", "Reembolsado", "Cancelado"), ("In lavorazione", "Rimborsato", "Annullato"),
        ("Afgerond", "Terugbetaald", "Geannuleerd"), ("Concluído", "Reembolsado", "Cancelado"),
        ("Zrealizowane", "Zwrócone", "Anulowane"), ("Slutförd", "Återbetald", "Avbruten"),
    ],
)  # fmt: skip
def test_statuses_are_read_in_the_language_of_the_shops_backend(
    tmp_path: Path, completed: str, refunded: str, cancelled: str
) -> None:
    text = exports.WOO_ORDERS.replace(",Completed,", f",{completed},").replace(",Refunded,", f",{refunded},")
    messages, refused = told(tmp_path, "woocommerce-orders", text=text.replace(",Cancelled,", f",{cancelled},"))
    assert events(messages) == events(told(tmp_path, "woocommerce-orders")[0])
    assert len(refused) == 1
    text = exports.MAGENTO_ORDERS.replace(",Complete,", f",{completed},").replace(",Canceled,", f",{cancelled},")
    messages, refused = told(tmp_path, "magento-orders", text=text)
    assert (events(messages), refused) == (events(told(tmp_path, "magento-orders")[0]), [])


def test_woocommerce_customers_and_guests(tmp_path: Path) -> None:
    (ada, guest), _ = told(tmp_path, "woocommerce-customers", zone="Europe/Berlin")

    assert ada["context"]["externalIds"] == [{"type": "woocommerce_login", "id": "ada"}]
    assert ada["traits"]["createdAt"] == "2025-01-05T08:30:00+00:00"
    assert guest["traits"]["email"] == "bo@example.com"


def test_magento_orders_with_both_clocks_and_both_ways_of_money(tmp_path: Path) -> None:
    messages, refused = told(tmp_path, "magento-orders", zone="America/New_York")

    assert refused == []
    assert events(messages) == [
        ("Order Completed", "000000299"), ("Order Completed", "000000300"), ("Order Refunded", "000000300"),
        ("Order Completed", "000000301"), ("Order Cancelled", "000000301"),
    ]  # fmt: skip
    assert [message["timestamp"] for message in messages[:2]] == [
        "2026-04-20T02:12:13+00:00", "2026-04-20T19:12:13+00:00",
    ]  # fmt: skip
    assert [message["properties"]["subtotal"] for message in messages[:2]] == [209.4, 1100]


def test_magento_customers(tmp_path: Path) -> None:
    (ada,), _ = told(tmp_path, "magento-customers")

    assert ada["traits"]["phone"] == "+16175550123"
    assert "gender" not in ada["traits"]


def test_amazon_orders_are_of_nobody_and_without_promotions(tmp_path: Path) -> None:
    messages, refused = told(tmp_path, "amazon-all-orders")

    assert refused == []
    assert events(messages) == [("Order Completed", "112-1"), ("Order Cancelled", "112-2")]
    assert messages[0]["properties"]["revenue"] == 37.5
    assert messages[0]["properties"]["products"][0]["name"] == 'A 5" ruler'
    assert (messages[0]["anonymousId"], messages[0]["context"]["channel"]) == ("amazon:112-1", "marketplace")


def test_amazons_address_of_a_buyer_is_a_name_on_the_marketplace_and_no_email(tmp_path: Path) -> None:
    messages, _ = told(tmp_path, "amazon-order-report")

    buyer = [{"type": "marketplace_buyer", "id": "zjz1q1@marketplace.amazon.com"}]
    assert [message["context"]["externalIds"] for message in messages] == [buyer, buyer]
    assert all("email" not in message["context"]["traits"] for message in messages)
    assert messages[0]["properties"]["revenue"] == 18.5
    assert len(messages[0]["properties"]["products"]) == 1


# As people save them again


PLAIN = """\
Name,Email,Financial Status,Currency,Subtotal,Shipping,Taxes,Total,Created at,\
Lineitem quantity,Lineitem name,Lineitem price,Billing City
#1,ada@example.com,paid,EUR,PRICE,0,0,PRICE,2026-03-01 10:15:00 +0100,1,Tee,PRICE,Zürich
"""


@pytest.mark.parametrize(
    ("encoding", "delimiter", "price", "revenue"),
    [
        ("utf-8", ",", "24.90", 24.9),
        ("utf-8-sig", ";", "24,90", 24.9),
        ("cp1252", ";", "1.234,50", 1234.5),
        ("utf-16", "\t", "1'234.50", 1234.5),
        ("utf-8", ",", "$24", 24),
    ],
)  # fmt: skip
def test_a_file_that_went_through_a_spreadsheet_is_read_the_same(
    tmp_path: Path, encoding: str, delimiter: str, price: str, revenue: float
) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(PLAIN.replace(",", delimiter).replace("PRICE", price).encode(encoding))
    found, _ = best_fit(path)

    (step,) = MappedCsv(path, said=found.said).steps(progress=silent)

    assert step.refused == []
    assert step.messages[0]["properties"]["total"] == revenue
    assert step.messages[0]["context"]["traits"]["address"]["city"] == "Zürich"


def test_a_number_that_could_be_two_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(PLAIN.replace(",", ";").replace("PRICE", "1,234"))

    (step,) = MappedCsv(path, said=ready_map("shopify-orders")).steps(progress=silent)

    assert [(one.line, one.reason) for one in step.refused] == [(2, "Total: '1,234' could be 1234 or 1.234")]


def test_a_file_that_no_map_reads_is_told_the_nearest_and_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(PLAIN.replace("Currency", "Geld"))

    with pytest.raises(InvalidInput, match=r"no ready map reads export.csv.*Shopify: orders.*'Currency' is missing"):
        best_fit(path)
    with pytest.raises(NotFound, match="shopfy"):
        ready_map("shopfy")


# What becomes of it


@pytest.fixture(params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    with database_at(request.param, tmp_path) as url:
        found = Shop(url)
        yield found
        found.close()


def import_text(shop: Shop, folder: Path, name: str, text: str) -> ImportReport:
    path = folder / "export.csv"
    path.write_text(text, encoding="utf-8")
    with shop.db.read() as conn:
        workspace = default_workspace(conn)
    zone = workspace.settings.time_zone
    report = import_files(shop.db, MappedCsv(path, said=ready_map(name), time_zone=zone), workspace=workspace)
    shop.fold()
    return report


def record(shop: Shop, who: str) -> dict[str, Any]:
    with shop.db.read() as conn:
        found = golden_record(conn, shop.id, find_key(conn, shop.id, who), now=NOON, remembered=REMEMBERED)
    return {name: trait.value for name, trait in found.traits.items()}


def kept(shop: Shop) -> dict[str, tuple[int, int, int, int]]:
    """Before refunds, refunds, cancelled and kept of the shop, by currency."""
    return {
        row["currency"]: (row["revenue_minor"], row["refunds_minor"], row["cancelled_minor"], row["net_minor"])
        for row in shop.metric("revenue_by", by="currency").rows
    }


def test_the_records_of_a_shopify_export_add_up_to_the_shops_numbers(shop: Shop, tmp_path: Path) -> None:
    """Of a payment of 56 with 6 shipping and 3 tax 5.60 were refunded: of the revenue of 47 that is 4.70."""
    report = import_text(shop, tmp_path, "shopify-orders", exports.SHOPIFY_ORDERS)

    assert (report.rows, report.facts, report.refused) == (4, 7, 0)
    assert kept(shop) == {"USD": (7200, 470, 2500, 4230), "EUR": (1000, 1000, 0, 0)}
    ada = record(shop, "email:ada@example.com")
    assert (ada["revenue"], ada["refunds"], ada["net_revenue"]) == ({"USD": 4700}, {"USD": 470}, {"USD": 4230})
    assert record(shop, "anonymous_id:shopify:#1002")["net_revenue"] == {"USD": 0}
    assert record(shop, "email:bo@example.com")["net_revenue"] == {"EUR": 0}


def test_what_was_refunded_so_far_counts_once_however_often_and_in_whatever_order_it_comes(
    shop: Shop, tmp_path: Path
) -> None:
    later = exports.SHOPIFY_ORDERS.replace(",5.60,", ",11.20,")
    for text in (exports.SHOPIFY_ORDERS, later, exports.SHOPIFY_ORDERS + "\n", later + "\n"):
        import_text(shop, tmp_path, "shopify-orders", text)

    assert kept(shop)["USD"] == (7200, 940, 2500, 3760)
    assert record(shop, "email:ada@example.com")["refunds"] == {"USD": 940}


def test_an_export_imported_twice_adds_nothing(shop: Shop, tmp_path: Path) -> None:
    for name, text in FILES.items():
        first = import_text(shop, tmp_path, name, text)
        second = import_text(shop, tmp_path, name, text + "\n")
        assert (first.added, second.added) == (first.facts, 0), name


def test_the_orders_of_a_buyer_on_the_marketplace_are_one_customers(shop: Shop, tmp_path: Path) -> None:
    import_text(shop, tmp_path, "amazon-order-report", exports.AMAZON_BUYERS)

    found = record(shop, "marketplace_buyer:zjz1q1@marketplace.amazon.com")
    assert (found["orders"], found["revenue"]) == (2, {"USD": 2650})


def test_the_time_of_a_file_without_offset_is_the_shops(shop: Shop, tmp_path: Path) -> None:
    def to_berlin(settings: WorkspaceSettings) -> WorkspaceSettings:
        settings.time_zone = "Europe/Berlin"
        return settings

    with shop.db.write() as conn:
        change_settings(conn, shop.id, to_berlin)
    report = import_text(shop, tmp_path, "woocommerce-orders", exports.WOO_ORDERS)

    assert record(shop, "email:ada@example.com")["last_order_at"] == "2026-01-15T22:30:00.000Z"
    assert (report.refused, report.silent) == (1, 1)
    with shop.db.read() as conn:
        assert len(store.refusals(conn, shop.id, report.id)) == 1


@pytest.mark.parametrize(
    ("name", "costs"),
    [
        ("google-ads-costs", [("spring", "2026-04-10", 1234.5, "EUR", "google", 1120),
                              ("spring", "2026-04-11", 0, "EUR", "google", 0)]),
        ("meta-ads-costs", [("summer", "2026-04-10", 12.34, "GBP", "meta", 5)]),
    ],
)  # fmt: skip
def test_reports_of_advertising_are_costs_of_days(
    any_shop: Shop, tmp_path: Path, name: str, costs: list[tuple[Any, ...]]
) -> None:
    messages, refused = told(tmp_path, name)

    assert refused == []
    said = [message["properties"] for message in messages]
    names = ("campaign", "day", "cost", "currency", "platform")
    assert [tuple(one.get(key) for key in names) for one in said] == [one[:-1] for one in costs]
    any_shop.send(*messages)
    any_shop.fold()
    kept = sorted((row["day"], row["cost_minor"], row["clicks"]) for row in any_shop.rows(acquisition_costs))
    assert [row[1:] for row in kept] == [(round(one[2] * 100), one[5]) for one in costs]
