from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.adapters.files.values import amount, integer, json_number, moment, whole_day_end, zone
from rapport.kernel.errors import InvalidInput
from rapport.kernel.money import to_minor

BERLIN = zone("Europe/Berlin")
SAO_PAULO = zone("America/Sao_Paulo")


@pytest.mark.parametrize("text", ["", "x", "NaN", "Infinity", "1,5", "1e400", "12 34"])
def test_what_is_no_number_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        amount(text)


@given(st.decimals(min_value=-(10**10), max_value=10**10, places=2))
def test_an_amount_reaches_minor_units_without_rounding(value: Decimal) -> None:
    """However a shop's cents travel as a JSON number, to_minor reads back the same cents."""
    assert to_minor(json_number(value), "EUR") == int(value * 100)


def test_a_fraction_is_no_whole_number() -> None:
    assert integer("17850.0") == 17850
    with pytest.raises(ValueError, match="no whole number"):
        integer("0.5")


@pytest.mark.parametrize(
    ("text", "form", "utc"),
    [
        ("2024-07-01 12:00:00", "iso", "2024-07-01T10:00:00+00:00"),
        ("2024-01-01 12:00:00", "iso", "2024-01-01T11:00:00+00:00"),
        ("2024-01-01T12:00:00-05:00", "iso", "2024-01-01T17:00:00+00:00"),
        ("2024-10-27 02:30:00", "iso", "2024-10-27T00:30:00+00:00"),
        ("01.07.2024 12:00", "%d.%m.%Y %H:%M", "2024-07-01T10:00:00+00:00"),
        ("1719828000", "unix", "2024-07-01T10:00:00+00:00"),
        ("1719828000500", "unix_ms", "2024-07-01T10:00:00.500000+00:00"),
    ],
)
def test_a_local_time_becomes_utc(text: str, form: str, utc: str) -> None:
    """Where clocks go back, the first of the two hours is meant."""
    assert moment(text, tz=BERLIN, form=form).isoformat() == utc


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01", "31.12.2024"])
def test_what_is_no_time_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="no time"):
        moment(text, tz=BERLIN)


def test_a_promise_for_a_day_ends_with_that_local_day() -> None:
    """Also on the day whose midnight the change to summer time skips."""
    assert whole_day_end("2017-08-01 00:00:00", tz=SAO_PAULO).isoformat() == "2017-08-02T02:59:59+00:00"
    assert whole_day_end("2017-10-15 00:00:00", tz=SAO_PAULO).isoformat() == "2017-10-16T01:59:59+00:00"


def test_an_unknown_zone_is_an_error_of_the_caller() -> None:
    for name in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(InvalidInput, match="time zone"):
            zone(name)
