"""What people do to identities: each in one transaction with its audit entry, tried without effect, and undone.

An action is made of corrections (`corrections.py`), remembers what it really changed (`audit.Effects`), states what
became of customers as facts, and tells whoever keeps something per customer. Undoing is an action, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.collect.sources import identifier_policy
from rapport.kernel.clock import now_us
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.resolve.actions import audit
from rapport.resolve.actions.audit import Decided, Effects
from rapport.resolve.actions.seen import refuse_unseen_model, refuse_unseen_policy
from rapport.resolve.graph import corrections, stated, store
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.forest import too_many
from rapport.resolve.graph.model import EvidenceId, Kind, Status, evidence_id
from rapport.resolve.graph.policy import PolicySettings, read_policy, save_policy, settings_of
from rapport.resolve.graph.recompute import Moved
from rapport.resolve.linking import models, review
from rapport.resolve.linking.store import CandidateStatus
from rapport.resolve.reading import identities
from rapport.resolve.reading.cuts import cut_between, ties_of, weakest_cut
from rapport.resolve.reading.explain import limit_words
from rapport.resolve.reading.identities import GraphEdge, Member
from rapport.resolve.reading.references import find_key, find_root
from rapport.storage.bulk import insert_rows
from rapport.storage.engine import Database
from rapport.storage.log import facts

__all__ = ["Identity", "NamedIdentifier", "Outcome", "Party", "SplitWanted", "parties"]

LONGEST_REASON = 500

POLICY_PERMISSION = "sources:write"
"""Who may change the policy of all customers."""

MOST_EVIDENCE = 5_000
"""Pieces of evidence a split looks at."""

MOST_PARTIES = 50
"""Customers an outcome tells of."""

_ROUNDS = 20
"""Cuts a split tries where other evidence comes forward and ties the halves again."""


class NamedIdentifier(msgspec.Struct, frozen=True, kw_only=True):
    """One identifier, and how many facts are filed under it: they go where it goes."""

    namespace: str
    value: str
    facts: int


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as it is after an action."""

    id: CustomerId
    identifiers: list[NamedIdentifier]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What an action did, or would do."""

    action: str | None
    """The entry in the audit trail; None of a dry run."""
    dry_run: bool
    moved: int
    """Identifiers that belong to another customer now."""
    customers: list[Party]
    """All it was about, as they are afterwards; at most 50."""
    withdrawn: list[str]
    """Evidence that it took back."""


class SplitWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Where to cut; with nothing chosen the weakest cut is taken."""

    evidence: list[str] = []
    """Pieces of evidence to take back, which must part the customer."""
    identifiers: list[str] = []
    """`namespace:value` of those that are another person."""
    keep_apart: bool = False
    """Also forbid both sides from ever joining again."""


def _nobody(conn: Connection, moved: Sequence[Moved]) -> None:
    return None


