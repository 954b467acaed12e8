"""Orders are counted once, however they are reported, corrected, cancelled and refunded."""

from __future__ import annotations

from itertools import permutations

import pytest

from rapport.capabilities.orders.ledger import HeldOrder, held_orders, holds_all
from rapport.capabilities.orders.panels import order_lines
from rapport.kernel.facts import Fact
from rapport.kernel.mergeable import State
from rapport.remember.registry import StrandState
from tests.remembered import REMEMBERED
from tests.rooms.remember.shop import bought, did, traits_of


def updated(order_id: str, days: float, **properties: object) -> Fact:
    return did("Order Updated", days, user="ada", properties={"order_id": order_id, "currency": "EUR", **properties})


def refunded(days: float, **properties: object) -> Fact:
    return did("Order Refunded", days, user="ada", properties={"currency": "EUR", **properties})


def test_an_order_reported_by_browser_and_server_counts_once() -> None:
    """The earlier report decides."""
    browser = bought("o-1", 20, 1.0, web="a", source="src_web")
    server = bought("o-1", 21, 1.0001, user="ada", source="src_server")
    for order in permutations([browser, server, bought("o-2", 5, 3, user="ada")]):
        found = traits_of(*order)
        assert (found["orders"], found["revenue"], found["average_order"]) == (2, {"EUR": 2500}, {"EUR": 1250})


def test_a_report_that_names_its_revenue_outweighs_an_earlier_one_that_does_not() -> None:
    bare = did("Order Completed", 1.0, web="a", properties={"order_id": "o-1"})
    for order in permutations([bare, bought("o-1", 20, 1.1, user="ada")]):
        assert traits_of(*order)["revenue"] == {"EUR": 2000}


def test_a_later_correction_overrides_the_amounts_and_a_status_alone_changes_nothing() -> None:
    facts = [bought("o-1", 20, 1), updated("o-1", 2, revenue=15), updated("o-1", 3, status="packed")]
    for order in permutations(facts):
        assert traits_of(*order)["revenue"] == {"EUR": 1500}


def test_a_correction_before_the_order_is_none() -> None:
    assert traits_of(updated("o-1", 0.5, revenue=15), bought("o-1", 20, 1))["revenue"] == {"EUR": 2000}


def test_a_cancelled_order_brings_nothing() -> None:
    cancelled = did("Order Cancelled", 2, user="ada", properties={"order_id": "o-1"})
    for order in permutations([bought("o-1", 20, 1), cancelled, bought("o-2", 7, 3)]):
        found = traits_of(*order)
        assert (found["orders"], found["revenue"], found["cancelled_orders"]) == (2, {"EUR": 2700}, 1)
        assert found["net_revenue"] == {"EUR": 700}
    refund = refunded(3, order_id="o-1", refund_id="r-1", revenue=5)
    for order in permutations([bought("o-1", 20, 1), cancelled, refund]):
        found = traits_of(*order)
        assert (found["refunds"], found["net_revenue"]) == ({"EUR": 500}, {"EUR": 0}), "nothing is taken off twice"


def test_refunds_count_once_by_their_id() -> None:
    part = refunded(2, order_id="o-1", refund_id="r-1", revenue=5, products=[{"product_id": "p", "quantity": 2}])
    again = refunded(2.5, order_id="o-1", refund_id="r-1", revenue=5, products=[{"product_id": "p", "quantity": 2}])
    for order in permutations([bought("o-1", 20, 1), part, again]):
        found = traits_of(*order)
        assert (found["refunds"], found["returns"], found["net_revenue"]) == ({"EUR": 500}, 2, {"EUR": 1500})


def test_a_refund_without_an_amount_is_what_is_left_of_the_order() -> None:
    facts = [bought("o-1", 20, 1), refunded(2, order_id="o-1", total=5), refunded(3, order_id="o-1")]
    for order in permutations(facts):
        assert traits_of(*order)["refunds"] == {"EUR": 2000}


