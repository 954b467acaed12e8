"""Numbers, spans and moments read as a person in a shop writes them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from rapport.kernel.clock import DAY, HOUR, MINUTE, SECOND, from_iso, now_us
from rapport.web import formats

UTC = ZoneInfo("UTC")
AT = from_iso("2026-07-19T22:05:06.000Z")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (formats.count(12345.4), "12,345"),
        (formats.compact(9999), "9,999"),
        (formats.compact(0.25), "0.2"),
        (formats.compact(12_345), "12.3K"),
        (formats.compact(1_500_000), "1.5M"),
        (formats.percent(0.1234), "12.3 %"),
        (formats.percent(0.5, digits=0), "50 %"),
        (formats.percent(None), "–"),
        (formats.size_text(999), "999 byte"),
        (formats.size_text(1_500), "1.5 kB"),
        (formats.size_text(250_000_000), "250 MB"),
        (formats.duration(999_000), "999 ms"),
        (formats.duration(30 * SECOND), "30 secs"),
        (formats.duration(3 * MINUTE), "3 mins"),
        (formats.duration(-2 * HOUR), "2 hrs"),
        (formats.duration(3 * DAY), "3 days"),
        (formats.date_words(AT), "19 Jul 2026"),
        (formats.date_words(AT, ZoneInfo("Europe/Berlin"), year=False), "20 Jul"),
        (formats.time_words(AT, ZoneInfo("Europe/Berlin")), "00:05"),
        (formats.day_of(AT, ZoneInfo("Europe/Berlin")), "2026-07-20"),
        (formats.day(AT, UTC), "Sunday, 19 July 2026"),
    ],
)
def test_a_number_or_a_day_reads_so(made: str, words: str) -> None:
    assert made == words


def test_a_moment_says_how_long_ago_and_exactly_when() -> None:
    assert ">just now</time>" in formats.moment(now_us(), UTC)
    assert ">3 min ago</time>" in formats.moment(now_us() - 3 * MINUTE - SECOND, UTC)
    assert ">in 2 hr</time>" in formats.moment(now_us() + 2 * HOUR + SECOND, UTC)
    shown = formats.moment(AT, ZoneInfo("Europe/Berlin"), "datetime")
    assert ">20 Jul 2026, 00:05</time>" in shown
    assert 'title="Monday, 20 July 2026, 00:05:06 CEST"' in shown
    assert "never" in formats.moment(None, UTC)
