"""The ledger of a strand's orders: every order once, however often and by whomever it was reported.

A browser and a server may both report an order, corrections and refunds come later or arrive earlier, and none of it
may change the sums. So orders are kept by id: the earliest report that names its revenue and currency decides, a later
`Order Updated` overrides the amounts, a cancellation takes what is left of the order's revenue off the net, and each
refund counts once by its own id, the earlier ones first, until nothing is left of its order's revenue. A refund whose
order is not known, or is in another currency, counts as it is.

A ledger holds at most `limit` orders and as many refunds, those with the smallest hashes of their ids. The rest is a
*tail* of plain sums in which every report counts, so that the whole stays exact for any order of facts: each entry also
knows the sums of all reports about it (`raw`), and those are what it leaves behind in the tail.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from rapport.capabilities.orders.amounts import (
    OrderMoney,
    claim_of,
    corrected_in,
    given_back,
    gross_of,
    margin_of,
    prices_of,
    revenue_of,
    trimmed,
)  # fmt: skip
from rapport.kernel.facts import Fact
from rapport.kernel.mergeable import EVER, NEVER, Mergeable, Stamp, State, hash64, wrap64
from rapport.remember import inputs
from rapport.remember.inputs import ReadingSettings

__all__ = [
    "HeldOrder",
    "Orders",
    "OrdersRead",
    "cancelled",
    "completed",
    "held_orders",
    "holds_all",
    "refunded",
    "updated",
]

Amounts = dict[str, int]

Change = tuple[Any, ...]
"""What one fact says of an order, one of:

| what | then |
|---|---|
| `completed` | order id, currency, revenue, margin, coupon (or None, each), rank, gross or None, prices or None |
| `updated` | order id, currency, revenue, margin or None, gross or None, amounts as they came or None |
| `cancelled` | order id |
| `refunded` | refund id, order id or None, claim, pieces |

The rank is 0 where revenue and currency are stated, 1 without the currency, 2 without the revenue, 3 without both. An
update that states no currency brings its amounts as they came, for the order's currency may be another than the shop's.
"""

REPORT, MARGIN, UPDATE, CANCELLATION, RAW = range(5)
"""The parts of an order; each is None while nothing is known of it.

| part | content |
|---|---|
| report | rank, stamp, currency, revenue, coupon, gross, prices |
| margin | stamp, currency, margin |
| update | stamp, currency, revenue, margin, gross, amounts as they came |
| cancellation | stamp |
| raw | sums over all reports; None while there is only one |

Sums, here and in the tails: {currency: n}, {currency: revenue}, {currency: margin}, coupons, pieces, first stamp,
last stamp.
"""

CLAIM, PIECES, REFUND_RAW = 4, 5, 6
"""A refund is: stamp, order id, claim, pieces, raw."""


class OrdersRead(NamedTuple):
    """What a ledger says."""

    orders: Amounts
    """How many, by currency."""
    cancelled: int
    revenue: Amounts
    margin: Amounts
    refunds: Amounts
    lost: Amounts
    """What cancelled orders would have brought, less what was refunded of them."""
    refund_count: int
    pieces_returned: int
    coupons: dict[str, int]
    first: Stamp | None
    """The first order."""
    last: Stamp | None
    last_cancelled: Stamp | None
    last_refund: Stamp | None
    last_margin: Stamp | None
    last_coupon: Stamp | None
    complete: bool
    """False where there were more orders than a ledger holds, so that repeated reports of some may count twice."""


class HeldOrder(NamedTuple):
    """One order as a ledger has it."""

    order_id: str
    """Empty where no report named it."""
    currency: str
    revenue: int | None
    """After corrections, before refunds and cancellation."""
    at: int
    fact_id: str
    """The report that counts."""
    cancelled: bool
    refunded: bool


def held_orders(state: State) -> list[HeldOrder]:
    """The orders that a ledger holds one by one, the newest first."""
    refunded_ids = {refund[3] for refund in state[1].values()}
    found = [_held(key, order, refunded_ids) for key, order in state[0].items() if order[REPORT] is not None]
    return sorted(found, key=lambda order: (-order.at, order.fact_id))


def holds_all(state: State) -> bool:
    """Whether no order had to go into the tail, so that `held_orders` are all there are."""
    return state[2] is None


def completed(fact: Fact, settings: ReadingSettings) -> Change:
    """An order was placed. Without an order id the fact's own id stands for the order."""
    properties = fact.properties
    stated = inputs.stated_currency(properties)
    currency = stated or settings.currency
    revenue = revenue_of(properties, currency)
    coupon = inputs.text(properties.get("coupon"), 40)
    return (
        "completed", _order_id(properties) or f"fact:{fact.id}", currency, revenue,
        margin_of(properties, currency, revenue), coupon.upper() if coupon else None,
        2 * (revenue is None) + (stated is None), gross_of(properties, currency, revenue),
        prices_of(properties, currency),
    )  # fmt: skip


