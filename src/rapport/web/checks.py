"""What is held against each other when a server starts, so that a slip stops the start and not a shopper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jinja2
import msgspec
from litestar import Litestar
from litestar.handlers import BaseRouteHandler

from rapport.web import auth, shoppers
from rapport.web.alarms import Watch
from rapport.web.cards import Card
from rapport.web.console import Console
from rapport.web.finder import Finders
from rapport.web.permissions import Permissions
from rapport.web.purposes import DOORS

__all__ = ["check_cards", "check_finders", "check_handlers", "check_watches"]


def check_handlers(app: Litestar, permissions: Permissions) -> None:
    """Every handler behind a guard says who may call it, and is given what it needs. Raises ValueError."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            _check_needs(route.path, handler)
            asked = handler.opt.get("permission")
            guards = [getattr(guard, "func", guard) for guard in handler.resolve_guards()]
            if handler.opt.get("door", "asks") not in DOORS:
                raise ValueError(f"{handler} at {route.path} says door={handler.opt['door']!r}; there are {DOORS}")
            answers = handler.http_methods != {"OPTIONS"}  # those the framework makes itself
            if answers:
                _check_opening(route.path, handler, guards)
            if answers and auth.allow in guards and asked not in {"public", "signed_in", *permissions.by_name}:
                raise ValueError(f"{handler} at {route.path} needs the permission {asked!r}, which no slice declares")


def check_watches(permissions: Permissions, watches: Sequence[Watch]) -> None:
    """Every watch names a permission that some slice declares. Raises ValueError."""
    for watch in watches:
        if watch.permission not in permissions.by_name:
            raise ValueError(
                f"the watch {watch.name!r} needs the permission {watch.permission!r}, which no slice declares"
            )


def check_cards(console: Console, permissions: Permissions, cards: Sequence[Card[Any]]) -> None:
    """Every card names a permission that some slice declares, or nobody would ever see it, and a template there is.

    Raises ValueError.
    """
    for card in cards:
        if card.permission not in permissions.by_name:
            raise ValueError(
                f"the card {card.name!r} needs the permission {card.permission!r}, which no slice declares"
            )
        try:
            console.env.get_template(card.template)
        except jinja2.TemplateNotFound:
            raise ValueError(f"the card {card.name!r} names the template {card.template!r}, which is nowhere") from None


def check_finders(permissions: Permissions, finders: Finders) -> None:
    """Every finder names a permission that some slice declares. Raises ValueError."""
    for finder in finders.finders:
        if finder.permission not in permissions.by_name:
            raise ValueError(f"the finder {finder.name!r} needs the permission {finder.permission!r}, which no slice "
                             "declares")  # fmt: skip


def _check_opening(path: str, handler: BaseRouteHandler, guards: Sequence[object]) -> None:
    """A shopper's handler says what opens it: nobody signs in there, so forgetting it would open it to all."""
    if shoppers.open_shop in guards and handler.opt.get("opened_by") not in shoppers.OPENINGS:
        raise ValueError(f"{handler} at {path} does not say what opens it: opened_by={' or '.join(shoppers.OPENINGS)}")


def _check_needs(path: str, handler: BaseRouteHandler) -> None:
    """Without this the framework would look for a part of the server among the parameters of the address."""
    provided = handler.resolve_dependencies()
    for name, parameter in handler.parsed_fn_signature.parameters.items():
        kind = parameter.annotation
        if not isinstance(kind, type) or issubclass(kind, msgspec.Struct):
            continue  # what a client sends
        if kind.__module__.startswith("rapport.") and name not in provided:
            raise ValueError(f"{handler} at {path} needs {name}: {kind.__name__}, which the server was not given")
