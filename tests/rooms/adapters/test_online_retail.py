from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rapport.adapters.files.model import Step, silent
from rapport.adapters.files.online_retail import OnlineRetail

Write = Callable[[str, str], Path]

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


def _steps(write: Write, *lines: str) -> list[Step]:
    path = write("online_retail.csv", HEADER + "".join(line + "\n" for line in lines))
    return list(OnlineRetail(path).steps(progress=silent))


def _messages(write: Write, *lines: str) -> list[dict[str, Any]]:
    return [message for step in _steps(write, *lines) for message in step.messages]


def test_lines_of_an_invoice_are_one_order_even_when_others_stand_between(write: Write) -> None:
    identified, order, other = _messages(
        write,
        "536365,85123A,LANTERN,6,2011-07-01 08:26:00,2.55,17850.0,United Kingdom",
        "536366,71053,BOX,1,2011-07-01 08:28:00,3.39,17850.0,United Kingdom",
        "536365,POST,POSTAGE,1,2011-07-01 08:27:00,18.00,17850.0,United Kingdom",
    )

    assert identified["userId"] == "17850"
    assert identified["traits"] == {"address": {"country": "GB"}}
    assert order["event"] == "Order Completed"
    assert order["timestamp"] == "2011-07-01T07:26:00+00:00"
    assert order["properties"] == {
        "order_id": "536365", "revenue": 33.3, "total": 33.3, "currency": "GBP", "country": "GB",
        "products": [{"product_id": "85123A", "name": "LANTERN", "price": 2.55, "quantity": 6}],
        "charges": [{"code": "POST", "name": "POSTAGE", "quantity": 1, "amount": 18}],
    }  # fmt: skip
    assert other["properties"]["order_id"] == "536366"


def test_a_credit_note_is_a_refund_with_positive_amounts(write: Write) -> None:
    _, refund = _messages(write, "C536379,22556,TINS,-12,2010-12-01 09:41:00,1.65,14527.0,EIRE")

    assert refund["event"] == "Order Refunded"
    assert refund["properties"]["refund_id"] == "C536379"
    assert "order_id" not in refund["properties"]
    assert refund["properties"]["revenue"] == 19.8
    assert refund["properties"]["products"][0]["quantity"] == 12
    assert refund["properties"]["country"] == "IE"


def test_an_invoice_without_customer_belongs_to_an_anonymous_buyer_of_its_own(write: Write) -> None:
    (order,) = _messages(write, "536544,21773,DECORATION,1,2010-12-01 14:32:00,2.51,,Unspecified")

    assert "userId" not in order
    assert order["anonymousId"] == "invoice:536544"
    assert order["properties"]["country"] == "Unspecified"


def test_a_buyer_without_number_has_a_country_where_it_is_specified(write: Write) -> None:
    known, unknown = _messages(
        write,
        "1,10002,TOY,1,2011-01-01 10:00:00,1.00,,EIRE",
        "2,10002,TOY,1,2011-01-01 10:00:00,1.00,,Unspecified",
    )

    assert known["context"] == {"traits": {"address": {"country": "IE"}}}
    assert "context" not in unknown


def test_stock_and_books_are_facts_of_the_shop_and_of_no_buyer(write: Write) -> None:
    lost, debt = _messages(
        write,
        "536589,21777,damaged,-10,2010-12-01 16:50:00,0.0,,United Kingdom",
        "A563186,B,Adjust bad debt,1,2011-08-12 14:51:00,-11062.06,,United Kingdom",
    )

    assert (lost["event"], lost["anonymousId"]) == ("Stock Adjusted", "shop:online-retail")
    assert lost["properties"]["quantity"] == -10
    assert lost["properties"]["reason"] == "damaged"
    assert (debt["event"], debt["anonymousId"]) == ("Bad Debt Adjusted", "shop:online-retail")
    assert debt["properties"]["amount"] == -11062.06


def test_a_customer_is_identified_anew_in_each_new_country(write: Write) -> None:
    messages = _messages(
        write,
        "1,10002,TOY,1,2011-01-01 10:00:00,1.00,12370.0,Cyprus",
        "2,10002,TOY,1,2011-01-02 10:00:00,1.00,12370.0,Cyprus",
        "3,10002,TOY,1,2011-01-03 10:00:00,1.00,12370.0,Austria",
    )

    countries = [message["traits"]["address"]["country"] for message in messages if message["type"] == "identify"]
    assert countries == ["CY", "AT"]


def test_fractions_of_a_penny_are_rounded_once_an_invoice(write: Write) -> None:
    _, order = _messages(
        write,
        "1,PADS,PADS,1,2011-04-15 09:27:00,0.003,13952.0,United Kingdom",
        "1,PADS,PADS,1,2011-04-15 09:27:00,0.003,13952.0,United Kingdom",
    )

    assert order["properties"]["revenue"] == 0.01


def test_a_bad_line_keeps_its_invoice_out_and_no_other(write: Write) -> None:
    """Half an order would be wrong money for ever; the whole invoice can be imported once the line is mended."""
    bad, good = _steps(
        write,
        "1,10002,TOY,many,2011-01-01 10:00:00,1.00,12370.0,Cyprus",
        "1,10003,TOY,1,2011-01-01 10:00:00,1.00,12370.0,Cyprus",
        "2,10002,TOY,1,2011-01-02 10:00:00,1.00,12370.0,Cyprus",
    )

    assert bad.messages == []
    assert [(one.line, one.reason) for one in bad.refused] == [
        (2, "Quantity: 'many' is no number; invoice 1 with its 2 lines is left out")
    ]
    assert good.refused == []
    assert [message["type"] for message in good.messages] == ["identify", "track"]


def test_lines_too_damaged_to_have_an_invoice_stand_alone(write: Write) -> None:
    steps = _steps(write, ",10002,TOY,1,2011-01-01 10:00:00,1.00,1.0,Cyprus", "x", ",,,,,,,")

    assert [[one.reason for one in step.refused] for step in steps] == [
        ["InvoiceNo is empty"], ["1 cells where the header has 8"], ["InvoiceNo is empty"],
    ]  # fmt: skip
