"""Splink beside ours, on the same table: by its own published examples' settings, or by stock ones."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from benchmarks.clusterings import Table, measure_clusters, pairs_of, peak_rss_mb, rates
from rapport.resolve.linking.kinds import Kind, Layout

__all__ = ["SPLINK_THRESHOLDS", "Demo", "febrl3_demo", "historical_demo", "predicted_by_splink", "shop_demo",
           "splinks", "stock_demo"]  # fmt: skip

SPLINK_THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99)


class Demo(NamedTuple):
    """Splink's settings for a table."""

    comparisons: list[Any]
    blocking: list[Any]
    deterministic: list[Any]
    recall: float
    sessions: list[Any]


def febrl3_demo(layout: Layout) -> Demo:
    """**Source:** Splink's example "Deduplicating the febrl3 dataset"."""
    import splink.comparison_library as cl
    from splink import block_on

    columns = ("soc_sec_id", "given_name", "surname", "date_of_birth", "postcode")
    return Demo(
        [
            cl.NameComparison("given_name"),
            cl.NameComparison("surname"),
            cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d"),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [2]),
            cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
            cl.DamerauLevenshteinAtThresholds("postcode", [2]).configure(term_frequency_adjustments=True),
        ],
        [block_on(column) for column in columns],
        [
            block_on("soc_sec_id"),
            block_on("given_name", "surname", "date_of_birth"),
            "l.given_name = r.surname and l.surname = r.given_name and l.date_of_birth = r.date_of_birth",
        ],
        0.9,
        [block_on("date_of_birth"), block_on("postcode")],
    )


def historical_demo(layout: Layout) -> Demo:
    """**Source:** Splink's example "Linking a dataset of real historical persons"."""
    import splink.comparison_library as cl
    from splink import block_on

    place = "substr(postcode_fake,1,3)"
    return Demo(
        [
            cl.ForenameSurnameComparison("first_name", "surname", forename_surname_concat_col_name="first_and_surname"),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            cl.PostcodeComparison("postcode_fake"),
            cl.ExactMatch("birth_place").configure(term_frequency_adjustments=True),
            cl.ExactMatch("occupation").configure(term_frequency_adjustments=True),
        ],
        [
            block_on("substr(first_name,1,3)", "substr(surname,1,4)"),
            block_on("surname", "dob"),
            block_on("first_name", "dob"),
            block_on("postcode_fake", "first_name"),
            block_on("postcode_fake", "surname"),
            block_on("dob", "birth_place"),
            block_on(place, "dob"),
            block_on(place, "first_name"),
            block_on(place, "surname"),
            block_on("substr(first_name,1,2)", "substr(surname,1,2)", "substr(dob,1,4)"),
        ],
        [
            "l.first_name = r.first_name and l.surname = r.surname and l.dob = r.dob",
            (
                "substr(l.first_name,1,2) = substr(r.first_name,1,2) and l.surname = r.surname"
                " and substr(l.postcode_fake,1,2) = substr(r.postcode_fake,1,2)"
            ),
            "l.dob = r.dob and l.postcode_fake = r.postcode_fake",
        ],
        0.6,
        [block_on("first_name", "surname"), block_on("dob")],
    )


def stock_demo(layout: Layout) -> Demo:
    """For a table without an example: Splink's ready-made comparison for each kind of column."""
    import splink.comparison_library as cl
    from splink import block_on

    made: Mapping[Kind, Callable[[str], Any]] = {
        Kind.GIVEN_NAME: cl.NameComparison,
        Kind.SURNAME: cl.NameComparison,
        Kind.FULL_NAME: cl.NameComparison,
        Kind.BIRTH_DATE: lambda name: cl.DateOfBirthComparison(name, input_is_string=True),
        Kind.POSTCODE: lambda name: cl.DamerauLevenshteinAtThresholds(name, [2]),
        Kind.EMAIL: cl.EmailComparison,
        Kind.NATIONAL_ID: lambda name: cl.DamerauLevenshteinAtThresholds(name, [2]),
        Kind.PHONE: lambda name: cl.DamerauLevenshteinAtThresholds(name, [2]),
    }
    comparisons = [
        made[column.kind](column.name)
        if column.kind in made
        else cl.ExactMatch(column.name).configure(term_frequency_adjustments=True)
        for column in layout.columns
    ]
    fine = [c.name for c in layout.columns if c.kind in made and c.distinct > 200]
    pairs = [(a, b) for at, a in enumerate(fine) for b in fine[at + 1 :]]
    rules = [block_on(a, b) for a, b in pairs] or [block_on(name) for name in fine]
    sessions = [block_on(name) for name in sorted(fine, key=lambda name: -_distinct(layout, name))[:2]]
    return Demo(comparisons, rules, rules[:3], 0.7, sessions)


