"""The contract of what people do to identity: an `Action` goes there and back, a `Change` is the transaction it is in.

An action notes in `Effects` what it really changed. Those words are stored, and undoing goes by them alone: each is
turned back by the one action that `leaves` it, so a split, made of evidence withdrawn and a pair forbidden, is undone
by `Withdraw` and `Forbid`, and an undoing is undone like anything else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.collect.sources import identifier_policy
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.ids import Key
from rapport.kernel.principal import Principal
from rapport.resolve.actions.audit import Effects
from rapport.resolve.graph import store
from rapport.resolve.graph.model import EvidenceId, Status
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.graph.recompute import Moved
from rapport.resolve.graph.stated import Turn
from rapport.resolve.reading import identities
from rapport.resolve.reading.identities import Member
from rapport.resolve.reading.references import find_key
from rapport.storage.lookup import select_among

__all__ = ["Action", "Actions", "Change", "evidence_ident", "key_of_hex"]


class Action(ABC):
    """One thing people do: a record of what is wanted."""

    leaves: ClassVar[tuple[str, ...]] = ()
    """The words of `Effects` that its `undo` turns back; none where it is made of other actions."""
    undo_permission: ClassVar[str] = ""
    """What whoever undoes it must be allowed beside `customers:write`."""
    undo_words: ClassVar[str] = ""
    """What that allows, in words."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The word in the audit trail. It is stored: never rename one."""

    @abstractmethod
    def do(self, change: Change) -> None:
        """Do it, and note in `change.effects` what really changed. Raises Conflict, InvalidInput, NotFound."""

    @staticmethod
    def undo(change: Change, done: Effects) -> None:
        """Turn back what it left, as far as nobody did so before; an action of either direction may have left it."""
        return

    @staticmethod
    def conclude(change: Change, entry: str, turns: Sequence[Turn]) -> None:
        """Write what has to know the audit trail's entry: called once it is written, of what the change left."""
        return


class Actions:
    """The kinds of action that an installation has, in the order in which what they left is undone."""

    def __init__(self, kinds: Iterable[type[Action]]) -> None:
        self._by_word: dict[str, type[Action]] = {}
        for kind in kinds:
            for word in kind.leaves:
                other = self._by_word.setdefault(word, kind)
                if other is not kind:
                    raise ValueError(f"{other.__name__} and {kind.__name__} both undo {word!r}: one of them must")

    def behind(self, words: Collection[str]) -> list[type[Action]]:
        """The kinds that left these words of `Effects`. Raises Conflict where one is not here: nothing is undone."""
        unknown = sorted(set(words) - self._by_word.keys())
        if unknown:
            raise Conflict(
                f"this changed {', '.join(unknown)}, and what undoes that is not installed here",
                hint="undo it where it is installed; nothing was changed, and the audit trail keeps what it takes",
            )
        return list(dict.fromkeys(kind for word, kind in self._by_word.items() if word in words))


class Change:
    """One action in the making, in the transaction of `conn` and under the workspace's lock."""

    def __init__(self, conn: Connection, by: Principal, actions: Actions, *, reason: str, now: int) -> None:
        self.conn = conn
        self.by = by
        self.workspace = by.workspace
        self.actions = actions
        self.reason = reason
        self.now = now
        self.settings = settings_of(conn, self.workspace)
        self.policy = identifier_policy(self.settings)
        self.effects = Effects()
        self.before: dict[Key, Key] = {}
        """Of each identifier that moved, the customer it had when the change began."""
        self.subjects: set[Key] = set()
        """The identifiers it is about."""

    def key(self, reference: str) -> Key:
        """The identifier that was named. Raises NotFound."""
        return find_key(self.conn, self.workspace, reference, region=self.settings.region)

    def took(self, moved: Iterable[Moved]) -> None:
        """Note what a correction of the graph moved."""
        for one in moved:
            if one.old_root is not None:
                self.before.setdefault(one.identifier_key, one.old_root)

    def evidence(self, idents: Collection[EvidenceId], *, missing_ok: bool = False) -> list[Any]:
        """Pieces of evidence as they stand; the change is about both ends of each. Raises NotFound."""
        column = store.evidence.c
        query = sa.select(column.id, column.a, column.b, column.status, column.author)
        query = query.where(column.status != Status.WAITING)
        found = list(select_among(self.conn, query, self.workspace, column.id, idents))
        if len(found) < len(set(idents)) and not missing_ok:
            raise NotFound(
                f"{len(set(idents)) - len(found)} of {len(set(idents))} pieces of evidence do not exist",
                hint="GET /api/v1/customers/{id}/evidence lists them",
            )
        for row in found:
            self.subjects.update((row.a, row.b))
        return found

    def is_forbidden(self, a: Key, b: Key) -> bool:
        """Whether these two may never be one customer."""
        pairs = store.forbidden_pairs.c
        query = sa.select(sa.literal(1)).where(
            pairs.workspace == self.workspace, pairs.a == min(a, b), pairs.b == max(a, b)
        )
        return self.conn.execute(query).first() is not None

    def together(self, *keys: Key) -> bool:
        """Whether all are one customer now."""
        return len(set(store.roots_of(self.conn, self.workspace, keys).values())) == 1

    def members(self, key: Key) -> list[Member]:
        """The identifiers of this one's customer, the earliest first."""
        root = store.roots_of(self.conn, self.workspace, [key])[key]
        return identities.identifiers_of_customer(self.conn, self.workspace, root)


def evidence_ident(text: str) -> EvidenceId:
    """A piece of evidence as the API and the audit trail name it. Raises InvalidInput."""
    try:
        ident = bytes.fromhex(text)
    except ValueError:
        ident = b""
    if len(ident) != 16:
        raise InvalidInput(f"{text[:60]!r} is no piece of evidence", hint="they are 32 hexadecimal digits")
    return ident


def key_of_hex(text: str) -> Key:
    """An identifier as the audit trail names it."""
    return Key(bytes.fromhex(text))
