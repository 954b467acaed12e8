"""Countries however they are written, as ISO 3166-1 alpha-2 codes: codes of all kinds, names in many tongues.

Names are CLDR's through Babel, read once when the first that is no code comes. A name that means two countries in two
languages is not read: better none than a wrong one.
"""

from __future__ import annotations

import pickle
import re
import unicodedata
from functools import lru_cache
from pathlib import Path

from babel import localedata
from babel.core import get_global

__all__ = ["country_code"]

_WITH_ITS_CODE = re.compile(r"(.{3,})\s*[(\[-]\s*([A-Z]{2,3})\s*[)\]]?", re.DOTALL)
"""`Germany (DE)`, `Germany - DE`."""

LONGEST = 100
"""Characters of a country's name."""

_LANGUAGES = """
    en de fr es it nl pt pl cs sk sl hr sr sq bg ro hu el tr ru uk lt lv et fi sv da nb is ga cy mt ca eu
    he ar fa hi th vi id ms zh zh_Hant ja ko
"""

_NO_COUNTRY = frozenset(("EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"))
_OF_OLD = frozenset(("UK", "DD", "BU", "ZR", "TP", "FX"))
"""Codes of two letters that were; the others are American states to whoever writes them."""
_TWO_COUNTRIES = ("congo", "korea", "virgin islands")

_ALSO = {
    "GB": "uk; u.k.; great britain; britain; england; scotland; wales; northern ireland; "
    "united kingdom of great britain and northern ireland",
    "US": "usa; u.s.; u.s.a.; united states of america; estados unidos de america; etats unis d amerique; "
    "vereinigte staaten von amerika; stati uniti d america",
    "NL": "holland; the netherlands; netherlands (kingdom of the)", "GR": "hellas", "CZ": "czech republic",
    "DE": "federal republic of germany; bundesrepublik deutschland; brd", "FR": "france metropolitaine",
    "IE": "republic of ireland; eire", "CH": "swiss confederation; schweizerische eidgenossenschaft",
    "TR": "turkey", "RU": "russian federation", "KR": "republic of korea; korea republic of; korea south",
    "KP": "korea democratic people's republic of; democratic people's republic of korea",
    "CN": "people's republic of china; mainland china", "TW": "taiwan province of china; taiwan roc",
    "HK": "hong kong; hongkong", "MO": "macao; macau", "VN": "viet nam", "LA": "lao people's democratic republic",
    "IR": "iran islamic republic of; islamic republic of iran", "SY": "syrian arab republic", "AE": "uae; u.a.e.",
    "MD": "moldova republic of; republic of moldova", "MK": "macedonia; fyrom; republic of macedonia",
    "BO": "bolivia plurinational state of", "VE": "venezuela bolivarian republic of", "BN": "brunei darussalam",
    "TZ": "tanzania united republic of; united republic of tanzania", "FM": "micronesia federated states of",
    "PS": "palestine state of; state of palestine", "VA": "holy see; holy see vatican city state; vatican",
    "CD": "congo democratic republic of the; congo the democratic republic of the; democratic republic of the congo",
    "CG": "republic of the congo", "CI": "ivory coast", "CV": "cape verde", "SZ": "swaziland", "MM": "burma",
    "TL": "east timor", "BA": "bosnia", "FK": "falkland islands malvinas", "LY": "libyan arab jamahiriya",
    "GM": "the gambia", "BS": "the bahamas", "PH": "the philippines", "XK": "republic of kosovo",
    "AT": "republik osterreich; oesterreich", "TH": "ประเทศไทย; siam",
}  # fmt: skip
"""What people and other lists (ISO 3166's own English names, the EU's) write beside CLDR."""

