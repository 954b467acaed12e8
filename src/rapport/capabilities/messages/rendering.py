"""Liquid in a sandbox: texts of templates filled at sending, within one budget each, in the customer's language.

A value that is missing is never printed: guarded by `{% if %}` its block is left out, unguarded it holds the message.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache, wraps
from html.parser import HTMLParser
from typing import Any

from babel.dates import format_date
from liquid import BoundTemplate, Environment, FalsyStrictUndefined, is_undefined
from liquid.exceptions import LiquidError, UndefinedError

from rapport.kernel.errors import InvalidInput
from rapport.kernel.money import format_minor
from rapport.kernel.text import clean

__all__ = ["LONGEST_SUBJECT", "check_liquid", "fill", "fill_line", "fill_plain", "text_of"]

LONGEST_SUBJECT = 200
LONGEST_SHORT = 1_000
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_FILTER = re.compile(r"\|\s*([A-Za-z_]\w*)")


class _Sandbox(Environment):
    """Every limit is off in the library unless it is set."""

    block_nesting_limit = 20
    context_depth_limit = 20
    loop_iteration_limit = 2_000
    local_namespace_limit = 200_000
    output_stream_limit = 500_000


def fill(source: str, values: Mapping[str, Any], *, language: str) -> str:
    """HTML with the values in their places, escaped. Raises InvalidInput, which says what is missing or wrong."""
    return _fill(_parsed(source, language, escaped=True), values)


def fill_line(source: str, values: Mapping[str, Any], *, language: str) -> str:
    """One line of plain text, such as a subject: nothing in it can begin another header."""
    line = _fill(_parsed(source, language, escaped=False), values)
    return clean(re.sub("[\u00a0\u202f]", " ", line), longest=LONGEST_SUBJECT)


def fill_plain(source: str, values: Mapping[str, Any], *, language: str) -> str:
    """Plain text of some lines, such as an SMS. Raises InvalidInput, which says what is missing or wrong."""
    text = _fill(_parsed(source, language, escaped=False), values)
    lines = (clean(line, longest=LONGEST_SHORT) for line in re.sub("[\u00a0\u202f]", " ", text).splitlines())
    return "\n".join(line for line in lines if line)[:LONGEST_SHORT]


def check_liquid(source: str) -> None:
    """Raises InvalidInput naming the line of what no one can read."""
    _parsed(source, "en", escaped=True)
    known = _sandbox("en", escaped=True).filters
    for tag in _TAG.finditer(source):
        for name in _FILTER.finditer(re.sub(r"'[^']*'|\"[^\"]*\"", "''", tag.group(0))):
            if name.group(1) not in known:  # the library finds it out when it is filled, and names no line
                line = source.count("\n", 0, tag.start()) + 1
                raise InvalidInput(f"line {line}: there is no filter {name.group(1)[:60]!r}")


def _fill(template: BoundTemplate, values: Mapping[str, Any]) -> str:
    try:
        return template.render(**values)
    except UndefinedError as error:
        missing = re.search(r"'([^']{1,80})' is undefined", str(error))
        named = missing.group(1) if missing else "a value"
        raise InvalidInput(
            f"the template needs {named!r}, which nobody gave", hint="guard it with {% if … %}"
        ) from error
    except LiquidError as error:
        raise InvalidInput(f"the template went over its limits: {type(error).__name__}") from error
    except Exception as error:  # whatever a template makes of a value concerns this message alone
        raise InvalidInput(f"the template could not be filled: {type(error).__name__}") from error


@lru_cache(maxsize=512)
def _parsed(source: str, language: str, *, escaped: bool) -> BoundTemplate:
    try:
        return _sandbox(language, escaped=escaped).from_string(source)
    except LiquidError as error:
        token = getattr(error, "token", None)
        start = getattr(token, "start_index", -1)
        line = source.count("\n", 0, start) + 1 if start >= 0 else source.rstrip().count("\n") + 1
        raise InvalidInput(f"line {line}: {error.args[0] if error.args else error}"[:300]) from error
    except RecursionError as error:
        raise InvalidInput("the template is nested too deeply") from error


@lru_cache(maxsize=64)
def _sandbox(language: str, *, escaped: bool) -> _Sandbox:
    made = _Sandbox(autoescape=escaped, undefined=FalsyStrictUndefined)
    for name, found in list(made.filters.items()):
        if name != "default":  # of what is missing the library would make 0, or nothing
            made.add_filter(name, _strict(found))
    made.add_filter("money", lambda value: _money(value, language))
    made.add_filter("day", lambda value: _day(value, language))
    return made


def _strict(found: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, which of a missing value says so."""

    @wraps(found)
    def strict(value: Any, *given: Any, **named: Any) -> Any:
        if is_undefined(value):
            str(value)  # raises, with the value's name
        return found(value, *given, **named)

    return strict


def _money(value: Any, language: str) -> str:
    """`{"minor": 1230, "currency": "EUR"}` as it is written in the language."""
    if isinstance(value, Mapping) and isinstance(value.get("minor"), int) and isinstance(value.get("currency"), str):
        return format_minor(value["minor"], value["currency"], locale=language)
    raise LiquidError("money needs minor units and a currency", token=None)


def _day(value: Any, language: str) -> str:
    """An ISO date in words: Friday, 4 December."""
    try:
        found = date.fromisoformat(value) if len(str(value)) == 10 else datetime.fromisoformat(str(value)).date()
    except (TypeError, ValueError) as error:
        raise LiquidError("day needs a date such as 2026-12-04", token=None) from error
    return format_date(found, "EEEE, d MMMM" if language == "en" else "EEEE, d. MMMM", locale=language)


def text_of(markup: str) -> str:
    """The plain-text part of a mail: its words, with the addresses of its links."""
    reader = _Words()
    reader.feed(markup)
    lines = (re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(reader.parts).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


class _Words(HTMLParser):
    """Collects what is read; styles, heads and hidden preheaders are passed over."""

    _SILENT = ("style", "head", "script", "title")
    _BREAKS = ("p", "div", "tr", "br", "h1", "h2", "h3", "li", "table")

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0
        self._hidden = 0
        self._link = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in self._SILENT:
            self._silent += 1
        if tag == "div" and (self._hidden or "display:none" in (given.get("style") or "").replace(" ", "")):
            self._hidden += 1
        if tag == "a":
            self._link = given.get("href") or ""
        if tag in self._BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SILENT:
            self._silent = max(0, self._silent - 1)
        if tag == "div" and self._hidden:
            self._hidden -= 1
        if tag == "a" and self._link and not (self._silent or self._hidden):
            self.parts.append(f" ({html.unescape(self._link)})")
            self._link = ""
        if tag in ("p", "div", "h1", "h2", "h3", "table"):
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not (self._silent or self._hidden):
            self.parts.append(data)
