"""Amounts and currencies of every country: read where they can mean one thing, never guessed."""

import pytest
from babel import Locale
from babel.numbers import get_currency_precision, is_currency, list_currencies
from iso4217 import Currency

from rapport.kernel.currencies import _NAMES, _SHARED, may_mean
from rapport.kernel.money import currency_code, exponent, format_minor, to_minor, why_unread

READ: list[tuple[object, str, int]] = [
    ("1,234.50", "EUR", 123450), ("1.234,50", "EUR", 123450), ("1 234,50", "EUR", 123450),
    ("1\xa0234,50", "EUR", 123450), ("1\u202f234,50", "EUR", 123450), ("1'234.50", "CHF", 123450),
    ("1’234.50", "CHF", 123450), ("12,34,567.8", "INR", 123456780), ("1.234.567", "EUR", 123456700),
    ("1 234", "EUR", 123400), ("$24.00", "USD", 2400), ("$24.00", "CAD", 2400), ("24.90 EUR", "EUR", 2490),
    ("EUR 24,90", "EUR", 2490), ("eur24,90", "EUR", 2490), ("24,90 €", "EUR", 2490), ("US$ 24 USD", "USD", 2400),
    ("Rs.500", "INR", 50000), ("24 kr.", "SEK", 2400), ("R$ 1.234,50", "BRL", 123450), ("1 234,50 zł", "PLN", 123450),
    ("\u200f1,234.50\xa0د.ك", "KWD", 1234500), ("+24.90", "EUR", 2490), ("-5", "EUR", -500), ("−5", "EUR", -500),
    ("5.00-", "EUR", -500), ("(5.00)", "EUR", -500), ("-$5", "USD", -500), ("$-5", "USD", -500), ("($5)", "USD", -500),
    ("19,00", "EUR", 1900), ("19,-", "EUR", 1900), ("CHF 12.–", "CHF", 1200), ("1.234,-", "EUR", 123400),
    (".5", "EUR", 50), ("5.", "EUR", 500), ("$.50", "USD", 50), ("0,123", "EUR", 12), ("1234.567", "EUR", 123457),
    ("12.3450", "EUR", 1235), ("١٢٫٥٠", "EUR", 1250), ("١٬٢٣٤٫٥٠", "EGP", 123450), ("१२.५", "INR", 1250),
    ("１２．５０", "EUR", 1250), ("￥１，２３４", "JPY", 1234), (" 7 ", "JPY", 7), ("1,234", "JPY", 1234),
    ("1.234", "VND", 1234), ("1.234", "KWD", 1234), ("1.234,5", "KWD", 1234500), (12.345, "EUR", 1235), (0, "EUR", 0),
    (-0.0, "EUR", 0), (1e-300, "EUR", 0),
]  # fmt: skip

UNREAD: list[tuple[object, str, str]] = [
    ("1,234", "EUR", "could be 1234 or 1.234"), ("1.234", "EUR", "could be 1234 or 1.234"),
    ("$1,234", "USD", "could be 1234 or 1.234"), ("1,234", "KWD", "could be 1234 or 1.234"),
    ("$24", "EUR", "is not in EUR"), ("24 USD", "EUR", "is not in EUR"), ("24%", "EUR", "is not in EUR"),
    ("24 pcs", "EUR", "is not in EUR"), ("12 34", "EUR", "is no number"), ("1,23,4", "EUR", "is no number"),
    ("1.234.56", "EUR", "is no number"), ("0,123,456", "EUR", "is no number"), ("1,234 567.8", "EUR", "is no number"),
    ("1.234,567.8", "EUR", "is no number"), ("2026-11-20", "EUR", "is no number"), ("10:30", "EUR", "is no number"),
    ("--5", "EUR", "is no number"), ("(-5)", "EUR", "is no number"), ("(5", "EUR", "is no number"),
    ("5-3", "EUR", "is no number"), ("", "EUR", "is no number"), ("€", "EUR", "is no number"),
    ("free", "EUR", "is no number"), ("1e5", "EUR", "is no number"), ("NaN", "EUR", "is no number"),
    ("1_000", "EUR", "is no number"), ("0x10", "EUR", "is no number"), ("10²", "EUR", "is not in EUR"),
    ("9" * 18, "EUR", "is larger than any amount"), ("9" * 41, "EUR", "is too long for a number"),
    (1e30, "EUR", "is larger than any amount"), (10**400, "EUR", "is larger than any amount"),
    (float("nan"), "EUR", "is no number"), (float("inf"), "EUR", "is no number"), (True, "EUR", "is no amount"),
    (None, "EUR", "is no amount"), ([1], "EUR", "is no amount"), ({"amount": 1}, "EUR", "is no amount"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "currency", "minor"), READ, ids=repr)
