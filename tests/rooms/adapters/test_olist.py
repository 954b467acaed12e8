from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rapport.adapters.files.model import Step, silent
from rapport.adapters.files.olist import FILES, ORDERS, Olist
from rapport.kernel.errors import InvalidInput

TABLES = {
    FILES["customers"][0]: """customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state
c1,ada,01012,sao paulo,SP
c2,bo,20231,rio de janeiro,RJ
""",
    FILES["items"][0]: """order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value
o1,1,p1,s1,2018-01-05 00:00:00,10.10,2.00
o1,2,p1,s1,2018-01-05 00:00:00,10.10,2.00
o1,3,p2,s2,2018-01-05 00:00:00,0.80,1.50
""",
    FILES["payments"][0]: """order_id,payment_sequential,payment_type,payment_installments,payment_value
o1,1,credit_card,3,20.00
o1,2,voucher,1,6.50
o2,1,boleto,1,0.00
""",
    FILES["reviews"][0]: (
        "review_id,order_id,review_score,review_comment_title,review_comment_message,review_creation_date,"
        "review_answer_timestamp\n"
        'r1,o1,2,,"Atrasou.\nMuito!",2018-01-20 00:00:00,2018-01-21 10:00:00\n'
    ),
    FILES["products"][0]: "product_id,product_category_name\np1,beleza_saude\np2,\n",
    FILES["categories"][0]: "product_category_name,product_category_name_english\nbeleza_saude,health_beauty\n",
    ORDERS: (
        "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,"
        "order_delivered_customer_date,order_estimated_delivery_date\n"
        "o1,c1,delivered,2018-01-01 12:00:00,2018-01-01 12:05:00,2018-01-03 09:00:00,2018-01-19 08:00:00,"
        "2018-01-18 00:00:00\n"
        "o2,c2,canceled,2018-02-01 12:00:00,,,,2018-02-20 00:00:00\n"
    ),
}  # fmt: skip


def _folder(tmp_path: Path, **changed: str) -> Path:
    for name, text in (TABLES | changed).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def _steps(folder: Path) -> list[Step]:
    return list(Olist(folder).steps(progress=silent))


def _facts(folder: Path) -> dict[str, dict[str, Any]]:
    return {message["messageId"]: message for step in _steps(folder) for message in step.messages}


def test_an_order_tells_its_whole_story(tmp_path: Path) -> None:
    facts = _facts(_folder(tmp_path))

    assert [(key, fact.get("event"), fact["timestamp"]) for key, fact in facts.items() if fact["userId"] == "ada"] == [
        ("olist:customer:c1", None, "2018-01-01T14:00:00+00:00"),
        ("olist:o1:completed", "Order Completed", "2018-01-01T14:00:00+00:00"),
        ("olist:o1:approved", "Order Updated", "2018-01-01T14:05:00+00:00"),
        ("olist:o1:shipped", "Order Shipped", "2018-01-03T11:00:00+00:00"),
        ("olist:o1:delivered", "Order Delivered", "2018-01-19T10:00:00+00:00"),
        ("olist:o1:review:r1", "Product Reviewed", "2018-01-21T12:00:00+00:00"),
    ]


def test_revenue_is_goods_and_shipping_is_freight(tmp_path: Path) -> None:
    properties = _facts(_folder(tmp_path))["olist:o1:completed"]["properties"]

    assert (properties["revenue"], properties["shipping"], properties["total"]) == (21, 5.5, 26.5)
    assert properties["products"] == [
        {"product_id": "p1", "category": "health_beauty", "category_original": "beleza_saude", "seller_id": "s1",
         "price": 10.1, "quantity": 2},
        {"product_id": "p2", "seller_id": "s2", "price": 0.8, "quantity": 1},
    ]  # fmt: skip
    assert (properties["payment_types"], properties["installments"]) == (["credit_card", "voucher"], 3)
    assert properties["paid"] == 26.5


def test_a_parcel_is_late_when_it_comes_on_a_later_day_than_promised(tmp_path: Path) -> None:
    delivered = _facts(_folder(tmp_path))["olist:o1:delivered"]["properties"]

    assert delivered["late"] is True
    assert delivered["promised_at"] == "2018-01-19T01:59:59+00:00"


def test_a_review_keeps_its_own_words(tmp_path: Path) -> None:
    review = _facts(_folder(tmp_path))["olist:o1:review:r1"]["properties"]

    assert (review["rating"], review["review_body"], review["language"]) == (2, "Atrasou.\nMuito!", "pt")
    assert review["product_ids"] == ["p1", "p2"]


def test_a_cancelled_order_without_items_is_an_order_and_a_cancellation(tmp_path: Path) -> None:
    facts = _facts(_folder(tmp_path))

    assert facts["olist:o2:completed"]["properties"]["revenue"] == 0
    assert facts["olist:o2:cancelled"]["event"] == "Order Cancelled"


def test_a_bad_row_of_any_table_keeps_only_its_order_out(tmp_path: Path) -> None:
    items = TABLES[FILES["items"][0]].replace("0.80", "cheap")
    first, second = _steps(_folder(tmp_path, **{FILES["items"][0]: items}))

    assert first.messages == []
    assert [(one.file, one.line) for one in first.refused] == [(FILES["items"][0], 4)]
    assert "'cheap' is no number; its order (line 2 of" in first.refused[0].reason
    assert second.refused == []


def test_a_bad_review_leaves_its_order_alone(tmp_path: Path) -> None:
    reviews = TABLES[FILES["reviews"][0]].replace("r1,o1,2", "r1,o1,good")
    first, _ = _steps(_folder(tmp_path, **{FILES["reviews"][0]: reviews}))

    assert len(first.messages) == 5
    assert "'good' is no number" in first.refused[0].reason


def test_rows_whose_key_cannot_be_read_are_listed_by_themselves(tmp_path: Path) -> None:
    payments = TABLES[FILES["payments"][0]] + ",1,boleto,1,5.00\n"
    lost, *orders = _steps(_folder(tmp_path, **{FILES["payments"][0]: payments}))

    assert (lost.refused[0].line, lost.refused[0].reason) == (5, "its key is empty")
    assert all(not step.refused for step in orders)


def test_a_folder_without_the_tables_is_named_as_the_trouble(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=ORDERS):
        Olist(tmp_path)
