"""Learning from a table's own records, where it must be without labels: Splink on DuckDB, offline. A shop's table
begins with `shop_judge`.

u, how often two random people agree at a level, is counted on random pairs. m, how often two records of one person do,
is found by expectation maximisation, at least twice, each time among records that share one thing exactly (the name,
the date of birth, a code), which teaches all the other comparisons. The prior is what makes the expected number of
matches among a sample's candidates come out right.

The levels are computed by the very functions that score live: DuckDB calls them for the pairs that Splink asks for.
**Source:** R. Linacre and others, Splink, International Journal of Population Data Science 7:3, 2022.
"""

from __future__ import annotations

import logging
import math
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from rapport.kernel.errors import InvalidInput, Unavailable
from rapport.resolve.linking.comparer import Comparer, Prepared, aspects_of, shop_aspects
from rapport.resolve.linking.comparisons.methods import COMPARISONS, sentences
from rapport.resolve.linking.kinds import Layout
from rapport.resolve.linking.labels import Label
from rapport.resolve.linking.model import Aspect, LearnedComparison, LinkModel, Method, Thresholds
from rapport.resolve.linking.patterns import candidate_patterns
from rapport.resolve.linking.shop_judge import ASKED, Progress, train_shop

if TYPE_CHECKING:
    import duckdb

__all__ = ["FEWEST_ROWS", "Progress", "connection", "register_records", "splink_comparison", "train"]

_logger = logging.getLogger(__name__)

FEWEST_ROWS = 200
"""Fewer records teach nothing reliable."""
MOST_ROWS = 200_000
"""Records that training reads; of more, a random sample."""

_LARGEST_ANCHOR = 100
"""Records that share an anchor; more share it by chance."""
_ANCHORS = 3
_FEWEST_PAIRS = 20
"""An anchor with fewer pairs teaches nothing."""
_BOUNDS = (-16.0, 22.0)
"""Weights beyond are not believed: so few pairs stand behind them."""


_EXPERIENCE = 100
"""Pairs of an anchor that weigh as much as experience."""


class _Anchor(NamedTuple):
    """Something two records share exactly, which fixes one comparison and teaches the others."""

    aspect: int
    keys: list[str | None]
    pairs: int


def train(
    rows: Sequence[Mapping[str, Any]],
    layout: Layout,
    *,
    seed: int = 1,
    random_pairs: int | None = None,
    precision: float = ASKED,
    shipped: bool = True,
    labels: Sequence[Label] = (),
    progress: Progress = lambda doing, share: None,
) -> LinkModel:
    """Learn a model from records in which some people appear more than once.

    A table as a shop has it (names, with e-mail addresses or telephone numbers) fits the weights that are shipped to
    its own records and learns from `labels`; `precision` is then the share of links made without asking that is to be
    right. Any other learns all of its own, and so does a shop's without `shipped`: it takes a minute for 50,000 records
    on two cores. Raises InvalidInput where there is too little to learn from, Unavailable without the extra `identity`.
    """
    rows = _sampled(rows, seed)
    random_pairs = random_pairs or min(1_000_000, 50 * len(rows))
    of_shop = shop_aspects(layout) if shipped else []
    aspects = of_shop or aspects_of(layout)
    _refuse_too_little(len(rows), len(aspects))
    started = time.monotonic()
    progress("counting words", 0.0)
    if of_shop:
        return _of_a_shop(rows, layout, of_shop, labels, seed=seed, precision=precision, progress=progress)
    comparer = Comparer.of_rows(aspects, rows)
    prepared = [comparer.prepare(row) for row in rows]
    anchors = _anchors(aspects, prepared)
    m, u, taught = _splink(comparer, prepared, anchors, seed=seed, random_pairs=random_pairs, progress=progress)
    progress("finding the prior", 0.8)
    model = _with_prior(comparer, prepared, m, u, seed=seed)
    card = {
        "rows": len(rows), "columns": _columns(layout),
        "anchors": [{"aspect": aspects[a.aspect].name, "pairs": a.pairs, "taught": a in taught} for a in anchors],
        "random_pairs": random_pairs, "seed": seed, "seconds": round(time.monotonic() - started, 1),
        "expected_matching_pairs": round(2.0**model.prior * len(rows) * (len(rows) - 1) / 2),
        "weights": _learned_weights(model),
    }  # fmt: skip
    progress("done", 1.0)
    return LinkModel(model.comparisons, model.prior, Thresholds(), card)


