"""Times of journeys over every change of the clock."""

from __future__ import annotations

from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.capabilities.journeys.clocks import after_span, at_local_hour
from rapport.kernel.clock import DAY, HOUR, from_iso, to_datetime, to_iso

ZONES = sorted(available_timezones() & {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata",
                                        "Pacific/Apia", "UTC", "Asia/Kathmandu"})  # fmt: skip


@pytest.mark.parametrize(
    ("at", "hour", "zone", "then"),
    [
        ("2026-03-29T00:00", "02:30", "Europe/Berlin", "2026-03-29T01:00"),  # the hour is left out: where it ends
        ("2026-10-24T22:30", "02:30", "Europe/Berlin", "2026-10-25T00:30"),  # it is there twice: the first
        ("2026-10-25T01:30", "02:30", "Europe/Berlin", "2026-10-26T01:30"),  # and not the second of them again
        ("2026-10-03T00:00", "02:15", "Australia/Lord_Howe", "2026-10-03T15:30"),  # a gap of half an hour
        ("2026-06-01T00:00", "09:00", "Asia/Kolkata", "2026-06-01T03:30"),
        ("2028-02-28T12:00", "09:00", "UTC", "2028-02-29T09:00"),
    ],
)
def test_an_hour_of_the_clock_comes_once_a_day(at: str, hour: str, zone: str, then: str) -> None:
    assert to_iso(at_local_hour(from_iso(at), hour, ZoneInfo(zone)))[:16] == then


@pytest.mark.parametrize(
    ("at", "span", "zone", "then"),
    [
        ("2026-10-24T08:00", "1d", "Europe/Berlin", "2026-10-25T09:00"),  # 25 hours later, at the same hour there
        ("2026-10-24T08:00", "24h", "Europe/Berlin", "2026-10-25T08:00"),
        ("2026-03-28T01:30", "1d", "Europe/Berlin", "2026-03-29T01:00"),
        ("2028-02-28T08:00", "1d", "UTC", "2028-02-29T08:00"),
        ("2027-02-28T08:00", "1w", "America/New_York", "2027-03-07T08:00"),
        ("2027-03-13T08:00", "1w", "America/New_York", "2027-03-20T07:00"),
    ],
)
def test_days_are_the_calendars_and_hours_are_exact(at: str, span: str, zone: str, then: str) -> None:
    assert to_iso(after_span(from_iso(at), span, ZoneInfo(zone)))[:16] == then


@given(st.integers(from_iso("2000-01-01"), from_iso("2037-01-01")), st.sampled_from(ZONES), st.integers(0, 23))
def test_the_next_such_hour_is_soon_and_looking_again_from_there_stays(at: int, zone: str, hour: int) -> None:
    found = at_local_hour(at, f"{hour:02}:00", ZoneInfo(zone))
    assert at <= found <= at + 2 * DAY + HOUR
    assert at_local_hour(found, f"{hour:02}:00", ZoneInfo(zone)) == found


@given(st.integers(from_iso("2000-01-01"), from_iso("2037-01-01")), st.sampled_from(ZONES), st.integers(1, 60))
def test_a_span_of_days_ends_at_the_same_hour_or_where_a_gap_ends(at: int, zone: str, days: int) -> None:
    there = ZoneInfo(zone)
    before, after = (to_datetime(one).astimezone(there) for one in (at, after_span(at, f"{days}d", there)))
    assert after.timestamp() > before.timestamp()
    assert after.time() >= before.time() or after.date() > before.date()
