"""Members are told what has changed for them, through the messages and their gates; history is told to nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rapport.capabilities.loyalty.days import last_day
from rapport.capabilities.loyalty.facts import (
    ADJUSTED,
    APOLOGIES,
    CANCELLED,
    EARNED,
    ENDED,
    ENTERED,
    LEFT,
    RENEWED,
    STARTED,
)
from rapport.capabilities.loyalty.links import WalletLinks
from rapport.capabilities.loyalty.programme import Programme
from rapport.capabilities.loyalty.settings import LOYALTY_SETTINGS, LoyaltySettings
from rapport.capabilities.loyalty.versions import names_of
from rapport.capabilities.messages import queue_all
from rapport.kernel.clock import DAY, from_iso
from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection, Seen, Work

__all__ = ["TOLD", "send", "tell"]

_TIERS, _MEMBERSHIP = (ENTERED, LEFT), (STARTED, RENEWED, CANCELLED, ENDED)
TOLD = frozenset((EARNED, ADJUSTED, *_TIERS, *_MEMBERSHIP))
LATE = DAY
"""What happened longer ago was told then, or is an import's."""


def tell(conn: Connection, work: Work, notes: Sequence[Seen], now: int) -> None:
    """Queue what members are to know of these facts of our own."""
    by_shop: dict[WorkspaceId, list[Seen]] = {}
    for note in notes:
        if note.fact.occurred_at > now - LATE:
            by_shop.setdefault(note.workspace, []).append(note)
    for workspace, several in by_shop.items():
        wanted = work.setting(conn, workspace, LOYALTY_SETTINGS)
        programmes = {one.name: one.programme for one in names_of(conn, workspace)}
        found = []
        for note in several:
            terms = programmes.get(str(note.fact.properties.get("programme")))
            message = _message(note.fact, terms, wanted) if terms else None
            if message is not None:
                found.append((note.strand, message))
        send(conn, workspace, found, now=now)


def send(
    conn: Connection, workspace: WorkspaceId, several: Sequence[tuple[Key, dict[str, Any]]], *, now: int
) -> None:  # fmt: skip
    """Queue messages, each with the way to the wallet of whom it is for; a template that is none fails alone."""
    if not several:
        return
    links = WalletLinks(conn, workspace)
    for key, message in several:
        message["data"]["path"] = links.path(key, now=now)
    queue_all(conn, workspace, several, now=now)


def _message(fact: Fact, terms: Programme, wanted: LoyaltySettings) -> dict[str, Any] | None:
    said: Mapping[str, Any] = fact.properties
    until = said.get("until")
    day = last_day(from_iso(until), terms.time_zone) if isinstance(until, str) and until else None
    # Who rises leaves a tier, who falls enters one: each is told once.
    if fact.name in _TIERS and wanted.tell_tiers and (fact.name == LEFT) == bool(said.get("falls")):
        what = "left" if fact.name == LEFT else "entered"
        return _fields(fact, "tier", what=what, tier=said.get("title"), until=day)
    if fact.name in _MEMBERSHIP and wanted.tell_membership:
        what = fact.name.removeprefix("Membership ").lower()
        return _fields(fact, "membership", what=what, title=said.get("title"), until=day)
    if fact.name == ADJUSTED and wanted.tell_corrections:
        points = said.get("points") or 0
        return _fields(fact, "points_corrected", points=abs(points), taken=points < 0, reason=said.get("words"))
    if fact.name == EARNED and said.get("because") in APOLOGIES and wanted.tell_apologies:
        rule = next((rule for rule in terms.earning if rule.name == said.get("rule")), None)
        title = rule.title if rule else str(said.get("words"))
        what_de = rule.title_de if rule and rule.title_de else title
        return _fields(fact, "apology", what=title, what_de=what_de, points=said.get("points"))
    return None


def _fields(fact: Fact, template: str, **data: object) -> dict[str, Any]:
    return {
        "template": template, "customer": "", "purpose": "transactional", "idempotency_key": f"loyalty:{fact.id}"[:200],
        "data": {name: value for name, value in data.items() if value is not None},
    }  # fmt: skip
