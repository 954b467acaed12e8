"""What the law of a person's market says of requests, what is done for those that are no erasure, who is kept.

The slice that keeps the policies says it (`Slice.law`); without one, a month, and people do it by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import msgspec
from sqlalchemy import Connection

from rapport.kernel.ids import Key, WorkspaceId

__all__ = ["MONTH", "AnswerDays", "AskBooks", "FindOutlived", "Law", "LegalBooks", "Obey", "Outlived"]

MONTH = 30
"""**Source**: Art. 12(3) GDPR, one month."""

AnswerDays: TypeAlias = Callable[[Connection, WorkspaceId, Key, str], int]
"""Given whom it is about, and the kind of request: days in which the law of their market wants an answer."""

Obey: TypeAlias = Callable[[Connection, WorkspaceId, Key, str, int], str]
"""Given whom, `restriction` or `objection`, and the time: do it in this transaction; says in words what holds now."""


class Outlived(NamedTuple):
    """Some whom nothing keeps any longer, of those looked at; `after` is where to go on, None where all were."""

    people: list[Key]
    looked_at: int
    after: tuple[int, int, bytes] | None


FindOutlived: TypeAlias = Callable[[Connection, WorkspaceId, tuple[int, int, bytes] | None, int, int], Outlived]
"""Given where to go on, the time and how many customers to look at. It says nobody while the shop does not want it."""


def _month(conn: Connection, workspace: WorkspaceId, key: Key, kind: str) -> int:
    return MONTH


class LegalBooks(NamedTuple):
    """What the law of somebody's market makes a shop keep of their orders, whoever is erased."""

    law: str
    """Which law it is, in words."""
    years: int
    """After the end of the one in which something was ordered."""


AskBooks: TypeAlias = Callable[[Connection, WorkspaceId, Key], LegalBooks | None]
"""Given who is about to be erased: what has to stay for the books; None where nothing has to, or it stays elsewhere."""


class Law(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    answer_days: AnswerDays = _month
    obey: Obey | None = None
    outlived: FindOutlived | None = None
    """Whom no purpose keeps any longer (`compose/retention.py`)."""
    books: AskBooks | None = None
    """What stays of the orders of somebody erased (`compose/erasure.py`)."""
