"""Why something is shown, in words a shopper reads in their own language."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["LANGUAGES", "Reason", "language_among", "worded"]

LANGUAGES = ("en", "de", "fr", "es", "pt", "id", "th")
"""Those that our own reasons are written in; the first is what is logged."""


class Reason(str):
    """A reason: by itself its English text, beside it the same in other languages.

    >>> seen = Reason({"en": "viewed with {name}", "de": "zusammen mit {name} angesehen"}, name="Chianti")
    >>> seen, worded(seen, "de"), worded("said by a slice", "de")
    ('viewed with Chianti', 'zusammen mit Chianti angesehen', 'said by a slice')
    """

    _words: Mapping[str, str]
    _values: Mapping[str, object]

    def __new__(cls, words: Mapping[str, str], **values: object) -> Reason:
        made = super().__new__(cls, words[LANGUAGES[0]].format(**values))
        made._words = words
        made._values = values
        return made

    def among(self, language: str) -> str:
        """The text in this language, in English where it is not written in it."""
        found = self._words.get(language)
        return str(self) if found is None else found.format(**self._values)


def worded(reason: str, language: str) -> str:
    """A reason in this language, as a plain text; what has no other words stays as it is."""
    return reason.among(language) if isinstance(reason, Reason) else str(reason)


def language_among(*wishes: str | None) -> str:
    """The first of these languages (`de`, `de-AT`, `de_AT.UTF-8`) that reasons are written in, else English.

    >>> language_among(None, "sv", "de-AT"), language_among("xx"), language_among("EN_us", "de")
    ('de', 'en', 'en')
    """
    for wish in wishes:
        tag = (wish or "")[:2].lower()
        if tag in LANGUAGES and (len(wish or "") == 2 or not (wish or "")[2].isalnum()):
            return tag
    return LANGUAGES[0]
