"""A shop small enough to compare with: facts by hand, the resolver on a real database, the pure rule beside it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import (
    Identifier,
    IdentifierPolicy,
    account_of,
    centre_of,
    identifiers_of,
    key_of,
    other_previous,
    renamed_account,
    said_same,
)
from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.resolve import Moved, Resolver
from rapport.resolve.graph import store
from rapport.resolve.graph.expiry import expire, expiring
from rapport.resolve.graph.model import (
    WEIGHTS,
    Evidence,
    EvidenceId,
    Kind,
    Known,
    Resolution,
    Status,
    evidence_id,
    resolve,
)
from rapport.resolve.graph.policy import PolicySettings, save_policy
from rapport.resolve.graph.renaming import Word
from rapport.storage.engine import Database, metadata
from rapport.storage.workspaces import WorkspaceSettings, create_workspace, workspaces

_workspaces = itertools.count(1_000_000)
_fact_numbers = itertools.count(1)


def new_workspace() -> WorkspaceId:
    return WorkspaceId(next(_workspaces))


@cache
def _tables_with_rows() -> str:
    """A query for the tables that hold something of a workspace: asking once is much quicker than emptying each."""
    names = [table.name for table in metadata.sorted_tables if "workspace" in table.c]
    return " UNION ALL ".join(
        f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\" WHERE workspace = :number)" for name in names
    )


def emptied(db: Database, *, number: int = 1) -> WorkspaceId:
    """The workspace of this number with nothing in it, for an example of a law.

    Identifiers' keys, and with them all that a tie is broken by, depend on the workspace: only in the same one does an
    example that is run again come out as before.
    """
    with db.write() as conn:
        for name in conn.execute(sa.text(_tables_with_rows()), {"number": number}).scalars().all():
            conn.execute(metadata.tables[name].delete().where(metadata.tables[name].c.workspace == number))
        conn.execute(workspaces.delete().where(workspaces.c.id == number))
        settings = msgspec.json.encode(WorkspaceSettings())
        row = {"id": number, "slug": f"marlow-{number}", "name": "Marlow", "settings": settings, "created_at": 1}
        conn.execute(workspaces.insert().values(row))
    return WorkspaceId(number)


def seen(
    at: int,
    *,
    user: str | None = None,
    web: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    device: str | None = None,
    external: Sequence[tuple[str, str]] = (),
    previous: str | None = None,
    name: str | None = None,
    born: str | None = None,
    ident: str = "",
    received_at: int | None = None,
    source: str = "web",
    public: bool = False,
) -> Fact:
    """A fact that carries these identifiers; `web` is the anonymous id. Received when it happened, unless said.

    `public`: with a key that everybody can read.
    """
    stated = (("email", email), ("phone", phone), ("name", name), ("birthday", born))
    traits = {field: value for field, value in stated if value is not None}
    context: dict[str, Any] = {}
    if device is not None:
        context["device"] = {"id": device}
    if external:
        context["externalIds"] = [{"type": kind, "id": value} for kind, value in external]
    fact = Fact(
        id=ident or f"f{next(_fact_numbers):06d}", type="alias" if previous else "identify",
        name="Aliased" if previous else "Identified", user_id=user, anonymous_id=web, previous_id=previous,
        traits=traits, context=context, unverified=public and (user is not None or previous is not None),
    )  # fmt: skip
    fact.occurred_at, fact.received_at = at, at if received_at is None else received_at
    fact.source = source
    return fact


def strand_of(workspace: WorkspaceId, fact: Fact, policy: IdentifierPolicy) -> Key:
    return key_of(workspace, identifiers_of(fact, policy)[0])


def made_shop(db: Database, wanted: PolicySettings | None = None, *, workspace: WorkspaceId | None = None) -> Shop:
    """A shop with settings and a policy of its own, in a new workspace unless one is given."""
    with db.write() as conn:
        if workspace is None:
            workspace = create_workspace(conn, slug=new_id("shop").replace("_", "-"), name="Marlow", now=1).id
        policy = save_policy(conn, workspace, wanted or PolicySettings())
    return Shop(db, policy, workspace=workspace)


class State(NamedTuple):
    """What is stored of a workspace, in the terms of the law."""

    roots: dict[Key, Key]
    first: dict[Key, tuple[int, str]]
    shared: set[Key]
    linked: set[EvidenceId]
    refused: set[EvidenceId]
    withdrawn: set[EvidenceId]


class Shop:
    """One workspace, its policy and a resolver that works on it."""

    def __init__(
        self, db: Database, policy: IdentifierPolicy | None = None, *, workspace: WorkspaceId | None = None
    ) -> None:
        self.db = db
        self.policy = policy or IdentifierPolicy()
        self.workspace = workspace or new_workspace()
        self.resolver = self.new_resolver()

    def new_resolver(self) -> Resolver:
        return Resolver(lambda _: self.policy)

    def see(self, *facts: Fact) -> list[Moved]:
        """One batch."""
        for fact in facts:
            if identifiers_of(fact, self.policy):
                self.resolver.observe(self.workspace, fact, strand_of(self.workspace, fact, self.policy))
        with self.db.write() as conn:
            return self.resolver.flush(conn)

    def sweep(self, now: int, *, limit: int = 1_000) -> list[Moved]:
        """Let evidence expire, one piece of work."""
        with self.db.write() as conn:
            return expire(conn, self.workspace, now=now, limit=limit)

    def due(self, now: int) -> bool:
        """Whether there is evidence to expire."""
        with self.db.read() as conn:
            return self.workspace in expiring(conn, now=now)

    def bounded(self) -> list[EvidenceId]:
        """Evidence that counts, or may, for a time."""
        columns = store.evidence.c
        query = sa.select(columns.id).where(columns.workspace == self.workspace, columns.until_day.is_not(None))
        with self.db.read() as conn:
            return list(conn.execute(query).scalars())

    def key(self, namespace: str, value: str) -> Key:
        return key_of(self.workspace, Identifier(namespace, value))

    def customers(self) -> set[frozenset[str]]:
        """Each customer as the set of its identifiers' values."""
        columns = store.identifiers.c
        query = sa.select(columns.value, columns.root).where(columns.workspace == self.workspace)
        groups: dict[bytes, set[str]] = {}
        with self.db.read() as conn:
            for value, root in conn.execute(query):
                groups.setdefault(root, set()).add(value)
        return {frozenset(group) for group in groups.values()}

    def together(self, *values: str) -> bool:
        return any(group.issuperset(values) for group in self.customers())

    def state(self) -> State:
        with self.db.read() as conn:
            identifiers = conn.execute(sa.select(store.identifiers).filter_by(workspace=self.workspace)).all()
            evidence = conn.execute(sa.select(store.evidence).filter_by(workspace=self.workspace)).all()
        by_status: dict[int, set[EvidenceId]] = {status: set() for status in Status}
        for row in evidence:
            by_status[row.status].add(row.id)
        return State(
            roots={row.key: row.root for row in identifiers},
            first={row.key: (row.first_seen_at, row.first_fact) for row in identifiers},
            shared={row.key for row in identifiers if row.shared_at is not None},
            linked=by_status[Status.LINKED],
            refused=by_status[Status.REFUSED],
            withdrawn=by_status[Status.WITHDRAWN],
        )

    def evidence(self) -> list[Evidence]:
        """All that is stored and waits for nobody."""
        columns = store.evidence.c
        with self.db.read() as conn:
            return [
                Evidence(row.a, row.b, Kind(row.kind), row.first_at, row.first_fact, row.source, row.weight)
                for row in conn.execute(sa.select(store.evidence).where(columns.workspace == self.workspace))
                if row.status != Status.WAITING
            ]


