"""What a slice declares to be remembered of a customer, and how the declarations of all slices are put to work.

A *part* is a mergeable value in a strand's state with the facts that feed it; a *trait* is what the Golden Record shows
of a part. Several traits may read one part (all that is said about orders comes from one ledger). The declarations are
data: the reference pages and the console's "why?" are made from them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from rapport.kernel.facts import OWN_SOURCE, Fact
from rapport.kernel.gate import Choices
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.mergeable import First, Mergeable, Stamp, State
from rapport.kernel.work import Connection
from rapport.remember.inputs import ReadingSettings

__all__ = [
    "Held",
    "Part",
    "Pick",
    "Registry",
    "Remembered",
    "SegmentUser",
    "StrandState",
    "SummaryColumn",
    "Trait",
    "shares",
    "yes",
]

StrandState = dict[str, State]
"""The state of a strand, or of several merged: parts by name."""

SummaryColumn = Literal["orders", "revenue_minor", "currency", "last_order_at"]
"""What slices fill of a customer's line in the list of customers (`customers.CustomerSummary`)."""

TraitType = Literal["integer", "number", "text", "time", "date", "money", "list", "object"]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A mergeable value of a strand and the facts that feed it."""

    name: str
    version: int = 1
    """Raised where what it keeps means something else than before: it is folded anew from the log. Never lowered."""
    kind: Mergeable
    take: Callable[[Fact, ReadingSettings], Any]
    """What is folded of a fact; None for nothing."""
    on: tuple[str, ...] = ()
    """Names of the facts it listens to."""
    with_context: tuple[str, ...] = ()
    """It also listens to every fact whose context has one of these; `traits` means the fact's own traits, too."""
    but_not: tuple[str, ...] = ()
    """Where both are empty it listens to every fact but these."""
    reads: tuple[str, ...] = ()
    """JSON paths in the fact that are looked at."""
    own: bool = False
    """Whether it listens to facts that Rapport itself states."""
    summary: Callable[[Any], Mapping[SummaryColumn, int | str]] | None = None
    """What of it stands in the list of customers, from what it reads."""

    @property
    def key(self) -> str:
        """Under what the states of strands hold it, so that what two versions keep never mixes."""
        return self.name if self.version == 1 else f"{self.name}__{self.version}"

    @property
    def older_keys(self) -> list[str]:
        """What earlier versions were held under."""
        return [msgspec.structs.replace(self, version=version).key for version in range(1, self.version)]


class Held(NamedTuple):
    """A trait's value and the fact that determined it."""

    value: Any
    occurred_at: int
    fact_id: str
    source: str


Pick = Callable[[Any, Stamp, int], tuple[Any, Stamp | None]]
"""From what a part reads, its stamp and the time now: the trait's value (None where there is none) and its stamp."""


