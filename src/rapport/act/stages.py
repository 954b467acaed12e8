"""The stages of this worker, joined: who is given which fact, in the order of the slices.

A fact of a kind that only Rapport states is given to nobody where another source states it: the write keys of shops
are public, and anybody could send the name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from sqlalchemy import Connection

from rapport.kernel.facts import OWN_SOURCE, Fact
from rapport.kernel.work import EVERY_FACT, Seen, Stage, Work

__all__ = ["Stages"]

Handle = Callable[[Seen], None]


class Stages:
    """All stages of a worker process, with the state each keeps between facts.

    `own` are the names of facts that only Rapport states; `named` those of the stages that some facts are told again.
    """

    def __init__(
        self, stages: Iterable[Stage], *, own: Collection[str], named: Mapping[str, Stage] | None = None
    ) -> None:
        self._stages = tuple(stages)
        self._named = named or {}
        self._own = frozenset(own)
        events = {name for stage in self._stages for name in stage.listens_to} - {EVERY_FACT}
        self._every = self._listening(EVERY_FACT)
        self._by_event = {name: self._listening(EVERY_FACT, name) for name in events}

    def listening(self, fact: Fact) -> tuple[Handle, ...]:
        """Who is given this fact."""
        if fact.name in self._own and fact.source != OWN_SOURCE:
            return ()
        return self._by_event.get(fact.name, self._every)

    def telling(self, names: Collection[str]) -> Callable[[Fact], list[Handle]]:
        """Who of the stages of these names is given a fact that is told again."""
        chosen = [(set(stage.listens_to), stage.handle) for name, stage in self._named.items() if name in names]

        def listening(fact: Fact) -> list[Handle]:
            if fact.name in self._own and fact.source != OWN_SOURCE:
                return []
            return [handle for heard, handle in chosen if fact.name in heard or EVERY_FACT in heard]

        return listening

    def flush(self, conn: Connection, work: Work, now: int) -> None:
        """Have every stage write what it kept."""
        for stage in self._stages:
            stage.flush(conn, work, now)

    def abandon(self) -> None:
        """Have every stage forget it."""
        for stage in self._stages:
            stage.abandon()

    def _listening(self, *names: str) -> tuple[Handle, ...]:
        return tuple(stage.handle for stage in self._stages if not set(names).isdisjoint(stage.listens_to))
