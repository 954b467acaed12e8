"""What can be written in a query of the lake, for completion: columns, paths in a fact, names of facts, functions."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["COLUMNS", "TABLES", "words_of"]

TABLES = (
    ("facts", "everything that happened"),
    ("customers", "Golden Records: customer_id, record (JSON), as_of"),
    ("people", "whose a strand is: strand, customer_id"),
)

COLUMNS = (
    ("name", "what happened: Order Completed"),
    ("occurred_at", "when, UTC"),
    ("received_at", "when the server got it"),
    ("received_day", "its day, the quickest to filter by"),
    ("strand", "whose, as an opaque key"),
    ("source", "where it came from"),
    ("message_id", "its id"),
    ("seq", "its number in the log"),
    ("body", "all of it, as JSON"),
)

_PATHS = (
    "$.properties.order_id", "$.properties.revenue", "$.properties.currency", "$.properties.product_id",
    "$.properties.category", "$.properties.products", "$.properties.quantity", "$.properties.price",
    "$.properties.coupon", "$.context.page.path", "$.context.page.referrer", "$.context.campaign.name",
    "$.context.campaign.source", "$.context.locale", "$.context.userAgent", "$.traits.country",
)  # fmt: skip
_KEYWORDS = (
    "SELECT", "FROM facts", "WHERE", "GROUP BY ALL", "ORDER BY", "LIMIT", "HAVING", "DISTINCT", "CASE WHEN", "BETWEEN",
    "QUALIFY", "WITH", "JOIN", "LEFT JOIN", "UNION ALL", "INTERVAL",
)  # fmt: skip
_FUNCTIONS = (
    "count(*)", "count(DISTINCT ", "sum(", "avg(", "median(", "quantile_cont(", "approx_count_distinct(", "arg_max(",
    "date_trunc('month', ", "date_trunc('week', ", "date_diff('day', ", "strftime(", "row_number() OVER (", "lag(",
    "json_extract_string(", "unnest(", "try_cast(", "coalesce(", "regexp_extract(", "list(", "histogram(",
)  # fmt: skip


def words_of(names: Iterable[str]) -> list[tuple[str, str]]:
    """Words with what each is, in the order in which they are offered; `names` are those of facts."""
    return [
        *TABLES, *COLUMNS, *((path, "in body") for path in _PATHS), *((name, "a fact") for name in sorted(names)),
        *((word, "") for word in (*_KEYWORDS, *_FUNCTIONS)),
    ]  # fmt: skip
