"""What promises have to say of messages: nothing is sold to somebody whose order is late, and no notice goes out that
is not true any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.channels import Outgoing
from rapport.act.send_rules import Drop, Hold, SendRule, Verdict
from rapport.capabilities.messages import keys_of
from rapport.capabilities.promises import store
from rapport.capabilities.promises.model import IN_DANGER
from rapport.capabilities.promises.service.telling import notice_about
from rapport.capabilities.promises.store import Row
from rapport.decide.people import roots_of, strands_by_root
from rapport.kernel.clock import DAY, HOUR
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.language import kept, noted
from rapport.storage.lookup import select_among

__all__ = ["NO_SELLING", "STILL_TRUE"]

ASK_AGAIN = 6 * HOUR
_IS_LATE = kept("order %(order)s is late")
_MAY_BE_LATE = kept("order %(order)s may be late")
_FORGOTTEN = 30 * DAY
"""So long after the promised day a late order holds nothing back any more: something else is wrong with it."""


def _no_selling(conn: Connection, messages: Sequence[Outgoing], now: int) -> Mapping[str, Verdict]:
    """Hold what would win somebody whose order is at risk or late: by any of their orders, on any device."""
    by_shop: defaultdict[WorkspaceId, list[Outgoing]] = defaultdict(list)
    for one in messages:
        if one.strand is not None:
            by_shop[one.workspace].append(one)
    said: dict[str, Verdict] = {}
    for workspace, some in by_shop.items():
        roots = roots_of(conn, workspace, {Key(one.strand) for one in some if one.strand is not None})
        strands = strands_by_root(conn, workspace, roots.values())
        whose = {key: root for root, keys in strands.items() for key in keys}
        late: dict[Key, Row] = {}
        for row in _in_danger(conn, workspace, whose, now):
            late.setdefault(whose[Key(row.strand)], row)
        for one in some:
            found = late.get(roots[Key(one.strand)]) if one.strand is not None else None
            if found is not None:
                why = _IS_LATE if found.status == "broken" else _MAY_BE_LATE
                said[one.id] = Hold(until=now + ASK_AGAIN, reason=why % {"order": found.order_id[:40]})
    return said


def _still_true(conn: Connection, messages: Sequence[Outgoing], now: int) -> Mapping[str, Verdict]:
    """Drop a notice about a promise that is no longer in danger, or another one by now."""
    keys = {entry: key for entry, key in keys_of(conn, messages).items() if key.startswith("promise:")}
    said: dict[str, Verdict] = {}
    for workspace in {one.workspace for one in messages if one.id in keys}:
        about = [one for one in messages if one.workspace == workspace and one.id in keys and one.strand is not None]
        rows = _of_strands(conn, workspace, {Key(one.strand) for one in about if one.strand is not None})
        true = {notice_about(row): row for row in rows}
        for one in about:
            row = true.get(keys[one.id].rpartition(":")[0])
            if row is None:
                said[one.id] = Drop(reason=noted("something else was promised meanwhile"))
            elif row.arrived_at is not None:
                said[one.id] = Drop(reason=noted("the order has arrived"))
            elif row.status not in IN_DANGER:
                said[one.id] = Drop(reason=noted("the order is on time again"))
    return said


def _of_strands(conn: Connection, workspace: WorkspaceId, strands: set[Key]) -> list[Row]:
    p = store.promises.c
    query = sa.select(*(p[name] for name in Row._fields))
    return [Row._make(row) for row in select_among(conn, query, workspace, p.strand, strands)]


def _in_danger(conn: Connection, workspace: WorkspaceId, strands: Mapping[Key, Key], now: int) -> list[Row]:
    p = store.promises.c
    query = sa.select(*(p[name] for name in Row._fields)).where(
        p.status.in_(sorted(IN_DANGER)), p.arrived_at.is_(None), p.to_at >= now - _FORGOTTEN
    )
    return [Row._make(row) for row in select_among(conn, query, workspace, p.strand, strands)]


NO_SELLING = SendRule(
    name="promises.no_selling", title="No order of theirs is late", ask=_no_selling, purposes=("marketing",)
)  # fmt: skip
STILL_TRUE = SendRule(
    name="promises.still_true", title="The notice is still true", ask=_still_true, purposes=("transactional",),
)  # fmt: skip
