"""The ledger of a strand's orders: every order once, however often and by whomever it was reported.

A browser and a server may both report an order, corrections and refunds come later or arrive earlier, and none of it
may change the sums. So orders are kept by id: the earliest report that names its revenue and currency decides, a later
`Order Updated` overrides the amounts, a cancellation takes what is left of the order's revenue off the net, until a
later fact says that the order stands again, and each refund counts once by its order and its id, the earlier ones
first, until nothing is left of its order's revenue. A refund whose order is not known, or is in another currency,
counts as it is.

The shop's own word comes before a browser's: its report, its corrections and what it calls off stand, whatever a public
write key says later or earlier. A browser may take back what is its own customer's, and add nothing to it.

A ledger holds at most `limit` orders and as many refunds, those with the smallest hashes of their ids. The rest is a
*tail* of plain sums in which every report counts, so that the whole stays exact for any order of facts: each entry also
knows the sums of all reports about it (`raw`), and those are what it leaves behind in the tail.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from rapport.capabilities.orders.amounts import OrderMoney, corrected_in, given_back
from rapport.capabilities.orders.changes import BY_BROWSER, Change
from rapport.capabilities.orders.ledger_refunds import (
    CLAIM,
    ORDER,
    PIECES,
    each_once,
    key_of,
    merge_refunds,
    refund_of,
    refund_sums,
)
from rapport.capabilities.orders.ledger_sums import Amounts, add, added
from rapport.kernel.mergeable import EVER, NEVER, Mergeable, Stamp, State, hash64, wrap64

__all__ = [
    "CANCELLATION",
    "REPORT",
    "HeldOrder",
    "Orders",
    "OrdersRead",
    "cancellation_of",
    "held_orders",
    "holds_all",
    "update_of",
]

REPORT, MARGIN, UPDATE, CANCELLATION, RAW, MORE = range(6)
"""The parts of an order; each is None while nothing is known of it.

| part | content |
|---|---|
| report | rank, stamp, currency, revenue, coupon, gross, prices |
| margin | stamp, currency, margin, 1 where it is unverified |
| update | stamp, currency, revenue, margin, gross, amounts as they came |
| cancellation | first stamp, time of the last |
| raw | sums over all reports; None while there is only one |
| more | update and cancellation by browsers, last time at which the order was said to stand, the same by browsers |

Sums, here and in the tails, are those of `ledger_sums`, refunds those of `ledger_refunds`.
"""


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
    refunded_ids = {refund[ORDER] for refund in state[1].values()}
    found = [_held(key, order, refunded_ids) for key, order in state[0].items() if order[REPORT] is not None]
    return sorted(found, key=lambda order: (-order.at, order.fact_id))


def holds_all(state: State) -> bool:
    """Whether no order had to go into the tail, so that `held_orders` are all there are."""
    return state[2] is None


class Orders(Mergeable):
    """The ledger. State: `[{order_id: order}, {refund_id: refund}, tail of orders, tail of refunds]`."""

    __slots__ = ("limit",)

    def __init__(self, *, limit: int = 1_000) -> None:
        self.limit = limit

    def zero(self) -> State:
        return [{}, {}, None, None]

    def fold(self, state: State, at: int, fact_id: str, source: str, value: Change) -> None:
        if value[0] == "refunded":
            key, entry = key_of(value), refund_of(at, fact_id, source, value)
            held = state[1].get(key)
            state[1][key] = entry if held is None else merge_refunds(held, entry)
        else:
            key = value[1]
            order = _order(at, fact_id, source, value)
            held = state[0].get(key)
            state[0][key] = order if held is None else _merge_orders(held, order)
        if len(state[0]) + len(state[1]) > self.limit + self.limit // 4:
            self.trim(state)

    def merge(self, left: State, right: State) -> State:
        orders = _union(left[0], right[0], _merge_orders)
        refunds = _union(left[1], right[1], merge_refunds)
        return self.trim([orders, refunds, add(left[2], right[2]), add(left[3], right[3])])

    def trim(self, state: State) -> State:
        state[2] = self._spill(state[0], state[2], _order_sums)
        state[3] = self._spill(state[1], state[3], refund_sums)
        return state

    def _spill(
        self, entries: dict[str, State], tail: State | None, sums_of: Callable[[State], State | None]
    ) -> State | None:
        if len(entries) > self.limit:
            for key in sorted(entries, key=lambda k: (hash64(k), k))[self.limit :]:
                tail = add(tail, sums_of(entries.pop(key)))
        return tail

    def read(self, state: State) -> OrdersRead:
        return _Reading(state).result()

    def stamp(self, state: State) -> Stamp:
        found = self.read(state).last
        return found or [NEVER, "", ""]


def _order(at: int, fact_id: str, source: str, value: Change) -> State:
    what, _, state, unverified = value[:4]
    order: State = [None, None, None, None, None, None]
    if what == "completed":
        currency, revenue, margin, coupon, rank, gross, prices = value[4:]
        order[REPORT] = [rank, at, fact_id, source, currency, revenue, coupon, gross, prices]
        order[MARGIN] = None if margin is None else [at, fact_id, source, currency, margin, int(unverified)]
    update = [at, fact_id, source, *value[4:]] if what == "updated" and value[5] is not None else None
    cancellation = [at, fact_id, source, at] if state == "cancelled" else None
    live = at if state == "live" else None
    if not unverified:
        order[UPDATE], order[CANCELLATION] = update, cancellation
    if live is not None or (unverified and (update or cancellation)):
        order[MORE] = [update, cancellation, None, live] if unverified else [None, None, live, None]
    return order


def update_of(order: State) -> State | None:
    """The correction that counts: the shop's own, else, of an order that browsers report, theirs; if it is later."""
    report, more = order[REPORT], order[MORE]
    found = order[UPDATE]
    if found is None and more is not None and report[0] & BY_BROWSER:
        found = more[0]
    return found if found is not None and found[:2] > report[1:3] else None


