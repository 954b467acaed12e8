"""What a shop may decide about identity: blocked values, limits, bounds in time; and what a change of it would do.

The order of namespaces is not among it: the strand of every fact in the log was chosen by it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Annotated, NamedTuple

import msgspec
import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy import Connection

from rapport.collect.sources import identifier_policy
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.identifiers import SEEN_KINDS, IdentifierPolicy
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.versions import version_of
from rapport.resolve.graph import corrections, store
from rapport.storage.workspaces import WorkspaceSettings, all_workspaces, change_settings

__all__ = [
    "Difference",
    "PolicySettings",
    "SlidingLimit",
    "compare",
    "differences",
    "policy_version",
    "read_policy",
    "save_policy",
    "settings_of",
]

_NAMESPACE = re.compile(r"[a-z][a-z0-9_.]{0,49}")

Bound = Annotated[int, Meta(ge=1, le=1_000)]
Days = Annotated[int, Meta(ge=1, le=3_650)]


class SlidingLimit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many identifiers first seen within any span of so many days, however many there are in all."""

    at_most: Bound
    within_days: Days


class PolicySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The part of the identity policy that a shop decides."""

    blocked: Annotated[list[str], Meta(max_length=500)] = []
    """Regular expressions, added to the built-in ones; a whole value that matches identifies nobody."""
    limits: dict[str, Bound | SlidingLimit] = {}
    """Namespace → how many identifiers of it one customer may have, for ever or within days; `user_id` is 1 unless said
    otherwise."""
    default_limit: Bound = 5
    """The same for all other namespaces."""
    max_identifiers: Annotated[int, Meta(ge=2, le=1_000)] = 100
    """Identifiers one customer may have in all."""
    shared_after: Annotated[int, Meta(ge=1, le=10_000)] = 50
    """An identifier seen with more than so many others as stable as itself names nobody: a kiosk, an office phone."""
    one_name: bool = True
    """Where no account says who it is, an e-mail, a phone or a device ties only what may be one person by name and date
    of birth; False: whatever was seen with it."""
    evidence_days: dict[str, Days] = {}
    """Namespace, or kind of evidence (`seen`, `alias`, `renamed`) → days after which evidence that was not seen again
    counts no more; not named: it counts for ever. The shortest that applies holds."""

    def check(self) -> None:
        """Raises InvalidInput for a pattern that is no regular expression and a name that is no namespace."""
        for number, pattern in enumerate(self.blocked):
            if len(pattern) > 200:
                raise InvalidInput(f"blocked pattern {pattern[:80]!r} … is longer than 200 characters")
            try:  # beside those before it, as they are used
                re.compile("|".join(f"(?:{one})" for one in ("x", *self.blocked[: number + 1])))
            except (re.error, OverflowError, RecursionError) as error:
                raise InvalidInput(f"blocked pattern {pattern!r}: {error}", hint="Python's syntax") from error
        for name in (*self.limits, *self.evidence_days):
            if not _NAMESPACE.fullmatch(name):
                raise InvalidInput(f"{name[:60]!r} is no namespace", hint="user_id, email, loyalty_card …")
        for name in ("joined", "probable"):
            if name in self.evidence_days:
                raise InvalidInput(
                    f"evidence that is {name} does not expire: no fact can say it again",
                    hint=f"kinds with a bound are {' and '.join(SEEN_KINDS)}; all other names are namespaces",
                )


class Difference(NamedTuple):
    """What a change does to some customers: identifiers grouped as they are, and as they would be."""

    before: tuple[tuple[Key, ...], ...]
    after: tuple[tuple[Key, ...], ...]

    @property
    def merges(self) -> bool:
        """Whether identifiers of two customers come together."""
        whose = {key: number for number, group in enumerate(self.before) for key in group}
        return any(len({whose[key] for key in group}) > 1 for group in self.after)

    @property
    def splits(self) -> bool:
        """Whether identifiers of one customer part."""
        return Difference(self.after, self.before).merges


def settings_of(conn: Connection, workspace: WorkspaceId) -> WorkspaceSettings:
    """All settings of the shop. Raises NotFound."""
    for shop in all_workspaces(conn):
        if shop.id == workspace:
            return shop.settings
    raise NotFound(f"no workspace {workspace}")


def read_policy(settings: WorkspaceSettings) -> PolicySettings:
    """The shop's part of the policy."""
    limits: dict[str, int | SlidingLimit] = {**settings.identifier_limits}
    for name, days in settings.identifier_limit_days.items():
        limits[name] = SlidingLimit(at_most=settings.identifier_limits[name], within_days=days)
    return PolicySettings(
        blocked=settings.blocked_identifiers, limits=limits,
        default_limit=settings.identifier_default_limit, max_identifiers=settings.identifiers_at_most,
        shared_after=settings.identifier_shared_after, one_name=settings.identifier_one_name,
        evidence_days=settings.evidence_days,
    )  # fmt: skip