def expected(
    workspace: WorkspaceId,
    facts: Sequence[Fact],
    policy: IdentifierPolicy,
    *,
    withdrawn: Iterable[EvidenceId] = (),
    forbidden: Iterable[tuple[Key, Key]] = (),
    joined: Iterable[Evidence] = (),
    today: int | None = None,
) -> tuple[State, Resolution]:
    """What the pure rule says about a set of facts, computed without any of the machinery."""
    first: dict[Key, tuple[int, str]] = {}
    names: dict[Key, Identifier] = {}
    evidence: list[Evidence] = list(joined)
    maybe: list[Evidence] = []
    withdrawn = set(withdrawn)
    for fact in facts:
        identifiers = identifiers_of(fact, policy)
        keys = [key_of(workspace, one) for one in identifiers]
        if not identifiers:
            continue
        centre = key_of(workspace, centre_of(identifiers))
        for key, one in zip(keys, identifiers, strict=True):
            names[key] = one
            first[key] = min(first.get(key, (fact.occurred_at, fact.id)), (fact.occurred_at, fact.id))
        said = said_same(fact, policy)
        for key, one in zip(keys, identifiers, strict=True):
            if key == centre:
                continue
            kind = Kind.ALIAS if one in said else Kind.SEEN
            gone = evidence_id(centre, key, kind) in withdrawn
            evidence.append(
                Evidence(centre, key, kind, fact.occurred_at, fact.id, "web", WEIGHTS[kind], withdrawn=gone)
            )
        before, account = renamed_account(fact, policy), account_of(fact, policy)
        if before is not None and account is not None:
            renamed = Evidence(
                key_of(workspace, account), key_of(workspace, before), Kind.RENAMED, fact.received_at, fact.id
            )
            gone = evidence_id(renamed.a, renamed.b, Kind.RENAMED) in withdrawn
            maybe.append(renamed._replace(weight=WEIGHTS[Kind.RENAMED], withdrawn=gone))
        other = other_previous(fact, policy) if fact.type == "alias" else None
        if other is not None and fact.unverified and other.namespace == "user_id":
            other = None
        if other is not None and (key := key_of(workspace, other)) not in keys:
            gone = evidence_id(centre, key, Kind.ALIAS) in withdrawn
            weight = WEIGHTS[Kind.ALIAS]
            maybe.append(Evidence(centre, key, Kind.ALIAS, fact.occurred_at, fact.id, "web", weight, withdrawn=gone))
    evidence += [piece for piece in maybe if piece.b in names]
    words = _words(workspace, facts, policy)
    known = []
    for key, one in names.items():
        word = words.get(key, Word())
        known.append(Known(key, *one, first[key][0], word.stated_at, word.renamed_by, word.certain))
    answer = resolve(known, evidence, policy, forbidden, today=today)
    return _state(answer, first), answer


