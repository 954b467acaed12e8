"""Judge carts when their time has come, and keep the orders: what the slice's stage and timers do."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from rapport.act import timers
from rapport.capabilities.orders import kept_sums, store
from rapport.capabilities.orders.facts import CART_ABANDONED, CART_EVENTS, cart_abandoned, cart_abandoned_id
from rapport.capabilities.orders.keeping import keep_orders
from rapport.capabilities.orders.model import CartStory, stories_of
from rapport.capabilities.orders.settings import ORDER_SETTINGS
from rapport.collect.own import own_fact
from rapport.decide import people
from rapport.kernel.clock import SECOND, to_iso
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection, Seen, Timer, Work
from rapport.measure.model import Question
from rapport.remember.inputs import ReadingSettings
from rapport.storage import log
from rapport.storage.log import StoredRow

__all__ = ["CART_TIMER", "carts_by_day", "judge_carts", "keep", "revenue_rows"]

CART_TIMER = "orders.cart"

SETTLE = 30 * SECOND
"""History comes in bursts, one person's facts over several seconds: carts are judged once nothing came for so long."""

MOST_FACTS = 5_000
"""Facts of a customer that are looked at, the newest."""

_CART_FACT = re.compile(rb'"name":"(?:' + b"|".join(name.encode() for name in CART_EVENTS) + rb')"')


class _Shop(NamedTuple):
    settings: ReadingSettings
    after: int

    @property
    def settle(self) -> int:
        return min(SETTLE, self.after)


class _Judged(NamedTuple):
    """What was found about one customer."""

    strands: Sequence[Key]
    stories: list[CartStory] | None
    """None where it is too early to say."""
    since: int
    """Carts started earlier were not looked at."""
    again: int | None
    """When to look again; None where nothing is left to wait for."""


def keep(conn: Connection, work: Work, notes: Sequence[Seen], now: int) -> None:
    """Keep the orders of a batch, and see to it that every cart it touched is judged when its time has come."""
    shops = _shops(conn, work, {note.workspace for note in notes})
    keep_orders(conn, notes, {workspace: shop.settings for workspace, shop in shops.items()})
    due: dict[tuple[WorkspaceId, Key], int] = {}
    ordered: dict[WorkspaceId, dict[Key, int]] = {}
    for note in notes:
        shop, fact = shops[note.workspace], note.fact
        if fact.name == "Order Completed":
            ordered.setdefault(note.workspace, {})[note.strand] = fact.received_at + shop.settle
        elif fact.name in CART_EVENTS:
            at = max(fact.occurred_at + shop.after, fact.received_at + shop.settle)
            due[note.workspace, note.strand] = max(at, due.get((note.workspace, note.strand), 0))
    for workspace, strands in ordered.items():
        for strand, at in _with_carts(conn, workspace, strands).items():
            due[workspace, strand] = at
        due.update({(workspace, strand): at for strand, at in strands.items() if (workspace, strand) in due})
    for (workspace, strand), at in due.items():
        work.schedule(workspace, CART_TIMER, strand, at)


def judge_carts(conn: Connection, work: Work, due: Sequence[Timer], now: int) -> None:
    """What became of these strands' customers' carts: kept for the numbers, and `Cart Abandoned` stated of those left.

    Judged from the log itself, over all strands of the customer, so an order on another device or one that is not
    folded yet counts. Cost: the decoding of its cart facts a customer, and the same few statements for all together.
    """
    by_workspace: dict[WorkspaceId, list[Key]] = {}
    for timer in due:
        by_workspace.setdefault(timer.workspace, []).append(Key(timer.key))
    shops = _shops(conn, work, by_workspace)
    for workspace, keys in by_workspace.items():
        roots = people.roots_of(conn, workspace, keys)
        store.lock_customers(conn, roots.values())
        strands = people.strands_by_root(conn, workspace, roots.values())
        keys_by_root = {root: key for key, root in roots.items()}
        told = log.of_groups(conn, workspace, [strands[root] for root in keys_by_root], limit=MOST_FACTS)
        judged: list[_Judged] = []
        for (root, key), rows in zip(keys_by_root.items(), told, strict=True):
            found = _judge(rows, shops[workspace], strands[root], now)
            judged.append(found)
            if found.again is not None:
                work.schedule(workspace, CART_TIMER, key, found.again)
        _state_abandoned(conn, work, workspace, judged, now)
        known = [found for found in judged if found.stories is not None]
        store.replace_carts(
            conn, workspace, {strand: found.since for found in known for strand in found.strands},
            [story for found in known for story in found.stories or ()],
        )  # fmt: skip


