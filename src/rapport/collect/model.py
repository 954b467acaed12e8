"""The nouns of collecting: a source with its limits, what surrounds a message, and a message in quarantine. No I/O."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import msgspec

from rapport.kernel.facts import FactType
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.language import noted

__all__ = [
    "CLIENT_KINDS",
    "IMPORT_SOURCE",
    "KIB",
    "MAX_MENDED_BYTES",
    "NO_ENVELOPE",
    "PUBLIC_LIMITS",
    "SOURCE_KINDS",
    "Envelope",
    "Limits",
    "QuarantineRow",
    "QuarantineState",
    "Source",
    "SourceKind",
    "default_limits",
    "internal_source",
]

_CHANNELS = (
    noted("web"), noted("app"), noted("server"), noted("store"), noted("marketplace"), noted("email"), noted("phone"),
    noted("social"), noted("import"), noted("internal"),
)  # fmt: skip
SourceKind = Literal["web", "app", "server", "store", "marketplace", "email", "phone", "social", "import", "internal"]
SOURCE_KINDS: tuple[SourceKind, ...] = get_args(SourceKind)

CLIENT_KINDS: frozenset[SourceKind] = frozenset({"web", "app"})
"""Sources whose messages come from the shopper's own device, so that the peer's address is the shopper's."""

QuarantineState = Literal["open", "replayed", "discarded"]

IMPORT_SOURCE = "import"
"""The source of facts read from files."""

KIB = 1024
MAX_MENDED_BYTES = 1024 * KIB
"""Of a message that was mended; a longer one is never replayed."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one source may send. Sizes are of the uncompressed JSON."""

    max_event_bytes: int = 32 * KIB
    max_batch_bytes: int = 4_608 * KIB
    """4.5 MiB: Segment's clients stop at 500 KB, RudderStack's at 4 MiB plus the last message and the envelope."""
    max_batch_facts: int = 2_500
    facts_per_second: int = 0
    """0 is no limit but the server's own."""
    burst_facts: int = 0
    """So many at once from a source that was quiet; 0 is what comes in five seconds at its rate."""
    megabytes_per_day: int = 0
    """Of messages, uncompressed, in 24 hours; 0 is no limit."""
    max_quarantined: int = 50_000
    """Open rows kept in quarantine. Beyond that a request with invalid messages is answered 400; its valid ones are
    kept."""


PUBLIC_LIMITS = Limits(facts_per_second=5_000, burst_facts=500_000, megabytes_per_day=4_096)
"""Of a source whose key anybody can read: ten times what a shop sends with 2,000 visitors at a time, a history that is
sent at once passes, and no disk is full within a day."""


def default_limits(kind: SourceKind) -> Limits:
    """What a new source of a kind may send, unless somebody says otherwise."""
    return PUBLIC_LIMITS if kind in CLIENT_KINDS else Limits()


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One place facts come from: a website, an app, a shop floor, a marketplace, a file."""

    workspace: WorkspaceId
    id: str
    name: str
    kind: SourceKind
    write_key: str = ""
    previous_key: str | None = None
    """The key before the last rotation; it works until `previous_until`."""
    previous_until: int = 0
    enabled: bool = True
    limits: Limits = Limits()
    policy: IdentifierPolicy = IdentifierPolicy()
    """What counts as an identifier in this source's workspace."""
    currency: str = "USD"
    """Of amounts that come without one, in this source's workspace."""
    created_at: int = 0
    last_seen_at: int | None = None
    client_side: bool = False
    """True for CLIENT_KINDS."""
    asks_signatures: bool = False
    """Whether the shop's server has to vouch for whom a message names (`vouching.py`)."""
    signing_secret: str = ""
    """With which it does."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a request says about all of its messages. Kept beside a quarantined message so that it can be replayed."""

    type: FactType | None = None
    """Set where the path names the type (`/v1/track`); it wins over the message's own."""
    context: dict[str, Any] = {}
    integrations: dict[str, Any] = {}
    sent_at: str | int | float | None = None
    history: bool = False
    """Messages about the past (`/v1/import`, files): their clock is never corrected, an unreadable time is an error."""
    ip: str | None = None
    """The peer's address; it reaches the fact only for client-side sources or with `context.direct`."""
    opt_out: bool = False
    """The browser sent Global Privacy Control (`Sec-GPC: 1`); kept as `context.globalPrivacyControl`."""


NO_ENVELOPE = Envelope()


class QuarantineRow(NamedTuple):
    """A message that could not become a fact, on its way into quarantine."""

    id: str
    workspace: WorkspaceId
    source: str
    received_at: int
    reason: str
    path: str
    body: bytes
    envelope: bytes
    body_hash: bytes


def internal_source(
    workspace: WorkspaceId, source_id: str = IMPORT_SOURCE, *, policy: IdentifierPolicy | None = None,
    currency: str = "USD",
) -> Source:  # fmt: skip
    """A source without an endpoint: an importer or Rapport itself."""
    return Source(
        workspace=workspace,
        id=source_id,
        name=source_id,
        kind="import" if source_id == IMPORT_SOURCE else "internal",
        limits=Limits(max_event_bytes=1024 * KIB),
        policy=policy or IdentifierPolicy(),
        currency=currency,
    )