def _words(workspace: WorkspaceId, facts: Sequence[Fact], policy: IdentifierPolicy) -> dict[Key, Word]:
    """Of each account: since when facts came in its name, the first alias of a browser to it, whether it is certain."""
    said: dict[Key, list[Fact]] = {}
    for fact in facts:
        if (account := account_of(fact, policy)) is not None:
            said.setdefault(key_of(workspace, account), []).append(fact)
    found = {}
    for key, of_key in said.items():
        aliases = [fact for fact in of_key if fact.type == "alias" and fact.unverified]
        own = [fact for fact in of_key if fact not in aliases]
        first = min(((fact.received_at, fact.id) for fact in aliases), default=None)
        found[key] = Word(
            min((fact.received_at for fact in own), default=None),
            first and f"{first[0]:020d} {first[1]}",
            any(not fact.unverified for fact in own),
        )
    return found


def _state(answer: Resolution, first: Mapping[Key, tuple[int, str]]) -> State:
    def having(status: Status) -> set[EvidenceId]:
        return {ident for ident, given in answer.statuses.items() if given is status}

    return State(
        roots=answer.roots,
        first=dict(first),
        shared=set(answer.shared),
        linked=having(Status.LINKED),
        refused=having(Status.REFUSED),
        withdrawn=having(Status.WITHDRAWN),
    )