_IN_OTHER_TONGUES = {
    "US": "ee uu; eeuu; eua; e u a; estados unidos de norteamerica; amerika serikat; verenigde staten van amerika; "
    "vsa; amerika; 미국; สหรัฐ; สหรัฐอเมริกา; 美利坚合众国; アメリカ合衆国; アメリカ",
    "GB": "grossbritannien; grande bretagne; gran bretana; gra bretanha; gran bretagna; groot brittannie; "
    "inggris raya; inggris; angleterre; inglaterra; inghilterra; engeland; schottland; ecosse; escocia; scozia; "
    "schotland; nordirland; irlande du nord; irlanda del norte; pays de galles; gales; "
    "イギリス; 英国; 영국; สหราชอาณาจักร; อังกฤษ",
    "NL": "hollande; holanda; olanda; niederlande; paises bajos; belanda", "CZ": "tschechische republik; "
    "republique tcheque; republica checa; repubblica ceca; tsjechische republiek; ceska republika; republik ceko",
    "SK": "slowakische republik; slovak republic; slovenska republika", "CN": "prc; p.r.c.; p.r. china; "
    "volksrepublik china; republique populaire de chine; 中华人民共和国; จีน; tiongkok; cina",
    "CD": "dr congo; drc; d.r. congo; congo kinshasa; rdc", "CG": "congo brazzaville",
    "KR": "s. korea; korea (south); coree du sud; corea del sur; coreia do sul; korea selatan; 한국; 韓国; 韩国; "
    "เกาหลีใต้",
    "KP": "n. korea; korea (north)", "PS": "palestine; palestina; palastina",
    "TR": "turkei; turquie; turquia; turchia; turkije; turki", "GR": "griechenland; grece; grecia; griekenland; yunani",
    "BY": "byelorussia; weissrussland; bielorrusia", "JP": "nippon; nihon; 日本国; ญี่ปุ่น; jepang", "LU": "luxemburg",
    "MX": "mejico; estados unidos mexicanos", "BR": "republica federativa do brasil", "RU": "rossiya; rusland; rusia",
    "AE": "vae; vereinigte arab. emirate; eau; emirados arabes", "SA": "k.s.a.; ksa; kingdom of saudi arabia",
    "NZ": "n.z.; aotearoa", "LK": "ceylon", "HR": "hrvatska", "IN": "bharat", "IE": "irland; ierland",
}  # fmt: skip
"""Short, old and formal names in other tongues; where CLDR has one already it says the same."""

_FORMS = ("federalrepublicof", "principalityof", "grandduchyof", "sultanateof", "republicof", "kingdomof")
"""Longest first. Before or behind a name they change nothing; `_ALSO` has those of two countries."""


def country_code(value: object) -> str | None:
    """The country's two letters, None where it is none that can be told.

    >>> [country_code(v) for v in ("de", "DEU", "Allemagne", "Côte d’Ivoire", "U.S.A.", "Congo", "Elbonia")]
    ['DE', 'DE', 'DE', 'CI', 'US', None, None]
    """
    if type(value) is not str or not 2 <= len(value) <= LONGEST:
        return None
    return _code(value)


@lru_cache(maxsize=4_096)
def _code(text: str) -> str | None:
    plain = text.strip().upper()
    if plain in _codes():
        return _codes()[plain]
    if len(plain) < 3 and plain.isascii():
        return None
    named = _WITH_ITS_CODE.fullmatch(plain)
    if named and (code := _codes().get(named[2])) is not None:
        return code if _named(named[1]) == code else None
    return _named(plain)


def _named(plain: str) -> str | None:
    names, key = _names(), _key(plain)
    if key in names or any(two in key for two in ("congo", "korea", "china")):
        return names.get(key)
    return next(
        (
            code
            for form in _FORMS
            if (short := key.removeprefix(form) if key.startswith(form) else key.removesuffix(form)) != key
            and (code := names.get(short)) is not None
        ),
        None,
    )


@lru_cache(maxsize=1)
def _codes() -> dict[str, str]:
    """All codes: two letters (Greece has others in the EU), three, three digits, and those of old for one country."""
    known = {code for code in get_global("territory_languages") if len(code) == 2 and code.isalpha()} - _NO_COUNTRY
    found = {code: code for code in known} | {"EL": "GR"}
    for code, now in get_global("territory_aliases").items():
        if len(now) == 1 and now[0] in known and (len(code) == 3 or code in _OF_OLD):
            found[code] = now[0]
    return found


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Every name that means one country, by its key."""
    found: dict[str, str | None] = {}
    for language in _LANGUAGES.split():
        for code, name in _territories(language).items():
            if code in _codes() and _codes()[code] == code:
                key = _key(name)
                found[key] = code if found.get(key, code) == code else None
    for code, names in (*_ALSO.items(), *_IN_OTHER_TONGUES.items()):
        found.update((_key(name), code) for name in names.split(";"))
    found.update((_key(name), None) for name in _TWO_COUNTRIES)
    return {key: code for key, code in found.items() if code is not None and len(key) > 1}


def _territories(language: str) -> dict[str, str]:
    """Read from Babel's own file: its `Locale` keeps a megabyte of each language for ever."""
    with Path(localedata.resolve_locale_filename(language)).open("rb") as file:
        names: dict[str, str] = pickle.load(file)["territories"]  # noqa: S301 - comes with the library
    return names


def _key(name: str) -> str:
    """The letters of a name, without accents and case."""
    plain = unicodedata.normalize("NFKD", name.casefold().replace("&", " and "))
    words = "".join(c if c.isalnum() else " " if not unicodedata.combining(c) else "" for c in plain)
    return "".join(word for word in words.split() if word not in ("and", "the"))
