"""What pages state as facts, in the words of any shop."""

from __future__ import annotations

from typing import Any, TypeAlias

from rapport.world.orders import Order

__all__ = ["Facts", "identify", "lines_of", "look", "track"]

Facts: TypeAlias = list[dict[str, Any]]


def look(name: str) -> dict[str, Any]:
    """A page was looked at."""
    return {"type": "page", "name": name}


def track(event: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Something happened."""
    return {"type": "track", "event": event, "properties": properties}


def lines_of(order: Order | None) -> list[dict[str, Any]]:
    """The products of an order or a basket, as facts state them."""
    return [line.properties(order.currency) for line in order.lines] if order else []


def identify(form: dict[str, str]) -> dict[str, Any]:
    """What a checkout's form says of the visitor; what was left empty is not stated."""
    traits: dict[str, Any] = {
        "email": form.get("email", ""),
        "firstName": form.get("given", ""),
        "lastName": form.get("family", ""),
        "phone": form.get("phone", ""),
    }
    address = {
        "street": " ".join(part for part in (form.get("street", ""), form.get("extra", "")) if part),
        "city": form.get("city", ""),
        "postalCode": form.get("postcode", ""),
        "country": form.get("country", ""),
    }
    if address["street"]:
        traits["address"] = {name: value for name, value in address.items() if value}
    return {"type": "identify", "traits": {name: value for name, value in traits.items() if value}}
