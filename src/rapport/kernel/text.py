"""Text from outside, made safe to keep and to show."""

from __future__ import annotations

__all__ = ["clean", "writable"]


def writable(text: str) -> str:
    """The text with U+FFFD for what no UTF-8 can say: halves of surrogate pairs, which JSON can name.

    >>> writable("a" + chr(0xD800)) == "a" + chr(0xFFFD)
    True
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def clean(value: str | None, *, longest: int = 200) -> str:
    """One line of text without control characters, trimmed and cut."""
    if not value:
        return ""
    printable = "".join(c for c in value[: longest * 2] if c.isprintable())
    return printable.encode("utf-8", "ignore").decode()[:longest].strip()
