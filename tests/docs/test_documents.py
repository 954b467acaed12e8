"""The documents hang together: links lead somewhere, the map names real files, every library is documented."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.pages import DOCS, PAGES
from tests.running import ROOT

_LINK = re.compile(r"(?<!\!)\[[^\]]+\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)|<img[^>]+src=\"([^\"]+)\"")
_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _CODE.sub("", page.read_text()), re.MULTILINE)
    slugs = (re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading).lower()).replace(" ", "-") for heading in headings)
    return set(slugs)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    """Every relative link names a file of the repository, and its anchor a heading there."""
    for match in _LINK.finditer(_CODE.sub("", page.read_text())):
        link = unquote(next(group for group in match.groups() if group))
        if "://" in link or link.startswith("mailto:"):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{link} leads nowhere"
        if anchor and path.suffix == ".md":
            assert anchor in _anchors(path), f"{path.name} has no heading for #{anchor}"


def test_every_page_is_reached_from_the_index() -> None:
    """A reader who starts at docs/README.md can come to every page."""
    reached: set[Path] = set()
    waiting = [DOCS / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        links = (match[1] for match in _LINK.finditer(page.read_text()) if match[1])
        waiting += [
            path for link in links if (path := (page.parent / link.partition("#")[0]).resolve()).suffix == ".md"
            and path.is_relative_to(DOCS)
        ]  # fmt: skip
    assert sorted(set(DOCS.rglob("*.md")) - reached) == []


def test_the_map_names_real_files() -> None:
    """Every path in "I want to … → open …" exists."""
    paths = re.findall(r"`((?:src|tests|docs|benchmarks|build_hooks|\.ci)/[^`]*|[A-Z]\w+|pyproject\.toml)`",
                       (DOCS / "reference/map.md").read_text())  # fmt: skip
    assert len(paths) > 30
    missing = [path for path in paths if not (ROOT / path).exists() and not list(ROOT.glob(path))]
    assert missing == []


def test_every_room_is_on_the_map() -> None:
    """Each package right below `rapport`, and each capability, is named in the map."""
    text = (DOCS / "reference/map.md").read_text()
    package = ROOT / "src/rapport"
    rooms = [path.parent for path in [*package.glob("*/__init__.py"), *package.glob("capabilities/*/__init__.py")]]
    assert [room.name for room in rooms if f"{room.relative_to(ROOT)}/" not in text] == []


def test_every_library_is_named_with_its_licence() -> None:
    """The table of decision 0006 holds exactly the direct dependencies."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    front_end = json.loads((ROOT / "package.json").read_text())
    named = set(
        re.findall(r"^\| ([@a-z][\w./@-]*) \|", (DOCS / "decisions/0006-libraries.md").read_text(), re.MULTILINE)
    )
    requirements = [
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
        *(library for extra in project["project"].get("optional-dependencies", {}).values() for library in extra),
        *project["build-system"]["requires"],
    ]
    direct = {re.split(r"[\[<>=;! ]", requirement)[0] for requirement in requirements}
    direct |= {*front_end["dependencies"], *front_end["devDependencies"]}
    assert named - {"library"} == direct


def test_decisions_are_numbered_and_one_page_each() -> None:
    """No number twice, each with what was decided, why, what was weighed; at most 80 lines beside tables.

    Numbers may have gaps: people who write at the same time are given theirs beforehand.
    """
    pages = sorted((DOCS / "decisions").glob("0*.md"))
    assert len({page.name[:4] for page in pages}) == len(pages)
    for page in pages:
        text = page.read_text()
        assert "**Decided.**" in text, page.name
        assert "**Weighed" in text, page.name
        assert sum(not line.startswith("|") for line in text.splitlines()) <= 80, page.name


def test_the_readme_is_short() -> None:
    """About 500 words, so that it is read."""
    text = re.sub(r"```.*?```|<img.*?>", "", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert 350 <= len(text.split()) <= 600


def test_what_a_table_says_is_held_by_tests_is_held_by_tests_that_there_are() -> None:
    """In every table whose last column is "held by", each row names tests, and each of them exists."""
    there = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    tables = [(page.name, row) for page in sorted((DOCS / "explanation").glob("*.md")) for row in _held(page)]
    empty = [(page, row) for page, row in tables if not re.search(r"`test_\w+`", row)]
    named = {(page, name) for page, row in tables for name in re.findall(r"`(test_\w+)`", row)}
    assert len(tables) > 25
    assert empty == []
    assert sorted((page, name) for page, name in named if name not in there) == []


def _held(page: Path) -> list[str]:
    """The rows of a page's tables whose last column is "held by"."""
    found, is_inside = [], False
    for line in page.read_text().splitlines():
        if not line.startswith("|"):
            is_inside = False
        elif line.rstrip().endswith("| held by |"):
            is_inside = True
        elif is_inside and not line.startswith("|---"):
            found.append(line)
    return found
