"""What Home warns of while measuring: clicks that cannot be right, before a month of numbers rests on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from rapport.kernel.clock import DAY
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.language import gettext
from rapport.measure.clicks import Clicks, clicks_since
from rapport.web.alarms import Alarm, Watch
from rapport.web.formats import count

__all__ = ["WATCHES"]

LOOKED_BACK = 7 * DAY
ENOUGH = 50
"""Clicks of one placement before anything is said: of fewer, all may well be on the first product."""

STRAY = 0.1
"""A larger share of clicks that fit no decision is a fault of whoever sends them."""

_PATH = "/console/decisions"


def _clicks(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    found = clicks_since(conn, workspace, now - LOOKED_BACK)
    return [*_strays(found), *_one_place(found)]


def _strays(found: Iterable[Clicks]) -> Iterable[Alarm]:
    strays = sum(one.clicks for one in found if one.stray)
    total = sum(one.clicks for one in found)
    if total < ENOUGH or strays <= STRAY * total:
        return
    yield Alarm(
        what=gettext(
            "%(strays)s of %(clicks)s clicks of the last week name a decision that was never made, or a product that"
            " it did not show",
            strays=count(strays), clicks=count(total),
        ),
        to_do=gettext("They count nowhere. Send decision_id and product_id with each click as the answer gave them."),
        path=_PATH, name="strays", tone="amber",
    )  # fmt: skip


def _one_place(found: Iterable[Clicks]) -> Iterable[Alarm]:
    by_placement: dict[str, dict[int, int]] = {}
    for one in found:
        if not one.stray and one.place:
            by_placement.setdefault(one.placement, {})[one.place] = one.clicks
    for placement, clicks in by_placement.items():
        if len(clicks) == 1 and sum(clicks.values()) >= ENOUGH:
            [(place, number)] = clicks.items()
            yield Alarm(
                what=gettext(
                    "All %(clicks)s clicks on “%(placement)s” of the last week are on place %(place)s",
                    clicks=count(number), placement=placement, place=place,
                ),
                to_do=gettext("Nobody clicks so: send with each click the position that the product was shown at."),
                path=_PATH, name=f"place {placement}", tone="amber",
            )  # fmt: skip


WATCHES = (Watch(name="measure.clicks", permission="decisions:read", read=_clicks),)
