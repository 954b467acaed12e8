"""What the browser keeps for the visitor: the basket and what it has still to tell Rapport, as small cookies."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, unquote

from rapport.world.catalogue import the_catalogue
from rapport.world.orders import Line

__all__ = ["read_facts", "read_lines", "write_facts", "write_lines"]

MAX_LINES = 20
MAX_PIECES = 24
MAX_COOKIE = 3_500


def read_lines(text: str) -> list[Line]:
    """The lines of a basket cookie; what is no product of the shop is left out."""
    lines: list[Line] = []
    for part in text.split("|")[:MAX_LINES]:
        fields = unquote(part).split(":")
        product = the_catalogue().by_id.get(fields[0])
        if product is None or len(fields) != 3 or not fields[1].isdecimal():
            continue
        variant = fields[2] if fields[2] in product.sizes else None
        lines.append(Line(product, max(1, min(MAX_PIECES, int(fields[1][:3]))), variant))
    return lines


def write_lines(lines: list[Line]) -> str:
    """The cookie of a basket."""
    return "|".join(quote(f"{line.product.id}:{line.quantity}:{line.variant or ''}") for line in lines[:MAX_LINES])


def read_facts(text: str) -> list[dict[str, Any]]:
    """Facts that an earlier answer left for this page to send."""
    try:
        found = json.loads(unquote(text))
    except ValueError:
        return []
    return [fact for fact in found if isinstance(fact, dict)] if isinstance(found, list) else []


def write_facts(facts: list[dict[str, Any]]) -> str:
    """The cookie that hands facts to the next page; what would not fit into a cookie loses its products."""
    text = quote(json.dumps(facts, separators=(",", ":")))
    if len(text) <= MAX_COOKIE:
        return text
    slim = [{**fact, "properties": _without_products(fact.get("properties", {}))} for fact in facts]
    return quote(json.dumps(slim, separators=(",", ":")))


def _without_products(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name != "products"}
