"""Text from outside, made safe to keep and to show."""

from __future__ import annotations

__all__ = ["clean"]


def clean(value: str | None, *, longest: int = 200) -> str:
    """One line of text without control characters, trimmed and cut."""
    if not value:
        return ""
    printable = "".join(c for c in value[: longest * 2] if c.isprintable())
    return printable.encode("utf-8", "ignore").decode()[:longest].strip()
