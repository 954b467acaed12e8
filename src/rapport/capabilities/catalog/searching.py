"""Searching the catalogue: what a question may mean, in the order in which its meanings are tried.

A code brings what it is of and nothing else. Otherwise every word must be there; where that finds few, words that are a
slip away count too, and behind them longer words that begin so, and where nothing is found at all, products that have
some of the words. What is tried depends on the question alone and on no filter, so no filter makes a count grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
from sqlalchemy import Connection

from rapport.capabilities.catalog import finding
from rapport.capabilities.catalog.finding import Asked, Filters, FoundProduct
from rapport.capabilities.catalog.words import code_of, distance, has_digit, may_differ, near_keys, query_words
from rapport.kernel.ids import WorkspaceId

__all__ = ["Found", "Question", "Sort", "search"]

Sort = Literal["relevance", "price", "-price", "name"]

FEW = 10
"""Below so many products that have all the words as they were typed, slips are forgiven."""
_WAYS, _ROWS, _WORDS = 8, 1_500, 60
_SHORTEST_START = 3
_Places = list[dict[str, int]]
"""For each place of a question the words that fit it, with the slips between."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody looks for."""

    query: str = ""
    filters: Filters = Filters()
    sort: Sort = "relevance"
    limit: int = 20
    offset: int = 0
    wants_facets: bool = True


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: a page of it, and counts of all of it."""

    products: list[FoundProduct]
    total: int
    facets: list[tuple[str, str, int]]
    spans: list[tuple[str, int, int]]
    corrected: dict[str, str]
    """Words that the catalogue does not know, with those that were taken for them."""
    complete: bool
    """False where no product has all the words, and those that have some are shown."""
    variants: dict[str, list[str]]
    """Of products found by a code: the variants it is of."""


class _Meaning(msgspec.Struct, frozen=True):
    """What the question was taken for."""

    asked: Sequence[Asked] = ()
    only: Sequence[str] = ()
    first: Sequence[str] = ()
    complete: bool = True
    corrected: dict[str, str] = {}
    variants: dict[str, list[str]] = {}


def search(
    conn: Connection, workspace: WorkspaceId, question: Question, *, now: int, market: str = "",
    synonyms: Sequence[Sequence[tuple[str, ...]]] = (),
) -> Found:  # fmt: skip
    """A page of what fits the question, best first. At most ten statements, whatever the catalogue's size.

    Prices are those that hold now, in the market.
    """
    meaning = _meaning(conn, workspace, question.query, synonyms)
    these = finding.found(workspace, meaning.asked, all_places=meaning.complete, only=meaning.only)
    filters = question.filters._replace(now=now, market=market)
    return Found(
        products=finding.page(
            conn, workspace, these, filters, sort=question.sort, first=meaning.first, limit=question.limit,
            offset=question.offset,
        ),
        total=finding.count(conn, workspace, these, filters),
        facets=finding.facet_counts(conn, workspace, these, filters) if question.wants_facets else [],
        spans=finding.price_spans(conn, workspace, these, filters) if question.wants_facets else [],
        corrected=meaning.corrected, complete=meaning.complete, variants=meaning.variants,
    )  # fmt: skip


def _meaning(
    conn: Connection, workspace: WorkspaceId, query: str, synonyms: Sequence[Sequence[tuple[str, ...]]]
) -> _Meaning:
    coded = finding.by_code(conn, workspace, code) if (code := code_of(query)) else []
    variants: dict[str, list[str]] = {}
    for product_id, variant, _ in coded:
        variants.setdefault(product_id, []).append(variant)
    if any(alone for _, _, alone in coded):
        return _Meaning(only=[*dict.fromkeys(one for one, _, alone in coded if alone)], variants=variants)
    typed = query_words(query)
    if not typed:
        return _Meaning(only=[""]) if query.strip() else _Meaning()
    first = list(variants)
    exact: _Places = [{word: 0} for word in typed]
    asked = _asked(exact, synonyms)
    number = _count(conn, workspace, asked)
    if number >= FEW:
        return _Meaning(asked=asked, first=first)
    places, corrected = _forgiving(conn, workspace, typed, synonyms, nothing_yet=number == 0)
    asked = _asked(places, synonyms)
    if number or _count(conn, workspace, asked):
        return _Meaning(asked=asked, first=first, corrected=corrected)
    return _Meaning(asked=asked, first=first, corrected=corrected, complete=False)


def _count(conn: Connection, workspace: WorkspaceId, asked: Sequence[Asked]) -> int:
    these = finding.found(workspace, asked, all_places=True)
    return finding.count(conn, workspace, these, Filters(), at_most=FEW)


def _forgiving(
    conn: Connection, workspace: WorkspaceId, typed: Sequence[str], synonyms: Sequence[Sequence[tuple[str, ...]]], *,
    nothing_yet: bool,
) -> tuple[_Places, dict[str, str]]:  # fmt: skip
    """For each word those it may be meant for, and what was taken for a word that the catalogue does not know.

    A word with a digit stands for itself, unless nothing is found: then for longer ones that begin with it.
    """
    known = finding.likely(conn, workspace, {key for word in typed for key in near_keys(word)})
    known += sorted({word for group in synonyms for phrase in group for word in phrase} - set(known))
    places, corrected = [], {}
    for number, word in enumerate(typed):
        slips = may_differ(word)
        near = {} if not slips else {
            other: apart for other in known
            if not has_digit(other) and (apart := distance(word, other, most=slips)) is not None
        }  # fmt: skip
        if slips and near and word not in near:
            corrected[word] = min(near, key=lambda other: (near[other], other))
        is_last = number == len(typed) - 1
        if len(word) >= _SHORTEST_START and (nothing_yet if has_digit(word) else is_last):
            for other in finding.longer(conn, workspace, word):
                near.setdefault(other, max(1, slips))
        best = sorted({word: 0, **near}.items(), key=lambda one: (one[1], one[0]))[:_WORDS]
        places.append(dict(best))
    return places, corrected


def _asked(places: _Places, synonyms: Sequence[Sequence[tuple[str, ...]]]) -> list[Asked]:
    rows: list[Asked] = []
    for way, fitting in enumerate([places, *_other_ways(places, synonyms)][:_WAYS]):
        for place, words in enumerate(fitting):
            rows += [Asked(way, place, word, slips, len(fitting)) for word, slips in words.items()]
    return rows[:_ROWS]


def _other_ways(places: _Places, synonyms: Sequence[Sequence[tuple[str, ...]]]) -> Iterator[_Places]:
    """The question with a phrase in it exchanged for one that means the same."""
    for group in synonyms:
        for phrase in group:
            for start in range(len(places) - len(phrase) + 1):
                span = places[start : start + len(phrase)]
                if not all(word in fitting for word, fitting in zip(phrase, span, strict=True)):
                    continue
                slips = sum(fitting[word] for word, fitting in zip(phrase, span, strict=True))
                for other in group:
                    if other != phrase:
                        yield [*places[:start], *_phrase(other, slips), *places[start + len(phrase) :]]


def _phrase(words: Sequence[str], slips: int) -> Iterator[dict[str, int]]:
    for number, word in enumerate(words):
        yield {word: slips if number == 0 else 0}
