"""The consent slice's part of a worker's batch: answers and signals, from every fact that carries one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from rapport.act.webhooks import purposes_of
from rapport.capabilities.consent import store
from rapport.capabilities.consent.facts import TO_BE_CONFIRMED
from rapport.capabilities.consent.model import GPC, PROVEN, Answer
from rapport.capabilities.consent.service import (
    Noted,
    note_of,
    policies_of,
    said_by,
    shortened,
    to_be_confirmed,
    with_refusals,
)
from rapport.capabilities.consent.store import Said
from rapport.collect.own import own_fact
from rapport.collect.sources import identifier_policy
from rapport.compose.partners import tell_partners
from rapport.decide.people import identifiers_by_key, naming
from rapport.kernel.clock import DAY
from rapport.kernel.facts import OWN_SOURCE
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import EVERY_FACT, Connection, Seen, Work
from rapport.remember import customers
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.graph.store import roots_of
from rapport.resolve.linking.units import members_of

__all__ = ["Listening"]


class Listening:
    """Keeps what facts say of consent. It knows which identifiers send a signal, to notice when they no longer do.

    A fact without the signal that came before an older one with it leaves the signal standing until the browser is
    seen again.
    """

    listens_to: Collection[str] = (EVERY_FACT,)

    def __init__(self) -> None:
        self._noted: list[Noted] = []
        self._signalling: set[tuple[WorkspaceId, Key]] | None = None
        """Those of the database; None where it has yet to be asked."""
        self._seen: list[Noted] = []
        """Facts of a browser, which may have stopped to send it."""

    def handle(self, seen: Seen) -> None:
        fact = seen.fact
        answers = note_of(fact)
        if answers:
            self._noted.append(Noted(seen.workspace, seen.strand, fact, answers))
        elif self._signalling is None or (seen.workspace, seen.strand) in self._signalling:
            self._seen.append(Noted(seen.workspace, seen.strand, fact, [Answer(GPC, "unknown")]))

    def flush(self, conn: Connection, work: Work, now: int) -> None:
        noted, seen = self._noted, self._seen
        self._noted, self._seen = [], []
        if not noted and not seen:
            return
        if self._signalling is None:
            self._signalling = set(store.signalling(conn))
        stopped = [one for one in seen if _is_of_browser(one) and (one.workspace, one.strand) in self._signalling]
        if not noted and not stopped:
            return
        shops = {one.workspace for one in (*noted, *stopped)}
        policies = {ws: work.known(conn, ws, _policy) for ws in shops}
        words = {ws: to_be_confirmed(policies_of(conn, ws).policies) for ws in shops}
        told = [with_refusals(one, words[one.workspace]) for one in shortened([*noted, *stopped])]
        said = said_by(told, policies)
        fresh = store.keep(conn, said)
        _tell_partners(conn, [*fresh, *(one for one in said if one.held.source == OWN_SOURCE)], now)
        if any(words.values()):
            _ask_to_confirm(conn, work, [*fresh, *(one for one in said if one.held.source == OWN_SOURCE)], words, now)
        _mark_others(conn, [*fresh, *(one for one in said if one.held.source == OWN_SOURCE)])
        for one in said:
            if one.held.category == GPC:
                change = self._signalling.add if one.held.state == "denied" else self._signalling.discard
                change((one.workspace, one.strand))

    def abandon(self) -> None:
        self._noted.clear()
        self._seen.clear()
        self._signalling = None


def _tell_partners(conn: Connection, several: Sequence[Said], now: int) -> None:
    """Have webhooks told that were made for what somebody refuses just now; each once for one answer."""
    purposes: dict[WorkspaceId, set[str]] = {}
    for said in several:
        held = said.held
        if held.state != "denied" or now - held.at > DAY:
            continue
        if said.workspace not in purposes:
            purposes[said.workspace] = set(purposes_of(conn, [said.workspace]).values())
        policies = policies_of(conn, said.workspace).policies.policies if purposes[said.workspace] else ()
        ended = {
            name for policy in policies for name in policy.purposes if held.category.casefold() in policy.names(name)
        } & purposes[said.workspace]
        if ended:
            tell_partners(
                conn, said.workspace, members_of(conn, said.workspace, said.strand), kind="withdrawal", now=now,
                request=f"consent-{held.fact}-{held.category}"[:200], purposes=ended,
            )  # fmt: skip


def _ask_to_confirm(
    conn: Connection, work: Work, several: Sequence[Said], words: Mapping[WorkspaceId, frozenset[str]], now: int
) -> None:
    """State that a yes of just now waits to be confirmed: whoever sends mails hears of it. For one answer once."""
    for said in several:
        held = said.held
        waits = held.state == "granted" and held.category.casefold() in words[said.workspace] and held.how not in PROVEN
        if not waits or now - held.at > DAY:
            continue
        named = identifiers_by_key(conn, said.workspace, [said.strand]).get(said.strand)
        if named is not None:
            work.state(own_fact(
                said.workspace, name=TO_BE_CONFIRMED, id=f"confirm-{held.fact}-{held.category}"[:200], occurred_at=now,
                received_at=now, properties={"purpose": held.category, "answer": held.fact}, **naming(named),
            ))  # fmt: skip


def _mark_others(conn: Connection, several: Iterable[Said]) -> None:
    """Have rows made anew that folding leaves alone: of others an answer names, of who told the shop itself."""
    by_shop: dict[WorkspaceId, list[Said]] = {}
    for said in several:
        by_shop.setdefault(said.workspace, []).append(said)
    for workspace, some in by_shop.items():
        roots = roots_of(conn, workspace, {key for said in some for key in said.keys})
        stale = {
            roots[key]
            for said in some
            for key in said.keys
            if key in roots and (said.held.source == OWN_SOURCE or roots[key] != roots.get(said.strand))
        }
        customers.mark_stale(conn, workspace, stale)


def _is_of_browser(noted: Noted) -> bool:
    """Whether a browser sent it, which would have sent the signal with it."""
    return "userAgent" in noted.fact.context and "page" in noted.fact.context


def _policy(conn: Connection, workspace: WorkspaceId) -> IdentifierPolicy:
    return identifier_policy(settings_of(conn, workspace))
