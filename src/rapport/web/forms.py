"""Reading what a person typed into a console form or the address bar, without trusting any of it."""

from __future__ import annotations

from typing import Annotated, Any

from litestar.enums import RequestEncodingType
from litestar.params import Body

from rapport.kernel.text import clean

__all__ = ["Form", "integer", "text", "texts"]

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
"""The type of a handler's `data` that takes an HTML form."""


def text(form: dict[str, Any], name: str, *, longest: int = 200) -> str:
    """One field as a line of text; empty where it is missing or not text."""
    value = form.get(name)
    if isinstance(value, list):
        value = value[-1] if value else ""
    return clean(value, longest=longest) if isinstance(value, str) else ""


def raw(form: dict[str, Any], name: str) -> str:
    """One field exactly as sent: passwords, JSON in an editor."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


def texts(form: dict[str, Any], name: str) -> list[str]:
    """All values of a field that can occur several times."""
    value = form.get(name)
    values = value if isinstance(value, list) else [value]
    return [clean(v) for v in values if isinstance(v, str) and v]


def integer(form: dict[str, Any], name: str, *, least: int, most: int, otherwise: int) -> int:
    """A whole number in bounds, or `otherwise` where the field holds none."""
    try:
        return max(least, min(most, int(text(form, name, longest=20))))
    except ValueError:
        return otherwise
