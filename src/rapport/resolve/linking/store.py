"""Tables of learned links: the models, the records they compare, the pairs they found, and households."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text, text

from rapport.storage.engine import metadata

__all__ = ["DECIDED", "CandidateStatus", "households", "link_candidates", "link_models", "link_records"]

link_models = Table(
    "link_models",
    metadata,
    Column("workspace", Integer, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("trained_at", BigInteger, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
"""One row for each model ever trained, as JSON. One is active; an older one can be made so again."""

link_records = Table(
    "link_records",
    metadata,
    Column("workspace", Integer, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("fields", LargeBinary, nullable=False),
    Column("pending", Boolean, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Index("link_records_pending", "workspace", "pending"),
)
"""What is compared of each person the shop knows for certain: `fields` is JSON of texts. `pending`: not scored yet."""

link_candidates = Table(
    "link_candidates",
    metadata,
    Column("workspace", Integer, primary_key=True),
    Column("id", LargeBinary, primary_key=True),
    Column("a", LargeBinary, nullable=False),
    Column("b", LargeBinary, nullable=False),
    Column("millibits", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("model", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("author", Text),
    Column("reason", Text),
    Column("action", Text),
    Column("worth", BigInteger),
    Column("asked_at", BigInteger),
    Index("link_candidates_queue", "workspace", "status", "millibits"),
    Index("link_candidates_by_a", "workspace", "a"),
    Index("link_candidates_by_b", "workspace", "b"),
    Index(
        "link_candidates_worth", "workspace", "worth", "id",
        sqlite_where=text("status IN ('review', 'refused')"),
        postgresql_where=text("status IN ('review', 'refused')"),
    ),
    Index("link_candidates_asked", "workspace", "asked_at"),
)  # fmt: skip
"""Pairs (`a` < `b`) that a model found alike. The id is that of the evidence between them; `millibits` are a thousandth
of log2 odds; `action` is the entry in the audit trail that decided. `worth` is what deciding the pair is worth: NULL
until it is weighed, 0 where nobody need decide. `asked_at` is since when a person is asked."""

households = Table(
    "households",
    metadata,
    Column("workspace", Integer, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("household", LargeBinary, nullable=False),
    Column("because", Text, nullable=False),
    Column("per_mille", Integer),
    Column("kind", Text, nullable=False, server_default="home"),
    Index("households_by_household", "workspace", "household"),
)
"""Records of people who live together, as far as can be told; `key` is that of the record, `per_mille` how likely
it belongs there (NULL: a rule says so, and nothing how likely), `kind` whether they live together ("home") or buy for
one company ("company"). It never merges anybody."""


class CandidateStatus(StrEnum):
    """What became of a pair."""

    LINKED = "linked"
    """Alike enough to be tied without asking; the evidence is of kind `probable`."""
    REFUSED = "refused"
    """Alike enough, but the policy stands against it (two accounts): a person is to decide."""
    REVIEW = "review"
    """A person is to decide."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    STALE = "stale"
    """Alike no more, or tied to somebody else."""


DECIDED = (CandidateStatus.ACCEPTED, CandidateStatus.REJECTED)
"""What a person said of a pair. It stands above any model."""
