"""The language in which somebody is told something: texts from catalogues, numbers and dates by CLDR.

Texts are written in English where they are used, and are their own keys: `_("Saved")`. Which language is spoken is
decided once a request, by the console; programs, workers and letters, where nobody decides, are told English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, NamedTuple

__all__ = [
    "ENGLISH", "Language", "form_of", "gettext", "kept", "listed", "ngettext", "noted", "retold", "speak", "spoken",
    "told",
]  # fmt: skip

_Forms = tuple[str, ...]


class Language(NamedTuple):
    """A language with its texts."""

    tag: str
    """As HTML names it: `de`."""
    locale: str
    """As CLDR names it, with the country where it matters to numbers and dates: `de_AT`."""
    texts: Mapping[str, _Forms]
    """English → the text; where there is a number in it, the text for each plural form of the language."""
    form: Callable[[int], int]
    """Which of its plural forms a number takes."""
    raised: tuple[str, ...] = ()
    """English texts of errors with places for values, the one that says most first."""

    @property
    def money(self) -> str:
        """The locale that amounts are written in: in English a dollar is `$`, not `US$`."""
        return "en" if self.tag == "en" else self.locale


ENGLISH = Language("en", "en_GB", {}, lambda number: int(number != 1))
"""The day before the month. What `moment` writes the browser words again, in its viewer's region."""

_spoken: ContextVar[Language] = ContextVar("spoken", default=ENGLISH)


def spoken() -> Language:
    """The language that is spoken now."""
    return _spoken.get()


def speak(language: Language) -> None:
    """Speak this language until the request ends."""
    _spoken.set(language)


def gettext(text: str, /, **values: Any) -> str:
    """The text in the language that is spoken, with its values: `%(name)s`. English where it has none.

    >>> gettext("Late by %(days)s days", days=3)
    'Late by 3 days'
    """
    found = _spoken.get().texts.get(text)
    said = found[0] if found else text
    return said % values if values else said


def ngettext(one: str, many: str, number: int, **values: Any) -> str:
    """The text for this number, in the plural form that the spoken language has for it.

    >>> ngettext("%(num)s order", "%(num)s orders", 1), ngettext("%(num)s order", "%(num)s orders", 2)
    ('1 order', '2 orders')
    """
    return form_of(one, many, number) % {"num": number, **values}


def form_of(one: str, many: str, number: int) -> str:
    """The text for this number with its values still to be put in, as templates do by themselves."""
    language = _spoken.get()
    found = language.texts.get(one)
    if found is None:
        return one if number == 1 else many
    return found[min(language.form(number), len(found) - 1)]


def noted(text: str) -> str:
    """The text as it is: puts a constant into the catalogues that is translated where it is shown."""
    return text


_KEPT: dict[str, None] = {}
_LONGEST, _DEEPEST = 1_000, 4
"""Of an error that is told again: characters, and errors within errors."""
_QUOTED = re.compile(r"""(['"`]).*\1|“.*”|‘.*’""", re.DOTALL)
"""What somebody wrote, as errors name it."""


def kept(text: str) -> str:
    """The text as it is: a sentence that is kept in English with its values, as facts and messages keep reasons.

    `kept("quiet until %(hour)s:00") % {"hour": 8}` is what is written down, and `retold` says it in another language.
    """
    _KEPT[text] = None
    return text


class _Shape(NamedTuple):
    """What finds a text again with its values."""

    names: tuple[str, ...]
    first: str
    """What stands before the first value …"""
    after: tuple[str, ...]
    """… and after each."""

    def values_in(self, said: str) -> dict[str, str] | None:
        """The values in this text, each as short as may be and none empty; None where it is another.

        Each part is looked for once, from where the one before it ended: a text takes time by its length, whoever
        wrote the values. An expression with as many groups would try all ways to divide it.
        """
        if not self.names:
            return {} if said == self.first else None
        last = self.after[-1]
        end = len(said) - len(last)
        if not said.startswith(self.first) or not said.endswith(last):
            return None
        found, begin = {}, len(self.first)
        for name, part in zip(self.names[:-1], self.after[:-1], strict=True):
            at = said.find(part, begin + 1, end)
            if at < 0:
                return None
            found[name], begin = said[begin:at], at + len(part)
        if begin >= end:
            return None
        return found | {self.names[-1]: said[begin:end]}


@lru_cache(maxsize=4_000)
def _shape(text: str) -> _Shape:
    parts = re.split(r"%\((\w+)\)s", text)
    first, *after = (part.replace("%%", "%") for part in parts[::2])
    return _Shape(tuple(parts[1::2]), first, tuple(after))


def retold(text: str) -> str:
    """A sentence that was kept in English, in the language that is spoken; its values as they were, or retold too.

    >>> why = kept("not sent: %(why)s")
    >>> speak(Language("de", "de", {why: ("nicht gesendet: %(why)s",), "too late": ("zu spät",)}, ENGLISH.form))
    >>> retold("not sent: too late"), retold("not sent: 5 eggs"), retold("an egg")
    ('nicht gesendet: zu spät', 'nicht gesendet: 5 eggs', 'an egg')
    >>> speak(ENGLISH)
    """
    return _retold(text, _DEEPEST)


def _retold(text: str, deep: int) -> str:
    language = _spoken.get()
    if not language.texts or not text or not deep:
        return text
    if found := language.texts.get(text):
        return found[0]
    for told in _KEPT:
        if values := _shape(told).values_in(text):
            return gettext(told, **{name: _retold(value, deep - 1) for name, value in values.items()})
    return text


def told(text: str) -> str:
    """The message or the hint of an error in the language that is spoken, its values as they were, or told too.

    >>> speak(Language("de", "de", {"no egg %(name)s": ("kein Ei %(name)s",)}, ENGLISH.form, ("no egg %(name)s",)))
    >>> told("no egg 'Bo'"), told("line 3: no egg 'Bo'"), told("no tea")
    ("kein Ei 'Bo'", "line 3: kein Ei 'Bo'", 'no tea')
    >>> speak(ENGLISH)
    """
    return _told(text, _DEEPEST) if _spoken.get().texts and len(text) <= _LONGEST else text


def _told(text: str, deep: int) -> str:
    if not text or not deep or _QUOTED.fullmatch(text):
        return text
    language = _spoken.get()
    if found := language.texts.get(text):
        return found[0]
    before, colon, after = text.partition(": ")
    if colon and after in language.texts:
        return f"{_told(before, deep - 1)}: {_told(after, deep - 1)}"
    for one in language.raised:
        if values := _shape(one).values_in(text):
            return gettext(one, **{name: _told(value, deep - 1) for name, value in values.items()})
    if colon:
        return f"{_told(before, deep - 1)}: {_told(after, deep - 1)}"
    return _retold(text, deep)


def listed(texts: list[str], *, last: str = "") -> str:
    """Things one after another: "a, b or c" where `last` is `or` in the language that is spoken."""
    if not last or len(texts) < 2:
        return ", ".join(texts)
    return f"{', '.join(texts[:-1])} {last} {texts[-1]}"
