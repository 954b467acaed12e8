"""What an expression of constants in a module comes to, read from the source alone: nothing is run.

A declaration may put its text together of parts, numbers and parts of other modules: `f"within {DAYS} days." + GROUPS`.
It is one text to whoever translates it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

__all__ = ["Module", "module_of"]

Value: TypeAlias = "str | int | None"
"""None where it is no constant."""


class Module(NamedTuple):
    """One module of a package, with what its names stand for."""

    tree: ast.Module
    assigned: dict[str, ast.expr]
    """Its constants."""
    imported: dict[str, tuple[Path, str]]
    """Name → the file it comes from and its name there."""

    def text(self, node: ast.expr) -> str:
        """The text that an expression comes to; empty for anything else."""
        value = self._value(node)
        return value if isinstance(value, str) else ""

    def texts(self, node: ast.expr) -> list[str]:
        """The texts of which an expression is one: both of `"it is" if here else "it was"`."""
        if isinstance(node, ast.IfExp):
            return [*self.texts(node.body), *self.texts(node.orelse)]
        return [text] if (text := self.text(node)) else []

    def _value(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str | int) else None
        if isinstance(node, ast.BinOp):
            return _together(self._value(node.left), node.op, self._value(node.right))
        if isinstance(node, ast.JoinedStr):
            return _all_of([self._formatted(part) for part in node.values])
        if isinstance(node, ast.Name):
            return self._named(node.id, Module._value)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            attribute = node.attr
            return self._named(node.value.id, lambda module, found: module._argument(found, attribute))
        return None

    def _formatted(self, part: ast.expr) -> Value:
        if isinstance(part, ast.FormattedValue):
            plain = part.conversion == -1 and part.format_spec is None
            return self._value(part.value) if plain else None
        return self._value(part)

    def _named(self, name: str, read: Callable[[Module, ast.expr], Value]) -> Value:
        if name in self.assigned:
            return read(self, self.assigned[name])
        if name not in self.imported:
            return None
        file, there = self.imported[name]
        return module_of(file)._named(there, read)

    def _argument(self, node: ast.expr, name: str) -> Value:
        """What a constructor was given by this name: `SALES.definition` of `SALES = Metric(definition=…)`."""
        if not isinstance(node, ast.Call):
            return None
        return next((self._value(one.value) for one in node.keywords if one.arg == name), None)


@cache
def module_of(file: Path) -> Module:
    """The module of a file; the names it imports are followed within the distribution that the file is of."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assigned: dict[str, ast.expr] = {}
    imported: dict[str, tuple[Path, str]] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            _assign(assigned, node.targets[0], node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            _assign(assigned, node.target, node.value)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found = _file_of(file, node.module)
            if found is not None:
                imported.update({one.asname or one.name: (found, one.name) for one in node.names})
    return Module(tree, assigned, imported)


def _assign(assigned: dict[str, ast.expr], target: ast.expr, value: ast.expr) -> None:
    if isinstance(target, ast.Name):
        assigned[target.id] = value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, its in zip(target.elts, value.elts, strict=True):
            _assign(assigned, one, its)


def _file_of(file: Path, name: str) -> Path | None:
    """The file of a module that this one imports; None for another distribution's."""
    first, *rest = name.split(".")
    home = next((folder for folder in file.parents if folder.name == first), None)
    if home is None:
        return None
    found = home.joinpath(*rest)
    return next((one for one in (found.with_suffix(".py"), found / "__init__.py") if one.is_file()), None)


def _together(left: Value, how: ast.operator, right: Value) -> Value:
    if isinstance(how, ast.Add) and isinstance(left, str) and isinstance(right, str):
        return left + right
    if not (isinstance(left, int) and isinstance(right, int)):
        return None
    if isinstance(how, ast.Add):
        return left + right
    if isinstance(how, ast.Mult):
        return left * right
    return left // right if isinstance(how, ast.FloorDiv) and right else None


def _all_of(parts: list[Value]) -> str | None:
    return None if None in parts else "".join(str(part) for part in parts)