def shop_demo(layout: Layout) -> Demo:
    """For a table of `world.tables`: ready-made comparisons, blocks by each thing that a person's records share."""
    import splink.comparison_library as cl
    from splink import block_on

    known = {column.name for column in layout.columns}
    made: Mapping[str, Callable[[], Any]] = {
        "given_name": lambda: cl.ForenameSurnameComparison("given_name", "surname"),
        "email": lambda: cl.EmailComparison("email"),
        "phone": lambda: cl.DamerauLevenshteinAtThresholds("phone", [1, 2]),
        "birth_date": lambda: cl.DateOfBirthComparison("birth_date", input_is_string=True),
        "gender": lambda: cl.ExactMatch("gender"),
        "street": lambda: cl.JaroWinklerAtThresholds("street", [0.9]).configure(term_frequency_adjustments=True),
        "postcode": lambda: cl.DamerauLevenshteinAtThresholds("postcode", [1]),
        "city": lambda: cl.ExactMatch("city").configure(term_frequency_adjustments=True),
        "company": lambda: cl.ExactMatch("company"),
        "card": lambda: cl.ExactMatch("card"),
    }
    named = ("surname", "given_name")
    blocks = [named, ("email",), ("phone",), ("card",), ("street", "postcode")]
    blocks += [(name, place) for name in named for place in ("postcode", "street", "birth_date", "city")]
    return Demo(
        [comparison() for column, comparison in made.items() if column in known],
        [block_on(*columns) for columns in blocks if known.issuperset(columns)],
        [block_on(*named, "email"), block_on(*named, "street", "postcode"), block_on(*named, "phone")],
        0.7,
        [block_on(*named), block_on("email"), block_on("street", "postcode")],
    )


def _distinct(layout: Layout, name: str) -> int:
    return next(column.distinct for column in layout.columns if column.name == name)


def splinks(table: Table, demo: Callable[[Layout], Demo]) -> dict[str, Any]:
    """Train, predict, cluster, measure."""
    started = time.perf_counter()
    connection, linker, predicted = _predicted(table, demo)
    seconds = time.perf_counter() - started
    return {
        **_pairs(connection, predicted, table), **_clusters(connection, linker, predicted, table),
        "splink_seconds": round(seconds, 1), "splink_peak_rss_mb": peak_rss_mb(),
    }  # fmt: skip


def predicted_by_splink(
    table: Table, demo: Callable[[Layout], Demo]
) -> tuple[set[tuple[int, int]], dict[float, list[int]]]:  # fmt: skip
    """The pairs it calls likelier than not, and by threshold the cluster of each record."""
    connection, linker, predicted = _predicted(table, demo)
    likely = {(min(a, b), max(a, b)) for a, b in _likely(connection, predicted)}
    return likely, {each: _cluster_of(connection, linker, predicted, table, each) for each in SPLINK_THRESHOLDS}


def _predicted(table: Table, demo: Callable[[Layout], Demo]) -> tuple[Any, Any, Any]:
    """A connection, the trained linker and its pairs."""
    import logging

    import duckdb
    import pyarrow as pa
    from splink import DuckDBAPI, Linker, SettingsCreator

    logging.getLogger("splink").setLevel(logging.ERROR)
    settings = demo(table.layout)
    connection = duckdb.connect(":memory:")
    api = DuckDBAPI(connection=connection)
    names = [column.name for column in table.layout.columns]
    columns: dict[str, Any] = {name: [row.get(name) for row in table.rows] for name in names}
    people = api.register(pa.table({"unique_id": list(range(len(table.rows))), **columns}))
    linker = Linker(
        people,
        SettingsCreator(
            link_type="dedupe_only",
            comparisons=settings.comparisons,
            blocking_rules_to_generate_predictions=settings.blocking,
        ),
        log_level=None,
    )
    linker.training.estimate_probability_two_random_records_match(settings.deterministic, recall=settings.recall)
    linker.training.estimate_u_using_random_sampling(max_pairs=5e6)
    for rule in settings.sessions:
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    return connection, linker, linker.inference.predict(threshold_match_probability=0.01)


def _likely(connection: Any, predicted: Any) -> list[tuple[int, int]]:
    query = f"SELECT unique_id_l, unique_id_r FROM {predicted.physical_name} WHERE match_probability >= 0.5"
    pairs: list[tuple[int, int]] = connection.execute(query).fetchall()
    return pairs


def _pairs(connection: Any, predicted: Any, table: Table) -> dict[str, Any]:
    """What it calls likelier than not."""
    pairs = _likely(connection, predicted)
    right = sum(table.truth[a] == table.truth[b] for a, b in pairs)
    precision, recall, pair_f1 = rates(right, len(pairs), pairs_of(Counter(table.truth).values()))
    return {
        "splink_pair_f1": round(pair_f1, 4), "splink_pair_precision": round(precision, 4),
        "splink_pair_recall": round(recall, 4),
    }  # fmt: skip


def _clusters(connection: Any, linker: Any, predicted: Any, table: Table) -> dict[str, Any]:
    """Its clusters at the threshold that is best for each measure."""
    by_threshold = {}
    for threshold in SPLINK_THRESHOLDS:
        found = _cluster_of(connection, linker, predicted, table, threshold)
        by_threshold[threshold] = measure_clusters(found, table.truth)
    best = max(by_threshold, key=lambda threshold: by_threshold[threshold].f1)
    best_b = max(by_threshold, key=lambda threshold: by_threshold[threshold].b_f1)
    return {
        **by_threshold[best].named("splink_"),
        "splink_b_cubed_f1": round(by_threshold[best_b].b_f1, 4),
        "splink_cluster_threshold": best,
        "splink_b_cubed_threshold": best_b,
    }


def _cluster_of(connection: Any, linker: Any, predicted: Any, table: Table, threshold: float) -> list[int]:
    found = linker.clustering.cluster_pairwise_predictions_at_threshold(
        predicted, threshold_match_probability=threshold
    )
    rows = connection.execute(f"SELECT unique_id, cluster_id FROM {found.physical_name}").fetchall()
    cluster_of = dict(rows)
    return [cluster_of[record] for record in range(len(table.rows))]
