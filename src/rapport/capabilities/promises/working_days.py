"""When an order leaves, and when it must have left: cut-offs by weekday, in the warehouse's own clock. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from rapport.capabilities.promises.windows import Window, day_of, window_of_days
from rapport.kernel.clock import SECOND, to_datetime

__all__ = ["WEEKDAYS", "Calendar"]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LOOK = 60
"""Days that are looked through before a warehouse counts as closed for good."""


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """When a warehouse hands over, and how long goods are on their way."""

    zone: ZoneInfo
    cut_offs: Mapping[str, str]
    """By weekday (`mon` …): until when an order leaves the same day, `17:00`; on a day that is missing nothing does."""
    holidays: Collection[str] = ()
    """Dates on which nothing moves, `2026-12-25`."""
    transit_days: int = 2
    """Working days from the hand-over until it is there."""

    def leaves_on(self, placed_at: int) -> date | None:
        """The day on which an order placed at this moment leaves; None where the warehouse never hands over."""
        local = to_datetime(placed_at).astimezone(self.zone)
        for ahead in range(_LOOK):
            day = local.date() + timedelta(days=ahead)
            cut_off = self._cut_off(day)
            if cut_off is not None and (ahead or local.time() <= cut_off):
                return day
        return None

    def window(self, placed_at: int, destination: ZoneInfo) -> Window | None:
        """The day on which it is there, by this calendar: a whole day at the destination."""
        left = self.leaves_on(placed_at)
        if left is None:
            return None
        day, to_go = left, self.transit_days
        while to_go > 0:
            day += timedelta(days=1)
            to_go -= self._moves(day)
        return window_of_days(None, day, destination)

    def hand_over_by(self, to_at: int, destination: ZoneInfo) -> int:
        """The last moment at which it may leave and still be there in time: the cut-off of that day."""
        day, to_go = day_of(to_at, destination), self.transit_days
        for _ in range(_LOOK * 2):
            cut_off = self._cut_off(day)
            if to_go <= 0 and cut_off is not None:
                return int(datetime.combine(day, cut_off, tzinfo=self.zone).timestamp()) * SECOND
            to_go -= self._moves(day)
            day -= timedelta(days=1)
        return to_at

    def _moves(self, day: date) -> bool:
        """Whether carriers move on a day: not on Sundays and holidays."""
        return day.weekday() != 6 and day.isoformat() not in self.holidays

    def _cut_off(self, day: date) -> time | None:
        text = self.cut_offs.get(WEEKDAYS[day.weekday()], "")
        return time.fromisoformat(text) if text and day.isoformat() not in self.holidays else None
