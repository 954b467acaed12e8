"""A policy put beside, or in place of, those in force: what console, API and command line try and apply alike."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from rapport.capabilities.consent import store
from rapport.capabilities.consent.effect import Effect, effect_of
from rapport.capabilities.consent.model import Policy, PolicySet
from rapport.capabilities.consent.service import policies_of
from rapport.collect.model import Source
from rapport.collect.sources import list_sources
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import WorkspaceId

__all__ = ["Wanted", "apply", "as_text", "try_out", "wanted"]


class Wanted(NamedTuple):
    """Policies as they would be, and the version of those in force that they were made from."""

    policies: PolicySet
    seen: int


def wanted(conn: Connection, workspace: WorkspaceId, policy: Policy, *, is_default: bool) -> Wanted:
    """The policies in force with this one in place of that of its name; `is_default`: also where none is named.

    Its sources may be named or told by their ids. Raises InvalidInput where it contradicts itself or the others, or a
    source is none of the shop's.
    """
    kept = policies_of(conn, workspace)
    policy.check()
    known = list_sources(conn, workspace) if policy.sources else []
    ids = tuple(dict.fromkeys(_source(known, name) for name in policy.sources))
    found = kept.policies.with_policy(msgspec.structs.replace(policy, sources=ids))
    if is_default:
        found = msgspec.structs.replace(found, default=policy.name)
    found.check()
    return Wanted(found, kept.version)


def try_out(conn: Connection, workspace: WorkspaceId, policy: Policy, *, is_default: bool) -> Effect:
    """What would change for whom; nothing is. Raises as `wanted` does. Cost: `effect_of`."""
    return effect_of(conn, workspace, wanted(conn, workspace, policy, is_default=is_default).policies)


def apply(
    conn: Connection, workspace: WorkspaceId, policy: Policy, *, is_default: bool, seen: int | None, by: str,
    reason: str, now: int,
) -> int:  # fmt: skip
    """Put it in force; returns the version from then on. `seen` is the version that was looked at, None for whichever.

    Raises as `wanted` does, InvalidInput without a reason, and Conflict where another is in force by now.
    """
    if not reason.strip():
        raise InvalidInput("say why the policy changes", hint="it stays with the version")
    found = wanted(conn, workspace, policy, is_default=is_default)
    return store.save_policies(
        conn, workspace, found.policies, seen=found.seen if seen is None else seen, by=by, reason=reason.strip()[:500],
        now=now,
    )  # fmt: skip


def as_text(policy: Policy) -> str:
    """A policy as the JSON that is read again."""
    return msgspec.json.format(msgspec.json.encode(policy), indent=2).decode()


def _source(known: list[Source], named: str) -> str:
    """The id of a source that is told by its id or its name."""
    same = [one.id for one in known if named == one.id] or [
        one.id for one in known if named.strip().casefold() == one.name.casefold()
    ]
    if len(same) != 1:
        there = ", ".join(f"{one.name} ({one.id})" for one in known[:20]) or "none"
        several = "several sources are" if same else "no source is"
        raise InvalidInput(f"{several} called {named[:60]!r}", hint=f"there are: {there}")
    return same[0]
