"""The twenty worst customers and orders a template can meet: nobody is in them, each has been met by some shop.

A template is tried on all of them before it goes out; what holds a message here would have held it for a customer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from rapport.capabilities.messages.model import Recipient
from rapport.capabilities.messages.service.composing import Desk, preview
from rapport.capabilities.messages.service.templates import Published
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import Key
from rapport.kernel.language import noted

__all__ = ["WORST", "Tried", "Worst", "person_of", "try_worst"]


class Worst(NamedTuple):
    """Somebody, and what of the data is other than usual."""

    what: str
    name: str
    first_name: str
    data: Mapping[str, Any]


class Tried(NamedTuple):
    """What became of one of them."""

    number: int
    what: str
    bytes: int
    """Of the HTML; 0 where it cannot be written."""
    held: str
    """Why the message would be held; empty where it goes."""


_LONG = "Hand-knitted merino jumper with a shawl collar, horn buttons and reinforced elbows, undyed, extra long, " * 3


def _product(**other: Any) -> dict[str, Any]:
    return {"name": "Merino jumper", "url": "https://shop.example/p", "review_url": "https://shop.example/r",
            "price": {"minor": 7900, "currency": "EUR"}, "lowest_before": {"minor": 8900, "currency": "EUR"},
            **other}  # fmt: skip


def _items(number: int, **other: Any) -> list[dict[str, Any]]:
    price = {"minor": 8900, "currency": "EUR"}
    return [{"name": "Merino jumper", "quantity": 1, "price": price, **other} for _ in range(number)]


WORST: Sequence[Worst] = (
    Worst(noted("no name at all"), "", "", {}),
    Worst(noted("a name of one letter"), "X", "X", {}),
    Worst(noted("a name of 120 letters"), "Wolfeschlegelsteinhausen" * 5, "Wolfeschlegelsteinhausen" * 5, {}),
    Worst(noted("from right to left: Arabic"), "عبد الرحمن بن يوسف", "عبد الرحمن", {}),
    Worst(noted("from right to left: Hebrew"), "יעקב בן־דוד", "יעקב", {}),
    Worst(noted("Thai, without spaces"), "สมชายใจดีมากที่สุดในโลก", "สมชายใจดีมากที่สุดในโลก", {}),
    Worst(noted("Chinese"), "欧阳修远", "修远", {}),
    Worst(noted("emoji in the name"), "👩‍👩‍👧‍👦 Smith", "👩‍👩‍👧‍👦", {}),
    Worst(noted("markup in the name"), "<b onmouseover=alert(1)>Bo</b>", "<b onmouseover=alert(1)>Bo</b>", {}),
    Worst(noted("Liquid in the name"), "{{ shop.name }} {% if %}", "{{ shop.name }} {% if %}", {}),
    Worst(noted("quotes and ampersands"), "Conan \"O'Brien\" & Söhne", "Conan \"O'Brien\"", {}),
    Worst(noted("the longest product"), "Ada Lovelace", "Ada",
          {"product": _product(name=_LONG), "items": _items(1, name=_LONG)}),
    Worst(noted("a product without spaces"), "Ada Lovelace", "Ada",
          {"product": _product(name="SKU" * 60), "items": _items(1, name="SKU" * 60)}),
    Worst(noted("fifty things in the cart"), "Ada Lovelace", "Ada", {"items": _items(50)}),
    Worst(noted("an empty cart"), "Ada Lovelace", "Ada", {"items": []}),
    Worst(noted("things without a price"), "Ada Lovelace", "Ada",
          {"items": _items(2, price=None), "product": _product(price=None, lowest_before=None)}),
    Worst(noted("yen, and a large sum"), "Ada Lovelace", "Ada",
          {"product": _product(price={"minor": 123456789, "currency": "JPY"},
                               lowest_before={"minor": 223456789, "currency": "JPY"}),
           "items": _items(1, price={"minor": 123456789, "currency": "JPY"})}),
    Worst(noted("no product, no order, no address"), "Ada Lovelace", "Ada",
          {"product": None, "order": None, "url": None, "path": None, "promise": None, "story": None}),
    Worst(noted("an order number of 60 signs"), "Ada Lovelace", "Ada",
          {"order": {"id": "O" * 60, "url": "https://shop.example/o"}}),
    Worst(noted("an address of 1,500 signs"), "Ada Lovelace", "Ada", {"url": "https://shop.example/?c=" + "x" * 1_476}),
)  # fmt: skip


def person_of(one: Worst, language: str) -> Recipient:
    """One of them as somebody a mail is written to."""
    return Recipient(Key(b""), Key(b""), "worst@example.com", one.name, one.first_name, language, "")


def try_worst(
    conn: Connection, found: Published, desk: Desk, sample: Mapping[str, Any], *, language: str
) -> list[Tried]:
    """Write the mail to each of them; nothing is sent. Under a tenth of a second."""
    tried = []
    for number, one in enumerate(WORST):
        try:
            mail = preview(conn, found, person_of(one, language), desk, {**sample, **one.data})
            tried.append(Tried(number, one.what, mail.size, ""))
        except InvalidInput as error:
            tried.append(Tried(number, one.what, 0, error.message))
    return tried
