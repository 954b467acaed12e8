"""Flow, before collect: the UCI Online Retail table, a British gift shop's invoice lines of 2010-12 to 2011-12.

All lines of an invoice are one fact; which one, its number and its lines tell:

| invoice | fact |
|---|---|
| starts with `C` (credit note) | `Order Refunded`; `refund_id` is the credit note, its order is not known |
| starts with `A` (bad debt) | `Bad Debt Adjusted` of the shop itself: nobody's order and nobody's refund |
| no customer and every price 0 | `Stock Adjusted` of the shop itself for each line: goods written off, found, counted |
| any other | `Order Completed` |

Amounts are the exact decimal sum of quantity x price over **all** lines, rounded half up to the penny once an invoice,
so that orders minus refunds plus bad debt are, country by country, the file's own totals. Lines that are no goods
(postage, carriage, discounts, fees, manual entries) stand in `charges` instead of `products`, or a recommender would
learn to offer postage.

A customer's number is the user id, without pandas' `.0`. An invoice without one belongs to the anonymous id
`invoice:<number>`, so that nothing is lost; what concerns no buyer belongs to the anonymous id `shop:online-retail`.
Each time a customer is seen in a new country an `Identified` says so. Times are local time in London.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from rapport.adapters.files.lines import Row
from rapport.adapters.files.model import Progress, Refused, Step
from rapport.adapters.files.reading import Table, row_text, shown_name
from rapport.adapters.files.spill import Group, Spill
from rapport.adapters.files.values import amount, integer, json_number, moment, zone

__all__ = ["CHARGES", "COUNTRIES", "SHOP", "OnlineRetail"]

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")

CHARGES = frozenset({"POST", "DOT", "C2", "D", "M", "m", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK"})
"""Stock codes that are no goods: postage, carriage, discount, manual entry, samples, bad debt, fees, commission."""

COUNTRIES = {
    "Australia": "AU", "Austria": "AT", "Bahrain": "BH", "Belgium": "BE", "Brazil": "BR", "Canada": "CA",
    "Cyprus": "CY", "Czech Republic": "CZ", "Denmark": "DK", "EIRE": "IE", "Finland": "FI", "France": "FR",
    "Germany": "DE", "Greece": "GR", "Hong Kong": "HK", "Iceland": "IS", "Israel": "IL", "Italy": "IT", "Japan": "JP",
    "Lebanon": "LB", "Lithuania": "LT", "Malta": "MT", "Netherlands": "NL", "Norway": "NO", "Poland": "PL",
    "Portugal": "PT", "RSA": "ZA", "Saudi Arabia": "SA", "Singapore": "SG", "Spain": "ES", "Sweden": "SE",
    "Switzerland": "CH", "USA": "US", "United Arab Emirates": "AE", "United Kingdom": "GB",
}  # fmt: skip
"""ISO 3166 codes of the table's names. `Channel Islands`, `European Community` and `Unspecified` have none."""

SHOP = {"anonymousId": "shop:online-retail", "context": {}}
"""Whom facts about stock and books belong to: the log asks every fact for somebody."""

_PENNY = Decimal("0.01")


class Line(NamedTuple):
    """One invoice line."""

    code: str
    name: str
    quantity: int
    price: Decimal

    @property
    def total(self) -> Decimal:
        return self.quantity * self.price


class Invoice(NamedTuple):
    """One invoice with what all its lines share."""

    number: str
    at: str
    customer: str
    country: str
    lines: list[Line]

    @property
    def sold(self) -> Decimal:
        """The exact sum, rounded to the penny."""
        return sum((line.total for line in self.lines), Decimal(0)).quantize(_PENNY, ROUND_HALF_UP)

    @property
    def who(self) -> dict[str, Any]:
        """The buyer; of one without a number all that is known, the country, comes along."""
        if self.customer:
            return {"userId": self.customer}
        return {"anonymousId": f"invoice:{self.number}"} | ({"context": {"traits": self.home}} if self.home else {})

    @property
    def home(self) -> dict[str, Any]:
        """The country as a trait of the buyer, nothing where it is not specified."""
        return {"address": {"country": _code(self.country)}} if self.country not in ("", "Unspecified") else {}

    @property
    def is_bad_debt(self) -> bool:
        return self.number.startswith("A")

    @property
    def is_refund(self) -> bool:
        return self.number.startswith("C")

    @property
    def is_stock_count(self) -> bool:
        return not self.customer and all(line.price == 0 for line in self.lines)


class OnlineRetail:
    """`online_retail.csv` or `.csv.gz`."""

    kind = "online-retail"
    variant = b""

    def __init__(self, path: Path, *, time_zone: str = "Europe/London") -> None:
        self.path = path
        self.title = shown_name(path)
        self.files = [path]
        self._zone = zone(time_zone)

    def steps(self, *, progress: Progress) -> Iterator[Step]:
        """One step an invoice, in the order of their first lines."""
        table = Table(self.path)
        at = table.indexes(COLUMNS)
        seen: dict[str, str] = {}
        with Spill() as spill:
            spill.load("lines", ((_key(row, at[0]), row) for row in table.rows(progress=progress)))
            for group in spill.groups("lines", progress=progress, what="importing invoices"):
                yield self._step(group, at, seen)

    def _step(self, group: Group, at: list[int], seen: dict[str, str]) -> Step:
        refused: list[Refused] = []
        lines: list[Line] = []
        for row in group.rows:
            try:
                lines.append(_line(row, at))
            except ValueError as error:
                refused.append(self._refused(row, str(error)))
        first = group.rows[0]
        messages: list[dict[str, Any]] = []
        if not refused:
            try:
                messages = _messages(_invoice(group.key, first, at, lines, self._zone), seen)
            except ValueError as error:
                refused.append(self._refused(first, str(error)))
        if refused and len(group.rows) > 1:
            refused[0] = refused[0]._replace(
                reason=f"{refused[0].reason}; invoice {group.key} with its {len(group.rows)} lines is left out"
            )
        return Step(self.title, first.line, len(group.rows), messages, refused, row_text(first.cells))

    def _refused(self, row: Row, reason: str) -> Refused:
        return Refused(self.title, row.line, reason, row_text(row.cells))


