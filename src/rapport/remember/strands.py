"""The worker's hot path: facts folded into the states of their strands, read and written set-based.

Within a batch: `load` the strands of its facts, `fold` each fact, `flush` inside the batch's transaction, `committed`.
States stay in memory between batches as long as this process holds their buckets (`forget_all` when leases change), up
to a bound in number and bytes, the least recently used going first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection

from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import bucket_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember.registry import Registry, Remembered, StrandState
from rapport.remember.store import states_of, strands
from rapport.storage.bulk import upsert

__all__ = ["Strand", "Strands", "decode_state", "decoder_of", "encode_state"]

Strand = tuple[WorkspaceId, Key]
"""A strand's name."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(StrandState).decode

ENTRY_BYTES = 8
"""Memory of a decoded state by byte of its encoding, roughly (measured: strings and small lists of a usual state)."""


def encode_state(state: StrandState) -> bytes:
    """A strand's state as the table keeps it."""
    return _encode(state)


def decode_state(body: bytes) -> StrandState:
    """A strand's state from the table."""
    return _decode(body)


def decoder_of(parts: Collection[str]) -> Callable[[bytes], StrandState]:
    """Like `decode_state`, for these parts alone: the others are passed over without being built."""
    fields = [(name, list[Any] | None, None) for name in sorted(parts)]
    some = msgspec.defstruct("SomeParts", fields, gc=False)
    decode, names = msgspec.msgpack.Decoder(some).decode, some.__struct_fields__

    def decode_parts(body: bytes) -> StrandState:
        found = decode(body)
        return {name: state for name in names if (state := getattr(found, name)) is not None}

    return decode_parts


class Strands:
    """The states of strands in memory, facts folded into them. One per process; not thread-safe.

    `registry_of` names the traits of a workspace (its currency may differ from another's).
    """

    def __init__(
        self,
        registry_of: Callable[[WorkspaceId], Registry],
        *,
        max_strands: int = 50_000,
        max_bytes: int = 96 * 1024 * 1024,
    ) -> None:
        self._registry_of = registry_of
        self._max_strands = max_strands
        self._max_bytes = max_bytes
        self._states: dict[Strand, StrandState] = {}
        self._sizes: dict[Strand, int] = {}
        self._bytes = 0
        self._changed: dict[Strand, None] = {}
        self._written: dict[Strand, None] = {}
        self._registries: dict[WorkspaceId, Registry] = {}

    def load(self, conn: Connection, wanted: Iterable[Strand]) -> None:
        """Make these strands ready to be folded into; those already in memory cost no query."""
        missing: dict[WorkspaceId, list[Key]] = {}
        for strand in dict.fromkeys(wanted):
            state = self._states.pop(strand, None)
            if state is None:
                missing.setdefault(strand[0], []).append(strand[1])
            else:
                self._states[strand] = state
        for workspace, keys in missing.items():
            found = states_of(conn, workspace, keys)
            for key in keys:
                body = found.get(key)
                self._states[workspace, key] = {} if body is None else _decode(body)
                self._weigh((workspace, key), 0 if body is None else len(body))

    def holds(self, wanted: Iterable[Strand]) -> bool:
        """Whether all these strands are in memory."""
        return all(strand in self._states for strand in wanted)

    def fold(self, workspace: WorkspaceId, strand: Key, fact: Fact) -> None:
        """Take one fact into its strand, which was loaded before (KeyError otherwise).

        A strand of which only Rapport itself has spoken stays unwritten: nobody was there.
        """
        registry = self._registries.get(workspace)
        if registry is None:
            registry = self._registries[workspace] = self._registry_of(workspace)
        key = (workspace, strand)
        state = self._states[key]
        # Before folding: where a trait raises midway, `abandon` has to know of the half that was folded.
        self._changed[key] = None
        registry.fold(state, fact)

    def refill(self, workspace: WorkspaceId, strand: Key, fact: Fact, registry: Registry) -> None:
        """Take an old fact into those parts of its strand, loaded before, that this registry has and that lack it."""
        key = (workspace, strand)
        state = self._states[key]
        self._changed[key] = None
        for part in registry.parts.values():
            for older in part.older_keys:
                state.pop(older, None)
        registry.fold(state, fact)

    def begin_anew(self, workspace: WorkspaceId, strand: Key, remembered: Remembered) -> None:
        """Forget what the strand, loaded before, has been through in these parts; it is folded again from its facts."""
        state = self._states[workspace, strand]
        for part in remembered.parts.values():
            for key in (part.key, *part.older_keys):
                state.pop(key, None)
        self._changed[workspace, strand] = None

    def empty(self) -> list[Key]:
        """Those of the changed strands that have been through nothing."""
        return [key for workspace, key in self._changed if not self._states[workspace, key]]

    def flush(self, conn: Connection) -> int:
        """Write all strands folded into since the last flush, marked dirty. Returns how many."""
        rows = []
        for strand in self._changed:
            state = self._states[strand]
            if not state:
                continue
            body = _encode(state)
            self._weigh(strand, len(body))
            workspace, key = strand
            rows.append({"workspace": workspace, "key": key, "bucket": bucket_of(key), "state": body, "dirty": True})
        upsert(conn, strands, rows, key=("workspace", "key"), update=("state", "dirty"))
        self._written.update(self._changed)
        self._changed.clear()
        return len(rows)

    def committed(self) -> None:
        """What was flushed is in the database for good; the cache may shrink to its bounds now."""
        self._written.clear()
        while self._states and (len(self._states) > self._max_strands or self._bytes > self._max_bytes):
            self._drop(next(iter(self._states)))

    def abandon(self) -> None:
        """Forget whatever the database may not hold: all that was folded since the last `committed`."""
        for strand in (*self._changed, *self._written):
            if strand in self._states:
                self._drop(strand)
        self._changed.clear()
        self._written.clear()

    def forget_all(self) -> None:
        """Forget everything: another process may have written these strands."""
        self._states.clear()
        self._sizes.clear()
        self._bytes = 0
        self._changed.clear()
        self._written.clear()
        self._registries.clear()

    def __len__(self) -> int:
        """Strands in memory."""
        return len(self._states)

    def _weigh(self, strand: Strand, body_bytes: int) -> None:
        size = 400 + ENTRY_BYTES * body_bytes
        self._bytes += size - self._sizes.get(strand, 0)
        self._sizes[strand] = size

    def _drop(self, strand: Strand) -> None:
        del self._states[strand]
        self._bytes -= self._sizes.pop(strand, 0)
