"""Candidates for the next item of a running session, and what is known of each: the features that the ranker reads.

One query is a handful of look-ups in packed rows and takes a fraction of a millisecond; no two threads share a scratch.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rapport.capabilities.recommendations.learning.index import SessionIndex
from rapport.capabilities.recommendations.learning.rows import Bools, Floats, Ints, Pairs, gather

__all__ = ["FEATURES", "CandidateFinder", "Found"]

LATEST = 9
"""Items of the running session that look for neighbours."""

NEIGHBOURS = 500
"""Sessions most like the running one."""

REACH = 6
"""Items of the running session whose co-visits are added."""

REACH_NEAR = 3
"""Items of the running session whose neighbours by vector are added."""

FEATURES = (
    "neighbours", "neighbours_rank", "neighbours_sessions", "neighbours_best",
    "following", "following_last", "following_before", "following_rank",
    "next_last", "next_share",
    "around", "around_last", "around_before", "around_rank",
    "near", "near_last", "angle_last", "angle_session",
    "steps_ago", "times_met",
    "popularity", "recent", "rising", "last_met",
    "blend", "blend_rank",
    "session_length", "session_unique", "last_popularity", "last_next_total", "neighbours_found",
)  # fmt: skip


class Found(NamedTuple):
    """Candidates of one query, best first by the blend, with one row of FEATURES each."""

    items: Ints
    features: Floats


class _Scratch(threading.local):
    """Arrays as long as all items or sessions, zero between two queries."""

    def __init__(self, items: int, sessions: int) -> None:
        self.similar = np.zeros(sessions, dtype=np.float32)
        self.matched = np.zeros(sessions, dtype=np.float32)
        self.place = np.zeros(items, dtype=np.int32)
        self.sums = np.zeros((5, items), dtype=np.float32)


class CandidateFinder:
    """Finds candidates in an index. Safe to share between threads."""

    def __init__(self, index: SessionIndex, *, most: int = 100) -> None:
        self.index = index
        self.most = most
        self._scratch = _Scratch(index.items, len(index.sessions.starts) - 1)

    def neighbours(self, session: Sequence[int]) -> tuple[Ints, Floats, Floats, Floats, int]:
        """Items of the sessions most like this one: score, in how many, how like the best; and how many sessions.

        **Source:** VMIS-kNN (Kersbergen, Sprangers, Schelter: Serenade, SIGMOD 2022).
        """
        index, scratch = self.index, self._scratch
        latest = list(dict.fromkeys(reversed(session[-LATEST:])))
        length = min(len(session), LATEST)
        touched: list[Ints] = []
        places = {item: position for position, item in enumerate(session[-LATEST:], start=1)}
        for item in latest:
            posting = index.postings.row(item)
            position = places[item]
            fresh = posting[scratch.similar[posting] == 0]
            scratch.matched[fresh] = 1 - 0.1 * (length - position)
            scratch.similar[posting] += position / length
            touched.append(fresh)
        sessions = np.concatenate(touched)
        similar = scratch.similar[sessions]
        scratch.similar[sessions] = 0
        if len(sessions) > NEIGHBOURS:  # ties go to newer sessions
            best = np.argpartition(-(similar + sessions * (1e-3 / len(scratch.similar))), NEIGHBOURS)[:NEIGHBOURS]
            sessions, similar = sessions[best], similar[best]
        items, lengths = gather(index.sessions, sessions)
        values = np.repeat(similar * scratch.matched[sessions], lengths)
        ids, inverse = _unique(items, scratch.place)
        scores = np.bincount(inverse, weights=values, minlength=len(ids)).astype(np.float32) * index.rarity[ids]
        counts = np.bincount(inverse, minlength=len(ids)).astype(np.float32)
        strongest = np.zeros(len(ids), dtype=np.float32)
        np.maximum.at(strongest, inverse, values)
        return ids, scores, counts, strongest, len(sessions)

    def find(self, session: Sequence[int], *, allowed: Bools | None = None) -> Found:
        """The `most` best candidates for what comes after this session of at least one known item.

        Where `allowed` marks items, the best of them: what may not be shown takes nobody's place.
        """
        index, sums = self.index, self._scratch.sums
        ids, scores, counts, strongest, found = self.neighbours(session)
        touched = [ids, np.array(list(dict.fromkeys(session)), dtype=np.int32)]
        sums[0, ids], sums[1, ids], sums[2, ids] = scores, counts, strongest
        touched += _add(index.following, session[-REACH:], sums[3])
        touched += _add(index.around, session[-REACH:], sums[4])
        touched.append(index.near.row(session[-1])[0])
        items, _ = _unique(np.concatenate(touched), self._scratch.place)
        values = sums[:, items]
        sums[:, items] = 0
        if allowed is not None:
            values, items = values[:, allowed[items]], items[allowed[items]]
        blend = _part(values[0]) + _part(values[3]) + 0.5 * _part(values[4])
        if len(items) > self.most:
            kept = np.argpartition(-blend, self.most)[: self.most]
            items, values, blend = items[kept], values[:, kept], blend[kept]
        order = np.argsort(-blend, kind="stable")
        return self._described(session, items[order], values[:, order], blend[order], found)

    def _described(self, session: Sequence[int], items: Ints, values: Floats, blend: Floats, found: int) -> Found:
        index, last = self.index, session[-1]
        before = session[-2] if len(session) > 1 else -1
        popularity, recent = index.popularity[items], index.recent[items]
        near = _sum_of(index.near, session[-REACH_NEAR:], items, self._scratch.sums[0])
        following_next = _sum_of(index.next, (last,), items, self._scratch.sums[0])
        total = float(index.next.row(last)[1].sum())
        angles = index.vectors[items] @ index.vectors[list(session[-REACH:])].T
        ago = {item: len(session) - position for position, item in enumerate(session)}
        columns = {
            "neighbours": values[0], "neighbours_rank": _rank(values[0]), "neighbours_sessions": values[1],
            "neighbours_best": values[2],
            "following": values[3], "following_rank": _rank(values[3]), "around": values[4],
            "around_rank": _rank(values[4]),
            "following_last": _sum_of(index.following, (last,), items, self._scratch.sums[0]),
            "around_last": _sum_of(index.around, (last,), items, self._scratch.sums[0]),
            "next_last": following_next, "next_share": following_next / (total + 1),
            "near": near, "near_last": _sum_of(index.near, (last,), items, self._scratch.sums[0]),
            "angle_last": angles[:, -1], "angle_session": angles.mean(axis=1),
            "steps_ago": np.array([ago.get(item, 0) for item in items.tolist()], dtype=np.float32),
            "times_met": np.array([session.count(item) if item in ago else 0 for item in items.tolist()]),
            "popularity": popularity, "recent": recent, "rising": recent / (popularity + 1),
            "last_met": index.last_met[items], "blend": blend, "blend_rank": np.arange(len(items)),
            "session_length": len(session), "session_unique": len(ago) / len(session),
            "last_popularity": index.popularity[last], "last_next_total": total, "neighbours_found": found,
            "following_before": 0, "around_before": 0,
        }  # fmt: skip
        if before >= 0:
            columns["following_before"] = _sum_of(index.following, (before,), items, self._scratch.sums[0])
            columns["around_before"] = _sum_of(index.around, (before,), items, self._scratch.sums[0])
        features = np.empty((len(items), len(FEATURES)), dtype=np.float32)
        for column, name in enumerate(FEATURES):
            features[:, column] = columns[name]
        return Found(items, features)


def _add(pairs: Pairs, session: Sequence[int], sums: Floats) -> list[Ints]:
    """Add what goes with each item of the session, the later the more; the items that were touched."""
    touched = []
    for position, item in enumerate(reversed(session)):
        others, weights = pairs.row(item)
        sums[others] += weights / (1 + position)
        touched.append(others)
    return touched


def _sum_of(pairs: Pairs, session: Sequence[int], items: Ints, sums: Floats) -> Floats:
    """For each of `items` how strongly it goes with the items of the session; `sums` is left zero."""
    rows = [pairs.row(item) for item in session]
    for others, weights in rows:
        sums[others] += weights
    found = sums[items]
    for others, _ in rows:
        sums[others] = 0
    return found


def _unique(values: Ints, place: Ints) -> tuple[Ints, NDArray[np.int64]]:
    """Each value once, and for all of them its place among these. No sorting; `place` is any array of all items."""
    numbers = np.arange(len(values), dtype=np.int32)
    place[values] = numbers
    firsts = place[values] == numbers
    ids = values[firsts]
    place[ids] = np.arange(len(ids), dtype=np.int32)
    return ids, place[values].astype(np.int64)


def _part(values: Floats) -> Floats:
    """As a part of the largest."""
    return values / max(float(values.max(initial=0)), 1e-9)


def _rank(values: Floats) -> Floats:
    """0 for the largest; ties in the order they stand in."""
    ranks = np.empty(len(values), dtype=np.float32)
    ranks[np.argsort(-values, kind="stable")] = np.arange(len(values))
    return ranks