def test_an_amount_is_read_as_its_writer_meant_it(given: object, currency: str, minor: int) -> None:
    assert to_minor(given, currency) == minor


@pytest.mark.parametrize(("given", "currency", "reason"), UNREAD, ids=lambda value: repr(value)[:20])
def test_what_can_mean_two_amounts_or_none_stays_unread_and_says_why(given: object, currency: str, reason: str) -> None:
    assert (to_minor(given, currency), why_unread(given, currency)) == (None, reason)


def test_decimals_are_those_of_iso_4217() -> None:
    assert [each.code for each in Currency if currency_code(each.code) != each.code] == []
    assert {each.code: exponent(each.code) for each in Currency if each.exponent is not None} == {
        each.code: each.exponent for each in Currency if each.exponent is not None
    }


def test_a_currency_that_iso_withdrew_has_the_decimals_of_cldr() -> None:
    withdrawn = list_currencies() - {each.code for each in Currency}
    assert {code: exponent(code) for code in withdrawn} == {code: get_currency_precision(code) for code in withdrawn}


def test_nothing_of_an_amount_is_hidden_where_people_write_no_decimals() -> None:
    assert format_minor(129950, "RSD", locale="sr") == "1.299,50\xa0RSD"
    assert format_minor(129900, "RSD", locale="sr") == "1.299\xa0RSD"
    assert format_minor(1234, "IQD") == "IQD1.234"


@pytest.mark.parametrize(
    ("given", "code"),
    [("eur", "EUR"), (" Eur ", "EUR"), ("€", "EUR"), ("EURO", "EUR"), ("£", "GBP"), ("RMB", "CNY"), ("US$", "USD"),
     ("A$", "AUD"), ("CA$", "CAD"), ("₹", "INR"), ("zł", "PLN"), ("ZŁ", "PLN"), ("₺", "TRY"), ("₩", "KRW"),
     ("฿", "THB"), ("Rp", "IDR"), ("R$", "BRL"), ("Kč", "CZK"), ("RUR", "RUB"), ("DEM", "DEM"), ("XXX", "XXX")],
)  # fmt: skip
def test_a_currency_is_read_from_its_code_in_any_case_and_from_what_means_it_alone(given: object, code: str) -> None:
    assert currency_code(given) == code


@pytest.mark.parametrize("given", ["$", "kr", "¥", "Rs", "POINTS", "BTC", "EU", "", " ", "E\0R", 978, None, ["EUR"]])
def test_what_may_be_several_currencies_or_none_is_no_currency(given: object) -> None:
    assert currency_code(given) is None


AT_HOME = (
    "de_DE:EUR en_GB:GBP en_US:USD en_AU:AUD en_CA:CAD en_NZ:NZD en_SG:SGD en_HK:HKD en_NG:NGN en_GH:GHS en_IN:INR "
    "zh_CN:CNY zh_TW:TWD zh_HK:HKD ja_JP:JPY ko_KR:KRW tr_TR:TRY ru_RU:RUB uk_UA:UAH he_IL:ILS th_TH:THB vi_VN:VND "
    "fil_PH:PHP es_CR:CRC es_PY:PYG es_MX:MXN es_PE:PEN es_AR:ARS kk_KZ:KZT ka_GE:GEL lo_LA:LAK km_KH:KHR bn_BD:BDT "
    "hy_AM:AMD pl_PL:PLN cs_CZ:CZK hu_HU:HUF id_ID:IDR ms_MY:MYR pt_BR:BRL sv_SE:SEK da_DK:DKK nb_NO:NOK ar_AE:AED "
    "ar_EG:EGP ar_KW:KWD mn_MN:MNT az_AZ:AZN ro_RO:RON be_BY:BYN"
)


def test_every_sign_means_what_it_means_where_it_is_used() -> None:
    """CLDR's own signs of each country's currency, against ours."""
    wrong = {}
    for pair in AT_HOME.split():
        name, _, code = pair.partition(":")
        sign = Locale.parse(name).currency_symbols.get(code, code).strip("\u200f")
        if not may_mean(sign, code):
            wrong[pair] = sign
    assert wrong == {}


def test_no_name_stands_for_two_things() -> None:
    assert all(is_currency(code) for code in _NAMES.values())
    assert all(is_currency(code) for codes in _SHARED.values() for code in codes)
    assert [name for name in (*_NAMES, *_SHARED) if len(name) == 3 and is_currency(name.upper())] == ["rur"]
