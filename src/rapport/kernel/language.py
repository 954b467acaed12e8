"""The language in which somebody is told something: texts from catalogues, numbers and dates by CLDR.

Texts are written in English where they are used, and are their own keys: `_("Saved")`. Which language is spoken is
decided once a request, by the console; programs, workers and letters, where nobody decides, are told English.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple

__all__ = ["ENGLISH", "Language", "form_of", "gettext", "ngettext", "noted", "speak", "spoken"]

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


def gettext(text: str, **values: Any) -> str:
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
