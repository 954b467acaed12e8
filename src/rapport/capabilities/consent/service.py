"""From facts to what identifiers hold, and from what they hold to what may be done: `may`, the gate of all doors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import sqlalchemy as sa

from rapport.capabilities.consent import quick, store
from rapport.capabilities.consent.facts import ANSWERED, answers_of, sends_signal
from rapport.capabilities.consent.model import (
    BORN,
    CONFIRMED,
    FREE,
    GPC,
    ORDERED,
    PROVEN,
    Answer,
    Held,
    Policy,
    PolicySet,
    Verdict,
    judge,
)
from rapport.capabilities.consent.quick import first_source
from rapport.capabilities.consent.shipped import shipped
from rapport.capabilities.consent.store import KeptPolicies, Said
from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.errors import InvalidInput
from rapport.kernel.facts import Fact
from rapport.kernel.gate import Choice, Choosing, Permit
from rapport.kernel.identifiers import IdentifierPolicy, identifiers_of, key_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.moments import read_moment
from rapport.kernel.text import clean
from rapport.kernel.work import Connection
from rapport.remember import store as remember
from rapport.remember.inputs import ReadingSettings
from rapport.remember.stated import birthday
from rapport.resolve.graph.store import identifiers, roots_of
from rapport.resolve.linking.units import units_of
from rapport.storage.lookup import select_among

__all__ = [
    "Noted",
    "People",
    "choices",
    "gate",
    "may",
    "name_purposes",
    "note_of",
    "people_of",
    "policies_of",
    "said_by",
    "shortened",
    "to_be_confirmed",
    "verdicts",
    "with_refusals",
]


class Noted(NamedTuple):
    """A fact that says something of consent."""

    workspace: WorkspaceId
    strand: Key
    fact: Fact
    answers: list[Answer]
    since: int | None = None
    """From when on facts have said the same, where it is not the first of them."""


class People(NamedTuple):
    """The people behind some keys: whose each is, and what holds for them."""

    each: Mapping[Key, Sequence[Sequence[Held]]]
    """By key: what each identifier of its certain person holds."""
    country: Mapping[Key, str]
    """By key; empty where it is not known."""
    source: Mapping[Key, str]
    """By key: by which source they came first; empty where nobody has seen them."""
    policies: PolicySet

    def policy_of(self, key: Key) -> Policy:
        """The policy that holds for the person with this key."""
        return self.policies.holding_for(self.country[key], self.source.get(key, ""))

    def verdict(self, key: Key, purpose: str) -> Verdict:
        """What may be done with the person with this key."""
        return judge(self.policy_of(key), purpose, self.each[key], today=to_iso(now_us())[:10])


def policies_of(conn: Connection, workspace: WorkspaceId) -> KeptPolicies:
    """The shop's policies in force."""
    return store.load_policies(conn, workspace, shipped=shipped())


def people_of(
    conn: Connection, workspace: WorkspaceId, keys: Collection[Key], *, policies: KeptPolicies | None = None,
    sources: bool = False,
) -> People:  # fmt: skip
    """All that `may` rests on, for many at once: five set-based reads for each 500, of one person a single one; one
    more where a policy asks by which source somebody came, or `sources` are wanted.

    A key nobody has seen is its own.

    Who is only probably the same person, by a learned link, neither gives nor takes anything.
    """
    kept = policies_of(conn, workspace) if policies is None else policies
    if len(keys) == 1:
        alone = quick.person_of(conn, workspace, next(iter(keys)))
        if alone is not None:
            return People(*alone, policies=kept.policies)
    roots = roots_of(conn, workspace, keys)
    units = units_of(conn, workspace, set(roots.values()))
    members: dict[Key, list[Key]] = {key: [key] for key in keys}
    for key, root in roots.items():
        members[key] = next((unit for unit in units.get(root, {}).values() if key in unit), [key])
    held = store.held_by(conn, workspace, {one for several in members.values() for one in several})
    countries = _countries(conn, workspace, set(roots.values()))
    came_by = _sources(conn, workspace, members) if sources or kept.policies.ask_sources else {}
    return People(
        each={key: [held[one] for one in several if one in held] for key, several in members.items()},
        country={key: countries.get(roots.get(key, key), "") for key in keys},
        source=came_by,
        policies=kept.policies,
    )


def may(conn: Connection, workspace: WorkspaceId, key: Key, purpose: str) -> Verdict:
    """Whether something may be done with a person, and why. Raises InvalidInput for a purpose no policy knows."""
    people = people_of(conn, workspace, [key])
    policy = people.policy_of(key)
    if purpose not in policy.purposes:
        raise InvalidInput(
            f"the policy {policy.name!r} knows no purpose {purpose[:60]!r}",
            hint=f"there are: {', '.join(policy.purposes)}",
        )
    return people.verdict(key, purpose)


