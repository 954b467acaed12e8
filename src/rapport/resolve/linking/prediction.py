"""A whole table at once, whichever engine joins and counts: what an engine does, and what Splink is told.

Both engines have a table with the columns `record`, `aspect_N` (nothing where the record says nothing of it) and
`keys`, and a function `level_N` of two such aspects. The rest is one text of SQL settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rapport.kernel.errors import Unavailable
from rapport.resolve.linking.clusters import WORTH_A_LOOK
from rapport.resolve.linking.model import LinkModel, probability
from rapport.resolve.linking.training import Progress, splink_comparison

if TYPE_CHECKING:
    from splink import SettingsCreator

__all__ = ["LARGEST_BLOCK", "LEAST_PROBABILITY", "Linked", "WholeTable", "require_libraries", "settings_of"]

LARGEST_BLOCK = 100
"""Rows under one key; a key of more is not looked at."""
LEAST_PROBABILITY = probability(WORTH_A_LOOK)
"""Of a pair that is looked at."""


class Linked(NamedTuple):
    """What was linked."""

    records: int
    pairs: int
    """As likely as not to be one person, or likelier."""
    persons: int


class WholeTable(Protocol):
    """The rows of a table in the hands of an engine."""

    @property
    def columns(self) -> Sequence[str]:
        """Their names, without outer blanks."""

    def sample(self) -> list[dict[str, Any]]:
        """Rows to learn a model from: all, or as many as training reads. Rows keep their order."""

    def link(self, model: LinkModel, *, largest_group: int, progress: Progress) -> Linked:
        """Compare, form persons and write them."""


def require_libraries(extra: str, *names: str) -> None:
    """Raise Unavailable where a library of one of our extras is missing."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise Unavailable(
            f"this needs {' and '.join(missing)}",
            hint=f"install rapport with its extra: pip install 'rapport[{extra}]'",
        )


def settings_of(model: LinkModel) -> SettingsCreator:
    """The model in Splink's terms; candidates are rows that share one of their keys."""
    from splink import SettingsCreator, block_on

    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record",
        comparisons=[splink_comparison(at, c.m, c.u) for at, c in enumerate(model.comparisons)],
        probability_two_random_records_match=probability(model.prior),
        blocking_rules_to_generate_predictions=[block_on("keys", arrays_to_explode=["keys"])],
        retain_matching_columns=False,
    )