def test_a_credit_note_that_names_no_order_is_a_refund() -> None:
    found = traits_of(bought("o-1", 20, 1), refunded(2, refund_id="C1", total=-3))
    assert (found["refunds"], found["net_revenue"]) == ({"EUR": 300}, {"EUR": 1700})


def test_revenue_is_without_shipping_and_tax_by_whatever_is_stated() -> None:
    products = [{"product_id": "p", "price": "2.50", "quantity": 2}, {"product_id": "q", "price": 1}]
    for stated, expected in (
        ({"revenue": 10, "total": 99}, 1000),
        ({"subtotal": 11, "total": 99}, 1100),
        ({"total": 15, "shipping": 3, "tax": "2"}, 1000),
        ({"products": products}, 600),
    ):
        order = did("Order Completed", properties={"order_id": "o", "currency": "EUR", **stated})
        assert traits_of(order)["revenue"] == {"EUR": expected}


def test_amounts_are_kept_by_currency_in_its_own_minor_units() -> None:
    yen = did("Order Completed", 2, properties={"order_id": "o-2", "revenue": 1200, "currency": "jpy"})
    bare = did("Order Completed", 3, properties={"order_id": "o-3", "revenue": "4.5"})
    assert traits_of(bought("o-1", 20), yen, bare)["revenue"] == {"EUR": 2450, "JPY": 1200}


def test_the_margin_is_known_where_it_is_stated_or_every_cost_is() -> None:
    priced = [{"product_id": "p", "price": 10, "cost": 4, "quantity": 2}, {"product_id": "q", "price": 5, "cost": 1}]
    facts = [
        bought("o-1", 25, properties={"products": priced}),
        bought("o-2", 30, 1, properties={"margin": 7.5}),
        bought("o-3", 40, 2, properties={"products": [*priced, {"product_id": "r", "price": 1}]}),
    ]
    assert traits_of(*facts)["margin"] == {"EUR": 1600 + 750}


def test_coupons_are_counted_by_order() -> None:
    facts = [bought("o-1", 1, 1, properties={"coupon": "welcome10"}), bought("o-1", 1, 2, properties={"coupon": "X"}),
             bought("o-2", 1, 3, properties={"coupon": "WELCOME10 "}), bought("o-3", 1, 4)]  # fmt: skip
    assert traits_of(*facts)["coupons"] == {"WELCOME10": 2}


def test_each_number_names_the_fact_that_moved_it_last() -> None:
    registry = REMEMBERED.registry(currency="EUR", region=None)
    state: StrandState = {}
    orders = (bought("o-1", 20, 1, ident="m1"), bought("o-2", 20, 2, ident="m2"))
    for fact in (*orders, refunded(3, order_id="o-1", total=1)):
        registry.fold(state, fact)
    read = registry.read(registry.merge([state]), now=0)
    assert read["orders"].fact_id == "m2"
    assert read["first_order_at"].fact_id == "m1"
    assert read["refunds"].occurred_at > read["orders"].occurred_at


def test_three_thousand_orders_stay_exact_and_bounded() -> None:
    """A till that books everybody on one account: sums hold, the state does not grow for ever."""
    found = traits_of(*[bought(f"o-{n}", 1.01, n / 1000, ident=f"m{n}") for n in range(3_000)])
    assert found["orders"] == 3_000
    assert found["revenue"] == {"EUR": 303_000}


def test_the_orders_held_are_told_newest_first_with_what_became_of_them() -> None:
    """Whichever of a repeated report arrived first, and with the corrected amount."""
    facts = [
        bought("o-1", 20, 1, user="ada", ident="m-1"),
        bought("o-1", 20, 1.1, web="a", ident="m-2"),
        bought("o-2", 5, 3, user="ada", ident="m-3"),
        updated("o-2", 4, revenue=4),
        refunded(5, order_id="o-1"),
        did("Order Cancelled", 6, user="ada", properties={"order_id": "o-2"}),
        did("Order Completed", 0, user="ada", ident="m-0", properties={"revenue": 1, "currency": "EUR"}),
    ]
    for some in (facts, facts[::-1]):
        held = held_orders(ledger_of(*some))
        assert [(o.order_id, o.fact_id, o.revenue, o.cancelled, o.refunded) for o in held] == [
            ("o-2", "m-3", 400, True, False),
            ("o-1", "m-1", 2000, False, True),
            ("", "m-0", 100, False, False),
        ]
        assert holds_all(ledger_of(*some))


