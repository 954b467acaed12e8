"""Bring people's lots to what is due to them: after new facts, and after their identity has changed.

What is due is a pure function of all their causes (`earning.due_to`); here the difference to what they have is written
as entries. So facts that come twice, late or in another order leave the same lots, and a merge that is taken back
leaves each what they had.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.causes import Cause, lot_of
from rapport.capabilities.loyalty.chance import arm_of
from rapport.capabilities.loyalty.days import end_of_day, month_of
from rapport.capabilities.loyalty.earning import Due, Paid, Version, due_to, terms_at
from rapport.capabilities.loyalty.facts import APOLOGIES, APPLIED, EARNED, ENTERED, LEFT, PENDING, REVERSED
from rapport.capabilities.loyalty.known import Known, known_of
from rapport.capabilities.loyalty.ledger import Lot
from rapport.capabilities.loyalty.members import make_anew
from rapport.capabilities.loyalty.programme import Programme
from rapport.capabilities.loyalty.returning import Return, bring_back, of_return
from rapport.capabilities.loyalty.savings import Saving
from rapport.capabilities.loyalty.tiers import Progress, Standing
from rapport.capabilities.loyalty.versions import versions_of
from rapport.collect.own import own_fact
from rapport.decide import people
from rapport.kernel.clock import DAY, to_iso
from rapport.kernel.errors import InvalidFact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection
from rapport.storage.bulk import insert_ignore, upsert
from rapport.storage.log import LogRow
from rapport.storage.lookup import select_among

__all__ = ["Stating", "settle", "standing_of"]


class Stating:
    """Collects facts of our own, and names whom they are about once for all."""

    def __init__(self, workspace: WorkspaceId, now: int) -> None:
        self._workspace, self._now = workspace, now
        self._told: list[tuple[Key, str, str, int, dict[str, object]]] = []

    def add(self, strand: Key, name: str, id: str, at: int, /, **properties: object) -> None:
        """One more, of the person with this strand. The same `id` is stated once for ever."""
        self._told.append((strand, name, id, at, properties))

    def rows(self, conn: Connection) -> list[LogRow]:
        """The facts as rows of the log; whoever cannot be named any more is left out."""
        names = people.identifiers_by_key(conn, self._workspace, {strand for strand, *_ in self._told})
        found = []
        for strand, name, id, at, properties in self._told:
            if strand in names:
                try:
                    found.append(
                        own_fact(
                            self._workspace, name=name, id=id, occurred_at=at, received_at=self._now,
                            properties=properties, **people.naming(names[strand]),
                        )
                    )  # fmt: skip
                except InvalidFact:  # blocked since
                    continue
        return found


class _Found:
    """What a batch changes: written together at its end."""

    def __init__(self) -> None:
        self.lots: dict[tuple[str, str], Lot] = {}
        self.saved: dict[tuple[str, str], tuple[Key, int, Sequence[Saving]]] = {}
        self.tiers: list[tuple[str, Key, Standing, Sequence[Version], int]] = []
        self.waiting: list[dict[str, object]] = []
        self.arms: list[dict[str, object]] = []
        self.back: list[Return] = []

    def save(self, conn: Connection, workspace: WorkspaceId, *, now: int) -> None:
        """Write all but the tiers, which are stated from what was stated before."""
        for lot in bring_back(conn, workspace, self.back, now=now, known=lambda *place: self.lots.get(place)):
            self.lots[lot.programme, lot.lot] = lot
        store.save_lots(conn, workspace, self.lots.values())
        store.save_savings(conn, workspace, self.saved)
        insert_ignore(conn, store.approvals, self.waiting, key=("workspace", "programme", "lot"))
        insert_ignore(conn, store.arms, self.arms, key=("workspace", "programme", "trial", "strand"))


def settle(
    conn: Connection, workspace: WorkspaceId, strands: Collection[Key], *, cause: Mapping[Key, str], now: int
) -> list[LogRow]:
    """Settle all people to whom these strands belong; returns the facts to be stated. `cause` says by strand which fact
    is behind it. Cost: some statements for each 500 strands, and the causes of these people.
    """
    programmes = versions_of(conn, workspace)
    if not programmes or not strands:
        return []
    known = known_of(conn, workspace, strands, programmes)
    lots = store.lots_named(conn, workspace, {lot_of(one) for told in known.causes.values() for one in told})
    stating, found = Stating(workspace, now), _Found()
    for root, told in known.causes.items():
        why = next((cause[one] for one in known.strands[root] if one in cause), f"settled:{now}")
        enrolled = min((one.at for one in told), default=now)
        for name, versions in programmes.items():
            paid = [p for strand in known.strands[root] for of, p in known.paid.get(strand, ()) if of == name]
            due, standing = due_to(
                versions, told, paid=paid, redeemed=known.redeemed, referrals=known.referrals,
                arms=known.arms.get((name, root)),
            )  # fmt: skip
            found.tiers.append((name, root, standing, versions, enrolled))
            if standing.orders:
                found.arms += _invited(workspace, name, versions[-1].programme, root, now=now)
            found.arms += [
                {"workspace": workspace, "programme": name, "trial": f"rule:{one.rule}", "strand": one.strand,
                 "arm": one.arm, "at": one.at}
                for one in due if one.arm is not None
            ]  # fmt: skip
            for one in due:
                lot = lots.get((name, one.lot))
                if _must_wait(conn, workspace, name, one, known, lot, zone=versions[-1].programme.time_zone):
                    found.waiting.append(_waiting(workspace, name, one, now=now))
                else:
                    _give(found, name, one, lot, known, versions, stating, why=why, now=now)
                found.back += _returns(name, one, known, versions[-1].programme, why=why, now=now)
    found.save(conn, workspace, now=now)
    _state_tiers(conn, workspace, found.tiers, known, stating, now=now)
    make_anew(conn, workspace, known.strands, now=now)
    return stating.rows(conn)


def _returns(
    name: str, due: Due, known: Known, terms: Programme, *, why: str, now: int
) -> Iterator[Return]:  # fmt: skip
    """What of the points that paid for this order is to be back otherwise than it is: to the point, all of it once
    nothing of the order is kept.
    """
    for row in known.redemptions.get(due.lot, ()):
        by_order = int(row.points * due.points_back)
        if row.programme == name and by_order != row.by_order:
            until = end_of_day(now, terms.returned_days, terms.time_zone)
            yield Return(row, row.told, by_order, why, of_return(row.order_id), until)


def _give(
    found: _Found, name: str, due: Due, lot: Lot | None, known: Known, versions: Sequence[Version], stating: Stating,
    *, why: str, now: int,
) -> None:  # fmt: skip
    told_at = now if known.decided.get((name, due.lot)) == "approved" else due.at
    lot = _settled(name, due, lot, stating, why=why, now=now, told_at=told_at)
    if lot is not None:
        found.lots[name, due.lot] = lot
        if due.is_order:
            found.saved[name, due.lot] = (due.strand, due.at, due.savings)
            _state_benefits(name, due, versions, stating)


def standing_of(
    versions: Sequence[Version], told: Sequence[Cause], *, paid: Collection[Paid] = ()
) -> tuple[Standing, int]:
    """Where somebody stands, and since when they are in the programme."""
    return due_to(versions, told, paid=paid)[1], min((one.at for one in told), default=2**62)


def _invited(
    workspace: WorkspaceId, programme: str, terms: Programme, root: Key, *, now: int
) -> list[dict[str, object]]:  # fmt: skip
    """Whoever orders while a plan has a holdout is in its trial from then on, invited or not."""
    return [
        {"workspace": workspace, "programme": programme, "trial": f"plan:{plan.name}", "strand": root, "at": now,
         "arm": arm_of(workspace, f"plan:{plan.name}", root, holdout_percent=plan.holdout_percent)}
        for plan in terms.plans if plan.holdout_percent
    ]  # fmt: skip


def _must_wait(
    conn: Connection, workspace: WorkspaceId, programme: str, due: Due, known: Known, lot: Lot | None, *, zone: str
) -> bool:
    """Whether a person must approve these points first: there are too many at once, or the budget of the month (of the
    programme's zone) is spent.
    """
    if lot is not None or not (due.approve_above or due.budget):
        return False
    decided = known.decided.get((programme, due.lot))
    if decided is not None:
        return decided != "approved"
    if due.approve_above and due.points > due.approve_above:
        return True
    if not due.budget:
        return False
    since, until = month_of(due.at, zone)
    c = store.lots.c
    spent = known.spent.get((programme, due.rule, since))
    if spent is None:
        store.lock_budgets(conn, workspace)
        query = sa.select(sa.func.coalesce(sa.func.sum(store.given_of(c)), 0)).where(
            c.workspace == workspace, c.programme == programme, c.rule == due.rule, c.at >= since,
            c.at < until,
        )  # fmt: skip
        spent = int(conn.execute(query).scalar_one())
    fits = spent + due.points <= due.budget
    known.spent[programme, due.rule, since] = spent + (due.points if fits else 0)
    return not fits


def _waiting(workspace: WorkspaceId, programme: str, due: Due, *, now: int) -> dict[str, object]:
    why = f"{due.points} points at once" if due.approve_above and due.points > due.approve_above else "budget spent"
    return {
        "workspace": workspace, "programme": programme, "lot": due.lot, "strand": due.strand, "points": due.points,
        "rule": due.rule, "state": "waiting", "at": now, "why": why, "decided_by": "",
    }  # fmt: skip


def _settled(
    programme: str, due: Due, lot: Lot | None, stating: Stating, *, why: str, now: int, told_at: int
) -> Lot | None:
    """The lot as it is due, with the entries that make it so; None where nothing changes. `told_at` is when its points
    were earned as the member sees it: of what a person had to approve, then.
    """
    if lot is None and not due.points and not due.is_order:
        return None
    booked_at = min(due.at, now) if lot is None else now
    if lot is None:
        lot = Lot(programme=programme, lot=due.lot, strand=due.strand, at=due.at, available_at=due.available_at,
                  expires_at=due.expires_at, rule=due.rule, words=due.words, new=[])  # fmt: skip
    elif lot.given == due.points and (lot.strand, lot.counted_minor) == (due.strand, due.counted_minor):
        return None
    lot.strand, lot.counted_minor, lot.is_order = due.strand, due.counted_minor, due.is_order
    lot.at, lot.available_at, lot.words = due.at, due.available_at, due.words
    change = lot.become(due.points, now=booked_at, cause=why, words=due.words)
    said: dict[str, object] = {"points": abs(change), "lot": due.lot, "programme": programme, "words": due.words,
                               "cause": why}  # fmt: skip
    told_at = now if due.on in APOLOGIES and lot.entries > 1 else told_at  # more, because it came later still
    id = f"{programme}:{due.lot}:{lot.entries}"
    if change > 0:
        said |= {"rule": due.rule, "because": due.on}
        stating.add(due.strand, EARNED, f"points-earned:{id}", told_at, **said)
        if lot.pending:
            said["available_at"] = to_iso(due.available_at)
            stating.add(due.strand, PENDING, f"points-pending:{id}", told_at, **said)
    elif change < 0:
        stating.add(due.strand, REVERSED, f"points-reversed:{id}", now, **said, owed=lot.owed)
    return lot


def _state_benefits(programme: str, due: Due, versions: Sequence[Version], stating: Stating) -> None:
    """State what benefits an order had, each once for ever."""
    for one in due.savings:
        if one.kind == "rule":
            continue
        stating.add(
            due.strand, APPLIED, f"benefit-applied:{programme}:{due.lot}:{one.kind}:{one.source}", due.at,
            kind=one.kind, title=one.title, saving_minor=one.minor, currency=versions[-1].programme.currency,
            points=one.points, order_id=due.lot.removeprefix("order:").removeprefix("fact:"), programme=programme,
            source=one.source,
        )  # fmt: skip


def _state_tiers(
    conn: Connection,
    workspace: WorkspaceId,
    reached: Sequence[tuple[str, Key, Standing, Sequence[Version], int]],
    known: Known,
    stating: Stating,
    *,
    now: int,
) -> None:
    """State who has entered or left a tier since that was last stated."""
    s = store.standings.c
    everyone = {one for several in known.strands.values() for one in several}
    stated = {
        (row.programme, Key(row.strand)): row
        for row in select_among(conn, sa.select(store.standings), workspace, s.strand, everyone)
    }
    rows = []
    for programme, root, standing, versions, enrolled in reached:
        terms = terms_at(versions, now, enrolled)
        if terms is None or not terms.tiers or not standing.orders:
            continue
        progress = standing.progress_at(terms, now)
        mine = stated.get((programme, root))
        was = mine.tier if mine else terms.tiers[0].name
        way = progress.way(terms)
        if mine is None or (mine.tier, mine.until, mine.way) != (progress.tier, progress.until, way):
            rows.append({"workspace": workspace, "programme": programme, "strand": root, "tier": progress.tier,
                         "until": progress.until, "way": way})  # fmt: skip
        if was != progress.tier:
            places = [tier.name for tier in terms.tiers]
            falls = was in places and places.index(was) > places.index(progress.tier)
            at = _changed_at(progress, terms, mine.until if mine else 0, falls=falls, now=now)
            for name, tier in ((LEFT, was), (ENTERED, progress.tier)):
                found = terms.tier_named(tier)
                title = found.title if found else tier
                stating.add(root, name, f"{name}:{programme}:{root.hex()}:{tier}:{progress.until}:{standing.orders}",
                            at, falls=falls, tier=tier, title=title, programme=programme,
                            until=to_iso(progress.until) if progress.until else "")  # fmt: skip
    rows.sort(key=lambda row: (row["programme"], row["strand"]))
    upsert(conn, store.standings, rows, key=("workspace", "programme", "strand"), update=["tier", "until", "way"])


def _changed_at(progress: Progress, terms: Programme, was_until: int, *, falls: bool, now: int) -> int:
    """When somebody came into another tier: with the order that reached it, or when the old one's time was over."""
    if falls:
        return was_until if 0 < was_until <= now else now
    return min(now, progress.until - terms.tier_keep_days * DAY) if progress.until else now
