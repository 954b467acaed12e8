"""The reference pages are what the code says today."""

from __future__ import annotations

import pytest

from docs.generate import PAGES, REFERENCE
from rapport.collect.names import V1_NAMES
from tests.remembered import REMEMBERED


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_committed_page_is_current(name: str) -> None:
    """Settings, roles, traits, commands and HTTP operations cannot change without their page."""
    assert (REFERENCE / name).read_text() == PAGES[name](), "run `make docs`"


def test_every_fact_that_means_something_is_documented() -> None:
    """Each name that a trait listens to, and each name of the first specification, stands in facts.md."""
    text = (REFERENCE / "facts.md").read_text()
    names = (
        {name for part in REMEMBERED.parts.values() for name in (*part.on, *part.but_not)}
        | set(V1_NAMES)
        | set(V1_NAMES.values())
    )
    assert sorted(name for name in names if f"`{name}`" not in text) == []