def updated(fact: Fact, settings: ReadingSettings) -> Change | None:
    """An order's amounts were corrected; a mere change of status says nothing about them."""
    properties = fact.properties
    order_id, stated = _order_id(properties), inputs.stated_currency(properties)
    currency = stated or settings.currency
    revenue = revenue_of(properties, currency)
    if order_id is None or revenue is None:
        return None
    return (
        "updated", order_id, currency, revenue, margin_of(properties, currency, revenue),
        gross_of(properties, currency, revenue), None if stated else trimmed(properties),
    )  # fmt: skip


def cancelled(fact: Fact, settings: ReadingSettings) -> Change | None:
    """An order was called off."""
    order_id = _order_id(fact.properties)
    return ("cancelled", order_id) if order_id else None


def refunded(fact: Fact, settings: ReadingSettings) -> Change:
    """Money went back. Without an amount and without products it is what is left of the order."""
    properties = fact.properties
    refund_id = next((found for found in (inputs.text(properties.get(n)) for n in _REFUND_IDS) if found), None)
    pieces = sum(map(inputs.pieces, inputs.products(properties)))
    return (
        "refunded", refund_id or f"fact:{fact.id}", _order_id(properties), claim_of(properties, settings), pieces,
    )  # fmt: skip


_REFUND_IDS = ("refund_id", "return_id", "credit_note_id")


def _order_id(properties: dict[str, Any]) -> str | None:
    return inputs.text(properties.get("order_id"))


class Orders(Mergeable):
    """The ledger. State: `[{order_id: order}, {refund_id: refund}, tail of orders, tail of refunds]`."""

    __slots__ = ("limit",)

    def __init__(self, *, limit: int = 1_000) -> None:
        self.limit = limit

    def zero(self) -> State:
        return [{}, {}, None, None]

    def fold(self, state: State, at: int, fact_id: str, source: str, value: Change) -> None:
        what, key = value[0], value[1]
        if what == "refunded":
            entry = [at, fact_id, source, *value[2:], None]
            held = state[1].get(key)
            state[1][key] = entry if held is None else _merge_refunds(held, entry)
        else:
            order = _order(at, fact_id, source, value)
            held = state[0].get(key)
            state[0][key] = order if held is None else _merge_orders(held, order)
        if len(state[0]) + len(state[1]) > self.limit + self.limit // 4:
            self.trim(state)

    def merge(self, left: State, right: State) -> State:
        orders = _union(left[0], right[0], _merge_orders)
        refunds = _union(left[1], right[1], _merge_refunds)
        return self.trim([orders, refunds, _add(left[2], right[2]), _add(left[3], right[3])])

    def trim(self, state: State) -> State:
        state[2] = self._spill(state[0], state[2], _order_sums)
        state[3] = self._spill(state[1], state[3], _refund_sums)
        return state

    def _spill(
        self, entries: dict[str, State], tail: State | None, sums_of: Callable[[State], State | None]
    ) -> State | None:
        if len(entries) > self.limit:
            for key in sorted(entries, key=lambda k: (hash64(k), k))[self.limit :]:
                tail = _add(tail, sums_of(entries.pop(key)))
        return tail

    def read(self, state: State) -> OrdersRead:
        return _Reading(state).result()

    def stamp(self, state: State) -> Stamp:
        found = self.read(state).last
        return found or [NEVER, "", ""]


def _order(at: int, fact_id: str, source: str, value: Change) -> State:
    what = value[0]
    if what == "cancelled":
        return [None, None, None, [at, fact_id, source], None]
    currency, revenue, margin = value[2], value[3], value[4]
    if what == "updated":
        return [None, None, [at, fact_id, source, *value[2:]], None, None]
    report = [value[6], at, fact_id, source, currency, revenue, value[5], value[7], value[8]]
    return [report, None if margin is None else [at, fact_id, source, currency, margin], None, None, None]


