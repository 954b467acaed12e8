"""Catalogues of the console's texts: gettext's `.po` files, read as they are when a language is first spoken.

Rapport's own stand in `web/locale`, one file a language. A slice of another distribution brings its own in the folder
`locale` beside its templates. Each text names the files that it is used in, so it is known what is translated wholly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from babel.core import Locale
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from rapport.kernel.language import ENGLISH, Language
from rapport.web.raised import MARK

__all__ = ["LANGUAGES", "OWN", "Catalogues", "Room", "language_named", "tag_of"]

LANGUAGES: Mapping[str, str] = {
    "en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "pt": "Português", "id": "Bahasa Indonesia",
    "th": "ไทย",
}  # fmt: skip
"""What the console speaks: tag → its own name for itself."""

OWN = Path(__file__).parent / "locale"
PACKAGE = Path(__file__).parents[1]

_PLURALS: Mapping[str, Callable[[int], int]] = {
    "fr": lambda number: int(number > 1), "id": lambda _: 0, "th": lambda _: 0,
}  # fmt: skip
"""Of those that do not do it as English does; the headers of the files say the same."""


class Room(NamedTuple):
    """Whose texts a page shows: where their catalogues are, and how the names of their files begin."""

    folder: Path
    prefix: str

    @classmethod
    def of(cls, templates: Path) -> Room:
        """The room that a folder of templates belongs to."""
        home = next((one.parent for one in (templates, *templates.parents) if one.name == "templates"), templates)
        if home.is_relative_to(PACKAGE):
            return cls(OWN, f"{home.relative_to(PACKAGE.parent).as_posix()}/")
        return cls(home / "locale", "")

    def part(self, file: Path) -> Room:
        """One of its files alone."""
        package = PACKAGE if self.folder == OWN else self.folder.parent
        return Room(self.folder, file.relative_to(package.parent).as_posix())


WEB = Room(OWN, "rapport/web/")
"""What stands around each page."""


class _Known(NamedTuple):
    """One language as one folder has it."""

    texts: Mapping[str, tuple[str, ...]]
    lacking: frozenset[str]
    """The files with a text that is not translated; an error's may be English on a page that is not."""
    raised: tuple[str, ...]
    """The texts of errors that have values."""


class Catalogues:
    """The catalogues of Rapport and of the slices."""

    def __init__(self, rooms: Iterable[Room] = ()) -> None:
        self._folders = tuple(dict.fromkeys((OWN, *(room.folder for room in rooms))))
        self._known: dict[tuple[Path, str], _Known] = {}
        self._joined: dict[str, Language] = {}
        self._lock = Lock()

    def language(self, locale: str, room: Room = WEB) -> Language:
        """The language of a locale (`de_AT`, `pt-BR`) for a page of this room.

        English where it is none of ours, and where something of the room is not translated: no page is half in it.
        """
        tag = language_named(locale)
        if tag == "en" or not self.speaks(tag, room):
            return ENGLISH
        return self._language(tag)._replace(locale=_regional(locale, tag))

    def speaks(self, tag: str, room: Room) -> bool:
        """Whether all texts of the room, and those around each page, are translated."""
        return tag == "en" or (self._whole(tag, WEB) and self._whole(tag, room))

    def _whole(self, tag: str, room: Room) -> bool:
        known = self._of(room.folder, tag)
        return bool(known.texts) and not any(name.startswith(room.prefix) for name in known.lacking)

    def _of(self, folder: Path, tag: str) -> _Known:
        with self._lock:
            if (folder, tag) not in self._known:
                self._known[folder, tag] = _read(folder / f"{tag}.po", tag)
            return self._known[folder, tag]

    def _language(self, tag: str) -> Language:
        if tag not in self._joined:
            texts: dict[str, tuple[str, ...]] = {}
            raised: set[str] = set()
            for folder in reversed(self._folders):  # Rapport's own words win
                texts.update(self._of(folder, tag).texts)
                raised.update(self._of(folder, tag).raised)
            exactest = tuple(sorted(raised, key=_said, reverse=True))
            self._joined[tag] = Language(tag, tag, texts, _PLURALS.get(tag, ENGLISH.form), exactest)
        return self._joined[tag]


def language_named(locale: str) -> str:
    """The tag of the language that a locale is of; English where it is none of ours.

    >>> [language_named(locale) for locale in ("de_AT", "pt-BR", "sv", "")]
    ['de', 'pt', 'en', 'en']
    """
    return tag_of(locale) or "en"


def tag_of(locale: str) -> str:
    """The tag of the language that a locale is of; empty where it is none of ours."""
    tag = locale.replace("-", "_").partition("_")[0].lower()
    return tag if tag in LANGUAGES else ""


@lru_cache(maxsize=64)
def _regional(locale: str, tag: str) -> str:
    """The locale where CLDR has it, else its language alone."""
    try:
        return str(Locale.parse(locale.replace("-", "_")))
    except ValueError:
        return tag


def _read(file: Path, tag: str) -> _Known:
    if not file.is_file():
        return _Known({}, frozenset(), ())
    texts: dict[str, tuple[str, ...]] = {}
    lacking: set[str] = set()
    raised: list[str] = []
    with file.open("rb") as opened:
        messages = list(read_po(opened, locale=tag))
    for message in messages:
        forms = _forms(message)
        if all(forms) and not message.fuzzy:
            text = message.id if isinstance(message.id, str) else message.id[0]
            texts[text] = forms
            if MARK in message.auto_comments and "%(" in text:
                raised.append(text)
        elif MARK not in message.auto_comments:
            lacking.update(name for name, _ in message.locations)
    texts.pop("", None)
    return _Known(texts, frozenset(lacking), tuple(raised))


def _said(text: str) -> tuple[int, str]:
    """How much a text says beside its values."""
    return len(re.sub(r"%\(\w+\)s", "", text)), text


def _forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