class Identity:
    """The use cases. `on_moved` is called in each transaction with the identifiers whose customer changed."""

    def __init__(self, db: Database, *, on_moved: Callable[[Connection, Sequence[Moved]], object] = _nobody) -> None:
        self._db = db
        self._on_moved = on_moved

    def withdraw(self, by: Principal, evidence: Sequence[str], *, reason: str, dry_run: bool = False) -> Outcome:
        """Take evidence back: it counts no more, also when it is seen again."""
        wanted = [_ident(one) for one in evidence]
        return self._act(by, "withdraw", reason, lambda change: change.withdraw(wanted), dry_run=dry_run)

    def restore(self, by: Principal, evidence: Sequence[str], *, reason: str, dry_run: bool = False) -> Outcome:
        """Let withdrawn evidence count again."""
        wanted = [_ident(one) for one in evidence]
        return self._act(by, "restore", reason, lambda change: change.restore(wanted), dry_run=dry_run)

    def split(
        self, by: Principal, reference: str, wanted: SplitWanted, *, reason: str, dry_run: bool = False
    ) -> Outcome:
        """Make two customers of one, along the chosen cut or the weakest."""
        return self._act(by, "split", reason, lambda change: change.split(reference, wanted), dry_run=dry_run)

    def join(self, by: Principal, one: str, other: str, *, reason: str, dry_run: bool = False) -> Outcome:
        """Say that two customers are one person. Raises Conflict where a limit or a forbidden pair is against it."""
        return self._act(
            by, "join", reason, lambda change: change.join(change.key(one), change.key(other)), dry_run=dry_run
        )

    def forbid(self, by: Principal, one: str, other: str, *, reason: str, dry_run: bool = False) -> Outcome:
        """Never let two identifiers be one customer; where they are, the weakest evidence between them gives way."""
        return self._act(
            by, "forbid", reason, lambda change: change.forbid(change.key(one), change.key(other)), dry_run=dry_run
        )

    def accept(self, by: Principal, pair: str, *, reason: str, dry_run: bool = False) -> Outcome:
        """Say that both records of a pair of the review queue are one person.

        Raises NotFound; Conflict where it was decided meanwhile, or a limit or a forbidden pair is against it.
        """
        return self._act(by, "accept", reason, lambda change: change.accept(_ident(pair)), dry_run=dry_run)

    def reject(self, by: Principal, pair: str, *, reason: str, dry_run: bool = False) -> Outcome:
        """Say that the records of a pair are two people, for ever. Raises NotFound, Conflict as `accept` does."""
        return self._act(by, "reject", reason, lambda change: change.reject(_ident(pair)), dry_run=dry_run)

    def reopen(self, by: Principal, pair: str, *, reason: str, dry_run: bool = False) -> Outcome:
        """Undo the action that decided a pair. Raises NotFound, Conflict where nobody decided."""
        return self._act(by, "reopen", reason, lambda change: change.reopen(_ident(pair), by), dry_run=dry_run)

    def use_model(
        self, by: Principal, version: int, *, reason: str, dry_run: bool = False, seen: str | None = None
    ) -> Outcome:
        """Score everybody anew by another version of the learned model; the worker does.

        Raises NotFound, and Conflict: also where the model in force is not the one that was `seen` (`in_force`).
        """
        return self._act(by, "model", reason, lambda change: change.use_model(version, seen=seen), dry_run=dry_run)

    def apply_policy(self, by: Principal, wanted: PolicySettings, *, reason: str, seen: str | None = None) -> Outcome:
        """Make another policy the shop's, and its customers those of the policy. Cost: the workspace, in memory.

        Raises InvalidInput, and Conflict: also where the policy in force is not the one that was `seen`
        (`policy_version`).
        """
        wanted.check()
        return self._act(by, "policy", reason, lambda change: change.apply_policy(wanted, seen=seen))

    def undo(self, by: Principal, action_id: str, *, reason: str = "", dry_run: bool = False) -> Outcome:
        """Take an action back, as far as nobody did so before. Raises NotFound, Conflict."""

        def turn_back(change: Change) -> None:
            change.undo(action_id, by)

        return self._act(by, "undo", reason or "undone", turn_back, dry_run=dry_run)

    def _act(
        self, by: Principal, action: str, reason: str, do: Callable[[Change], None], *, dry_run: bool = False
    ) -> Outcome:
        reason = clean(reason, longest=LONGEST_REASON)
        if not reason:
            raise InvalidInput("no reason was given", hint="say in a few words why; it stays in the audit trail")
        try:
            with self._db.write() as conn:
                workspace = by.workspace
                store.lock(conn, workspace)
                change = Change(conn, workspace, author=by.name, reason=reason, now=now_us())
                do(change)
                outcome = change.finish(action, by, self._on_moved, dry_run=dry_run)
                if dry_run:
                    raise _Tried(outcome)
        except _Tried as tried:
            return tried.outcome
        return outcome