def test_a_ledger_with_more_orders_than_it_holds_says_so() -> None:
    ledger = ledger_of(*[bought(f"o-{n}", 1, n / 100, user="ada") for n in range(1_300)])
    assert (len(held_orders(ledger)), holds_all(ledger)) == (1_000, False)


def ledger_of(*facts: Fact) -> State:
    registry = REMEMBERED.registry(currency="EUR", region=None)
    state: StrandState = {}
    for fact in facts:
        registry.fold(state, fact)
    return registry.merge([state])["orders"]


def test_an_order_shows_what_it_brought_and_what_became_of_it() -> None:
    orders = [
        HeldOrder("b", "EUR", 500, 2, "m-2", cancelled=False, refunded=False),
        HeldOrder("a", "EUR", 1000, 1, "m-1", cancelled=False, refunded=True),
        HeldOrder("", "JPY", None, 0, "m-0", cancelled=True, refunded=True),
    ]
    assert [(o.label, o.amount, o.state) for o in order_lines(orders)] == [
        ("b", "€5.00", ""), ("a", "€10.00", "refunded"), ("m-0", "", "cancelled"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "revenue"),
    [
        ([{"price": "10.0000", "quantity": "3.0000"}], 3000),
        ([{"price": 10, "quantity": 1.5}], 1500),
        ([{"price": 10, "quantity": 2}, {"price": 10, "quantity": -1}], 1000),
        ([{"price": 10, "quantity": 0}, {"price": 1}], 100),
        ([{"price": "0.335", "quantity": 3}], 101),
        ([{"price": 0.01}] * 500, 500),
    ],
)
def test_revenue_from_lines_is_price_times_quantity_rounded_once_a_line(lines: list[object], revenue: int) -> None:
    order = did("Order Completed", properties={"order_id": "o", "currency": "EUR", "products": lines})
    assert traits_of(order)["revenue"] == {"EUR": revenue}


@pytest.mark.parametrize(
    ("order_id", "same"), [(1234567890123456789, "1234567890123456789"), (12.0, "12"), (10**25, str(10**25))]
)
def test_an_order_id_is_a_text_whatever_it_came_as(order_id: object, same: str) -> None:
    reports = [
        did("Order Completed", n, properties={"order_id": i, "revenue": 1}) for n, i in enumerate((order_id, same))
    ]
    assert traits_of(*reports)["orders"] == 1


@pytest.mark.parametrize("order_id", [True, {"id": 1}, [1], 2.0**60, None])
def test_what_names_no_order_leaves_each_report_an_order(order_id: object) -> None:
    reports = [
        did("Order Completed", n, ident=f"m{n}", properties={"order_id": order_id, "revenue": 1}) for n in (0, 1)
    ]
    assert traits_of(*reports)["orders"] == 2


@pytest.mark.parametrize("stated", ["POINTS", "BTC", 978])
def test_an_unknown_currency_is_nobody_elses(stated: object) -> None:
    order = did("Order Completed", properties={"order_id": "o", "revenue": 50, "currency": stated})
    assert traits_of(order, bought("o-2", 20, 1))["revenue"] == {"EUR": 2000, "XXX": 5000}


LINES = [{"product_id": "a", "price": 20, "quantity": 3}, {"product_id": "b", "variant": "red", "price": 40}]


