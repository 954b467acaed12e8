"""What the law of a person's market says of requests, and what is done for those that are no erasure.

The slice that keeps the policies says both (`Slice.law`); without one, a month, and people do it by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection

from rapport.kernel.ids import Key, WorkspaceId

__all__ = ["MONTH", "AnswerDays", "Law", "Obey"]

MONTH = 30
"""**Source**: Art. 12(3) GDPR, one month."""

AnswerDays: TypeAlias = Callable[[Connection, WorkspaceId, Key], int]
"""Given whom it is about: days in which the law of their market wants an answer."""

Obey: TypeAlias = Callable[[Connection, WorkspaceId, Key, str, int], str]
"""Given whom, `restriction` or `objection`, and the time: do it in this transaction; says in words what holds now."""


def _month(conn: Connection, workspace: WorkspaceId, key: Key) -> int:
    return MONTH


class Law(msgspec.Struct, frozen=True, kw_only=True):
    """Both."""

    answer_days: AnswerDays = _month
    obey: Obey | None = None