class _Tried(Exception):
    """Rolls a dry run back."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class Change:
    """One action in the making, in the transaction of `conn` and under the workspace's lock."""

    def __init__(self, conn: Connection, workspace: WorkspaceId, *, author: str, reason: str, now: int) -> None:
        self.conn = conn
        self.workspace = workspace
        self.settings = settings_of(conn, workspace)
        self.policy = identifier_policy(self.settings)
        self.effects = Effects()
        self._author = author
        self._reason = reason
        self._now = now
        self._before: dict[Key, Key] = {}
        self._subjects: set[Key] = set()

    def key(self, reference: str) -> Key:
        """The identifier that was named. Raises NotFound."""
        return find_key(self.conn, self.workspace, reference, region=self.settings.region)

    # -- what can be done

    def withdraw(self, idents: Collection[EvidenceId]) -> None:
        """Take evidence back, those that count still."""
        found = self._evidence(idents)
        counting = [row.id for row in found if row.status != Status.WITHDRAWN]
        if counting:
            self.effects.withdrawn += [ident.hex() for ident in counting]
            self._took(
                corrections.withdraw(
                    self.conn, self.workspace, counting, self.policy,
                    author=self._author, reason=self._reason, now=self._now,
                )
            )  # fmt: skip

    def restore(self, idents: Collection[EvidenceId]) -> None:
        """Let evidence count again, those that a person took back."""
        found = [row for row in self._evidence(idents) if row.status == Status.WITHDRAWN]
        if any(row.author is None for row in found):
            raise Conflict("the policy blocks one of these identifiers", hint="change the policy instead")
        if found:
            self.effects.restored += [row.id.hex() for row in found]
            idents = [row.id for row in found]
            self._took(corrections.restore(self.conn, self.workspace, idents, self.policy, now=self._now))

    def forbid(self, a: Key, b: Key) -> None:
        """Forbid a pair."""
        self._subjects.update((a, b))
        if self._is_forbidden(a, b):
            raise Conflict("these two are forbidden from joining already")
        self.effects.forbidden.append((a.hex(), b.hex()))
        self._took(
            corrections.forbid(
                self.conn, self.workspace, a, b, self.policy, author=self._author, reason=self._reason, now=self._now
            )
        )

    def allow(self, a: Key, b: Key) -> None:
        """Take a forbidden pair back, if it is forbidden still."""
        self._subjects.update((a, b))
        if self._is_forbidden(a, b):
            self.effects.allowed.append((a.hex(), b.hex()))
            self._took(corrections.allow(self.conn, self.workspace, a, b, self.policy, now=self._now))

    def join(self, a: Key, b: Key) -> None:
        """Join the customers of two identifiers, by way of the names of which one customer may not have both."""
        for left, right in self._pairs(a, b):
            ident = evidence_id(left, right, Kind.JOINED)
            rows = self._evidence([ident], missing_ok=True)
            if rows and rows[0].status != Status.WITHDRAWN:
                continue
            self._subjects.update((left, right))
            self._took(
                corrections.join(
                    self.conn, self.workspace, left, right, self.policy,
                    author=self._author, reason=self._reason, now=self._now,
                )
            )  # fmt: skip
            self.effects.restored.append(ident.hex())
        if not self._together(a, b):
            raise Conflict(
                f"these two cannot be one customer: {self._against(a, b)}",
                hint="raise the limit in the policy, or take back the pair that was forbidden",
            )

    def split(self, reference: str, wanted: SplitWanted) -> None:
        """Part a customer, and keep parting until nothing else ties the halves."""
        root = find_root(self.conn, self.workspace, reference, region=self.settings.region)
        members = {one.key: one for one in identities.identifiers_of_customer(self.conn, self.workspace, root)}
        self._subjects.update(members)
        if wanted.evidence:
            self._cut_at([_ident(one) for one in wanted.evidence], members)
            return
        side = {self.key(one) for one in wanted.identifiers} or self._weakest(root, members)
        if not side < members.keys():
            raise InvalidInput(
                "these identifiers cannot be parted from the rest of this customer",
                hint="name some of the customer's identifiers, not all and no others",
            )
        rest = members.keys() - side
        self._part(side, rest)
        if wanted.keep_apart:
            self.forbid(self._strongest(side, members), self._strongest(rest, members))

    def apply_policy(self, wanted: PolicySettings, *, seen: str | None = None) -> None:
        """Save the policy and rebuild."""
        before = read_policy(self.settings)
        self.effects.policy_before, self.effects.policy_after = before, wanted
        refuse_unseen_policy(self.conn, self.workspace, seen, now=before, wanted=wanted)
        if self.effects.policy_before == wanted:
            raise Conflict("this is the policy already")
        self.policy = save_policy(self.conn, self.workspace, wanted)
        self._took(corrections.rebuild(self.conn, self.workspace, self.policy, now=self._now))

    def accept(self, ident: EvidenceId) -> None:
        """Join the customers of a pair's records."""
        a, b = self._decide(ident, CandidateStatus.ACCEPTED)
        self.join(a, b)

    def reject(self, ident: EvidenceId) -> None:
        """Forbid a pair's records to be one customer, if they are not forbidden already."""
        a, b = self._decide(ident, CandidateStatus.REJECTED)
        if not self._is_forbidden(a, b):
            self.forbid(a, b)

    def reopen(self, ident: EvidenceId, by: Principal) -> None:
        """Undo whatever decided a pair."""
        self.undo(review.verdict(self.conn, self.workspace, ident), by)

    def use_model(self, version: int, *, seen: str | None = None) -> None:
        """Make a model the active one."""
        before = models.active_version(self.conn, self.workspace)
        refuse_unseen_model(self.conn, self.workspace, seen, now=before, wanted=version)
        if before == version:
            raise Conflict(f"model {version} is in use already")
        models.activate(self.conn, self.workspace, version)
        self.effects.model_before, self.effects.model_after = before, version

    def undo(self, action_id: str, by: Principal) -> None:
        """Do the opposite of what an action changed."""
        action = audit.find_action(self.conn, self.workspace, action_id)
        if action.effects.policy_before is not None or action.effects.model_after is not None:
            by.require(POLICY_PERMISSION, words="undo a change of the policy or of the model")
        if action.undone_by:
            raise Conflict(f"this was undone by {action.undone_by}", hint="undo that one to do it again")
        self._turn_back(action.effects)
        self.effects.undoes = action_id

    def _turn_back(self, done: Effects) -> None:
        for a, b in done.forbidden:
            self.allow(_key(a), _key(b))
        for a, b in done.allowed:
            if not self._is_forbidden(_key(a), _key(b)):
                self.forbid(_key(a), _key(b))
        if done.restored:
            self.withdraw([_ident(one) for one in done.restored])
        if done.withdrawn:
            self.restore([_ident(one) for one in done.withdrawn])
        if done.policy_before is not None and read_policy(self.settings) != done.policy_before:
            self.apply_policy(done.policy_before)
        if done.decided is not None:
            self.effects.decided = Decided(
                pair=done.decided.pair, before=done.decided.after, after=done.decided.before
            )  # fmt: skip
        if done.model_before is not None and models.active_version(self.conn, self.workspace) == done.model_after:
            self.use_model(done.model_before)

    # -- the end

    def finish(
        self, action: str, by: Principal, on_moved: Callable[[Connection, Sequence[Moved]], object], *, dry_run: bool
    ) -> Outcome:
        """Write the audit entry, state the facts, and say what happened."""
        if not self.effects.any() and not self.effects.undoes:
            raise Conflict("nothing would change", hint="it is so already")
        roots = store.roots_of(self.conn, self.workspace, self._before)
        moved = [Moved(self.workspace, key, old, roots[key]) for key, old in self._before.items() if roots[key] != old]
        touched = store.roots_of(self.conn, self.workspace, self._subjects).values()
        whole = self._whole(moved)
        now = dict.fromkeys((*touched, *(one.new_root for one in moved)))
        outcome = Outcome(
            action=None, dry_run=dry_run, moved=len(moved), withdrawn=self.effects.withdrawn,
            customers=parties(self.conn, self.workspace, list(now)[:MOST_PARTIES]),
        )  # fmt: skip
        if dry_run:
            return outcome
        ident = audit.write(
            self.conn, self.workspace, who=by.name, who_id=by.id, action=action, reason=self._reason,
            effects=self.effects, subjects=self._subjects | {one.identifier_key for one in moved}, now=self._now,
        )  # fmt: skip
        if self.effects.undoes:
            self._mark_undone(self.effects.undoes, ident)
        if self.effects.decided is not None:
            self._note_decision(self.effects.decided, by, ident)
        if self.effects.policy_after is not None:
            self._record(whole, ident)
        stated.state(self.conn, self.workspace, whole, self.policy, cause=ident, now=self._now)
        on_moved(self.conn, moved)
        return msgspec.structs.replace(outcome, action=ident)

    def _note_decision(self, decided: Decided, by: Principal, action: str) -> None:
        review.note_decision(
            self.conn, self.workspace, _ident(decided.pair), before=decided.before, after=decided.after,
            author=by.name, reason=self._reason, action=action, now=self._now,
        )  # fmt: skip

    def _mark_undone(self, undone: str, by: str) -> None:
        audit.mark_undone(self.conn, self.workspace, undone, by=by)
        before = audit.find_action(self.conn, self.workspace, undone).effects.undoes
        if before:
            audit.mark_undone(self.conn, self.workspace, before, by=None)

    def _whole(self, moved: Sequence[Moved]) -> list[stated.Turn]:
        """What the moves come to, seen with the identifiers that stayed."""
        old = {one.identifier_key: one.old_root for one in moved}
        roots = {root for one in moved for root in (one.old_root, one.new_root) if root is not None}
        members = identities.members_of_customers(self.conn, self.workspace, roots)
        after = {one.key: root for root, several in members.items() for one in several}
        before = {key: old.get(key) or root for key, root in after.items()}
        return stated.turns(before, after)

    def _record(self, found: Iterable[stated.Turn], cause: str) -> None:
        rows = [
            {
                "workspace": self.workspace, "at": self._now, "kind": turn.kind, "root_from": turn.root_from,
                "root_to": turn.root_to, "fact": "",
            }
            for turn in found
        ]  # fmt: skip
        insert_rows(self.conn, store.customer_changes, rows)

    # -- how

    def _decide(self, ident: EvidenceId, status: CandidateStatus) -> tuple[Key, Key]:
        pair = review.to_decide(self.conn, self.workspace, ident)
        self.effects.decided = Decided(pair=ident.hex(), before=pair.status.value, after=status.value)
        self._subjects.update((pair.a, pair.b))
        return pair.a, pair.b

    def _took(self, moved: Iterable[Moved]) -> None:
        for one in moved:
            if one.old_root is not None:
                self._before.setdefault(one.identifier_key, one.old_root)

    def _evidence(self, idents: Collection[EvidenceId], *, missing_ok: bool = False) -> list[Any]:
        column = store.evidence.c
        query = sa.select(column.id, column.a, column.b, column.status, column.author)
        found = list(store.select_among(self.conn, query, self.workspace, column.id, idents))
        if len(found) < len(set(idents)) and not missing_ok:
            raise NotFound(
                f"{len(set(idents)) - len(found)} of {len(set(idents))} pieces of evidence do not exist",
                hint="GET /api/v1/customers/{id}/evidence lists them",
            )
        for row in found:
            self._subjects.update((row.a, row.b))
        return found

    def _is_forbidden(self, a: Key, b: Key) -> bool:
        pairs = store.forbidden_pairs.c
        query = sa.select(sa.literal(1)).where(
            pairs.workspace == self.workspace, pairs.a == min(a, b), pairs.b == max(a, b)
        )
        return self.conn.execute(query).first() is not None

    def _together(self, *keys: Key) -> bool:
        return len(set(store.roots_of(self.conn, self.workspace, keys).values())) == 1

    def _pairs(self, a: Key, b: Key) -> list[tuple[Key, Key]]:
        """What to join so that no limit stands against it: two accounts are said to be one account."""
        if a == b:
            raise InvalidInput("the two identifiers are the same", hint="name two different identifiers")
        if self._together(a, b):
            return [(a, b)]
        left, right = self._members(a), self._members(b)
        mine, other = ({one.namespace: one.key for one in reversed(side)} for side in (left, right))
        over = [name for name in self._too_many(left, right) if name in mine and name in other]
        return [(mine[name], other[name]) for name in sorted(over, key=self.policy.rank)] or [(a, b)]

    def _members(self, key: Key) -> list[Member]:
        """The identifiers of this one's customer, the earliest first."""
        root = store.roots_of(self.conn, self.workspace, [key])[key]
        return identities.identifiers_of_customer(self.conn, self.workspace, root)

    def _too_many(self, left: Sequence[Member], right: Sequence[Member]) -> list[str]:
        return too_many([(one.namespace, one.first_seen_at) for one in (*left, *right)], self.policy)

    def _against(self, a: Key, b: Key) -> str:
        left, right = self._members(a), self._members(b)
        if self._any_forbidden({one.key for one in left}, {one.key for one in right}):
            return "some of their identifiers are forbidden from joining"
        over = self._too_many(left, right)
        if over:
            days = self.policy.limit_days
            return "together they would have too many of " + ", ".join(limit_words(name, days) for name in over)
        if len(left) + len(right) > self.policy.max_identifiers:
            return f"together they would have more than {self.policy.max_identifiers} identifiers"
        return "a limit of the policy is reached"

    def _any_forbidden(self, mine: Collection[Key], other: Collection[Key]) -> bool:
        pairs = store.forbidden_pairs.c
        query = sa.select(pairs.a, pairs.b)
        found = [
            pair
            for column in (pairs.a, pairs.b)
            for pair in store.select_among(self.conn, query, self.workspace, column, mine)
        ]
        return any(a in other or b in other for a, b in found)

    def _linked(self, root: Key, nodes: Collection[Key]) -> list[GraphEdge]:
        graph = identities.graph(self.conn, self.workspace, root, self.policy, limit=MOST_EVIDENCE)
        return [e for e in graph.edges if e.status is Status.LINKED and e.a in nodes and e.b in nodes]

    def _weakest(self, root: Key, members: dict[Key, Member]) -> set[Key]:
        ties = ties_of(self._linked(root, members), members, self.policy)
        cut = weakest_cut(list(members.values()), ties, self.policy)
        if cut is None:
            raise Conflict("this customer has only one identifier", hint="there is nothing to part")
        return set(cut.side)

    def _strongest(self, side: Iterable[Key], members: dict[Key, Member]) -> Key:
        return min(side, key=lambda k: (self.policy.rank(members[k].namespace), members[k].first_seen_at, k))

    def _part(self, side: Collection[Key], rest: Collection[Key]) -> None:
        for _ in range(_ROUNDS):
            roots = store.roots_of(self.conn, self.workspace, [*side, *rest])
            both = {roots[key] for key in side} & {roots[key] for key in rest}
            if not both:
                return
            for root in both:
                nodes = {one.key: one for one in identities.identifiers_of_customer(self.conn, self.workspace, root)}
                ties = ties_of(self._linked(root, nodes), nodes, self.policy)
                cut = cut_between(ties, nodes.keys() & set(side), nodes.keys() & set(rest))
                self.withdraw(cut.evidence)
        raise Conflict("too much evidence ties these two", hint="forbid two of their identifiers from joining")

    def _cut_at(self, idents: Sequence[EvidenceId], members: dict[Key, Member]) -> None:
        for row in self._evidence(idents):
            if row.a not in members and row.b not in members:
                raise InvalidInput("this evidence is not this customer's", hint="GET /customers/{id}/evidence lists it")
        self.withdraw(idents)
        if self._together(*members):
            raise Conflict("without this evidence it is still one customer", hint="choose more, or let it be proposed")


