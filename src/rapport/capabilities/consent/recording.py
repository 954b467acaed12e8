"""What may be done with a person, as it is shown; and answers given to the shop itself: by the API, to its staff."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec
import sqlalchemy as sa

from rapport.capabilities.consent import store
from rapport.capabilities.consent.facts import ANSWERED
from rapport.capabilities.consent.model import FREE, RESTRICTED, Policy, State, is_restricted
from rapport.capabilities.consent.service import (
    Noted,
    note_of,
    people_of,
    policies_of,
    said_by,
    to_be_confirmed,
    with_refusals,
)
from rapport.collect.appender import Appender
from rapport.collect.own import own_fact
from rapport.collect.sources import identifier_policy
from rapport.decide.people import naming
from rapport.kernel.clock import to_iso
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.facts import OWN_SOURCE, decode_fact
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.kernel.work import Connection
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.linking.units import members_of
from rapport.resolve.reading.references import find_key, normalised
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.log import LogRow
from rapport.storage.lookup import select_among

__all__ = [
    "ConsentShown", "Given", "PurposeShown", "answer_fact", "find_answering", "noted_in_log", "record", "record_of",
    "shown",
]  # fmt: skip

_MOST_KEYS = 200
"""Identifiers of a person that hold an answer given to the shop itself; people have a dozen."""


class PurposeShown(msgspec.Struct, frozen=True, kw_only=True):
    """What may be done for one purpose, and why."""

    state: State
    may: bool
    reason: str
    since: str | None
    """From when on the answer that decides has been the same; null where nobody has answered."""
    source: str
    """The source whose fact brought it; empty where nobody has answered."""
    title: str
    how: str
    """Where it was given: `website`, `signal`, `api`, `staff`, `link` …"""


class ConsentShown(msgspec.Struct, frozen=True, kw_only=True):
    """What may be done with a person, by purpose."""

    policy: str
    """The policy that holds for them."""
    restricted: bool
    """Whether they have the use of what is kept restricted: then only what they ordered, and the law, counts."""
    purposes: dict[str, PurposeShown]


class Given(NamedTuple):
    """Answers somebody gave, and how."""

    purposes: Mapping[str, Literal["granted", "denied", "unknown"]]
    wording: str
    """The version of the text they were shown."""
    language: str
    how: str
    by: str
    """Who recorded it."""


def shown(conn: Connection, workspace: WorkspaceId, key: Key) -> ConsentShown:
    """What may be done with the person with this key."""
    people = people_of(conn, workspace, [key])
    policy = people.policy_of(key)
    purposes = {}
    for name, rule in policy.purposes.items():
        verdict = people.verdict(key, name)
        purposes[name] = PurposeShown(
            state=verdict.state, may=verdict.may, reason=verdict.reason, title=rule.title, how=verdict.how,
            since=None if verdict.since is None else to_iso(verdict.since), source=verdict.source,
        )  # fmt: skip
    return ConsentShown(policy=policy.name, restricted=is_restricted(people.each[key]), purposes=purposes)


def record(
    db: Database, appender: Appender, workspace: WorkspaceId, reference: str, given: Given, *, now: int
) -> ConsentShown:
    """Have the answers of whom this names in the log, and in force before this returns.

    A person nobody has seen yet is known by the identifier from here on. Raises NotFound for a customer id that is
    nobody's, InvalidInput for a purpose that their policy does not know or that is not theirs to decide.
    """
    with db.read() as conn:
        region = settings_of(conn, workspace).region
        try:
            key, unseen = find_key(conn, workspace, reference, region=region), None
        except NotFound:
            unseen = _unseen(reference, region=region)
            if unseen is None:
                raise
            key = key_of(workspace, unseen)
    return record_of(db, appender, workspace, key, given, now=now, unseen=unseen)


def find_answering(conn: Connection, workspace: WorkspaceId, reference: str) -> Key:
    """The identifier that was named, of whom a fact or an answer is known. Raises NotFound.

    An answer is in force before its fact is folded: whoever has just given one is found.
    """
    region = settings_of(conn, workspace).region
    try:
        return find_key(conn, workspace, reference, region=region)
    except NotFound:
        identifier = _unseen(reference, region=region)
        if identifier is None or not store.held_by(conn, workspace, [key_of(workspace, identifier)]):
            raise
        return key_of(workspace, identifier)


def _unseen(reference: str, *, region: str | None) -> Identifier | None:
    """The identifier that `namespace:value` names, whether or not anybody has seen it."""
    namespace, colon, value = reference.partition(":")
    return normalised(namespace, value, region=region) if colon else None


def record_of(
    db: Database,
    appender: Appender,
    workspace: WorkspaceId,
    key: Key,
    given: Given,
    *,
    now: int,
    unseen: Identifier | None = None,
) -> ConsentShown:
    """The same for the person with this key; `unseen` is what it stands for where no fact has it yet.

    The answers hold for every identifier that is certainly theirs now. Raises NotFound where there is no such person.
    """
    with db.read() as conn:
        settings = settings_of(conn, workspace)
        members = members_of(conn, workspace, key)
        named = next((Identifier(one.namespace, one.value) for one in members if one.key == key), unseen)
        if named is None:
            raise NotFound("there is no such customer")
        _check(people_of(conn, workspace, [key]).policy_of(key), given)
    row = answer_fact(workspace, named, [one.key for one in members[:_MOST_KEYS]], given, now=now)
    appender.append_sync([row])
    with db.write() as conn:  # the worker does the same when it comes to it; a refusal holds from the answer on
        words = to_be_confirmed(policies_of(conn, workspace).policies)
        noted = [with_refusals(one, words) for one in noted_in_log(conn, workspace, [row.message_id])]
        store.keep(conn, said_by(noted, {workspace: identifier_policy(settings)}))
    with db.read() as conn:
        return shown(conn, workspace, key)


def noted_in_log(conn: Connection, workspace: WorkspaceId, ids: Collection[str]) -> list[Noted]:
    """The answers with these message ids as the log has them: what it dropped, since it is there already or somebody
    was erased, counts as it stands there or not at all.
    """
    f = log.facts.c
    query = sa.select(f.strand, f.occurred_at, f.received_at, f.source, f.body).where(f.source == OWN_SOURCE)
    found = []
    for row in select_among(conn, query, workspace, f.message_id, sorted(set(ids))):
        fact = decode_fact(row.body, occurred_at=row.occurred_at, received_at=row.received_at, source=row.source, seq=0)
        found.append(Noted(workspace, Key(row.strand), fact, note_of(fact)))
    return found


def _check(policy: Policy, given: Given) -> None:
    if not given.purposes:
        raise InvalidInput("no purpose is answered", hint='{"purposes": {"email_marketing": "denied"}}')
    for name in given.purposes.keys() - {RESTRICTED}:
        rule = policy.purposes.get(name)
        if rule is None:
            raise InvalidInput(
                f"the policy {policy.name!r} knows no purpose {name[:60]!r}",
                hint=f"there are: {', '.join(policy.purposes)}",
            )
        if rule.basis not in FREE:
            raise InvalidInput(f"{name!r} is not the person's to decide: {rule.title.lower()}")


def answer_fact(
    workspace: WorkspaceId, identifier: Identifier, keys: Sequence[Key], given: Given, *, now: int,
    at: int | None = None, id: str = "", confirmed: bool = False,
) -> LogRow:  # fmt: skip
    """The fact that says what somebody answered, held by these identifiers; `at` where that was before now."""
    return own_fact(
        workspace, name=ANSWERED, id=id or new_id("ans"), occurred_at=now if at is None else at, received_at=now,
        properties={
            "purposes": dict(given.purposes), "wording": given.wording, "language": given.language, "how": given.how,
            "by": given.by, "keys": [key.hex() for key in keys], **({"confirmed": True} if confirmed else {}),
        },
        **naming(identifier),
    )  # fmt: skip