def _held(key: str, order: State, refunded_ids: Collection[str | None]) -> HeldOrder:
    report, _, update, cancellation, _ = order
    currency, revenue = _amount(report, update)
    return HeldOrder(
        "" if key == f"fact:{report[2]}" else key, currency, revenue, report[1], report[2],
        cancellation is not None, key in refunded_ids,
    )  # fmt: skip


def _amount(report: State, update: State | None) -> tuple[str, int | None]:
    """The order's currency and revenue: those of the update where it is later than the report."""
    if update is not None and update[:2] > report[1:3]:
        return _corrected(report[4], update)[:2]
    return report[4], report[5]


def _corrected(currency: str, update: State) -> tuple[str, int, int | None, int | None]:
    """Currency, revenue, margin and gross of an update; it is in the order's currency where it states none."""
    if update[7] is None or update[3] == currency:
        return update[3], update[4], update[5], update[6]
    return corrected_in(currency, update[7])


def _money(report: State, update: State | None) -> OrderMoney:
    """What refunds of this order are held against."""
    currency, revenue = _amount(report, update)
    net, gross = (report[5], report[7]) if report[7] else (0, 0)
    if update is not None and update[:2] > report[1:3]:
        _, stated, _, of_update = _corrected(report[4], update)
        net, gross = (stated, of_update) if of_update else (net, gross)
    prices = report[8] if report[8] and currency == report[4] else ()
    return OrderMoney(currency, max(0, revenue or 0), net, gross, prices)


def _merge_orders(left: State, right: State) -> State:
    both = left[REPORT] and right[REPORT]
    raw = _add(_order_sums(left), _order_sums(right)) if both else left[RAW] or right[RAW]
    return [
        _chosen(left[REPORT], right[REPORT], 3, largest=False), _chosen(left[MARGIN], right[MARGIN], 2, largest=False),
        _chosen(left[UPDATE], right[UPDATE], 2, largest=True),
        _chosen(left[CANCELLATION], right[CANCELLATION], 2, largest=False), raw,
    ]  # fmt: skip


def _merge_refunds(left: State, right: State) -> State:
    chosen = left if left[:2] <= right[:2] else right
    return [*chosen[:REFUND_RAW], _add(_refund_sums(left), _refund_sums(right))]


def _chosen(left: State | None, right: State | None, width: int, *, largest: bool) -> State | None:
    """The part with the smaller (or larger) first `width` members."""
    if left is None or right is None:
        return left or right
    return left if (left[:width] > right[:width]) == largest else right


def _union(left: dict[str, State], right: dict[str, State], merge: Callable[[State, State], State]) -> dict[str, State]:
    found = dict(left)
    for key, entry in right.items():
        mine = found.get(key)
        found[key] = entry if mine is None else merge(mine, entry)
    return found


def _order_sums(order: State) -> State | None:
    """The sums over all reports of an order; None where it was never reported."""
    if order[RAW] is not None:
        return list(order[RAW])
    report, margin = order[REPORT], order[MARGIN]
    if report is None:
        return None
    stamp = report[1:4]
    revenue = {} if report[5] is None else {report[4]: report[5]}
    coupons = int(report[6] is not None)
    return [{report[4]: 1}, revenue, {} if margin is None else {margin[3]: margin[4]}, coupons, 0, stamp, stamp]


def _refund_sums(refund: State) -> State:
    if refund[REFUND_RAW] is not None:
        return list(refund[REFUND_RAW])
    stamp = refund[:3]
    currency, amount = given_back(refund[CLAIM], None)
    return [{currency: 1}, {} if amount is None else {currency: amount}, {}, 0, refund[PIECES], stamp, stamp]


def _add(left: State | None, right: State | None) -> State | None:
    if left is None or right is None:
        return left or right
    return [
        _added(left[0], right[0]), _added(left[1], right[1]), _added(left[2], right[2]), left[3] + right[3],
        wrap64(left[4] + right[4]), min(left[5], right[5]), max(left[6], right[6]),
    ]  # fmt: skip


def _added(left: Amounts, right: Amounts) -> Amounts:
    total = dict(left)
    for currency, amount in right.items():
        total[currency] = wrap64(total.get(currency, 0) + amount)
    return total