def parties(conn: Connection, workspace: WorkspaceId, roots: Sequence[Key]) -> list[Party]:
    """These customers with their identifiers and how many facts each has."""
    members = identities.members_of_customers(conn, workspace, roots)
    numbers = _facts_by_strand(conn, workspace, [one.key for several in members.values() for one in several])
    if not members:
        return []
    ids = load_customer_ids(conn)
    return [
        Party(
            id=ids.customer_id(root),
            identifiers=[
                NamedIdentifier(namespace=one.namespace, value=one.value, facts=numbers.get(one.key, 0))
                for one in members[root]
            ],
        )
        for root in roots
        if root in members
    ]


def _facts_by_strand(conn: Connection, workspace: WorkspaceId, keys: Sequence[Key]) -> dict[bytes, int]:
    column = facts.c.strand
    query = sa.select(column, sa.func.count()).group_by(column)
    return {row[0]: row[1] for row in store.select_among(conn, query, workspace, column, keys)}


def _ident(text: str) -> EvidenceId:
    try:
        ident = bytes.fromhex(text)
    except ValueError:
        ident = b""
    if len(ident) != 16:
        raise InvalidInput(f"{text[:60]!r} is no piece of evidence", hint="they are 32 hexadecimal digits")
    return ident


def _key(text: str) -> Key:
    return Key(bytes.fromhex(text))
