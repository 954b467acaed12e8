"""Whose turn it is among the requests that a job answers: the oldest, and those that failed behind all others."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from rapport.act.jobs import Turn
from rapport.compose.requests import privacy_requests
from rapport.storage.leases import LeaseLost

__all__ = ["Failed", "next_request", "stepping_behind"]

_logger = logging.getLogger(__name__)
_r = privacy_requests.c


class Failed:
    """The requests that failed since the job last raised, in the memory of the worker that tried alone."""

    def __init__(self) -> None:
        self.ids: set[str] = set()


def next_request(
    conn: Connection, kinds: Collection[str], failed: Collection[str] = (), *, without: Collection[str] = ()
) -> Any:
    """The request to go on with, as a row: one that is running before those that wait, the oldest first; or None.
    Those `without` which have to wait are passed over.

    One that waits and names nobody is never answered: there is nothing to do it with. What is to be put right is ours
    where it is said how it ought to be.
    """
    return conn.execute(_next(tuple(kinds), tuple(sorted(failed)), tuple(sorted(without)))).first()


@lru_cache(maxsize=32)
def _next(kinds: tuple[str, ...], failed: tuple[str, ...], without: tuple[str, ...]) -> sa.Select[Any]:
    """Made once: a worker that has nothing to do asks it again and again."""
    ours = sa.or_(_r.kind != "rectification", _r.wanted.is_not(None))
    waits = sa.and_(_r.status == "received", _r.subject.is_not(None), ours, _r.id.not_in(without))
    query = sa.select(privacy_requests).where(_r.kind.in_(kinds), sa.or_(_r.status == "running", waits))
    behind = sa.case((_r.id.in_(failed), 1), else_=0)
    begun = sa.case((_r.status == "running", 0), else_=1)
    return query.order_by(behind, begun, _r.asked_at).limit(1)


@contextmanager
def stepping_behind(turn: Turn, request: str) -> Iterator[None]:
    """Have this request step behind the others should it fail; where they all had their turn, the job fails."""
    failed = turn.kept(Failed).ids
    try:
        yield
    except LeaseLost:
        raise
    except Exception as error:
        if request in failed:
            raise
        failed.add(request)
        _logger.error(  # what a database says of its failure may name people
            "the request %s failed: %s; it is tried again after the others", request, type(error).__name__,
            exc_info=not isinstance(error, DBAPIError),
        )  # fmt: skip
        turn.again()
