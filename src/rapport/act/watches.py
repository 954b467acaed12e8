"""What Home warns of while acting: webhooks whose messages do not arrive, or that were switched off for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.store import destinations, webhooks
from rapport.act.webhooks import CHANNEL, FAILING_FROM, SWITCHED_OFF_BY_HAND, host_of
from rapport.kernel.ids import WorkspaceId
from rapport.web.alarms import Alarm, Watch

__all__ = ["WATCHES"]


def _webhooks(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    w, d = webhooks.c, destinations.c
    failures = sa.func.coalesce(d.failures, 0)
    its = (d.workspace == w.workspace) & (d.channel == CHANNEL) & (d.destination == w.id)
    failing = w.enabled & (failures >= FAILING_FROM)
    ended = sa.not_(w.enabled) & w.disabled_reason.not_in(["", SWITCHED_OFF_BY_HAND])
    query = (
        sa.select(w.id, w.url, w.enabled, w.disabled_reason, failures.label("failures"))
        .select_from(webhooks.outerjoin(destinations, its))
        .where(w.workspace == workspace, failing | ended)
        .order_by(w.id)
        .limit(5)
    )
    return [_alarm(row) for row in conn.execute(query)]


def _alarm(row: Any) -> Alarm:
    host, path = host_of(row.url), f"/console/webhooks/{row.id}"
    if not row.enabled:
        return Alarm(
            what=f"The webhook to {host} was switched off: {row.disabled_reason}", path=path,
            to_do="Ask whoever runs the address, then switch it on again.",
        )  # fmt: skip
    return Alarm(
        what=f"The webhook to {host} has failed {row.failures} times in a row", path=path,
        to_do="See what it answers. What waits for it is tried again for five days.",
    )  # fmt: skip


WATCHES = (Watch(name="act.webhooks", permission="webhooks:read", read=_webhooks),)
