"""The page that builds a slice shows exactly the files of the example, which other tests install and run."""

from __future__ import annotations

from tests.docs.pages import DOCS, blocks
from tests.running import ROOT

EXAMPLE = ROOT / "examples/giftcards"


def test_the_page_builds_the_example_file_by_file() -> None:
    """Nothing is left out: whoever saves what the page shows has the distribution that is tested."""
    shown = {block.title: block.text for block in blocks(DOCS / "how-to/write-a-slice.md") if block.title}
    files = {
        str(path.relative_to(EXAMPLE)): path.read_text()
        for path in EXAMPLE.rglob("*")
        if path.is_file() and path.name != "README.md" and "__pycache__" not in path.parts
    }
    assert shown == files