def policy_version(settings: WorkspaceSettings) -> str:
    """Stands for the shop's part of the policy."""
    return version_of(msgspec.structs.asdict(read_policy(settings)))


def with_policy(settings: WorkspaceSettings, wanted: PolicySettings) -> WorkspaceSettings:
    """The settings with another identity policy in them."""
    sliding = {name: limit for name, limit in wanted.limits.items() if isinstance(limit, SlidingLimit)}
    return msgspec.structs.replace(
        settings, blocked_identifiers=list(wanted.blocked),
        identifier_limits={n: limit if isinstance(limit, int) else limit.at_most for n, limit in wanted.limits.items()},
        identifier_limit_days={name: limit.within_days for name, limit in sliding.items()},
        identifier_default_limit=wanted.default_limit, identifiers_at_most=wanted.max_identifiers,
        identifier_shared_after=wanted.shared_after, identifier_one_name=wanted.one_name,
        evidence_days=dict(wanted.evidence_days),
    )  # fmt: skip


def save_policy(conn: Connection, workspace: WorkspaceId, wanted: PolicySettings) -> IdentifierPolicy:
    """Make it the shop's policy; `corrections.rebuild` then makes its customers. Needs `store.lock`."""
    settings = change_settings(conn, workspace, lambda settings: with_policy(settings, wanted))
    store.bump_epoch(conn, workspace)
    return identifier_policy(settings)


def compare(conn: Connection, workspace: WorkspaceId, wanted: PolicySettings, *, now: int) -> list[Difference]:
    """What the changed policy would merge and split. Loads all of the workspace's identifiers and evidence."""
    wanted.check()
    policy = identifier_policy(with_policy(settings_of(conn, workspace), wanted))
    after = corrections.preview(conn, workspace, policy, now=now).roots
    columns = store.identifiers.c
    query = sa.select(columns.key, columns.root).where(columns.workspace == workspace)
    return differences({Key(key): Key(root) for key, root in conn.execute(query)}, after)


def differences(before: Mapping[Key, Key], after: Mapping[Key, Key]) -> list[Difference]:
    """The smallest sets of customers that can be compared by themselves, where anything changed."""
    groups_before, groups_after = _groups(before), _groups(after)
    seen: set[Key] = set()
    found = []
    for key in sorted(before):
        if key in seen or groups_before[before[key]] == groups_after[after[key]]:
            continue
        island, waiting = {key}, [key]
        while waiting:
            one = waiting.pop()
            near = (*groups_before[before[one]], *groups_after[after[one]])
            waiting += (new := set(near) - island)
            island |= new
        seen |= island
        found.append(Difference(_among(before, groups_before, island), _among(after, groups_after, island)))
    return found


def _groups(roots: Mapping[Key, Key]) -> dict[Key, tuple[Key, ...]]:
    groups: defaultdict[Key, list[Key]] = defaultdict(list)
    for key in sorted(roots):
        groups[roots[key]].append(key)
    return {root: tuple(keys) for root, keys in groups.items()}


def _among(
    roots: Mapping[Key, Key], groups: Mapping[Key, tuple[Key, ...]], keys: Iterable[Key]
) -> tuple[tuple[Key, ...], ...]:
    return tuple(groups[root] for root in sorted({roots[key] for key in keys}))