def _refuse_too_little(rows: int, aspects: int) -> None:
    if rows < FEWEST_ROWS or aspects < 2:
        raise InvalidInput(
            f"{rows} records with {aspects} aspects teach nothing reliable",
            hint=f"at least {FEWEST_ROWS} records with two aspects such as a name and a postcode",
        )


def _of_a_shop(
    rows: Sequence[Mapping[str, Any]],
    layout: Layout,
    aspects: Sequence[Aspect],
    labels: Sequence[Label],
    *,
    seed: int,
    precision: float,
    progress: Progress,
) -> LinkModel:
    started = time.monotonic()
    model = train_shop(rows, aspects, labels=labels, seed=seed, precision=precision, progress=progress)
    card = model.card | {
        "rows": len(rows), "columns": _columns(layout), "seed": seed, "weights": _learned_weights(model),
        "seconds": round(time.monotonic() - started, 1),
    }  # fmt: skip
    progress("done", 1.0)
    return msgspec.structs.replace(model, card=card)


def _columns(layout: Layout) -> list[dict[str, Any]]:
    """Of the model's card: what the table held."""
    return [
        {"name": c.name, "kind": c.kind, "null_share": c.null_share, "distinct": c.distinct} for c in layout.columns
    ]


def _learned_weights(model: LinkModel) -> list[dict[str, Any]]:
    """Of the model's card: what each outcome of each comparison tells."""
    return [
        {"aspect": c.aspect.name, "level": level, "says": said, "m": round(c.m[level], 6),
         "u": round(c.u[level], 9), "weight": round(c.weights[level], 2)}
        for c in model.comparisons
        for level, said in enumerate(sentences(c.aspect.method))
    ]  # fmt: skip


def _sampled(rows: Sequence[Mapping[str, Any]], seed: int) -> Sequence[Mapping[str, Any]]:
    return rows if len(rows) <= MOST_ROWS else random.Random(seed).sample(rows, MOST_ROWS)


# --- anchors -------------------------------------------------------------------------------------------------------


def _anchors(aspects: Sequence[Aspect], prepared: Sequence[Prepared]) -> list[_Anchor]:
    """The best two or three of what belongs to one person: a name in full, a date of birth, a code, an e-mail.

    Never an address: those who share one and are alike in the rest are a family, and would be learned as one person.
    """
    preference = (Method.NAME, Method.DATE, Method.CODE, Method.EMAIL)
    found: list[_Anchor] = []
    for method in preference:
        for at, aspect in enumerate(aspects):
            if aspect.method is not method:
                continue
            anchor = _anchor(at, aspect, prepared)
            if anchor.pairs >= _FEWEST_PAIRS:
                found.append(anchor)
    return found[:_ANCHORS]


def _anchor(at: int, aspect: Aspect, prepared: Sequence[Prepared]) -> _Anchor:
    whole = COMPARISONS[aspect.method].whole
    keys = [None if record[at] is None else whole(record[at]) for record in prepared]
    sizes = Counter(keys)
    sizes.pop(None, None)
    kept = [key if key is not None and 1 < sizes[key] <= _LARGEST_ANCHOR else None for key in keys]
    pairs = sum(size * (size - 1) // 2 for size in sizes.values() if size <= _LARGEST_ANCHOR)
    return _Anchor(at, kept, pairs)


# --- Splink --------------------------------------------------------------------------------------------------------


def _splink(
    comparer: Comparer,
    prepared: Sequence[Prepared],
    anchors: Sequence[_Anchor],
    *,
    seed: int,
    random_pairs: int,
    progress: Progress,
) -> tuple[list[list[float]], list[list[float]], list[_Anchor]]:
    """The m and u of every level, and the anchors that taught something."""
    sizes = comparer.level_counts()
    with connection() as conn:
        keys: dict[str, list[Any]] = {f"anchor_{anchor.aspect}": list(anchor.keys) for anchor in anchors}
        register_records(conn, comparer, prepared, keys)
        progress("comparing random pairs", 0.1)
        linker = _linker(conn, [splink_comparison(at, _guess(size)) for at, size in enumerate(sizes)], "u")
        linker.training.estimate_u_using_random_sampling(
            max_pairs=random_pairs, seed=seed, min_count_per_level=None, num_chunks=1
        )
        counted = _probabilities(linker, "u_probability", sizes)
        u = [
            _filled_u(levels, seen=max(1.0, random_pairs * _known_share(prepared, at) ** 2))
            for at, levels in enumerate(counted)
        ]
        rounds = []
        for number, anchor in enumerate(anchors):
            progress(f"comparing records with the same {comparer.aspects[anchor.aspect].name}", 0.4 + 0.12 * number)
            rounds.append(_maximised(conn, anchor, u))
    m = [_settled_m(comparer.aspects[at].method, at, anchors, rounds) for at in range(len(sizes))]
    return m, u, [anchor for anchor, learned in zip(anchors, rounds, strict=True) if learned is not None]


def _maximised(
    conn: duckdb.DuckDBPyConnection, anchor: _Anchor, u: Sequence[Sequence[float]]
) -> list[list[float | None]] | None:
    """The m of one round of expectation maximisation; of the anchor's own aspect nothing.

    None where Splink finds no records of one person among those with the same anchor: it then raises an exception of
    its own, or says that a probability has sunk to nothing. A linker that failed is not used again.
    """
    from splink.internals.exceptions import SplinkException

    comparisons = [splink_comparison(at, _guess(len(levels)), levels) for at, levels in enumerate(u)]
    linker = _linker(conn, comparisons, f"m_{anchor.aspect}")
    try:
        linker.training.estimate_parameters_using_expectation_maximisation(_rule(anchor), max_pairs=2_000_000)
    except (SplinkException, ValueError):
        _logger.info("the anchor on aspect %s taught nothing", anchor.aspect, exc_info=True)
        return None
    learned = _probabilities(linker, "m_probability", [len(levels) for levels in u])
    learned[anchor.aspect] = [None] * len(u[anchor.aspect])
    return learned


def _linker(conn: duckdb.DuckDBPyConnection, comparisons: list[dict[str, Any]], name: str) -> Any:
    from splink import DuckDBAPI, Linker, SettingsCreator

    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record",
        comparisons=list(comparisons),
        retain_matching_columns=False,
    )
    table = DuckDBAPI(connection=conn).register("records", table_name=f"people_{name}")
    return Linker(table, settings, log_level=None)


