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


@pytest.mark.parametrize(
    "text", ["", "x", "NaN", "Infinity", "1,5", "1e400", "12 34", "1_000", ".", "-", "--1", "(1", "1)", "-1-", "€5"]
)
def test_what_is_no_number_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        amount(text)


@pytest.mark.parametrize("text", ["12.50", "1234.5", ".99", "1.2.3,4", "1_000", "1.2345", "0.999", "1.234.5", "1,2,3"])
def test_thousands_stand_between_whole_groups_of_three_or_the_cell_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="is no number with the decimal sign ','"):
        amount(text, decimal=",", thousands=".")


@pytest.mark.parametrize(
    ("text", "decimal", "thousands", "number"),
    [
        ("1.234,50", ",", ".", "1234.50"), ("1234,50", ",", ".", "1234.50"), ("1.234.567", ",", ".", "1234567"),
        ("12,50", ",", "", "12.50"), ("1 234,5", ",", " ", "1234.5"), ("1\u202f234,5", ",", " ", "1234.5"),
        ("1’234.50", ".", "'", "1234.50"), ("1,234.50", ".", ",", "1234.50"), (".99", ".", "", "0.99"),
        ("5.", ".", "", "5"), ("-3.5", ".", "", "-3.5"), ("3.50-", ".", "", "-3.50"), ("(7.5)", ".", "", "-7.5"),
        ("\u22127", ".", "", "-7"), ("+7", ".", "", "7"), ("1e3", ".", "", "1000"),
    ],
)  # fmt: skip
def test_a_number_is_read_as_it_is_said_to_be_written(text: str, decimal: str, thousands: str, number: str) -> None:
    assert amount(text, decimal=decimal, thousands=thousands) == Decimal(number)


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
        ("2024-03-31 02:30:00", "iso", "2024-03-31T01:30:00+00:00"),
        ("2024-01-01 12:00:00 -0500", "iso", "2024-01-01T17:00:00+00:00"),
        ("2024-01-01 12:00:00 UTC", "iso", "2024-01-01T12:00:00+00:00"),
        ("45474.5", "excel", "2024-07-01T10:00:00+00:00"),
        ("45474.42361", "excel", "2024-07-01T08:10:00+00:00"),
        ("44012.5", "excel_1904", "2024-07-01T10:00:00+00:00"),
        ("01.07.2024 12:00", "%d.%m.%Y %H:%M", "2024-07-01T10:00:00+00:00"),
        ("1719828000", "unix", "2024-07-01T10:00:00+00:00"),
        ("1719828000500", "unix_ms", "2024-07-01T10:00:00.500000+00:00"),
    ],
)
def test_a_local_time_becomes_utc(text: str, form: str, utc: str) -> None:
    """Where clocks go back, the first of the two hours is meant; one left out counts as if they had gone on."""
    assert moment(text, tz=BERLIN, form=form).isoformat() == utc


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01", "31.12.2024"])
def test_what_is_no_time_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="no time"):
        moment(text, tz=BERLIN)


def test_a_spreadsheet_counts_a_day_that_never_was() -> None:
    """Day 59 is the 28 February 1900 and day 61 the 1 March; day 60 is no day."""
    assert [moment(day, tz=zone("UTC"), form="excel").date().isoformat() for day in ("1", "59", "61")] == [
        "1900-01-01", "1900-02-28", "1900-03-01",
    ]  # fmt: skip
    for day in ("60", "60.5", "-1", "2958466"):
        with pytest.raises(ValueError, match="no time of the form excel"):
            moment(day, tz=zone("UTC"), form="excel")


def test_a_promise_for_a_day_ends_with_that_local_day() -> None:
    """Also on the day whose midnight the change to summer time skips."""
    assert whole_day_end("2017-08-01 00:00:00", tz=SAO_PAULO).isoformat() == "2017-08-02T02:59:59+00:00"
    assert whole_day_end("2017-10-15 00:00:00", tz=SAO_PAULO).isoformat() == "2017-10-16T01:59:59+00:00"


def test_an_unknown_zone_is_an_error_of_the_caller() -> None:
    for name in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(InvalidInput, match="time zone"):
            zone(name)
