"""Flow, before collect: Olist's joined tables, orders of a Brazilian marketplace with their fate and reviews.

| in the tables | fact, and when |
|---|---|
| the customer row of an order | `Identified` with city, state, postal code, country BR, at the purchase |
| order | `Order Completed` at the purchase; an order without items has revenue 0 |
| `order_approved_at` | `Order Updated`, status `approved` |
| `order_delivered_carrier_date` | `Order Shipped` with the promise |
| `order_delivered_customer_date` | `Order Delivered` with the promise and whether it was late |
| status `canceled` | `Order Cancelled` at the last moment known of the order: the tables do not tell when |
| status `unavailable`, `invoiced`, `processing` | `Order Updated` with that status, at the last moment known |
| review | `Product Reviewed` at its answer; the text stays as it was written, in Portuguese |

The person is `customer_unique_id` (`customer_id` is a new one for every order). Revenue is the sum of item prices,
shipping the sum of freight, total both; what was paid, by which means, stands beside it. A parcel is late when it
arrives on a later day than promised. Times are taken as local time in São Paulo, where the marketplace is at home.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rapport.adapters.files.lines import Row
from rapport.adapters.files.model import Progress, Refused, Step
from rapport.adapters.files.reading import Table, row_text, shown_name
from rapport.adapters.files.spill import Spill
from rapport.adapters.files.values import amount, integer, json_number, moment, whole_day_end, zone
from rapport.kernel.errors import InvalidInput

__all__ = ["FILES", "Olist"]

Cells = dict[str, str]

FILES = {
    "customers": ("olist_customers_dataset.csv", "customer_id"),
    "items": ("olist_order_items_dataset.csv", "order_id"),
    "payments": ("olist_order_payments_dataset.csv", "order_id"),
    "reviews": ("olist_order_reviews_dataset.csv", "order_id"),
    "products": ("olist_products_dataset.csv", "product_id"),
    "categories": ("product_category_name_translation.csv", "product_category_name"),
}
"""Table: its file and the column it is looked up by. `olist_orders_dataset.csv` is read in its own order."""

ORDERS = "olist_orders_dataset.csv"
_MOMENTS = ("order_purchase_timestamp", "order_approved_at", "order_delivered_carrier_date",
            "order_delivered_customer_date")  # fmt: skip


class BadRow(ValueError):
    """A row of one of the tables that makes its order unusable."""

    def __init__(self, file: str, row: Row, reason: str) -> None:
        super().__init__(reason)
        self.refused = Refused(file, row.line, reason, row_text(row.cells))


class Olist:
    """A folder with Olist's files as published on Kaggle; `.csv` or `.csv.gz`."""

    kind = "olist"
    variant = b""

    def __init__(self, folder: Path, *, time_zone: str = "America/Sao_Paulo") -> None:
        self.title = shown_name(folder)
        self._orders = _path(folder, ORDERS)
        self._paths = {name: _path(folder, file) for name, (file, _) in FILES.items()}
        self.files = [self._orders, *self._paths.values()]
        self._zone = zone(time_zone)

    def steps(self, *, progress: Progress) -> Iterator[Step]:
        """One step an order, in the order of the file of orders, after what the other tables had to be refused for."""
        with Spill() as spill:
            tables = {name: Table(path) for name, path in self._paths.items()}
            for name, table in tables.items():
                at = table.index(FILES[name][1])
                spill.load(name, ((_key(row, at), row) for row in table.rows(progress=progress)))
            yield from self._unusable(spill, tables)
            orders = Table(self._orders)
            orders.indexes(("order_id", "customer_id", "order_status", *_MOMENTS, "order_estimated_delivery_date"))
            for row in orders.rows(progress=progress, what="importing orders"):
                yield self._order(orders, row, Lookup(spill, tables))

    def _unusable(self, spill: Spill, tables: dict[str, Table]) -> Iterator[Step]:
        """Rows so damaged that not even their key can be read."""
        for name, table in tables.items():
            for row in spill.find(name, ""):
                refused = Refused(table.name, row.line, row.fault or "its key is empty", row_text(row.cells))
                yield Step(table.name, row.line, 1, [], [refused])

    def _order(self, orders: Table, row: Row, lookup: Lookup) -> Step:
        refused: list[Refused] = []
        messages: list[dict[str, Any]] = []
        try:
            order = _cells(orders, row)
            messages = list(self._facts(order, orders.name, row, lookup))
            for review in lookup.rows("reviews", order["order_id"]):
                try:
                    messages.append(self._review(order, review, lookup))
                except BadRow as error:
                    refused.append(error.refused)
        except BadRow as error:
            bad = error.refused
            if bad.file != orders.name:
                bad = bad._replace(reason=f"{bad.reason}; its order (line {row.line} of {orders.name}) is left out")
            refused.append(bad)
            messages = []
        return Step(orders.name, row.line, 1, messages, refused, row_text(row.cells))

    def _facts(self, order: Cells, file: str, row: Row, lookup: Lookup) -> Iterator[dict[str, Any]]:
        customers = lookup.cells("customers", order["customer_id"])
        if not customers or not customers[0]["customer_unique_id"]:
            raise BadRow(file, row, f"customer_id {order['customer_id'][:40]!r} is not in the table of customers")
        customer = customers[0]
        person = customer["customer_unique_id"]
        moments = self._moments(order, file, row)
        bought = moments.get("order_purchase_timestamp")
        if bought is None:
            raise BadRow(file, row, "order_purchase_timestamp is empty")
        yield _identified(customer, at=bought)
        yield _track(order, person, "Order Completed", bought, lookup.basket(order["order_id"]))
        promise = self._promise(order, file, row)
        if at := moments.get("order_approved_at"):
            yield _track(order, person, "Order Updated", at, {"status": "approved"}, key="approved")
        if at := moments.get("order_delivered_carrier_date"):
            yield _track(order, person, "Order Shipped", at, _promised(promise))
        if at := moments.get("order_delivered_customer_date"):
            yield _track(order, person, "Order Delivered", at, _promised(promise) | _kept(promise, at))
        status = order["order_status"]
        last = max(moments.values())
        if status == "canceled":
            yield _track(order, person, "Order Cancelled", last, {"status": status})
        elif status in ("unavailable", "invoiced", "processing"):
            yield _track(order, person, "Order Updated", last, {"status": status}, key=status)

    def _moments(self, order: Cells, file: str, row: Row) -> dict[str, datetime]:
        found = {}
        for column in _MOMENTS:
            if order[column]:
                try:
                    found[column] = moment(order[column], tz=self._zone)
                except ValueError as error:
                    raise BadRow(file, row, f"{column}: {error}") from None
        return found

    def _promise(self, order: Cells, file: str, row: Row) -> datetime | None:
        column = "order_estimated_delivery_date"
        try:
            return whole_day_end(order[column], tz=self._zone) if order[column] else None
        except ValueError as error:
            raise BadRow(file, row, f"{column}: {error}") from None

    def _review(self, order: Cells, row: Row, lookup: Lookup) -> dict[str, Any]:
        table = lookup.tables["reviews"]
        review = _cells(table, row)
        try:
            at = moment(review["review_answer_timestamp"], tz=self._zone)
            asked = moment(review["review_creation_date"], tz=self._zone)
            rating = integer(review["review_score"])
        except ValueError as error:
            raise BadRow(table.name, row, str(error)) from None
        person = lookup.cells("customers", order["customer_id"])[0]["customer_unique_id"]
        products = list(dict.fromkeys(item["product_id"] for item in lookup.cells("items", order["order_id"])))
        properties: dict[str, Any] = {
            "review_id": review["review_id"], "rating": rating, "language": "pt", "asked_at": asked.isoformat(),
        }  # fmt: skip
        if len(products) == 1:
            properties["product_id"] = products[0]
        elif products:
            properties["product_ids"] = products
        for name, column in (("review_title", "review_comment_title"), ("review_body", "review_comment_message")):
            if review[column].strip():
                properties[name] = review[column].strip()
        return _track(order, person, "Product Reviewed", at, properties, key=f"review:{review['review_id']}")


