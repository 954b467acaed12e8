"""What messages cost, in thousandths of the smallest unit of the shop's currency, and what may still be spent.

Kept by day of the shop's calendar, so that a budget and a metric read a handful of rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.messages.model import EMAIL, SMS, WHATSAPP
from rapport.capabilities.messages.settings import MESSAGE_SETTINGS, MessageSettings
from rapport.capabilities.messages.store import MessageRow, costs
from rapport.kernel.clock import SECOND, to_datetime, zone_named
from rapport.kernel.ids import WorkspaceId
from rapport.measure.model import Question, Row
from rapport.storage import settings
from rapport.storage.bulk import upsert
from rapport.storage.workspaces import Workspace, workspace_of

__all__ = ["Budget", "budget_of", "cost_rows", "note_costs", "price_of", "spent_today"]

_c = costs.c


class Budget(NamedTuple):
    """What news and offers have cost and may cost, in thousandths; a limit of 0 is none."""

    day: int
    day_limit: int
    month: int
    month_limit: int
    tomorrow: int
    """When the next day begins, microseconds."""
    next_month: int

    def exhausted(self, more: int) -> tuple[str, int] | None:
        """Which budget so much more does not fit into, and when the next one begins."""
        if self.month_limit and self.month + more > self.month_limit:
            return "month", self.next_month
        if self.day_limit and self.day + more > self.day_limit:
            return "day", self.tomorrow
        return None


def price_of(wanted: MessageSettings, channel: str) -> int:
    """What one message, or one part of an SMS, costs by a channel, in thousandths of the smallest unit."""
    return {EMAIL: wanted.mail_price, SMS: wanted.sms_price, WHATSAPP: wanted.whatsapp_price}.get(channel, 0)


def note_costs(
    conn: Connection, workspace: WorkspaceId, sent: Sequence[tuple[MessageRow, int]], *, now: int
) -> Mapping[str, int]:
    """Add what messages of so many parts have cost; by id what each did. In the transaction that records them."""
    wanted = settings.load(conn, workspace, MESSAGE_SETTINGS).value
    shop = workspace_of(conn, workspace)
    found = {row.id: price_of(wanted, row.channel) * parts for row, parts in sent}
    number: Counter[tuple[str, str]] = Counter((row.channel, row.purpose) for row, _ in sent)
    cost: Counter[tuple[str, str]] = Counter()
    for row, _ in sent:
        cost[row.channel, row.purpose] += found[row.id]
    day = _today(shop, now).toordinal()
    rows = [
        {"workspace": workspace, "day": day, "channel": channel, "purpose": purpose,
         "currency": shop.settings.currency, "sent": sent_now, "cost": cost[channel, purpose]}
        for (channel, purpose), sent_now in sorted(number.items())
    ]  # fmt: skip
    added = {name: f"message_costs.{name} + excluded.{name}" for name in ("sent", "cost")}
    upsert(conn, costs, rows, key=("workspace", "day", "channel", "purpose", "currency"), update=added)
    return found


def budget_of(conn: Connection, shop: Workspace, wanted: MessageSettings, now: int) -> Budget:
    """Where the budgets of this day and month stand."""
    today = _today(shop, now)
    month, tomorrow = today.replace(day=1), today + timedelta(days=1)
    next_month = (month + timedelta(days=32)).replace(day=1)
    query = sa.select(_c.day, sa.func.sum(_c.cost)).where(
        _c.workspace == shop.id, _c.day.between(month.toordinal(), today.toordinal()), _c.purpose == "marketing",
        _c.currency == shop.settings.currency,
    )  # fmt: skip
    has_limit = wanted.budget_a_day or wanted.budget_a_month
    spent = {row[0]: int(row[1]) for row in conn.execute(query.group_by(_c.day))} if has_limit else {}
    return Budget(
        spent.get(today.toordinal(), 0), wanted.budget_a_day * 1000, sum(spent.values()), wanted.budget_a_month * 1000,
        _begins(shop, tomorrow), _begins(shop, next_month),
    )  # fmt: skip


def spent_today(conn: Connection, shop: Workspace, now: int) -> dict[str, tuple[int, int]]:
    """By channel what was spent today and in this month, in thousandths."""
    today = _today(shop, now)
    first = today.replace(day=1).toordinal()
    query = sa.select(_c.channel, _c.day, sa.func.sum(_c.cost)).where(
        _c.workspace == shop.id, _c.day.between(first, today.toordinal()), _c.currency == shop.settings.currency
    )
    found: dict[str, tuple[int, int]] = {}
    for channel, day, cost in conn.execute(query.group_by(_c.channel, _c.day)):
        before = found.get(channel, (0, 0))
        found[channel] = (before[0] + int(cost) * (day == today.toordinal()), before[1] + int(cost))
    return found


def cost_rows(conn: Connection, question: Question) -> Sequence[Row]:
    """Rows of the metric `message_costs`; whole days of the shop's calendar."""
    shop = workspace_of(conn, question.workspace)
    first, last = (_today(shop, at).toordinal() for at in (question.since, question.until - 1))
    query = sa.select(_c.day, _c.channel, _c.purpose, _c.currency, _c.sent, _c.cost).where(
        _c.workspace == question.workspace, _c.day.between(first, last)
    )
    sent: Counter[tuple[str, str]] = Counter()
    cost: Counter[tuple[str, str]] = Counter()
    for row in conn.execute(query):
        day = date.fromordinal(row.day)
        group = {"day": day.isoformat(), "month": f"{day:%Y-%m}"}.get(question.by) or str(getattr(row, question.by))
        sent[group, row.currency] += row.sent
        cost[group, row.currency] += row.cost
    return [
        {question.by: group, "currency": currency, "cost_minor": (cost[group, currency] + 500) // 1000,
         "sent": sent[group, currency]}
        for group, currency in sorted(sent)
    ]  # fmt: skip


def _today(shop: Workspace, now: int) -> date:
    return to_datetime(now).astimezone(zone_named(shop.settings.time_zone)).date()


def _begins(shop: Workspace, day: date) -> int:
    return int(datetime.combine(day, time(), tzinfo=zone_named(shop.settings.time_zone)).timestamp()) * SECOND