@pytest.mark.parametrize(
    ("order", "refunds", "given_back"),
    [
        ({"revenue": 10_000, "currency": "JPY"}, [{}], {"JPY": 10_000}),
        ({"revenue": 100, "currency": "GBP"}, [{"revenue": 40}], {"GBP": 4_000}),
        ({"revenue": 1.234, "currency": "KWD"}, [{"total": "1.000"}, {}], {"KWD": 1_234}),
        ({"revenue": 100, "currency": "POINTS"}, [{"revenue": 40}], {"XXX": 4_000}),
        ({"revenue": 100, "tax": 19, "shipping": 5, "total": 124}, [{"total": 124}], {"EUR": 10_000}),
        ({"revenue": 100, "tax": 19, "shipping": 5}, [{"amount": 124}], {"EUR": 10_000}),
        ({"revenue": 100, "total": 124}, [{"total": 62}], {"EUR": 5_000}),
        ({"revenue": 100, "total": 124}, [{"total": 41.33}, {"total": 41.33}, {"total": 41.34}], {"EUR": 10_000}),
        ({"total": 124, "tax": 19, "shipping": 5}, [{"total": 124}], {"EUR": 10_000}),
        ({"revenue": 100, "total": 124}, [{"total": 124, "tax": 19}], {"EUR": 10_000}),
        ({"revenue": 100}, [{"total": 124}], {"EUR": 10_000}),
        ({"revenue": 100}, [{"revenue": 70}, {"revenue": 70}], {"EUR": 10_000}),
        ({"revenue": 100}, [{"revenue": 70}, {}, {}], {"EUR": 10_000}),
        ({"revenue": 100}, [{"revenue": 30, "currency": "USD"}], {"USD": 3_000}),
        ({"revenue": 100}, [{"revenue": "abc"}], {"EUR": 0}),
        ({"revenue": "abc"}, [{"revenue": 40}], {"EUR": 0}),
        ({"revenue": 100, "products": LINES}, [{"products": [{"product_id": "a"}]}], {"EUR": 2_000}),
        ({"revenue": 50, "products": LINES}, [{"products": [{"product_id": "a", "quantity": 2}]}], {"EUR": 2_000}),
        ({"revenue": 50, "products": LINES}, [{"products": LINES}], {"EUR": 5_000}),
        ({"products": LINES}, [{"products": [{"product_id": "b", "variant": "red"}]}], {"EUR": 4_000}),
        ({"products": LINES}, [{"products": [{"product_id": "b"}]}], {"EUR": 4_000}),
        ({"products": LINES}, [{"products": [{"product_id": "a", "price": 5}]}], {"EUR": 500}),
        ({"revenue": 100}, [{"products": [{"product_id": "z"}]}], {"EUR": 0}),
        (None, [{"revenue": 40, "currency": "GBP"}, {"revenue": 1}], {"EUR": 100, "GBP": 4_000}),
    ],
)
def test_what_goes_back_of_an_order_is_at_most_its_revenue_in_its_currency(
    order: dict[str, object] | None, refunds: list[dict[str, object]], given_back: dict[str, int]
) -> None:
    """In any order of arrival; `XXX` is an unknown currency."""
    facts = [
        did("Order Refunded", 2 + n, user="ada", ident=f"r{n}", properties={"order_id": "o", **refund})
        for n, refund in enumerate(refunds)
    ]
    if order is not None:
        facts.append(did("Order Completed", 1, user="ada", ident="o", properties={"order_id": "o", **order}))
    for some in permutations(facts):
        assert traits_of(*some).get("refunds", {}) == given_back


def test_a_report_that_states_its_currency_outweighs_an_earlier_one_that_does_not() -> None:
    said: list[dict[str, object]] = [{"revenue": 1_000}, {"revenue": 1_000, "currency": "JPY"}]
    facts = [did("Order Completed", n, properties={"order_id": "o", **one}) for n, one in enumerate(said)]
    correction = did("Order Updated", 3, properties={"order_id": "o", "revenue": 900})
    for some in permutations([*facts, correction]):
        assert traits_of(*some)["revenue"] == {"JPY": 900}
