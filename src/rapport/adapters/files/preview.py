"""Flow, before collect: the first facts of a file as they would be told, and what of them could not be read.

Nothing is stored. Facts pass the same validation as in an import.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from rapport.adapters.files.importer import envelope_of, unusable
from rapport.adapters.files.mapped_csv import MappedCsv
from rapport.adapters.files.model import Refused, Step, silent
from rapport.collect.model import internal_source
from rapport.collect.names import Vocabulary
from rapport.collect.prepare import prepare
from rapport.collect.sources import identifier_policy
from rapport.kernel.errors import InvalidFact
from rapport.kernel.facts import Fact, decode_fact
from rapport.kernel.identifiers import IdentifierPolicy, identifiers_of
from rapport.kernel.wording import Told, Wording
from rapport.storage.workspaces import Workspace

__all__ = ["MOST_ROWS", "Preview", "Shown", "preview"]

MOST_ROWS = 2_000
"""Rows of the file that are read for a preview."""
MOST_REFUSED = 10


class Shown(NamedTuple):
    """A fact as it would be told."""

    line: int
    told: Told
    at: int | None
    """Microseconds since 1970; None where the file does not say when."""
    who: str
    """The most stable identifier."""
    unread: Sequence[str]
    """What of it could not be read, each in words."""


class Preview(NamedTuple):
    """The beginning of a file, read by a map."""

    facts: list[Shown]
    refused: list[Refused]
    """Rows that would not be imported, the first few."""
    rows: int
    """Rows that were looked at."""
    stated: int
    """Facts that they state."""
    refused_rows: int
    silent_rows: int
    """Rows of which the map makes no fact."""

    @property
    def any_unread(self) -> bool:
        """Whether something of a fact that is shown could not be read."""
        return any(shown.unread for shown in self.facts)


def preview(
    files: MappedCsv, *, workspace: Workspace, wording: Wording, vocabulary: Vocabulary, now: int, most: int = 10
) -> Preview:
    """The first `most` facts of the file, and what could not be read of its first 2,000 rows."""
    policy = identifier_policy(workspace.settings)
    source = internal_source(workspace.id, policy=policy, currency=workspace.settings.currency)
    envelope = envelope_of(files.kind)
    facts: list[Shown] = []
    refused: list[Refused] = []
    rows = stated = nothing = 0
    for step in files.paced(progress=silent, most_rows=MOST_ROWS):
        if step is None:
            continue
        rows += step.rows
        nothing += step.rows if not step.messages and not step.refused else 0
        refused.extend(step.refused)
        for message in step.messages:
            try:
                row = prepare(
                    msgspec.json.encode(message), source=source, received_at=now, envelope=envelope,
                    vocabulary=vocabulary,
                )  # fmt: skip
            except InvalidFact as error:
                refused.append(Refused(step.file, step.line, f"{error.path}: {error.message}", step.source_row))
                continue
            stated += 1
            if len(facts) < most:
                fact = decode_fact(
                    row.body, occurred_at=row.occurred_at, received_at=row.received_at, source=row.source, seq=0
                )
                facts.append(_shown(step, message, fact, wording, policy))
    return Preview(facts, refused[:MOST_REFUSED], rows, stated, len(refused), nothing)


def _shown(step: Step, message: dict[str, Any], fact: Fact, wording: Wording, policy: IdentifierPolicy) -> Shown:
    kind = wording.kinds.get(fact.name)
    unread = [f"{field}: {why}" for field, why in (kind.unread(fact) if kind and kind.unread else {}).items()]
    unread += [f"the {what} names nobody" for what in unusable(message, region=policy.default_region)]
    who = identifiers_of(fact, policy)[0]
    at = fact.occurred_at if "timestamp" in message else None
    return Shown(step.line, wording.tell(fact), at, f"{who.namespace}:{who.value}", unread)
