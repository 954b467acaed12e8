from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


REACHING = """
name = "reaching"
group_by = ["no"]
continued = true
optional = ["mail", "mobile", "tags", "off", "so far"]
[expect]
state = "ok|void|"
[person]
guest_id = { template = "guest:{no}" }
traits.email = "mail"
traits.phone = { first = ["phone", "mobile"] }
[[fact]]
event = "Order Completed"
id = ["no"]
time = "at"
properties.revenue = { sum = "price", less = "off", default = 0 }
properties.tags = { column = "tags", as = "list", separator = "|" }
products.name = "what"
products.kind = { value = "goods" }
[[fact]]
event = "Order Refunded"
id = ["no"]
time = "at"
grows = "so far"
where = { "so far" = ".*[1-9].*" }
properties.total = { column = "so far", as = "number" }
"""
REACHED = """no,at,state,what,price,off,phone,mobile,tags,so far
7,2026-01-01,ok,Tea,10,1.5,,+49301234567,a| b,
,,,Cup,4,,,,,
,,,,,,,,,
8,2026-01-02,new,Tea,10,,,,,
9,2026-01-03,void,Tea,10,,,,,2.5
"""


def test_rows_go_on_with_the_one_above_and_a_state_that_nobody_knows_is_refused(write: Write) -> None:
    (order, guest, refund), refused = _run(write, REACHED, REACHING)

    assert order["properties"] == {
        "revenue": 12.5, "tags": ["a", "b"],
        "products": [{"name": "Tea", "kind": "goods"}, {"name": "Cup", "kind": "goods"}],
    }  # fmt: skip
    assert order["context"] == {"traits": {"phone": "+49301234567"}}
    assert (guest["anonymousId"], refund["anonymousId"], refund["properties"]) == ("guest:9", "guest:9", {"total": 2.5})
    assert [(one.line, one.reason) for one in refused] == [
        (5, "state: 'new' is none that the map knows; say in it what it means")
    ]


def test_columns_that_may_be_missing_are_left_out_and_others_are_named(write: Write) -> None:
    (order,), _ = _run(write, "no,at,state,what,price,phone\n7,2026-01-01,ok,Tea,10,\n", REACHING)

    assert order["properties"] == {"revenue": 10, "products": [{"name": "Tea", "kind": "goods"}]}
    with pytest.raises(InvalidInput, match="no column 'price'"):
        _run(write, "no,at,state,what,phone\n7,2026-01-01,ok,Tea,\n", REACHING)


@pytest.mark.parametrize(
    ("changed", "trouble"),
    [
        ('group_by = ["no"]', "continued needs group_by"),
        ('state = "ok|void|"', "no regular expression"),
    ],
)
def test_an_entry_that_cannot_be_is_named(write: Write, changed: str, trouble: str) -> None:
    wrong = REACHING.replace(changed, "" if "group_by" in changed else 'state = "("')

    with pytest.raises(InvalidInput, match=trouble):
        _run(write, REACHED, wrong.replace('sum = "price", less = "off"', 'column = "price"'))


AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=2)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=st.lists(AMOUNTS, min_size=2, max_size=6, unique=True))
def test_of_numbers_that_grow_the_largest_has_the_smallest_id(write: Write, amounts: list[Decimal]) -> None:
    """So it is the one that counts wherever the first report of a thing does, in whatever order they come."""
    rows = [f"7,2026-01-01,ok,Tea,10,,,,,{amount or 1}\n" for amount in amounts]
    ids: dict[Decimal, str] = {}
    for amount, row in zip(amounts, rows, strict=True):
        messages, _ = _run(write, REACHED.splitlines()[0] + "\n" + row, REACHING)
        ids[amount or Decimal(1)] = messages[1]["messageId"]

    assert sorted(ids, reverse=True) == sorted(ids, key=lambda amount: ids[amount])
