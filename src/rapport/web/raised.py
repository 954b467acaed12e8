"""What people are told of errors in the console: the texts that errors are raised with, found where they are raised.

Whoever raises `NotFound(f"there is no segment {name!r}")` does nothing more for it: the catalogues hold "there is no
segment %(name)s", marked as the text of an error, and `kernel.language.told` finds it again by its shape. Programs and
logs get the English that was raised.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from rapport.kernel import errors
from rapport.web.constants import Module

__all__ = ["MARK", "errors_of", "raised_in", "read_by_people"]

MARK = "an error"
"""The note that such a text carries in the catalogues."""

ROOMS = (
    "act/", "adapters/files/", "capabilities/consent/", "capabilities/journeys/", "capabilities/loyalty/",
    "capabilities/merchandising/", "capabilities/messages/", "capabilities/orders/", "capabilities/promises/",
    "capabilities/questions/", "collect/pages", "collect/quarantine", "collect/sources", "collect/withdrawal",
    "compose/", "decide/", "kernel/", "measure/", "remember/", "resolve/actions/", "resolve/graph/",
    "resolve/linking/models", "resolve/linking/review", "resolve/linking/use_model", "resolve/reading/",
    "storage/settings", "storage/shops", "web/",
)  # fmt: skip
"""Whose errors people meet on pages; of the others only programs, operators and the log hear."""
PROGRAMS = re.compile(
    r"(?:^|_)(?:commands|routes|olist|feed|feed_xml|product_feed|key_ring|asked|etags|purposes|limiter|features|judging"
    r"|quoting|shop|wanted|components|partners|importing|recording|links|shoppers|profiles|signing|asking|tokens"
    r"|answering|golden|fees|taking|facts|deliveries|job_reports|jobs|channels|strings|bounces|pushing|queueing"
    r"|promising|people_files)$"
)
"""Modules of those rooms that only programs and shoppers call."""
FEWEST_LETTERS = 6
"""Of what stands around the values: "%(a)s is no %(b)s" would be found in what somebody else has written."""


def read_by_people(file: Path, package: Path) -> bool:
    """Whether people meet the errors of this module; of another distribution's slice, always."""
    name = file.relative_to(package).as_posix()
    if package.name != "rapport":
        return True
    return name.startswith(ROOMS) and not PROGRAMS.search(file.stem)


def errors_of(modules: Iterable[Module]) -> frozenset[str]:
    """The names of all errors that are expected: Rapport's own, and what modules make of them."""
    bases = {
        node.name: {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases}
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    }
    found, known = set(errors.__all__), 0
    while len(found) != known:
        known = len(found)
        found |= {name for name, of in bases.items() if of & found}
    return frozenset(found)


def raised_in(module: Module, names: frozenset[str]) -> Iterator[str]:
    """The messages and hints of the errors that a module makes, with places for their values."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in names:
            for said in [*node.args[:1], *(one.value for one in node.keywords if one.arg == "hint")]:
                yield from filter(_says_something, _shapes(module, said))


def _says_something(text: str) -> bool:
    return len(re.findall(r"[^\W\d_]", re.sub(r"%\(\w+\)s", "", text))) >= FEWEST_LETTERS


def _shapes(module: Module, node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from _shapes(module, node.body)
        yield from _shapes(module, node.orelse)
    elif text := module.text(node):
        yield text
    elif isinstance(node, ast.JoinedStr):
        seen: Counter[str] = Counter()
        yield "".join(_part(part, seen) for part in node.values)


def _part(part: ast.expr, seen: Counter[str]) -> str:
    if not isinstance(part, ast.FormattedValue):
        return str(getattr(part, "value", "")).replace("%", "%%")
    name = _called(part.value).lower().strip("_")
    seen[name] += 1
    return f"%({name}{seen[name] if seen[name] > 1 else ''})s"


def _called(node: ast.expr) -> str:
    """What a value may be called by: the last name in its expression."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(args=[first, *_]):
            return _called(first)
        case ast.Call(func=function):
            return _called(function)
        case ast.Subscript(value=value):
            return _called(value)
        case _:
            return "value"
