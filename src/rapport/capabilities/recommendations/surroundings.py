"""When, where and how somebody asks: part of the day, day of the week, device, referrer, place and weather. Pure.

Read by one function from what a fact says while a shop's visits are learnt from, and from a decision's context while
it is answered; so what serves sees what was learnt. What nobody said is an empty text, and speaks for nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

from rapport.capabilities.recommendations.skies import DEVICES, WEATHERS
from rapport.kernel.clock import DAY
from rapport.kernel.facts import Fact
from rapport.remember import inputs
from rapport.remember.inputs import ReadingSettings

__all__ = [
    "FACETS", "NOWHERE", "WEEK", "Moment", "Surroundings", "counted", "moments_of", "said_by", "surroundings_of",
]  # fmt: skip

_LONGEST = 40
_SEARCH = frozenset(
    {"google", "bing", "duckduckgo", "yahoo", "ecosia", "baidu", "yandex", "qwant", "startpage", "naver"}
)
_SOCIAL = frozenset(
    {"facebook", "instagram", "tiktok", "pinterest", "youtube", "twitter", "x", "t", "reddit", "linkedin", "line"}
)
_DEVICES = {"phone": "mobile", "smartphone": "mobile", "ios": "mobile", "android": "mobile"}
_DAYPARTS = ("night", "morning", "afternoon", "evening")
_WEATHER = ("weather", "weather.condition", "weather.is", "weather.main", "weather.summary")
_DEGREES = ("weather.temperature", "weather.temperature_c", "weather.temp_c", "temperature")


class Surroundings(NamedTuple):
    """Each a word, empty where nobody said."""

    daypart: str = ""
    """Six hours each, in the visitor's own time where it is said, else the shop's."""
    weekday: str = ""
    """`0` is Monday."""
    device: str = ""
    referrer: str = ""
    """`search`, `social`, `mail`, `other`."""
    place: str = ""
    """The location that was chosen."""
    weather: str = ""
    """As the shop calls it; else by its temperature in Celsius, in steps of ten degrees."""


FACETS = Surroundings._fields
NOWHERE = Surroundings()
WEEK = 7 * DAY


class Moment(NamedTuple):
    """One of the moments that somebody is in."""

    key: str
    kind: str
    """`store_time`, `store`, `weather`, `time`, `device`: what words say of it."""
    weight: float


def moments_of(around: Surroundings) -> list[Moment]:
    """The moments that surroundings are, the narrowest first.

    >>> [one.key for one in moments_of(Surroundings(daypart="evening", place="oxford", device="mobile"))]
    ['time evening at oxford', 'at oxford', 'time evening', 'on mobile']
    """
    found = []
    if around.place:
        found += [
            Moment(f"time {around.daypart} at {around.place}", "store_time", 1.0),
            Moment(f"at {around.place}", "store", 0.6),
        ]
    if around.weather:
        found.append(Moment(f"in {around.weather}", "weather", 0.5))
    if around.daypart:
        found.append(Moment(f"time {around.daypart}", "time", 0.4))
    if around.device:
        found.append(Moment(f"on {around.device}", "device", 0.2))
    return found


def surroundings_of(at: int, zone: tzinfo, said: Mapping[str, Any]) -> Surroundings:
    """The surroundings at a moment (microseconds) by what a decision's context says.

    >>> from datetime import UTC
    >>> surroundings_of(0, UTC, {"device": "Phone", "referrer": "https://www.google.de/", "weather": "Rain"})
    Surroundings(daypart='night', weekday='3', device='mobile', referrer='search', place='', weather='rain')
    >>> surroundings_of(0, UTC, {"local_time": "19:30", "weather.temperature": 31.5, "location": "oxford"})
    Surroundings(daypart='evening', weekday='3', device='', referrer='', place='oxford', weather='30 degrees')
    """
    moment = datetime.fromtimestamp(at // 1_000_000, tz=zone)
    daypart, weekday = _local(said.get("local_time"), moment)
    device = _word(said.get("device") or said.get("device.type"))
    return Surroundings(
        daypart=daypart, weekday=weekday, device=_DEVICES.get(device, device),
        referrer=_referrer(said.get("referrer")), place=_word(said.get("location")), weather=_weather(said),
    )  # fmt: skip


def counted(around: Surroundings, places: Collection[str]) -> Surroundings:
    """What of these surroundings is counted for the whole shop: anybody may say anything in a browser, so places are
    those that are known (`places`, as the shop names them), weathers and devices those of a list.

    >>> counted(Surroundings(place="oxford", weather="rain of frogs", device="mobile"), {"Oxford"})
    Surroundings(daypart='', weekday='', device='mobile', referrer='', place='oxford', weather='')
    """
    return around._replace(
        place=around.place if around.place in {_word(one) for one in places} else "",
        weather=around.weather if around.weather in WEATHERS else "",
        device=around.device if around.device in DEVICES else "",
    )


def said_by(fact: Fact, settings: ReadingSettings) -> dict[str, Any]:
    """What a visitor's fact says of its surroundings, as a decision's context would."""
    page = fact.context.get("page")
    return {
        "device": inputs.device(fact, settings) or "",
        "referrer": page.get("referrer") if isinstance(page, dict) else None,
        "location": fact.properties.get("location_id"),
        **_weather_said(fact.context.get("weather")),
    }


def _weather_said(said: object) -> dict[str, Any]:
    """Of a page that tells it, as a word or as `{condition, temperature}`."""
    if isinstance(said, dict):
        return {f"weather.{name}": value for name, value in list(said.items())[:10]}
    return {} if said is None else {"weather": said}


def _local(said: object, moment: datetime) -> tuple[str, str]:
    hour, weekday = moment.hour, moment.weekday()
    if isinstance(said, str) and said[:40].strip():
        text = said[:40].strip()
        try:
            stated = datetime.fromisoformat(text if "-" in text[:8] else f"{moment.date().isoformat()}T{text}")
            hour, weekday = stated.hour, stated.weekday()
        except ValueError:
            pass
    return _DAYPARTS[hour // 6], str(weekday)


def _referrer(said: object) -> str:
    if not isinstance(said, str) or "//" not in said[:20]:
        return ""
    host = said.split("//", 1)[1].split("/", 1)[0].split("@")[-1].split(":")[0].lower()[:200]
    names = set(host.split("."))
    if names & {"mail", "webmail", "outlook"}:
        return "mail"
    if names & _SEARCH:
        return "search"
    return "social" if names & _SOCIAL else "other" if host else ""


def _weather(said: Mapping[str, Any]) -> str:
    for name in _WEATHER:
        if word := _word(said.get(name)):
            return word
    for name in _DEGREES:
        degrees = said.get(name)
        if isinstance(degrees, int | float) and not isinstance(degrees, bool) and -90 <= degrees <= 60:
            return f"{int(degrees // 10) * 10} degrees"
    return ""


def _word(said: object) -> str:
    if isinstance(said, bool) or not isinstance(said, str | int):
        return ""
    return str(said).strip().lower()[:_LONGEST]
