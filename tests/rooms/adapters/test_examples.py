"""The maps in `docs/examples` do what their comments say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rapport.adapters.files.mapped_csv import MappedCsv
from rapport.adapters.files.model import silent
from tests.running import ROOT

Write = Callable[[str, str], Path]

EXAMPLES = ROOT / "docs" / "examples"


def _messages(path: Path, name: str) -> list[dict[str, Any]]:
    steps = list(MappedCsv(path, map_path=EXAMPLES / name).steps(progress=silent))
    assert not any(step.refused for step in steps)
    return [message for step in steps for message in step.messages]


def _sample(name: str) -> str:
    """The table shown in the map's first comment."""
    comment = (EXAMPLES / name).read_text().split("\n\n")[0]
    lines = [line.removeprefix("#   ") for line in comment.splitlines() if line.startswith("#   ")]
    return "\n".join(lines) + "\n"


def test_a_row_of_a_crm_says_who_somebody_is(write: Write) -> None:
    (ada,) = _messages(write("customers.csv", _sample("customers.toml")), "customers.toml")

    assert ada["type"] == "identify"
    assert ada["traits"] == {
        "email": "ada@example.com", "phone": "+491701234567", "firstName": "Ada", "lastName": "Berg",
        "birthday": "1990-05-17", "address": {"city": "Ulm", "country": "DE"}, "newsletter": True,
    }  # fmt: skip


def test_a_receipt_of_a_till_is_an_order_in_the_store(write: Write) -> None:
    (order,) = _messages(write("till.csv", _sample("till.toml")), "till.toml")

    assert (order["event"], order["properties"]["revenue"]) == ("Order Completed", 2001)
    assert order["context"] == {"channel": "store", "externalIds": [{"type": "loyalty_card", "id": "L-9"}]}


@pytest.mark.data
def test_the_cdnow_purchases_are_a_panel_of_orders(shared_data: Path, write: Write) -> None:
    """23,570 people spent $2,500,315.63 on 67,591 days; the sums are made from the file's lines."""
    lines = (shared_data / "cdnow" / "CDNOW_master.txt").read_text().splitlines()
    rows = [",".join(line.split()) for line in lines[1:] if line.strip()]
    orders = _messages(write("cdnow.csv", "customer,day,pieces,dollars\n" + "\n".join(rows) + "\n"), "cdnow.toml")

    assert len(orders) == 67_591
    assert len({order["userId"] for order in orders}) == 23_570
    assert (
        sum(round(order["properties"]["revenue"] * 100) for order in orders)
        == sum(round(float(row.rpartition(",")[2]) * 100) for row in rows)
        == 250_031_563
    )