def whole(value: Any, stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return value, stamp


def shares(value: list[tuple[str, int]], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    """For what is counted by weight: the ten heaviest with their share of the whole."""
    total = sum(score for _, score in value)
    return [{"name": name, "share": round(score / total, 3)} for name, score in value[:10]], stamp


class Trait(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the Golden Record."""

    name: str
    title: str
    type: TraitType
    part: str = ""
    """What it reads; empty for what a slice answers when it is asked (`Remembered.choices`)."""
    rule: str
    """The sentence that answers "why?"."""
    pick: Pick = whole
    of: tuple[str, ...] = ()
    """The facts it is made of, where those are fewer than its part listens to; for listing them."""
    certain: bool = False
    """Read only from what is certainly this person's: no learned link carries it."""


Fold = Callable[[StrandState, Fact, int, str, str], None]
SHAPE_CHARACTERS = 2_000
"""Characters of a name and of the keys of a context together; beyond that the folds are found anew each time."""
SHAPES = 1_000
"""Shapes of facts, their name and the keys of their context, of which it is remembered to which folds they are given.
A shop's clients have a handful. Names that somebody makes up (write keys are public) push them out: a look again."""
SHAPE_KEYS = 40
"""Keys of a shape that is remembered; clients' contexts have a dozen."""

Gated = tuple[tuple[str, ...], bool, tuple[Fold, ...]]
"""Keys of the context, whether the fact's own traits open it, too, and the folds behind it."""


SegmentUser: TypeAlias = Callable[[Connection, WorkspaceId, str], Collection[str]]
"""What of a slice names a segment, in words: `the rule "no wine"`."""


class Remembered:
    """All parts and traits of an installation: how what strands have been through is put together and read. Immutable.

    Raises ValueError for two parts or traits of one name and for a trait whose part does not exist.
    """

    def __init__(
        self, parts: Iterable[Part], traits: Iterable[Trait], *, choices: Choices | None = None,
        segment_users: Iterable[SegmentUser] = (),
    ) -> None:  # fmt: skip
        parts, traits = tuple(parts), tuple(traits)
        self.parts = {part.name: part for part in parts}
        self.choices = choices
        """Says what people allow and refuse: the trait `consent`. None where no slice does."""
        self.segment_users = tuple(segment_users)
        """Ask what of all slices names a segment, before it gets another name or goes."""
        self._by_key = {part.key: part for part in parts}
        self.traits = {trait.name: trait for trait in traits}
        if len(self.parts) < len(parts) or len(self.traits) < len(traits):
            raise ValueError("two parts or two traits have one name")
        for trait in traits:
            if trait.part and trait.part not in self.parts:
                raise ValueError(f"trait {trait.name!r} reads the part {trait.part!r}, which does not exist")
        self._picks: dict[str, list[Trait]] = {}
        for trait in traits:
            self._picks.setdefault(trait.part, []).append(trait)
        self._registries: dict[ReadingSettings, Registry] = {}
        self._some: dict[frozenset[str], Remembered] = {}

    def facts_behind(self, trait: str) -> tuple[str, ...]:
        """The kinds of facts that a trait is made of, where they are few and known; empty for a trait of any fact."""
        found = self.traits.get(trait)
        if found is None or not found.part:
            return () if found is None else found.of
        return found.of or self.parts[found.part].on

    def without(self, parts: Iterable[str]) -> Remembered:
        """The same without these parts and the traits that read them; made once for each choice."""
        left_out = frozenset(self.parts.keys() & set(parts))
        if not left_out:
            return self
        if left_out not in self._some:
            self._some[left_out] = Remembered(
                (part for part in self.parts.values() if part.name not in left_out),
                (trait for trait in self.traits.values() if trait.part not in left_out),
                choices=self.choices,
            )
        return self._some[left_out]

    def keys_of(self, parts: Iterable[str]) -> list[str]:
        """Under what the states of strands hold those of these parts that there are."""
        return [self.parts[name].key for name in parts if name in self.parts]

    def registry(self, *, currency: str, region: str | None, blocked: tuple[str, ...] = ()) -> Registry:
        """The same, compiled for a shop with this currency and this country for phone numbers; made once for each."""
        settings = ReadingSettings(currency=currency, region=region, blocked=blocked)
        found = self._registries.get(settings)
        if found is None:
            found = self._registries[settings] = Registry(self.parts.values(), self.traits.values(), settings=settings)
        return found

    def merge(self, states: Sequence[StrandState]) -> StrandState:
        """The trimmed state of all these strands together, by the names of parts. May trim its arguments in place."""
        parts = self._by_key
        merged: StrandState = {}
        for state in states:
            for key, held in state.items():
                part = parts.get(key)
                if part is None:
                    continue
                found = merged.get(part.name)
                merged[part.name] = part.kind.trim(held) if found is None else part.kind.merge(found, held)
        return merged

    def read(self, merged: StrandState, *, now: int) -> dict[str, Held]:
        """The traits of a merged state, those that have a value, in the order of their declaration."""
        found: dict[str, Held] = {}
        for name, state in merged.items():
            found.update(self._read_part(self.parts[name], state, now))
        return {name: found[name] for name in self.traits if name in found}

    def _read_part(self, part: Part, state: State, now: int) -> Iterable[tuple[str, Held]]:
        value = part.kind.read(state)
        if value is None:
            return
        stamp = part.kind.stamp(state)
        for trait in self._picks.get(part.name, ()):
            picked, of = trait.pick(value, stamp, now)
            if picked is not None and of is not None:
                yield trait.name, Held(picked, of[0], of[1], of[2])


class Registry(Remembered):
    """What is remembered, compiled for folding the facts of a shop with these settings. Immutable; share it freely."""

    def __init__(self, parts: Iterable[Part], traits: Iterable[Trait], *, settings: ReadingSettings) -> None:
        super().__init__(parts, traits)
        self.settings = settings
        self._folds = {part.name: _compile(part, settings) for part in self.parts.values()}
        names = {name for part in self.parts.values() for name in (*part.on, *part.but_not)}
        self._plans = {name: self._plan(name, own=False) for name in names}
        self._otherwise = self._plan("", own=False)
        self._own_plans = {name: self._plan(name, own=True) for name in names}
        self._own_otherwise = self._plan("", own=True)
        self._by_shape: dict[tuple[object, ...], tuple[Fold, ...]] = {}

    def _plan(self, name: str, *, own: bool) -> tuple[tuple[Fold, ...], tuple[Gated, ...]]:
        direct: list[Fold] = []
        gated: dict[tuple[str, ...], list[Fold]] = {}
        for part in self.parts.values():
            if own and not part.own:
                continue
            fold = self._folds[part.name]
            everything = not part.on and not part.with_context
            if name in part.on or (everything and name not in part.but_not):
                direct.append(fold)
            elif part.with_context:
                gated.setdefault(part.with_context, []).append(fold)
        return tuple(direct), tuple((keys, "traits" in keys, tuple(folds)) for keys, folds in gated.items())

    def fold(self, state: StrandState, fact: Fact) -> None:
        """Take a fact into a strand's state, in place. Never raises, whatever the fact holds."""
        at, fact_id, source = fact.occurred_at, fact.id, fact.source
        own = source == OWN_SOURCE
        shape = (fact.name, own, bool(fact.traits), *fact.context)
        folds = self._by_shape.get(shape)
        if folds is None:
            folds = self._folds_of(fact, own=own)
            # Whoever has a write key chooses these texts: what is remembered of them stays small.
            if len(shape) <= SHAPE_KEYS and len(fact.name) + sum(map(len, fact.context)) <= SHAPE_CHARACTERS:
                if len(self._by_shape) >= SHAPES:
                    self._by_shape.clear()
                self._by_shape[shape] = folds
        for fold in folds:
            fold(state, fact, at, fact_id, source)

    def _folds_of(self, fact: Fact, *, own: bool) -> tuple[Fold, ...]:
        """The folds that a fact of this name, with these keys in its context, is given to."""
        plans, otherwise = (self._own_plans, self._own_otherwise) if own else (self._plans, self._otherwise)
        direct, gated = plans.get(fact.name, otherwise)
        found = list(direct)
        for keys, by_traits, folds in gated:
            if (by_traits and fact.traits) or not fact.context.keys().isdisjoint(keys):
                found += folds
        return tuple(found)


def yes(fact: Fact, settings: ReadingSettings) -> bool:
    """For kinds that ask only whether a fact came."""
    return True


def _compile(part: Part, settings: ReadingSettings) -> Fold:
    name, take, zero, fold = part.key, part.take, part.kind.zero, part.kind.fold

    def run_always(state: StrandState, fact: Fact, at: int, fact_id: str, source: str) -> None:
        held = state.get(name)
        if held is None:
            held = state[name] = zero()
        fold(held, at, fact_id, source, None)

    def run(state: StrandState, fact: Fact, at: int, fact_id: str, source: str) -> None:
        value = take(fact, settings)
        if value is None:
            return
        held = state.get(name)
        if held is None:
            held = state[name] = zero()
        fold(held, at, fact_id, source, value)

    def run_first(state: StrandState, fact: Fact, at: int, fact_id: str, source: str) -> None:
        held = state.get(name)
        if held is None or at <= held[0]:
            run(state, fact, at, fact_id, source)

    if take is yes:
        return run_always
    return run_first if isinstance(part.kind, First) else run