def _settled_m(
    method: Method, at: int, anchors: Sequence[_Anchor], rounds: Sequence[list[list[float | None]] | None]
) -> list[float]:
    """The m of one aspect: the mean of what the rounds found, and experience where they saw little or nothing."""
    usual = COMPARISONS[method].usual_m
    taught = [
        (anchor.pairs, learned[at])
        for anchor, learned in zip(anchors, rounds, strict=True)
        if learned is not None and anchor.aspect != at
    ]
    pairs = sum(pairs for pairs, _ in taught)
    believed, means = pairs / (pairs + _EXPERIENCE), []
    for level, experience in enumerate(usual):
        found = [each for _, learned in taught if (each := learned[level]) is not None]
        mean = max(sum(found) / len(found), 1e-4) if found else 1e-4 if taught else 0.0
        means.append(believed * mean + (1 - believed) * experience)
    return [each / sum(means) for each in means]


@contextmanager
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of our own in memory. Raises Unavailable without the extra `identity`."""
    try:
        import duckdb
        import splink  # noqa: F401 - asked for here, so that its absence is told at once
    except ImportError as missing:
        raise Unavailable(
            f"training needs {missing.name}", hint="install rapport with its extra: pip install 'rapport[identity]'"
        ) from missing
    logging.getLogger("splink").setLevel(logging.ERROR)
    conn = duckdb.connect(":memory:", config={"threads": min(4, os.cpu_count() or 1)})
    try:
        yield conn
    finally:
        conn.close()


def register_records(
    conn: duckdb.DuckDBPyConnection,
    comparer: Comparer,
    prepared: Sequence[Prepared],
    keys: Mapping[str, Sequence[Any]],
) -> None:
    """Make the table `records`, with columns of keys, and the functions `level_N(left, right)` of record numbers."""
    import pyarrow as pa

    columns: dict[str, pa.Array] = {"record": pa.array(range(len(prepared)), pa.int32())}
    for at in range(len(comparer.aspects)):
        known = [None if record[at] is None else number for number, record in enumerate(prepared)]
        columns[f"aspect_{at}"] = pa.array(known, pa.int32())
        _register_level(conn, at, comparer, prepared)
    columns |= {name: pa.array(values) for name, values in keys.items()}
    conn.register("records_arrow", pa.table(columns))
    conn.execute("CREATE TABLE records AS SELECT * FROM records_arrow")


def _register_level(conn: duckdb.DuckDBPyConnection, at: int, comparer: Comparer, prepared: Sequence[Prepared]) -> None:
    import duckdb
    import pyarrow as pa
    from duckdb.func import ARROW

    compare = comparer.compare_at(at)
    memory: dict[tuple[int, int], int] = {}

    def levels(left: Any, right: Any) -> Any:
        """A CASE asks for the same pairs again and again, level by level: remember those of the last few chunks."""
        if len(memory) > 100_000:
            memory.clear()
        answers = []
        for pair in zip(left.to_pylist(), right.to_pylist(), strict=True):
            level = memory.get(pair)
            if level is None:
                level = memory[pair] = compare(prepared[pair[0]][at], prepared[pair[1]][at])
            answers.append(level)
        return pa.array(answers, pa.int8())

    conn.create_function(
        f"level_{at}", levels, [duckdb.sqltypes.INTEGER, duckdb.sqltypes.INTEGER], duckdb.sqltypes.TINYINT, type=ARROW
    )


def splink_comparison(at: int, m: Sequence[float], u: Sequence[float] | None = None) -> dict[str, Any]:
    """One comparison in Splink's terms, with its m and, where they are known, its u.

    Most random pairs are at level 0, so that is asked first and the last is `ELSE`.
    """
    size = len(m)
    call = f"level_{at}(aspect_{at}_l, aspect_{at}_r)"
    levels: list[dict[str, Any]] = [
        {"sql_condition": f"aspect_{at}_l IS NULL OR aspect_{at}_r IS NULL", "label_for_charts": "unknown",
         "is_null_level": True}
    ]  # fmt: skip
    for level in range(size):
        condition = f"{call} = {level}" if level < size - 1 else "ELSE"
        entry = {"sql_condition": condition, "label_for_charts": str(level), "m_probability": m[level]}
        levels.append(entry if u is None else entry | {"u_probability": u[level]})
    return {"output_column_name": f"aspect_{at}", "comparison_levels": levels}


def _rule(anchor: _Anchor) -> str:
    """Pairs that share the anchor. Naming the aspect's column tells Splink which comparison says nothing here."""
    at = anchor.aspect
    return f"l.anchor_{at} = r.anchor_{at} AND l.aspect_{at} >= 0"