class Lookup:
    """The tables beside the orders."""

    def __init__(self, spill: Spill, tables: dict[str, Table]) -> None:
        self._spill = spill
        self.tables = tables

    def rows(self, name: str, key: str) -> list[Row]:
        return self._spill.find(name, key)

    def cells(self, name: str, key: str) -> list[Cells]:
        """The rows of a key by column. Raises BadRow where one of them is damaged."""
        return [_cells(self.tables[name], row) for row in self.rows(name, key)]

    def basket(self, order_id: str) -> dict[str, Any]:
        """What was bought and how it was paid, in the words of `Order Completed`."""
        products, revenue, shipping = self._products(order_id)
        payments, paid = self._payments(order_id)
        types = list(dict.fromkeys(payment["type"] for payment in payments))
        return {
            "products": products, "revenue": json_number(revenue), "shipping": json_number(shipping),
            "total": json_number(revenue + shipping), "paid": json_number(paid), "payments": payments,
            "payment_types": types, "installments": max((payment["installments"] for payment in payments), default=0),
        }  # fmt: skip

    def _products(self, order_id: str) -> tuple[list[dict[str, Any]], Decimal, Decimal]:
        """One product a product and seller: the tables hold a row for each piece."""
        found: dict[tuple[str, str, str], dict[str, Any]] = {}
        revenue = shipping = Decimal(0)
        table = self.tables["items"]
        for row in self.rows("items", order_id):
            item = _cells(table, row)
            try:
                price, freight = amount(item["price"]), amount(item["freight_value"])
            except ValueError as error:
                raise BadRow(table.name, row, f"price or freight_value: {error}") from None
            revenue += price
            shipping += freight
            key = (item["product_id"], item["seller_id"], item["price"])
            if key in found:
                found[key]["quantity"] += 1
            else:
                found[key] = self._product(item["product_id"]) | {
                    "seller_id": item["seller_id"], "price": json_number(price), "quantity": 1,
                }  # fmt: skip
        return list(found.values()), revenue, shipping

    def _product(self, product_id: str) -> dict[str, Any]:
        """The product's category, in English where Olist translated it, and as the shop wrote it."""
        product: dict[str, Any] = {"product_id": product_id}
        for known in self.cells("products", product_id)[:1]:
            original = known["product_category_name"]
            if original:
                english = self.cells("categories", original)[:1]
                product["category"] = english[0]["product_category_name_english"] if english else original
                product["category_original"] = original
        return product

    def _payments(self, order_id: str) -> tuple[list[dict[str, Any]], Decimal]:
        table = self.tables["payments"]
        payments: list[dict[str, Any]] = []
        paid = Decimal(0)
        for row in self.rows("payments", order_id):
            payment = _cells(table, row)
            try:
                value, installments = amount(payment["payment_value"]), integer(payment["payment_installments"])
            except ValueError as error:
                raise BadRow(table.name, row, f"payment_value or payment_installments: {error}") from None
            paid += value
            payments.append(
                {"type": payment["payment_type"], "installments": installments, "value": json_number(value)}
            )
        return payments, paid


