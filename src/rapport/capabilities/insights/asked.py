"""Which period, and whose customers, an insight is asked for."""

from __future__ import annotations

from sqlalchemy import Connection

from rapport.kernel.clock import DAY, now_us, to_datetime
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import WorkspaceId
from rapport.measure.days import first_moment, latest_days
from rapport.measure.model import Question
from rapport.measure.periods import first_of
from rapport.measure.service import zone_of
from rapport.remember.segments.service import id_of
from rapport.web.asked import moment

__all__ = ["MOST_DAYS", "USUAL_DAYS", "between", "latest"]

USUAL_DAYS = 28
MOST_DAYS = 1_100
"""Longer periods are not read at once."""


def latest(conn: Connection, workspace: WorkspaceId, *, days: int, by: str, segment: str) -> Question:
    """The last so many days of the shop, today included, from the beginning of the first week or month on where these
    are asked for. Raises NotFound for the segment.
    """
    now, zone = now_us(), zone_of(conn, workspace)
    since = first_of(first_moment(latest_days(now, days, zone)[0], zone), by, zone)
    return Question(
        workspace=workspace, since=since, until=max(now, since), by=by, zone=zone.key,
        segment=id_of(conn, workspace, segment) if segment else None,
    )  # fmt: skip


def between(
    conn: Connection, workspace: WorkspaceId, since: str | None, until: str | None, *, by: str, segment: str,
    usual_days: int = USUAL_DAYS,
) -> Question:  # fmt: skip
    """From one time to another (not included), each ISO 8601; a date is the beginning of that day of the shop.

    Raises InvalidInput for what is no time, or for more than `MOST_DAYS`, and NotFound for the segment.
    """
    zone = zone_of(conn, workspace)

    def at(text: str, name: str) -> int:
        found = moment(text, name=name)
        return max(0, first_moment(to_datetime(found).date(), zone)) if len(text) == len("2026-11-22") else found

    end = now_us() if until is None else at(until, "until")
    start = first_of(max(0, end - usual_days * DAY), by, zone) if since is None else at(since, "since")
    if start > end:
        raise InvalidInput("`since` is after `until`", hint="the end does not belong to the period")
    if end - start > MOST_DAYS * DAY:
        raise InvalidInput(f"that are {(end - start) // DAY:,} days", hint=f"ask for at most {MOST_DAYS:,} at once")
    return Question(
        workspace=workspace, since=start, until=end, by=by, zone=zone.key,
        segment=id_of(conn, workspace, segment) if segment else None,
    )  # fmt: skip