class _Reading:
    """One pass over a ledger."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.revenue: Amounts = {}
        self.margin: Amounts = {}
        self.refunds: Amounts = {}
        self.coupons: dict[str, int] = {}
        self.last: dict[str, Stamp] = {}
        self.first: Stamp = [EVER, "", ""]
        self.orders: Amounts = {}
        self.cancelled = self.refund_count = self.pieces = 0
        self.money: dict[str, OrderMoney] = {}
        self.left: dict[str, int] = {}
        """What is left to refund of each order."""
        self.lost: Amounts = {}
        """What was left of cancelled orders after their refunds."""

    def result(self) -> OrdersRead:
        orders, refunds, tail, refund_tail = self.state
        for order_id in sorted(orders):
            self._order(order_id, orders[order_id])
        for refund in sorted(refunds.values(), key=lambda r: (r[0], r[1])):
            self._refund(refund)
        for order_id in sorted(orders):
            self._loss(order_id, orders[order_id])
        if tail is not None:
            self._tail(tail)
        if refund_tail is not None:
            self.refund_count += sum(refund_tail[0].values())
            self.refunds = _added(self.refunds, refund_tail[1])
            self.pieces += refund_tail[4]
            self._seen("refund", refund_tail[6])
        return OrdersRead(
            dict(sorted(self.orders.items())), self.cancelled,
            dict(sorted(self.revenue.items())), dict(sorted(self.margin.items())),
            dict(sorted(self.refunds.items())), dict(sorted(self.lost.items())), self.refund_count,
            self.pieces, dict(sorted(self.coupons.items())),
            self.first if self.orders else None, self.last.get("order"), self.last.get("cancelled"),
            self.last.get("refund"), self.last.get("margin"), self.last.get("coupon"),
            tail is None and refund_tail is None,
        )  # fmt: skip

    def _seen(self, what: str, stamp: Stamp) -> None:
        if what not in self.last or stamp[:2] > self.last[what][:2]:
            self.last[what] = list(stamp[:3])

    def _order(self, order_id: str, order: State) -> None:
        report, margin, update, cancellation, _ = order
        if report is None:
            return
        if cancellation is not None:
            self.cancelled += 1
            self._seen("cancelled", cancellation)
        stamp, (currency, revenue) = report[1:4], _amount(report, update)
        if update is not None and update[:2] > stamp[:2]:
            corrected = _corrected(report[4], update)
            if corrected[2] is not None:
                margin = [*update[:3], corrected[0], corrected[2]]
        self.money[order_id] = money = _money(report, update)
        self.left[order_id] = money.worth
        self.orders[currency] = self.orders.get(currency, 0) + 1
        if revenue is not None:
            self.revenue[currency] = wrap64(self.revenue.get(currency, 0) + revenue)
        if margin is not None and cancellation is None:
            self.margin[margin[3]] = wrap64(self.margin.get(margin[3], 0) + margin[4])
            self._seen("margin", margin)
        if report[6] is not None:
            self.coupons[report[6]] = self.coupons.get(report[6], 0) + 1
            self._seen("coupon", stamp)
        self.first = min(self.first, stamp, key=lambda s: s[:2])
        self._seen("order", stamp)

    def _loss(self, order_id: str, order: State) -> None:
        """A cancelled order brings nothing: what was not refunded of it is lost to the net."""
        report, _, update, cancellation, _ = order
        if report is not None and cancellation is not None and self.left.get(order_id, 0) > 0:
            currency, _ = _amount(report, update)
            self.lost[currency] = wrap64(self.lost.get(currency, 0) + self.left[order_id])

    def _refund(self, refund: State) -> None:
        order = self.money.get(refund[3])
        currency, amount = given_back(refund[CLAIM], order)
        if order is not None and order.currency == currency:
            left = self.left[refund[3]]
            amount = left if amount is None else min(amount, left)
            self.left[refund[3]] = left - amount
        self.refunds[currency] = wrap64(self.refunds.get(currency, 0) + (amount or 0))
        self.refund_count += 1
        self.pieces += refund[PIECES]
        self._seen("refund", refund)

    def _tail(self, tail: State) -> None:
        self.orders = _added(self.orders, tail[0])
        self.revenue = _added(self.revenue, tail[1])
        self.margin = _added(self.margin, tail[2])
        self.first = min(self.first, tail[5], key=lambda s: s[:2])
        self._seen("order", tail[6])
        if tail[2]:
            self._seen("margin", tail[6])
