"""Currencies: how they are named, and how many decimals each has. Pure; amounts are read in `money.py`.

**Sources.** ISO 4217 list one (active currencies and their minor units) and, for codes that ISO withdrew and gives no
decimals any more, CLDR. The decimals are those of ISO 4217 and not those in which people write prices (CLDR shows the
Serbian dinar without any, ISO has two): what a payment provider calls a minor unit, everybody does.
"""

from __future__ import annotations

from functools import lru_cache

from babel.numbers import is_currency

__all__ = ["UNKNOWN_CURRENCY", "currency_code", "exponent", "may_mean"]

UNKNOWN_CURRENCY = "XXX"
"""ISO 4217's code for what is no currency: what is stated in points or in a currency nobody knows is kept under it."""

_LONGEST_NAME = 40

_EXPONENTS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
         "XOF", "XPF"), 0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
    # withdrawn, by CLDR
    **dict.fromkeys(
        ("ADP", "BYR", "ESP", "ITL", "LUF", "MGF", "MRO", "SLL", "STD", "TMM", "TRL", "ZMK", "ZWD"), 0
    ),
}  # fmt: skip
"""Decimals of the currencies that have not two."""

_NEW = frozenset({"XAD"})
"""In ISO 4217 and not yet in CLDR."""

_NAMES = {
    "€": "EUR", "euro": "EUR", "euros": "EUR",
    "us$": "USD", "u$s": "USD", "usd$": "USD", "us dollar": "USD", "us dollars": "USD",
    "£": "GBP", "gb£": "GBP", "stg": "GBP", "pound sterling": "GBP", "pounds sterling": "GBP",
    "jp¥": "JPY", "円": "JPY", "yen": "JPY",
    "cn¥": "CNY", "rmb": "CNY", "yuan": "CNY", "renminbi": "CNY", "人民币": "CNY",
    "a$": "AUD", "au$": "AUD", "ca$": "CAD", "cad$": "CAD", "can$": "CAD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD",
    "sg$": "SGD", "nt$": "TWD", "ntd": "TWD", "ntd$": "TWD", "mx$": "MXN", "r$": "BRL", "reais": "BRL",
    "₹": "INR", "₩": "KRW", "원": "KRW", "₺": "TRY", "₽": "RUB", "rur": "RUB", "₴": "UAH", "грн": "UAH", "₪": "ILS",
    "nis": "ILS", "฿": "THB", "baht": "THB", "₫": "VND", "₱": "PHP", "₦": "NGN", "₵": "GHS", "gh₵": "GHS", "₡": "CRC",
    "₲": "PYG", "gs": "PYG", "₸": "KZT", "₾": "GEL", "₼": "AZN", "₮": "MNT", "₭": "LAK", "៛": "KHR", "৳": "BDT",
    "֏": "AMD", "zł": "PLN", "zl": "PLN", "złoty": "PLN", "zloty": "PLN", "kč": "CZK", "ft": "HUF", "rp": "IDR",
    "rupiah": "IDR", "rm": "MYR", "ringgit": "MYR", "s/": "PEN", "лв": "BGN", "sfr": "CHF", "tl": "TRY",
    "د.إ": "AED", "ر.س": "SAR", "د.ك": "KWD", "kd": "KWD", "د.ب": "BHD", "ر.ق": "QAR", "ر.ع": "OMR", "ج.م": "EGP",
}  # fmt: skip
"""Signs and names that mean one currency. `rur`, withdrawn in 1998, is what Russian shops still call the rouble."""

_DOLLARS = (
    "USD", "AUD", "CAD", "NZD", "HKD", "SGD", "TWD", "MXN", "ARS", "CLP", "COP", "UYU", "BSD", "BBD", "BZD", "BMD",
    "BND", "KYD", "CUP", "DOP", "FJD", "GYD", "JMD", "LRD", "NAD", "XCD", "SBD", "SRD", "TTD", "ZWG",
)  # fmt: skip
_SHARED = {
    "$": _DOLLARS, "dollar": _DOLLARS, "dollars": _DOLLARS, "c$": ("CAD", "NIO"),
    "£": ("EGP", "FKP", "GIP", "LBP", "SDG", "SHP", "SSP", "SYP"), "pound": ("GBP", "EGP"), "pounds": ("GBP", "EGP"),
    "kr": ("DKK", "ISK", "NOK", "SEK"), "¥": ("CNY", "JPY"), "元": ("CNY", "HKD", "MOP", "TWD"),
    "₩": ("KPW",), "₨": ("INR", "LKR", "MUR", "NPR", "PKR", "SCR"), "rs": ("INR", "LKR", "MUR", "NPR", "PKR", "SCR"),
    "lei": ("MDL", "RON"), "fr": ("CHF",), "р": ("BYN", "RUB"), "руб": ("BYN", "RUB"), "r": ("ZAR",), "din": ("RSD",),
    "ден": ("MKD",), "br": ("BYN", "ETB"), "bs": ("BOB", "VES"), "dh": ("AED", "MAD"), "dhs": ("AED", "MAD"),
    "﷼": ("IRR", "OMR", "QAR", "SAR", "YER"), "ksh": ("KES",), "tsh": ("TZS",), "ush": ("UGX",), "b/": ("PAB",),
    "q": ("GTQ",), "l": ("HNL",), "sr": ("SAR", "SCR"), "km": ("BAM",), "lek": ("ALL",), "so'm": ("UZS",),
}  # fmt: skip
"""Signs that name no currency by themselves, and those they go with where the currency is stated beside."""


def currency_code(value: object) -> str | None:
    """The ISO 4217 code of a code in any case, or of a sign or name that means one currency; None for all else.

    Codes that ISO withdrew stay what they are: an order in German marks is no order in euros.

    >>> currency_code("eur"), currency_code("€"), currency_code("RMB"), currency_code("us$"), currency_code("DEM")
    ('EUR', 'EUR', 'CNY', 'USD', 'DEM')
    >>> currency_code("$"), currency_code("kr"), currency_code("POINTS"), currency_code(978)
    (None, None, None, None)
    """
    return _currency_code(value) if isinstance(value, str) and len(value) <= _LONGEST_NAME else None


@lru_cache(maxsize=512)
def _currency_code(text: str) -> str | None:
    name = _named(text)
    known = _NAMES.get(name)
    if known is not None:
        return known
    code = name.upper()
    if text.strip() == "GBp":
        return None  # stock exchanges' pence: a hundredth of what GBP is
    return code if len(code) == 3 and code.isascii() and (code in _NEW or is_currency(code)) else None


def may_mean(mark: str, currency: str | None) -> bool:
    """Whether what stands beside an amount (a code, a sign, a name) can mean this currency; any, where it is None.

    >>> may_mean("$", "CAD"), may_mean("Kr.", "SEK"), may_mean("$", "EUR"), may_mean("pcs", "EUR")
    (True, True, False, False)
    """
    one, several = currency_code(mark), _SHARED.get(_named(mark), ())
    return bool(one or several) if currency is None else one == currency or currency in several


def exponent(currency: str) -> int:
    """How many decimals the currency has by ISO 4217: EUR 2, JPY 0, KWD 3.

    >>> exponent("EUR"), exponent("JPY"), exponent("KWD"), exponent("RSD"), exponent(UNKNOWN_CURRENCY)
    (2, 0, 3, 2, 2)
    """
    return _EXPONENTS.get(currency, 2)


def _named(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(".").translate(_WIDE)


_WIDE = str.maketrans("＄￡￥￦", "$£¥₩")