def carts_by_day(conn: Connection, question: Question) -> list[dict[str, Any]]:
    """Rows of the metric `cart_abandonment`."""
    counts = store.cart_counts(conn, question)
    return [row._asdict() | {"day": to_iso(row.day)[:10]} for row in counts]


def revenue_rows(conn: Connection, question: Question) -> list[dict[str, Any]]:
    """Rows of the metric `revenue_by`: one for each group and currency."""
    rows = kept_sums.revenue_by(conn, question)
    return [
        {
            question.by: to_iso(int(row.key))[:10] if question.by == "day" else row.key, "currency": row.currency,
            "orders": row.orders, "revenue_minor": row.revenue_minor, "cancelled_minor": row.cancelled_minor,
            "refunds_minor": row.refunds_minor, "net_minor": row.net_minor,
        }
        for row in rows
    ]  # fmt: skip


def _judge(rows: Sequence[StoredRow], shop: _Shop, strands: Sequence[Key], now: int) -> _Judged:
    """Judge one customer by the newest facts of all her strands, at most `MOST_FACTS`."""
    relevant = [row for row in rows if _CART_FACT.search(row.body)]
    newest = max((row.received_at for row in relevant), default=0)
    if newest + shop.settle > now:
        return _Judged(strands, None, 0, newest + shop.settle)
    facts = [(row.strand, log.to_fact(row)) for row in relevant]
    stories = stories_of(facts, shop.settings, abandoned_after=shop.after, now=now)
    since = 0 if len(rows) < MOST_FACTS else min((fact.occurred_at for _, fact in facts), default=now)
    waiting = [story.changed_at + shop.after for story in stories if story.is_open and story.abandoned_at is None]
    return _Judged(strands, stories, since, min(waiting, default=None))


def _state_abandoned(conn: Connection, work: Work, workspace: WorkspaceId, judged: Sequence[_Judged], now: int) -> None:
    """State what was left and is not known as such yet."""
    known = store.abandoned_carts(conn, workspace, [strand for found in judged for strand in found.strands])
    left = [
        (story, story.abandoned_at)
        for found in judged
        for story in found.stories or ()
        if story.abandoned_at is not None and (story.started_by, story.cart_id, story.abandoned_at) not in known
    ]
    names = people.identifiers_by_key(conn, workspace, {Key(story.strand) for story, _ in left})
    for story, abandoned_at in left:
        identifier = names.get(Key(story.strand))
        if identifier is not None:
            work.state(
                own_fact(
                    workspace, name=CART_ABANDONED, id=cart_abandoned_id(story), occurred_at=abandoned_at,
                    received_at=now, properties=cart_abandoned(story), **people.naming(identifier),
                )
            )  # fmt: skip


def _with_carts(conn: Connection, workspace: WorkspaceId, strands: Mapping[Key, int]) -> dict[Key, int]:
    """Strands of these customers whose carts must be judged anew, and when: those with an open cart or a timer."""
    roots = people.roots_of(conn, workspace, strands)
    at = {root: strands[strand] for strand, root in roots.items()}
    siblings = {key: root for root, keys in people.strands_by_root(conn, workspace, at).items() for key in keys}
    touched = timers.pending(conn, workspace, CART_TIMER, siblings)
    if store.has_carts(conn, workspace):
        touched |= store.with_open_carts(conn, workspace, siblings)
    return {Key(key): at[siblings[Key(key)]] for key in touched}


def _shops(conn: Connection, work: Work, workspaces: Collection[WorkspaceId]) -> dict[WorkspaceId, _Shop]:
    return {
        workspace: _Shop(
            work.known(conn, workspace, people.reading_settings),
            work.setting(conn, workspace, ORDER_SETTINGS).cart_abandoned_after_seconds * SECOND,
        )
        for workspace in workspaces
    }
