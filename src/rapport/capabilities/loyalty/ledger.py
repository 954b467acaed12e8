"""The ledger of points: a lot, its accounts, and what may be moved between them. Pure.

Double entry: every entry takes points from one account and gives them to another, so nothing appears or is lost. The
accounts of a lot are what became of its points; `shop` is where they come from and go back to.

    shop → pending → available → held → redeemed
                               ↘ expired ↘ taken

What was given for something that came back is taken from the very lot: first what waits or is left of it, then what
expired, and what was spent already is `owed`: the only balance that can be below nothing, and paid off by what comes
back to the lot. What staff take is `taken`, and stays so whatever else happens. So of each lot
`pending + available + held + redeemed + expired + taken - owed` is what it was given.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import msgspec

from rapport.capabilities.loyalty.earning import FOR_EVER
from rapport.kernel.ids import Key
from rapport.kernel.language import noted

__all__ = ["Account", "Entry", "Lot", "draw", "usable"]

Account: TypeAlias = Literal["shop", "pending", "available", "held", "redeemed", "expired", "taken", "owed"]


class Entry(NamedTuple):
    """Points moved from one account to another, for a reason."""

    lot: str
    number: int
    at: int
    debit: Account
    credit: Account
    points: int
    cause: str
    """The fact or the request behind it."""
    words: str
    stated_by: str


class Lot(msgspec.Struct, kw_only=True):
    """Points that came together, with what became of them."""

    programme: str
    lot: str
    strand: Key
    at: int
    available_at: int
    expires_at: int = FOR_EVER
    pending: int = 0
    available: int = 0
    held: int = 0
    redeemed: int = 0
    expired: int = 0
    taken: int = 0
    owed: int = 0
    entries: int = 0
    counted_minor: int = 0
    is_order: bool = False
    rule: str = ""
    words: str = ""
    new: list[Entry] = []
    """Entries that are not written yet."""

    @property
    def given(self) -> int:
        """What it was given, less what was taken back."""
        return self.pending + self.available + self.held + self.redeemed + self.expired + self.taken - self.owed

    def move(
        self, debit: Account, credit: Account, points: int, *, at: int, cause: str, words: str, by: str = ""
    ) -> None:
        """Write an entry. Raises ValueError where an account has not so much: a bug of the caller's."""
        if points == 0:
            return
        if points < 0:
            raise ValueError(f"{points} points cannot be moved from {debit} to {credit}")
        for account, more in ((debit, -points), (credit, points)):
            if account == "shop":
                continue
            left = getattr(self, account) + (-more if account == "owed" else more)
            if left < 0:
                raise ValueError(f"the lot {self.lot!r} has too little {account} for {points} points")
            setattr(self, account, left)
        self.entries += 1
        self.new.append(Entry(self.lot, self.entries, at, debit, credit, points, cause, words, by))

    def mature(self, now: int) -> int:
        """What time alone has done by now: waiting points become available, old ones expire. Returns what expired."""
        if self.pending and self.available_at <= now:
            self.move("pending", "available", self.pending, at=self.available_at, cause=f"time:{self.available_at}",
                      words=noted("the return window is over"))  # fmt: skip
        if self.available and self.expires_at <= now:
            gone = self.available
            self.move("available", "expired", gone, at=self.expires_at, cause=f"time:{self.expires_at}",
                      words=noted("not used in time"))  # fmt: skip
            return gone
        return 0

    def become(self, points: int, *, now: int, cause: str, words: str, by: str = "") -> int:
        """Give or take until it was given so many points in all; returns the difference."""
        change = points - self.given
        if change > 0:
            self._put(change, now=now, cause=cause, words=words, by=by)
        elif change < 0:
            left = -change
            for account in _TAKEN_FROM:
                some = min(left, getattr(self, account))
                self.move(account, "shop", some, at=now, cause=cause, words=words, by=by)
                left -= some
            self.move("owed", "shop", left, at=now, cause=cause, words=words, by=by)
        return change

    def give_back(self, points: int, *, now: int, cause: str, words: str, good_until: int) -> None:
        """Redeemed points come back: what the lot owes is paid first; where it has expired, the rest is good until
        `good_until`.
        """
        paid = min(points, self.owed)
        self.move("redeemed", "owed", paid, at=now, cause=cause, words=words)
        if self.expires_at <= now and points > paid:
            self.expires_at = max(good_until, now)
        self.move("redeemed", "available", points - paid, at=now, cause=cause, words=words)

    def pay_again(self, points: int, *, now: int, cause: str, words: str) -> None:
        """What had come back pays once more: what is left of it first; what was spent meanwhile is owed."""
        for account in _PAID_AGAIN_FROM:
            some = min(points, getattr(self, account))
            self.move(account, "redeemed", some, at=now, cause=cause, words=words)
            points -= some
        self.move("owed", "redeemed", points, at=now, cause=cause, words=words)

    def _put(self, points: int, *, now: int, cause: str, words: str, by: str) -> None:
        paid = min(points, self.owed)
        self.move("shop", "owed", paid, at=now, cause=cause, words=words, by=by)
        where: Account = "pending" if self.available_at > self.at else "available"  # whenever it is folded
        self.move("shop", where, points - paid, at=now, cause=cause, words=words, by=by)


_TAKEN_FROM: tuple[Account, ...] = ("pending", "available", "expired", "taken")
_PAID_AGAIN_FROM: tuple[Account, ...] = ("available", "expired")


def usable(lots: list[Lot], now: int) -> int:
    """What can be redeemed now: what is available of all lots, less what is owed; never below 0."""
    here = sum(one.available + (one.pending if one.available_at <= now else 0) for one in lots if one.expires_at > now)
    return max(0, here - sum(one.owed for one in lots))


def draw(lots: list[Lot], points: int, *, now: int, cause: str, words: str) -> list[tuple[Lot, int]] | None:
    """Hold so many points of the lots, those that expire first before the others; None where there are not so many."""
    if points > usable(lots, now):
        return None
    drawn = []
    for lot in sorted(lots, key=lambda one: (one.expires_at, one.at, one.lot)):
        lot.mature(now)
        some = min(points, lot.available)
        if some:
            lot.move("available", "held", some, at=now, cause=cause, words=words)
            drawn.append((lot, some))
            points -= some
    return drawn
