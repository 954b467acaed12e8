"""When a browser's alias of one account to another is believed: where it gives an account a name that was nobody's.

Whoever reads a page has the key of its browsers, so an alias of theirs must not make two accounts one. But it may
rename one: at the moment the alias was received the old name was an account's and the new one nobody's, and it was the
first alias to the new name. All three are minima over the facts in the log (`received_at`), so the order in which facts
are folded, replays and rebuilding change nothing; a late fact that was received earlier takes the renaming back.

And of the accounts that are tied so at most one is *certain*: known by the word of a source whose key is secret, or by
a signature. Two that the shop's own software knows stay two, also where it tells of the second only later.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from rapport.kernel.facts import OWN_SOURCE, Fact
from rapport.kernel.identifiers import Identifier, IdentifierPolicy, account_of

__all__ = ["CERTAIN", "IN_RENAMING", "NOBODYS", "NO_WORD", "Named", "Word", "is_founded", "word_of"]

CERTAIN = 1
"""Bit of an identifier's standing: a source whose key is secret spoke in its name, or a signature vouched for it."""
IN_RENAMING = 2
"""Bit of an identifier's standing: a renaming is about it, or about an account of the same customer."""


NOBODYS = 4
"""Bit of an identifier's standing: the shop's policy blocks it, so that it is no trait either."""


class Word(NamedTuple):
    """What facts said of one account by speaking in its name."""

    stated_at: int | None = None
    """When the first fact in its name was received that was no browser's alias."""
    renamed_by: str | None = None
    """The first alias of a browser to this name, as `time received` and `fact`; such texts sort by time."""
    certain: bool = False

    def with_(self, other: Word) -> Word:
        """Both together."""
        return Word(
            _least(self.stated_at, other.stated_at), _first(self.renamed_by, other.renamed_by),
            self.certain or other.certain,
        )  # fmt: skip


NO_WORD = Word()


class Named(Protocol):
    """An identifier with what was said in its name."""

    @property
    def stated_at(self) -> int | None: ...
    @property
    def renamed_by(self) -> str | None: ...


def word_of(fact: Fact, policy: IdentifierPolicy) -> tuple[Identifier, Word] | None:
    """The account in whose name a fact came, and what that says of it. Not of our own facts, which follow others."""
    if fact.user_id is None or fact.source == OWN_SOURCE or (account := account_of(fact, policy)) is None:
        return None
    if fact.unverified and fact.type == "alias":
        return account, Word(renamed_by=_alias(fact.received_at, fact.id))
    return account, Word(stated_at=fact.received_at, certain=not fact.unverified)


def is_founded(received_at: int, fact: str, a: Named, b: Named) -> bool:
    """Whether this alias, first received then, gave one of the two a name that was nobody's.

    >>> old, new = Word(stated_at=5), Word(stated_at=9, renamed_by=_alias(7, "f"))
    >>> is_founded(7, "f", old, new), is_founded(7, "f", old, new._replace(stated_at=6))
    (True, False)
    """
    alias = _alias(received_at, fact)
    for old, new in ((a, b), (b, a)):
        if new.renamed_by == alias:
            known = _least(old.stated_at, None if old.renamed_by is None else int(old.renamed_by.partition(" ")[0]))
            was_free = new.stated_at is None or received_at <= new.stated_at
            return was_free and known is not None and known <= received_at
    return False


def _alias(received_at: int, fact: str) -> str:
    return f"{received_at:020d} {fact}"


def _least(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


def _first(one: str | None, other: str | None) -> str | None:
    return other if one is None else one if other is None else min(one, other)
