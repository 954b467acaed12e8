"""How well the product's own risk of a return tells what will not fit: RentTheRunway's reviews, by time.

    python -m benchmarks.returns --data DIR [--json]

A rental that was said to be small or large counts as one that comes back. The first 80 % by date are what the shop
knows (by item and by customer, through `capabilities.fit.model.risk_of`), the others are asked about in their order.
JSON: `auc` of item and customer together, `auc_item`, `auc_shop` (.5 by definition), `brier`, `brier_shop`, and
`calibration` (said, came true, how many) in tenths of those asked about.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from rapport.capabilities.fit.model import Pieces, risk_of

__all__ = ["auc", "main", "measure"]

KNOWN = 0.8


def auc(scores: NDArray[np.float64], came_back: NDArray[np.bool_]) -> float:
    """The chance that one that came back was said to be likelier to than one that did not; ties count half."""
    _, places, numbers = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(numbers) - (numbers - 1) / 2)[places]
    bad = int(came_back.sum())
    return float((ranks[came_back].sum() - bad * (bad + 1) / 2) / (bad * (len(scores) - bad)))


def _pieces(rows: list[tuple[Any, ...]], place: int) -> dict[int, Pieces]:
    counts: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        counts[row[place]][0] += 1
        counts[row[place]][1] += row[2]
    return {key: Pieces(sold, back) for key, (sold, back) in counts.items()}


def measure(folder: Path) -> dict[str, Any]:
    """The figures for the rentals in `rent_the_runway_fit.parquet` of a folder."""
    rows = duckdb.execute(
        f"SELECT item_id, user_id, (fit <> 'fit')::INT FROM '{folder / 'rent_the_runway_fit.parquet'}' "
        "WHERE review_date IS NOT NULL ORDER BY review_date, user_id, item_id"
    ).fetchall()
    known, asked = rows[: int(len(rows) * KNOWN)], rows[int(len(rows) * KNOWN) :]
    shop = Pieces(len(known), sum(row[2] for row in known))
    items, customers = _pieces(known, 0), _pieces(known, 1)
    usual = {item: risk_of(shop, pieces).probability or 0.0 for item, pieces in items.items()}
    expected: defaultdict[int, float] = defaultdict(float)
    for item, customer, _ in known:
        expected[customer] += usual[item]
    share = (shop.returned + 0.5) / (shop.sold + 1)
    of_item = np.array([usual.get(item, share) for item, _, _ in asked])
    said = np.array([
        risk_of(shop, items.get(item, Pieces()), customers.get(who, Pieces()), expected=expected[who]).probability
        for item, who, _ in asked
    ])  # fmt: skip
    came_back = np.array([row[2] for row in asked], dtype=bool)
    tenths = np.array_split(np.argsort(said, kind="stable"), 10)
    return {
        "known": len(known), "asked": len(asked), "auc": round(auc(said, came_back), 3),
        "auc_item": round(auc(of_item, came_back), 3), "brier": round(float(np.mean((said - came_back) ** 2)), 4),
        "brier_shop": round(float(np.mean((share - came_back) ** 2)), 4),
        "calibration": [
            [round(float(said[some].mean()), 3), round(float(came_back[some].mean()), 3), len(some)] for some in tenths
        ],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="nothing but the JSON object on standard output")
    asked = parser.parse_args()
    found = measure(asked.data)
    if not asked.json:
        for said, true, number in found["calibration"]:
            print(f"  said {said:.1%}  came true {true:.1%}  of {number:,}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
