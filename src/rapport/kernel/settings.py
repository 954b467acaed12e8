"""A section of a shop's settings: a typed struct with defaults, which a slice brings and people edit.

A field is an `int`, `float`, `str`, `bool` or `Literal` of texts, annotated with `msgspec.Meta`: `title` and
`description` are what people read, `ge`, `le`, `max_length`, `pattern` what holds. Every field has a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Literal, NamedTuple, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import inspect

from rapport.kernel.errors import InvalidInput

__all__ = ["Field", "Section"]

S = TypeVar("S", bound=msgspec.Struct)

_DECODE = msgspec.json.Decoder(dict[str, Any]).decode


class Field(NamedTuple):
    """One setting as a form shows it."""

    name: str
    title: str
    about: str
    kind: Literal["number", "text", "choice", "switch"]
    choices: tuple[str, ...]
    default: Any


class Section(Generic[S]):
    """The settings of one slice. Immutable.

    Raises TypeError for a struct that is not frozen, or with a field that has no default or that no form can show.
    """

    def __init__(self, *, name: str, title: str, kind: type[S], about: str = "") -> None:
        self.name = name
        """The slice's own name."""
        self.title = title
        self.about = about
        self.kind = kind
        if not kind.__struct_config__.frozen:
            raise TypeError(f"the settings {name!r} are shared by whoever reads them: make {kind.__name__} frozen")
        self.fields = tuple(_field(one, kind) for one in inspect.type_info(kind).fields)  # type: ignore[attr-defined]
        self._last = (b"", kind())

    def read(self, body: bytes) -> S:
        """Settings as they were kept. What this version does not know is passed over; what it cannot read is as by
        default, so that an older or a newer slice never stops a shop.
        """
        last = self._last
        if body == last[0]:  # they seldom change, and each decision asks for some
            return last[1]
        value = self._read(body)
        self._last = (body, value)
        return value

    def _read(self, body: bytes) -> S:
        kept = _DECODE(body)
        good: dict[str, Any] = {}
        for field in self.fields:
            if field.name in kept:
                try:
                    msgspec.convert({field.name: kept[field.name]}, self.kind)
                except msgspec.ValidationError:
                    continue
                good[field.name] = kept[field.name]
        return msgspec.convert(good, self.kind)

    def convert(self, values: Mapping[str, Any]) -> S:
        """Settings somebody wants, from texts or JSON. Raises InvalidInput, which names the field and the bound."""
        unknown = sorted(set(values) - {field.name for field in self.fields})
        if unknown:
            names = ", ".join(field.name for field in self.fields)
            raise InvalidInput(f"the settings {self.name!r} have no {unknown[0][:60]!r}", hint=f"there are: {names}")
        try:
            return msgspec.convert(dict(values), self.kind, strict=False)
        except msgspec.ValidationError as error:
            what, _, where = str(error).partition(" - at `$.")
            title = next((field.title for field in self.fields if field.name == where.rstrip("`")), self.title)
            raise InvalidInput(f"{title}: {_in_words(what)}", hint="the settings are as they were") from error


def _in_words(what: str) -> str:
    """What is wrong with a value, as a person would say it."""
    for told, words in (
        ("Expected `int`, got", "this is no whole number"), ("Expected `float`, got", "this is no number"),
        ("Expected `int` >= ", "at least {}"), ("Expected `int` <= ", "at most {}"),
        ("Expected `float` >= ", "at least {}"), ("Expected `float` <= ", "at most {}"),
        ("Expected `str` of length <= ", "at most {} characters"),
        ("Expected `str` of length >= ", "at least {} characters"),
        ("Invalid enum value ", "{} is no choice"),
    ):  # fmt: skip
        if what.startswith(told):
            return words.format(what.removeprefix(told))
    return what


def _field(one: inspect.Field, kind: type) -> Field:
    shown, words = one.type, {}
    if isinstance(shown, inspect.Metadata):
        words, shown = shown.extra_json_schema or {}, shown.type
    kinds: dict[type, Literal["number", "text", "choice", "switch"]] = {
        inspect.IntType: "number", inspect.FloatType: "number", inspect.StrType: "text",
        inspect.LiteralType: "choice", inspect.BoolType: "switch",
    }  # fmt: skip
    if type(shown) not in kinds:
        raise TypeError(f"the setting {kind.__name__}.{one.name} is of a type that no form can show: {shown}")
    if one.default is inspect.NODEFAULT:  # type: ignore[attr-defined]
        raise TypeError(f"the setting {kind.__name__}.{one.name} needs a default")
    # As they are written: msgspec sorts them.
    choices = get_args(get_type_hints(kind)[one.name]) if isinstance(shown, inspect.LiteralType) else ()
    title = words.get("title", one.name.replace("_", " ").capitalize())
    return Field(one.name, title, words.get("description", ""), kinds[type(shown)], choices, one.default)