def _key(row: Row, at: int) -> str:
    """The invoice number; a row too damaged to have one is a group of its own."""
    number = row.cells[at].strip() if len(row.cells) > at else ""
    return number if number and not row.fault.startswith("unreadable") else f"\x00line {row.line}"


def _line(row: Row, at: list[int]) -> Line:
    if row.fault:
        raise ValueError(row.fault)
    cells = row.cells
    if not cells[at[0]].strip():
        raise ValueError("InvoiceNo is empty")
    code = cells[at[1]].strip()
    if not code:
        raise ValueError("StockCode is empty")
    try:
        quantity = integer(cells[at[3]])
    except ValueError as error:
        raise ValueError(f"Quantity: {error}") from None
    try:
        price = amount(cells[at[5]])
    except ValueError as error:
        raise ValueError(f"UnitPrice: {error}") from None
    return Line(code, cells[at[2]].strip(), quantity, price)


def _invoice(number: str, row: Row, at: list[int], lines: list[Line], tz: ZoneInfo) -> Invoice:
    """The invoice of these lines. 43 of the table's invoices run over into the next minute: the first line's counts."""
    try:
        when = moment(row.cells[at[4]], tz=tz).isoformat()
    except ValueError as error:
        raise ValueError(f"InvoiceDate: {error}") from None
    return Invoice(number, when, row.cells[at[6]].strip().removesuffix(".0"), row.cells[at[7]].strip(), lines)


def _messages(invoice: Invoice, seen: dict[str, str]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if invoice.customer and invoice.home and seen.get(invoice.customer) != invoice.country:
        seen[invoice.customer] = invoice.country
        messages.append(_identified(invoice))
    if invoice.is_refund:
        messages.append(_refunded(invoice))
    elif invoice.is_bad_debt:
        messages.append(_bad_debt(invoice))
    elif invoice.is_stock_count:
        messages.extend(_stock_adjusted(invoice, line, number) for number, line in enumerate(invoice.lines, start=1))
    else:
        messages.append(_completed(invoice))
    return messages


def _code(country: str) -> str:
    return COUNTRIES.get(country, country)


def _identified(invoice: Invoice) -> dict[str, Any]:
    return {
        "type": "identify", "messageId": f"online-retail:customer:{invoice.customer}:{invoice.number}",
        "userId": invoice.customer, "timestamp": invoice.at, "traits": invoice.home,
    }  # fmt: skip


def _completed(invoice: Invoice) -> dict[str, Any]:
    total = json_number(invoice.sold)
    properties = {"order_id": invoice.number, "revenue": total, "total": total} | _lines(invoice, sign=1)
    return _track(invoice, "Order Completed", properties)


def _refunded(invoice: Invoice) -> dict[str, Any]:
    total = json_number(-invoice.sold)
    properties = {"refund_id": invoice.number, "revenue": total, "total": total} | _lines(invoice, sign=-1)
    return _track(invoice, "Order Refunded", properties)


def _lines(invoice: Invoice, *, sign: int) -> dict[str, Any]:
    """Goods and charges; quantities of a credit note are turned to count what came back."""
    products: list[dict[str, Any]] = []
    charges: list[dict[str, Any]] = []
    for line in invoice.lines:
        if line.code in CHARGES:
            charges.append({
                "code": line.code, "name": line.name, "quantity": sign * line.quantity,
                "amount": json_number(sign * line.total),
            })  # fmt: skip
        else:
            products.append({
                "product_id": line.code, "name": line.name, "quantity": sign * line.quantity,
                "price": json_number(line.price),
            })  # fmt: skip
    return {"products": products} | ({"charges": charges} if charges else {})


def _bad_debt(invoice: Invoice) -> dict[str, Any]:
    properties = {
        "adjustment_id": invoice.number, "amount": json_number(invoice.sold), "reason": invoice.lines[0].name,
    }  # fmt: skip
    return _track(invoice, "Bad Debt Adjusted", properties) | SHOP


def _stock_adjusted(invoice: Invoice, line: Line, number: int) -> dict[str, Any]:
    properties = {"adjustment_id": invoice.number, "product_id": line.code, "quantity": line.quantity}
    if line.name:
        properties["reason"] = line.name
    fact = _track(invoice, "Stock Adjusted", properties) | SHOP
    return fact if len(invoice.lines) == 1 else fact | {"messageId": f"{fact['messageId']}:{number}"}


def _track(invoice: Invoice, event: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "track", "event": event, "messageId": f"online-retail:{invoice.number}", "timestamp": invoice.at,
        "properties": properties | {"currency": "GBP", "country": _code(invoice.country)},
    } | invoice.who  # fmt: skip
