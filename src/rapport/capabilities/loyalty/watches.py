"""What Home warns of: fees that were taken for nothing, and benefits that nobody pays for."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from rapport.capabilities.loyalty.fees import AFTER_END, AHEAD, BACK, number_open
from rapport.kernel.ids import WorkspaceId
from rapport.web.alarms import Alarm, Watch

__all__ = ["WATCHES"]

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


WATCHES = (Watch(name="loyalty.fees", permission="loyalty:read", read=_fees),)
