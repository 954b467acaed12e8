from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rapport.adapters.files.mapped_csv import MappedCsv
from rapport.adapters.files.model import Refused, silent
from rapport.kernel.errors import InvalidInput

Write = Callable[[str, str], Path]

TILL = """
name = "till"
group_by = ["receipt"]

[file]
delimiter = ";"
decimal = ","
thousands = "."
timezone = "Europe/Berlin"
format = "%d.%m.%Y %H:%M"
empty = ["", "NULL"]

[[fact]]
event = "Order Completed"
id = ["receipt"]
time = "sold"
where = { kind = "sale" }
user_id = "customer"
anonymous_id = { template = "receipt:{receipt}" }

[fact.external_ids]
loyalty_card = "card"

[fact.traits]
email = "mail"

[fact.properties]
order_id = "receipt"
revenue = { sum = ["price", "pieces"] }
currency = { value = "EUR" }
affiliation = { template = "shop-{shop}" }
gift = { column = "gift", as = "boolean" }
coupon = "coupon"

[fact.products]
product_id = "sku"
price = { column = "price", as = "number" }
quantity = { column = "pieces", as = "integer", default = 1 }

[fact.context]
"location.city" = { column = "shop", map = { B = "Berlin" } }

[[fact]]
event = "Order Refunded"
id = ["receipt"]
time = "sold"
where = { kind = "return|void" }
user_id = "customer"
properties.revenue = { sum = "price", negate = true }
properties.order_id = "receipt"
"""

ROWS = """receipt;kind;sold;customer;card;mail;shop;gift;coupon;sku;price;pieces
7;sale;01.07.2024 12:00;c1;L-9;ada@example.com;B;yes;NULL;tea;1.000,50;2
8;void;02.07.2024 12:00;c1;;;B;;;tea;-3,00;1
7;sale;01.07.2024 12:00;c1;L-9;ada@example.com;B;yes;NULL;cup;4,00;
"""


def _run(write: Write, table: str, map_text: str) -> tuple[list[dict[str, Any]], list[Refused]]:
    files = MappedCsv(write("table.csv", table), map_path=write("map.toml", map_text))
    steps = list(files.steps(progress=silent))
    return [m for step in steps for m in step.messages], [one for step in steps for one in step.refused]


def test_rows_of_a_receipt_become_one_order(write: Write) -> None:
    (order, refund), refused = _run(write, ROWS.replace("4,00;", "4,00;1"), TILL)

    assert refused == []
    assert order == {
        "type": "track", "event": "Order Completed", "messageId": "till:Order Completed:7",
        "timestamp": "2024-07-01T10:00:00+00:00", "userId": "c1", "anonymousId": "receipt:7",
        "properties": {
            "order_id": "7", "revenue": 2005, "currency": "EUR", "affiliation": "shop-B", "gift": True,
            "products": [
                {"product_id": "tea", "price": 1000.5, "quantity": 2}, {"product_id": "cup", "price": 4, "quantity": 1},
            ],
        },
        "context": {
            "location": {"city": "Berlin"}, "externalIds": [{"type": "loyalty_card", "id": "L-9"}],
            "traits": {"email": "ada@example.com"},
        },
    }  # fmt: skip
    assert refund["event"] == "Order Refunded"
    assert refund["properties"] == {"revenue": 3, "order_id": "8"}


def test_an_empty_cell_takes_the_default_or_is_left_out(write: Write) -> None:
    (order, _), _ = _run(write, ROWS, TILL.replace('["price", "pieces"] }', '["price", "pieces"], default = 1 }'))

    assert order["properties"]["revenue"] == 2005
    assert order["properties"]["products"][1]["quantity"] == 1
    assert "coupon" not in order["properties"]


def test_a_sum_over_an_empty_cell_would_be_wrong(write: Write) -> None:
    _, refused = _run(write, ROWS, TILL)

    assert [(one.line, one.reason) for one in refused] == [(4, "pieces is empty; its group of 2 rows is left out")]


SIMPLE = """
name = "people"
[[fact]]
type = "identify"
id = ["number", "changed"]
time = "changed"
user_id = "number"
[fact.traits]
"address.city" = "city"
"address.country" = { value = "DE" }
points = { column = "points", as = "integer" }
"""
PEOPLE = "number,changed,city,points\n1,2024-01-01,Ulm,5\n2,2024-01-02,,\n"


def test_each_row_is_a_fact_without_group_by(write: Write) -> None:
    (ada, bo), _ = _run(write, PEOPLE, SIMPLE)

    assert ada["traits"] == {"address": {"city": "Ulm", "country": "DE"}, "points": 5}
    assert bo["traits"] == {"address": {"country": "DE"}}
    assert ada["messageId"] == "people:identify:1:2024-01-01"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("3,2024-01-03,Ulm,many", "points: 'many' is no number"),
        ("3,2024-01-03,Ulm,1.5", "points: '1.5' is no whole number"),
        ("3,soon,Ulm,1", "changed: 'soon' is no time"),
        ("3,,Ulm,1", "time is empty"),
        ("3,2024-01-03,Ulm", "3 cells where the header has 4"),
    ],
)
def test_a_bad_row_is_refused_with_line_and_reason_and_the_rest_is_kept(write: Write, row: str, reason: str) -> None:
    messages, refused = _run(write, PEOPLE + row + "\n4,2024-01-04,,\n", SIMPLE)

    assert [message["userId"] for message in messages] == ["1", "2", "4"]
    assert [(one.file, one.line, one.reason) for one in refused] == [("table.csv", 4, reason)]


