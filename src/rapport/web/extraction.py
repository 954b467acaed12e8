"""What the catalogues must hold: the texts of a package's templates and of its Python, and the files they are used in.

`python -m rapport.web.extraction FOLDER` writes the catalogues of the package in this folder anew, Rapport's own where
none is named: translations stay, new texts come empty, and what nothing says any more goes.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from rapport.web.catalogues import LANGUAGES, OWN, PACKAGE
from rapport.web.constants import module_of
from rapport.web.raised import MARK, errors_of, raised_in, read_by_people

__all__ = ["Texts", "errors_in", "texts_of", "write_catalogues"]

Text: TypeAlias = "str | tuple[str, str]"
"""A text; with a number in it the English singular and plural."""
Texts: TypeAlias = Mapping[Text, frozenset[str]]
"""Text → the files it is used in, named from the folder that the package stands in."""

CONSTANTS: Mapping[str, tuple[str, ...]] = {
    "Column": ("title", "note"), "EligibilityRule": ("title",), "FactKind": ("name", "meaning"),
    "Field": ("title", "rule"), "Finder": ("title",), "Job": ("title",), "Lookup": ("title",), "Measure": ("title",),
    "Meta": ("title", "description"), "Metric": ("title", "definition"), "NavItem": ("label",), "Panel": ("title",),
    "Permission": ("words",), "Placement": ("title",), "ReadyMade": ("name", "why"), "Section": ("title", "about"),
    "Tile": ("title",), "Trait": ("title", "rule"),
}  # fmt: skip
"""What declarations say that the console shows: their callers need not mark it."""
SETTINGS_ALONE = ("Meta",)
"""Only in modules `settings.py` and `…_settings.py`: elsewhere it describes the API."""


def texts_of(package: Path) -> Texts:
    """All texts of a package's templates, modules and maps of files."""
    found: dict[Text, set[str]] = defaultdict(set)
    for file in sorted(package.rglob("*.html")):
        for text in _of_template(file):
            found[text].add(file.relative_to(package.parent).as_posix())
    for file in sorted(package.rglob("*.py")):
        for text in _of_module(file):
            found[text].add(file.relative_to(package.parent).as_posix())
    for file in sorted(package.rglob("maps/*.toml")):
        for text in _of_map(file):
            found[text].add(file.relative_to(package.parent).as_posix())
    for text, files in errors_in(package).items():
        found[text] |= files
    return {text: frozenset(files) for text, files in found.items()}


def errors_in(package: Path) -> Texts:
    """The texts of errors that people meet on pages; not counted to what a page has to have in its language."""
    modules = {file: module_of(file) for file in sorted(package.rglob("*.py"))}
    names = errors_of(modules.values())
    found: dict[Text, set[str]] = defaultdict(set)
    for file, module in modules.items():
        if read_by_people(file, package):
            for text in raised_in(module, names):
                found[text].add(file.relative_to(package.parent).as_posix())
    return {text: frozenset(files) for text, files in found.items()}


def write_catalogues(package: Path, folder: Path, tags: Iterable[str] = LANGUAGES) -> None:
    """Write `folder/de.po` and its neighbours anew."""
    texts, errors = texts_of(package), errors_in(package)
    folder.mkdir(exist_ok=True)
    for tag in tags:
        if tag == "en":
            continue
        file = folder / f"{tag}.po"
        kept = _translated(file, tag)
        catalog = Catalog(locale=tag, project="Rapport", charset="utf-8", fuzzy=False)
        for text, files in sorted(texts.items(), key=lambda one: (min(one[1]), _first(one[0]))):
            note = (MARK,) if errors.get(text) == files else ()
            catalog.add(text, kept.get(text, ""), [(name, 0) for name in sorted(files)], auto_comments=note)
        with file.open("wb") as out:
            write_po(out, catalog, width=0, omit_header=True, include_lineno=False)


def _first(text: Text) -> str:
    return text if isinstance(text, str) else text[0]


def _translated(file: Path, tag: str) -> dict[Text, str | tuple[str, ...]]:
    if not file.is_file():
        return {}
    with file.open("rb") as opened:
        return {
            message.id if isinstance(message.id, str) else (message.id[0], message.id[1]): (
                message.string if isinstance(message.string, str) else tuple(message.string or ())
            )
            for message in read_po(opened, locale=tag)
            if message.id
        }


def _of_template(file: Path) -> Iterator[Text]:
    options = {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true", "silent": "false"}
    with file.open("rb") as opened:
        for _, function, message, _ in babel_extract(opened, ("_", "gettext", "ngettext"), (), options):
            said = (message,) if isinstance(message, str) else message or ()
            strings = [one for one in said if isinstance(one, str)]
            if function == "ngettext":
                yield strings[0], strings[1]
            elif strings:
                yield strings[0]


def _of_map(file: Path) -> Iterator[Text]:
    """What the page of imports says of a ready-made map."""
    said = tomllib.loads(file.read_text(encoding="utf-8"))
    yield from (said[name] for name in ("title", "export") if isinstance(said.get(name), str) and said[name])


def _of_module(file: Path) -> Iterator[Text]:
    module = module_of(file)
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in ("gettext", "ngettext", "kept", "noted", "_"):
            said = [text for one in node.args for text in module.texts(one)]
            if name == "ngettext" and len(said) > 1:
                yield said[0], said[1]
            elif node.args:
                yield from module.texts(node.args[0])
        elif name in CONSTANTS and (name not in SETTINGS_ALONE or file.name.endswith("settings.py")):
            for keyword in node.keywords:
                if keyword.arg in CONSTANTS[name] and (text := module.text(keyword.value)):
                    yield text


if __name__ == "__main__":
    if len(sys.argv) > 1:
        write_catalogues(Path(sys.argv[1]), Path(sys.argv[1]) / "locale")
    else:
        write_catalogues(PACKAGE, OWN)