def verdicts(conn: Connection, workspace: WorkspaceId, key: Key) -> dict[str, Verdict]:
    """What may be done with a person, by each purpose of their policy."""
    people = people_of(conn, workspace, [key])
    return {purpose: people.verdict(key, purpose) for purpose in people.policy_of(key).purposes}


def gate(
    conn: Connection, workspace: WorkspaceId, keys: Collection[Key], purpose: str, now: int
) -> Mapping[Key, Permit]:
    """The same for many people, as every door asks it (`kernel.gate`). A purpose unknown to a policy is a no."""
    policies = policies_of(conn, workspace)
    if all(
        _is_nobodys_choice(policy, purpose) for policy in policies.policies.policies
    ):  # what each order needs costs one look
        return dict.fromkeys(keys, Permit(may=True, reason=ORDERED))
    people = people_of(conn, workspace, keys, policies=policies)
    found = {key: people.verdict(key, purpose) for key in keys}
    return {key: Permit(verdict.may, verdict.reason) for key, verdict in found.items()}


def choices(
    conn: Connection, workspace: WorkspaceId, asked: Mapping[Key, Choosing]
) -> Mapping[Key, Mapping[str, Choice]]:
    """What these people have said, by the purposes of their policies (`kernel.gate`). Two reads for each 500 keys."""
    held = store.held_by(conn, workspace, {key for one in asked.values() for key in one.keys})
    saying = {name: each for name, one in asked.items() if (each := [held[key] for key in one.keys if key in held])}
    if not saying:
        return {}
    policies = policies_of(conn, workspace).policies
    keys = {name: asked[name].keys for name in saying}
    came_by = _sources(conn, workspace, keys) if policies.ask_sources else {}
    return {
        name: _chosen(policies.holding_for(asked[name].country, came_by.get(name, "")), each)
        for name, each in saying.items()
    }


def _chosen(policy: Policy, each: Sequence[Sequence[Held]]) -> dict[str, Choice]:
    found = {purpose: judge(policy, purpose, each) for purpose in policy.purposes}
    return {
        purpose: Choice(one.state, one.at if one.since is None else one.since, one.at, one.fact, one.source)
        for purpose, one in found.items()
        if one.state != "unknown" and one.at is not None
    }


def _is_nobodys_choice(policy: Policy, purpose: str) -> bool:
    rule = policy.purposes.get(purpose)
    return rule is not None and rule.basis not in FREE and not rule.needs


def name_purposes(conn: Connection, workspace: WorkspaceId) -> Mapping[str, str]:
    """The purposes of the shop's policies by name, each with the title that its default policy gives it, or another."""
    policies = policies_of(conn, workspace).policies
    first = sorted(policies.policies, key=lambda one: one.name != policies.default)
    return {name: rule.title for policy in reversed(first) for name, rule in policy.purposes.items()}


def note_of(fact: Fact) -> list[Answer]:
    """What a fact says of consent, its browser's signal included."""
    answers = answers_of(fact)
    if fact.name == ANSWERED and (_text(fact, "how") in PROVEN or fact.properties.get("confirmed") is True):
        answers += [Answer(f"{CONFIRMED}{one.category}", "granted") for one in answers if one.state == "granted"]
    if _birthday(fact):
        answers = [*answers, Answer(BORN, "granted")]
    return [*answers, Answer(GPC, "denied")] if sends_signal(fact) else answers


def _birthday(fact: Fact) -> str:
    """The birthday that a fact states, as an ISO date; empty where it states none."""
    if not fact.traits and "traits" not in fact.context:  # nearly all facts
        return ""
    stated = birthday(fact, ReadingSettings())
    return "" if stated is None else str(stated[1])[:10]


def to_be_confirmed(policies: PolicySet) -> frozenset[str]:
    """All words for purposes whose yes has to be confirmed, in any policy of the shop."""
    return frozenset(
        word
        for policy in policies.policies
        for name, rule in policy.purposes.items()
        if rule.confirmed
        for word in policy.names(name)
    )


def with_refusals(noted: Noted, words: frozenset[str]) -> Noted:
    """The same, with each no to what has to be confirmed ending a confirmation before it."""
    ended = [
        Answer(f"{CONFIRMED}{one.category}", "denied")
        for one in noted.answers
        if one.state == "denied" and one.category.casefold() in words
    ]
    return noted._replace(answers=[*noted.answers, *ended]) if ended else noted