def _probabilities(linker: Any, name: str, sizes: Sequence[int]) -> list[list[float | None]]:
    """What Splink found, by aspect and level; None where it saw none."""
    found = []
    for comparison, size in zip(linker.misc.save_model_to_json()["comparisons"], sizes, strict=True):
        levels = {entry["label_for_charts"]: entry for entry in comparison["comparison_levels"]}
        found.append([_number(levels[str(level)].get(name)) for level in range(size)])
    return found


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


# --- the prior, and what was too rare to be counted ----------------------------------------------------------------


def _with_prior(
    comparer: Comparer,
    prepared: Sequence[Prepared],
    m: list[list[float]],
    u: list[list[float]],
    *,
    seed: int,
) -> LinkModel:
    """Weigh the candidates of a sample of records: their expected matches give the prior."""
    patterns, sampled = candidate_patterns(comparer, prepared, seed)
    pairs = sampled * max(1, len(prepared) - 1)
    weights, prior = _weights(m, u), math.log2(1 / max(2, len(prepared)))
    for _ in range(5):
        expected = sum(
            count / (1 + 2.0 ** -_bounded(prior + _sum(weights, levels))) for levels, count in patterns.items()
        )
        share = min(0.5, max(expected, 0.5) / pairs)
        prior = math.log2(share / (1 - share))
    return LinkModel(
        [
            LearnedComparison(aspect, m[at], u[at], weights[at], comparer.frequencies[at])
            for at, aspect in enumerate(comparer.aspects)
        ],
        prior,
    )


def _known_share(prepared: Sequence[Prepared], at: int) -> float:
    return sum(record[at] is not None for record in prepared) / len(prepared)


def _guess(size: int) -> list[float]:
    """Where expectation maximisation begins: the closer a level, the likelier among records of one person."""
    shares = [(level + 1) ** 1.5 for level in range(size)]
    return [share / sum(shares) for share in shares]


def _filled_u(levels: Sequence[float | None], *, seen: float) -> list[float]:
    """A level that no random pair reached is taken to be half a pair."""
    filled = [max(level or 0.0, 0.5 / seen) for level in levels]
    return [each / sum(filled) for each in filled]


def _weights(m: Sequence[Sequence[float]], u: Sequence[Sequence[float]]) -> list[list[float]]:
    low, high = _BOUNDS
    return [
        [max(low, min(high, math.log2(a / b))) for a, b in zip(of_m, of_u, strict=True)]
        for of_m, of_u in zip(m, u, strict=True)
    ]


def _sum(weights: Sequence[Sequence[float]], levels: Sequence[int]) -> float:
    return sum(weights[at][level] for at, level in enumerate(levels) if level >= 0)


def _bounded(odds: float) -> float:
    return max(-500.0, min(500.0, odds))
