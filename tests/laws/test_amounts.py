"""Laws of reading amounts: what any country's people write is read back as it was meant, or not at all."""

from babel import Locale
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from iso4217 import Currency

from rapport.kernel.money import MAX_MINOR, exponent, format_minor, to_minor, why_unread

_LOCALES = (
    "ar de de_AT de_CH en en_IN en_ZA es es_CL es_MX et fa fr fr_CA fr_CH gsw he hi hu id it ja ko lv nb nl pl pt "
    "pt_BR ro ru sl sr sv tr uk vi zh zu"
)
LOCALES = _LOCALES.split()
CURRENCIES = sorted(each.code for each in Currency if each.exponent is not None)
"""All of ISO 4217 that have minor units."""

minors = st.integers(-(10**11), 10**11)
currencies = st.sampled_from(CURRENCIES)
locales = st.sampled_from(LOCALES)


def unread(text: str, currency: str) -> str:
    return why_unread(text, currency) if to_minor(text, currency) is None else ""


@given(minors, currencies, locales)
@settings(max_examples=400)
def test_an_amount_written_in_any_language_is_never_read_as_another(minor: int, currency: str, locale: str) -> None:
    assert to_minor(format_minor(minor, currency, locale=locale), currency) in (minor, None)


@given(minors, currencies, locales)
@settings(max_examples=400)
def test_an_amount_written_with_its_code_is_read_unless_its_only_mark_can_mean_two_things(
    minor: int, currency: str, locale: str
) -> None:
    sign = Locale.parse(locale).currency_symbols.get(currency, currency)
    text = format_minor(minor, currency, locale=locale).replace(sign, f" {currency} ")
    read = to_minor(text, currency)
    assert read == minor or unread(text, currency).startswith("could be ")


@given(minors, currencies)
@example(-123456789, "CLF")
def test_an_amount_written_by_a_program_is_read_as_the_number_it_is(minor: int, currency: str) -> None:
    decimals = exponent(currency)
    digits = f"{abs(minor):0{decimals + 1}d}"
    text = ("-" if minor < 0 else "") + (f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits)
    assert to_minor(text, currency) == minor


@given(st.one_of(st.text(max_size=45), st.text("0123456789.,' -+()€$EUR\xa0٫", max_size=14), st.floats(), st.integers(),
                 st.none(), st.booleans(), st.lists(st.integers())), currencies)  # fmt: skip
@settings(max_examples=500)
def test_whatever_comes_is_an_amount_within_belief_or_unread_with_a_reason(value: object, currency: str) -> None:
    minor = to_minor(value, currency)
    assert why_unread(value, currency) if minor is None else -MAX_MINOR <= minor <= MAX_MINOR


@given(st.text("0123456789., ", min_size=1, max_size=12), currencies)
@settings(max_examples=500)
def test_digits_are_never_lost_nor_moved(text: str, currency: str) -> None:
    minor = to_minor(text, currency)
    assume(minor)
    digits = "".join(filter(str.isdigit, text)).strip("0")
    rounded = len(text.rstrip().rpartition("." if "." in text else ",")[2]) > exponent(currency)
    assert rounded or str(minor).strip("0") == digits