def _path(folder: Path, file: str) -> Path:
    for path in (folder / file, folder / f"{file}.gz"):
        if path.is_file():
            return path
    raise InvalidInput(f"{folder} has no {file}", hint="give the folder that holds Olist's csv files")


def _key(row: Row, at: int) -> str:
    return row.cells[at].strip() if len(row.cells) > at else ""


def _cells(table: Table, row: Row) -> Cells:
    if row.fault:
        raise BadRow(table.name, row, row.fault)
    return dict(zip(table.header, row.cells, strict=True))


def _identified(customer: Cells, *, at: datetime) -> dict[str, Any]:
    address = {
        "city": customer["customer_city"], "state": customer["customer_state"], "country": "BR",
        "postal_code": customer["customer_zip_code_prefix"],
    }  # fmt: skip
    return {
        "type": "identify", "messageId": f"olist:customer:{customer['customer_id']}", "timestamp": at.isoformat(),
        "userId": customer["customer_unique_id"], "traits": {"address": address},
    }  # fmt: skip


def _track(
    order: Cells, person: str, event: str, at: datetime, properties: dict[str, Any],
    *, key: str = "",
) -> dict[str, Any]:  # fmt: skip
    suffix = key or event.removeprefix("Order ").lower()
    return {
        "type": "track", "event": event, "messageId": f"olist:{order['order_id']}:{suffix}", "userId": person,
        "timestamp": at.isoformat(), "properties": {"order_id": order["order_id"], "currency": "BRL"} | properties,
    }  # fmt: skip


def _promised(promise: datetime | None) -> dict[str, Any]:
    return {"promised_at": promise.isoformat()} if promise else {}


def _kept(promise: datetime | None, at: datetime) -> dict[str, Any]:
    delivered = {"delivered_at": at.isoformat()}
    return delivered | {"late": at > promise} if promise else delivered
