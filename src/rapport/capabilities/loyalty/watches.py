"""What Home warns of: fees that were taken for nothing, benefits that nobody pays for, cards nobody can sign."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.fees import AFTER_END, AHEAD, BACK, number_open
from rapport.kernel.clock import DAY, to_iso
from rapport.kernel.ids import WorkspaceId
from rapport.web.alarms import Alarm, Watch

__all__ = ["WATCHES"]

SOON = 30 * DAY
_PATH = "/console/loyalty#fees-title"


def _fees(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    """One alarm for money of members that is not the shop's, one for benefits without a fee."""
    of = number_open(conn, workspace, now=now)
    taken, back = of.get(AFTER_END, 0) + of.get(AHEAD, 0), of.get(BACK, 0)
    found = []
    if taken:
        found.append(Alarm(
            what=f"Members paid {taken:,} fees for nothing: after the end of their membership, or twice for one period",
            to_do="Give the money back where you take it, then say so here.", path=_PATH, name="taken",
        ))  # fmt: skip
    if back:
        found.append(Alarm(
            what=f"{back:,} memberships go on although their fee went back",
            to_do="Ask for the fee anew, or end the membership.", path=_PATH, name="back", tone="amber",
        ))  # fmt: skip
    return found


def _passes(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    """Cards that cannot be signed any more, or soon."""
    return [
        Alarm(
            what=f"The certificate of the cards for Apple Wallet {'ran' if one.expires_at <= now else 'runs'} out on "
            f"{to_iso(one.expires_at)[:10]}",
            to_do="Renew it with Apple and set it anew.", path="/console/loyalty/passes", name=one.wallet,
            tone="red" if one.expires_at <= now else "amber",
        )
        for one in conn.execute(
            sa.select(store.pass_keys.c.wallet, store.pass_keys.c.expires_at).where(
                store.pass_keys.c.workspace == workspace, store.pass_keys.c.expires_at > 0,
                store.pass_keys.c.expires_at <= now + SOON,
            )
        )
    ]  # fmt: skip


WATCHES = (
    Watch(name="loyalty.fees", permission="loyalty:read", read=_fees),
    Watch(name="loyalty.passes", permission="loyalty:read", read=_passes),
)