def shortened(noted: Iterable[Noted]) -> list[Noted]:
    """The first and the last of facts in a row that say the same of the same identifiers: a client repeats its answer.

    The others change nothing that is held. Facts that may bring further identifiers are left as they are.
    """
    kept: list[Noted] = []
    plain: dict[tuple[WorkspaceId, Key, str | None, str | None], list[Noted]] = {}
    for one in noted:
        fact = one.fact
        if fact.name == ANSWERED or fact.type == "alias" or fact.traits or not _BRINGING.isdisjoint(fact.context):
            kept.append(one)
        else:
            plain.setdefault((one.workspace, one.strand, fact.user_id, fact.anonymous_id), []).append(one)
    for several in plain.values():
        several.sort(key=lambda one: (one.fact.occurred_at, one.fact.id))
        for _, alike in groupby(several, key=lambda one: (one.answers, one.fact.context.get("consent"))):
            run = list(alike)
            kept.append(run[0])
            if len(run) > 1:
                kept.append(run[-1]._replace(since=run[0].fact.occurred_at))
    return kept


_BRINGING = frozenset(("traits", "device", "externalIds", "external_ids"))
"""Keys of a context that may hold identifiers."""


def said_by(noted: Iterable[Noted], policies: Mapping[WorkspaceId, IdentifierPolicy]) -> list[Said]:
    """The answers of facts, each with the identifiers that hold it: all that the fact carries."""
    return [
        Said(
            one.workspace, one.strand, keys, _held(one, answer), _text(one.fact, "by"), repeated=_is_repeated(one.fact)
        )
        for one in noted
        for keys in [_keys(one, policies[one.workspace])]
        for answer in one.answers
    ]


def _keys(noted: Noted, policy: IdentifierPolicy) -> tuple[Key, ...]:
    fact = noted.fact
    keys = {noted.strand: None}
    if fact.name == ANSWERED:
        given = fact.properties.get("keys")
        for one in given if isinstance(given, list) else ():
            keys[Key(bytes.fromhex(one))] = None
    for identifier in identifiers_of(fact, policy):
        keys[key_of(noted.workspace, identifier)] = None
    return tuple(keys)


_SHOWN = ("wording", "language")


def _held(noted: Noted, answer: Answer) -> Held:
    fact = noted.fact
    how = "signal" if answer.category == GPC else _text(fact, "how") or _imported(fact) or "website"
    return Held(
        category=answer.category, state=answer.state, at=fact.occurred_at,
        since=_given_at(fact) or (fact.occurred_at if noted.since is None else noted.since), fact=fact.id,
        source=fact.source, how=how,
        wording=_birthday(fact) if answer.category == BORN else _text(fact, "wording"),
        language=_text(fact, "language"),
    )  # fmt: skip


def _imported(fact: Fact) -> str:
    """Where an answer was given that a file brought along, as the file says."""
    beside = fact.context.get("consent")
    place = beside.get("importedFrom") if isinstance(beside, dict) else None
    return f"import: {clean(place, longest=80)}" if isinstance(place, str) and place else ""


def _is_repeated(fact: Fact) -> bool:
    """Whether a fact may only tell again what was answered before: it does not say when that was."""
    return fact.name != ANSWERED and _given_at(fact) is None


def _given_at(fact: Fact) -> int | None:
    """When the answer was given that a client tells with an event, as it says itself: never after the event."""
    beside = fact.context.get("consent") if fact.name != ANSWERED else None
    given = beside.get("answeredAt") if isinstance(beside, dict) else None
    at = read_moment(given) if isinstance(given, str) and given else None
    return None if at is None else min(at, fact.occurred_at)


def _text(fact: Fact, name: str) -> str:
    """What a fact says beside the answers: of others' only what they say the person was shown."""
    beside = fact.properties if fact.name == ANSWERED else fact.context.get("consent") if name in _SHOWN else None
    given = beside.get(name) if isinstance(beside, dict) else None
    return clean(given, longest=100) if isinstance(given, str) else ""


def _sources(conn: Connection, workspace: WorkspaceId, members: Mapping[Key, Collection[Key]]) -> dict[Key, str]:
    """By which source the people with these identifiers came first."""
    i = identifiers.c
    query = sa.select(i.key, i.first_seen_at, i.first_fact, i.source)
    seen: dict[bytes, tuple[int, str, str]] = {
        key: (at, fact, source)
        for key, at, fact, source in select_among(
            conn, query, workspace, i.key, {one for several in members.values() for one in several}
        )
    }
    return {key: first_source(seen[one] for one in several if one in seen) for key, several in members.items()}


def _countries(conn: Connection, workspace: WorkspaceId, roots: Collection[Key]) -> dict[Key, str]:
    c = remember.customers.c
    return {
        Key(root): country
        for root, country in select_among(conn, sa.select(c.root, c.country), workspace, c.root, roots)
    }