def test_ids_tell_keys_apart_and_never_grow_too_long(write: Write) -> None:
    table = f"number,changed,city,points\na:b,2024-01-01,,\na,2024-01-01,,\n{'x' * 150},2024-01-01,,\n"
    messages, _ = _run(write, table, SIMPLE)
    again, _ = _run(write, table, SIMPLE)

    ids = [message["messageId"] for message in messages]
    assert len(set(ids)) == 3
    assert max(map(len, ids)) <= 100
    assert ids == [message["messageId"] for message in again]


TWO = """
name = "two"
[[fact]]
type = "identify"
id = ["order"]
time = "date"
where = { bill = ".+" }
traits.email = "bill"
[[fact]]
type = "identify"
id = ["order"]
time = "date"
traits.email = "ship"
"""


def test_two_facts_of_one_name_and_id_are_two(write: Write) -> None:
    """The first that a row states has the id it always had, so that no fact of an older import is doubled."""
    both, _ = _run(write, "order,date,bill,ship\nT1,2026-03-01,a@x.example,b@x.example\n", TWO)
    one, _ = _run(write, "order,date,bill,ship\nT1,2026-03-01,,b@x.example\n", TWO)

    assert [message["messageId"] for message in both] == ["two:identify:T1", "two:identify:T1:%fact2"]
    assert [message["messageId"] for message in one] == ["two:identify:T1"]


@pytest.mark.parametrize(
    ("written", "trouble"),
    [
        ('delimiter = ";;"', "delimiter ';;' must be one character"),
        ('decimal = ","\nthousands = ","', "decimal and thousands are both"),
        ('quote = ","', "delimiter and quote are both"),
        ('format = "%Y-%m-%d %Z"', "names zones"),
        ('format = "DD.MM.YYYY"', "is none"),
    ],
)
def test_a_way_of_writing_that_cannot_be_is_refused(write: Write, written: str, trouble: str) -> None:
    with pytest.raises(InvalidInput, match=trouble):
        _run(write, PEOPLE, SIMPLE.replace("[[fact]]", f"[file]\n{written}\n[[fact]]", 1))


def test_a_row_with_no_key_is_refused(write: Write) -> None:
    table = "number,changed,city,points\n,2024-01-01,Ulm,1\n"
    messages, refused = _run(write, table, SIMPLE.replace('["number", "changed"]', '["number"]'))

    assert messages == []
    assert refused[0].reason == "nothing tells this row from others: number is empty"


GERMAN = " with the decimal sign ',' and '.' between thousands"


def test_a_bad_row_keeps_its_group_out(write: Write) -> None:
    messages, refused = _run(write, ROWS.replace("1.000,50", "dear"), TILL)

    assert [message["event"] for message in messages] == ["Order Refunded"]
    assert [(one.line, one.reason) for one in refused] == [
        (2, f"price: 'dear' is no number{GERMAN}; its group of 2 rows is left out")
    ]


@pytest.mark.parametrize(
    ("changed", "trouble"),
    [
        ("id = []", "has no id"),
        ('id = ["nr"]', "no column 'nr'"),
        ('time = "when"', "no column 'when'"),
        ('time = { column = "changed", timezone = "Mars" }', "no time zone 'Mars'"),
        ('time = { column = "changed", value = "x" }', "one of column, first, value, template and sum"),
        ('time = { colum = "changed" }', "unknown field `colum`"),
        ('user_id = ""', ""),
        ('user_id = { sum = "points" }', "sum needs group_by"),
        ('where = { city = "(" }', "no regular expression"),
        ('type = "track"', "track without event"),
        ('type = "purchase"', "Invalid enum value 'purchase'"),
        ("time = ", "is not TOML"),
    ],
)
def test_a_wrong_map_is_named_before_anything_is_read(write: Write, changed: str, trouble: str) -> None:
    name = changed.partition(" = ")[0]
    lines = [line for line in SIMPLE.splitlines() if not line.startswith(f"{name} = ")]
    lines.insert(lines.index("[[fact]]") + 1, changed)
    if not trouble:
        trouble, lines = "names nobody", [line for line in lines if "address" not in line and "points" not in line]

    with pytest.raises(InvalidInput, match=trouble):
        _run(write, PEOPLE, "\n".join(lines))


def test_a_name_that_would_not_do_in_an_id_is_refused(write: Write) -> None:
    with pytest.raises(InvalidInput, match="lower case"):
        _run(write, PEOPLE, SIMPLE.replace('"people"', '"My People"'))


def test_nested_names_without_quotes_get_a_hint(write: Write) -> None:
    with pytest.raises(InvalidInput) as caught:
        _run(write, PEOPLE, SIMPLE.replace('"address.city"', "address.city").replace('"address.country"', "nation"))

    assert "in quotes" in caught.value.hint