def cancellation_of(order: State) -> Stamp | None:
    """By what an order is called off, unless it was said later that it stands: by the shop, or by browsers where they
    report it and called it off.
    """
    own, more, report = order[CANCELLATION], order[MORE], order[REPORT]
    if more is None:
        return own[:3] if own else None
    _, theirs, live, live_theirs = more
    stands = _latest(live, live_theirs if report is not None and report[0] & BY_BROWSER else None)
    found = [
        [first if since is None or since < first else last, fact_id, source]
        for cancelled, since in ((own, live), (theirs, stands))
        if cancelled is not None
        for first, fact_id, source, last in [cancelled]
        if since is None or since <= last
    ]
    return min(found, default=None)


def _latest(left: int | None, right: int | None) -> int | None:
    return max(left, right) if left is not None and right is not None else right if left is None else left


def _held(key: str, order: State, refunded_ids: Collection[str | None]) -> HeldOrder:
    report, cancellation = order[REPORT], cancellation_of(order)
    currency, revenue = _amount(report, update_of(order))
    return HeldOrder(
        "" if key == f"fact:{report[2]}" else key, currency, revenue, report[1], report[2],
        cancellation is not None, key in refunded_ids,
    )  # fmt: skip


def _amount(report: State, update: State | None) -> tuple[str, int | None]:
    """The order's currency and revenue: those of the correction that counts, if there is one."""
    if update is not None:
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
    if update is not None:
        _, stated, _, of_update = _corrected(report[4], update)
        net, gross = (stated, of_update) if of_update else (net, gross)
    prices = report[8] if report[8] and currency == report[4] else ()
    return OrderMoney(currency, max(0, revenue or 0), net, gross, prices)


def _merge_orders(left: State, right: State) -> State:
    both = left[REPORT] and right[REPORT]
    raw = add(_order_sums(left), _order_sums(right)) if both else left[RAW] or right[RAW]
    return [
        _chosen(left[REPORT], right[REPORT], 3, largest=False), _margin_chosen(left[MARGIN], right[MARGIN]),
        _chosen(left[UPDATE], right[UPDATE], 2, largest=True),
        _merge_cancellations(left[CANCELLATION], right[CANCELLATION]), raw, _merge_more(left[MORE], right[MORE]),
    ]  # fmt: skip


def _margin_chosen(left: State | None, right: State | None) -> State | None:
    if left is None or right is None:
        return left or right
    return min(left, right, key=lambda margin: (margin[5], *margin[:2]))


def _merge_more(left: State | None, right: State | None) -> State | None:
    if left is None or right is None:
        return left or right
    return [
        _chosen(left[0], right[0], 2, largest=True), _merge_cancellations(left[1], right[1]),
        _latest(left[2], right[2]), _latest(left[3], right[3]),
    ]  # fmt: skip


def _merge_cancellations(left: State | None, right: State | None) -> State | None:
    if left is None or right is None:
        return left or right
    return [*min(left[:3], right[:3]), max(left[3], right[3])]


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
        for refund in sorted(each_once(refunds), key=lambda r: (r[0], r[1])):
            self._refund(refund)
        for order_id in sorted(orders):
            self._loss(order_id, orders[order_id])
        if tail is not None:
            self._tail(tail)
        if refund_tail is not None:
            self.refund_count += sum(refund_tail[0].values())
            self.refunds = added(self.refunds, refund_tail[1])
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
        report, margin = order[REPORT], order[MARGIN]
        if report is None:
            return
        update, cancellation = update_of(order), cancellation_of(order)
        if cancellation is not None:
            self.cancelled += 1
            self._seen("cancelled", cancellation)
        stamp, (currency, revenue) = report[1:4], _amount(report, update)
        if update is not None:
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
        if order[REPORT] is not None and self.left.get(order_id, 0) > 0 and cancellation_of(order) is not None:
            currency, _ = _amount(order[REPORT], update_of(order))
            self.lost[currency] = wrap64(self.lost.get(currency, 0) + self.left[order_id])

    def _refund(self, refund: State) -> None:
        order = self.money.get(refund[ORDER])
        currency, amount = given_back(refund[CLAIM], order)
        if order is not None and order.currency == currency:
            left = self.left[refund[ORDER]]
            amount = left if amount is None else min(amount, left)
            self.left[refund[ORDER]] = left - amount
        self.refunds[currency] = wrap64(self.refunds.get(currency, 0) + (amount or 0))
        self.refund_count += 1
        self.pieces += refund[PIECES]
        self._seen("refund", refund)

    def _tail(self, tail: State) -> None:
        self.orders = added(self.orders, tail[0])
        self.revenue = added(self.revenue, tail[1])
        self.margin = added(self.margin, tail[2])
        self.first = min(self.first, tail[5], key=lambda s: s[:2])
        self._seen("order", tail[6])
        if tail[2]:
            self._seen("margin", tail[6])
