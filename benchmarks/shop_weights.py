"""The weights that every shop's model begins with, learned on simulated shops, whose truth is known.

    python -m benchmarks.shop_weights [--seeds 20-75] [--records 3000] [--groups] [--out FILE]

Makes tables of people (`world.tables`, each of another mix; seeds 0-19 are left for choosing and for reporting), takes
the pairs that a live index would look at, and fits a logistic regression: a weight for each level of each comparison,
and one for each two groups of levels together, drawn towards 0. Weights never fall where agreement rises. Writes the
JSON, with how reliable they are on seeds 0-9, that `rapport.resolve.linking.shop_judge` reads. Needs numpy; some
minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rapport.resolve.linking.comparer import Comparer, shop_aspects
from rapport.resolve.linking.comparisons.methods import COMPARISONS
from rapport.resolve.linking.kinds import detect
from rapport.resolve.linking.model import Method
from rapport.resolve.linking.shop_judge import METHODS, WEIGHTS, candidate_levels, sharing_of
from rapport.world.tables import Home, PeopleTable, table_of, various_mix

Array = np.ndarray[Any, Any]

_RIDGE = (0.3, 1.0)
"""How strongly weights are drawn to 0: of a level, of two groups together. In pairs."""
_NEWTON = 30
_FROM = (2, 3, 4, 5, 6, 7, 8, 9, 10)
"""Bits from which on links are counted."""
_T = 2.26
"""Of a 95 % interval over ten shops (Student, nine degrees of freedom)."""
_GROUPS = 24
"""Shops that households and companies are learned on."""
_ASKS_NO_COMPANY = 3
"""One shop of so many does not ask for whom somebody buys."""
_OF_GROUPS = (Method.COMPANY, Method.SENT)
"""What says nothing of one person."""
_ALONE_FROM = 60
"""Seeds of shops where hardly anybody lives with others."""


class Pairs(NamedTuple):
    """Looked-at pairs: by row the level of each of METHODS, -1 where not known of both, and how much that shop's people
    share; whether they are one person.
    """

    levels: Array
    one: Array
    home: Array
    """Whether they live together, one person twice too."""
    company: Array
    """Whether they buy for one company, likewise."""
    beside: Array
    """Whether they are looked at for living together alone."""
    shop: Array
    """The seed of its table."""


def pairs_of(table: PeopleTable, shop: int, *, seed: int = 1) -> Pairs:
    """All pairs that a live index looks at."""
    rows: list[dict[str, Any]] = [dict(row) for row in table.rows]
    comparer = Comparer.of_rows(shop_aspects(detect(rows)), rows)
    prepared = [comparer.prepare(row) for row in rows]
    order = random.Random(seed).sample(range(len(rows)), len(rows))
    at = {aspect.method: number for number, aspect in enumerate(comparer.aspects)}
    levels, one, home, company, beside = [], [], [], [], []
    patterns: Counter[tuple[int, ...]] = Counter()
    for a, b, found, aside in candidate_levels(comparer, prepared, order):
        patterns[found] += not aside
        beside.append(aside)
        levels.append([found[at[method]] if method in at else -1 for method in METHODS])
        one.append(table.persons[a] == table.persons[b])
        together = table.households[a] == table.households[b]
        home.append(together and table.homes[a] is not Home.COMPANY)
        company.append(together and table.homes[a] is Home.COMPANY)
    sharing = np.full((len(levels), 1), sharing_of(comparer, patterns))
    all_levels = np.hstack([np.array(levels), sharing]).astype(np.int8)
    return Pairs(
        all_levels, np.array(one), np.array(home), np.array(company), np.array(beside), np.full(len(one), shop)
    )


def made(seeds: Iterable[int], records: int) -> Pairs:
    """Of simulated shops, some of single people alone, of several sizes."""
    several = []
    for seed in seeds:
        mix = various_mix(seed)
        if seed % 8 == 0 or seed >= _ALONE_FROM:
            others = random.Random(seed).uniform(0, 0.2) if seed % 4 else 0.0
            rest = sum(share for home, share in mix.homes.items() if home is not Home.ALONE)
            homes = {home: share * others / rest for home, share in mix.homes.items()}
            mix = mix._replace(homes=homes | {Home.ALONE: 1 - others})
        table = table_of(seed, records=records * (1, 2, 3)[seed % 3] // 2, mix=mix)
        if seed % _ASKS_NO_COMPANY == 1:
            table = table._replace(rows=[{**row, "company": None} for row in table.rows])
        several.append(pairs_of(table, seed))
        print(f"seed {seed}: {len(table.rows)} records, {len(several[-1].one)} pairs", file=sys.stderr, flush=True)
    return Pairs(*(np.concatenate(column) for column in zip(*several, strict=True)))


def tuning() -> Pairs:
    """Of the shops that everything is chosen on."""
    several = [pairs_of(table_of(seed, records=2_000), seed) for seed in range(10)]
    return Pairs(*(np.concatenate(column) for column in zip(*several, strict=True)))


class Fit:
    """Columns of the regression: a level of a comparison, or a group of one with a group of another; the constant last.

    What is not known of both has no column: it says nothing, by itself and together.
    """

    def __init__(self, speaking: Sequence[Method] = METHODS) -> None:
        """`speaking`: what speaks together with each other one."""
        self.sizes = [*(len(COMPARISONS[method].said) for method in METHODS), 3]
        self.groups = [np.array((0, *groups)) for groups in (*(COMPARISONS[m].groups for m in METHODS), (1, 2, 3))]
        self.first = np.cumsum([0, *self.sizes])
        some = [*(METHODS.index(method) for method in speaking), len(METHODS)]
        self.pairs = [(a, b) for b in range(len(self.sizes)) for a in range(b) if a in some and b in some]
        self.together: dict[tuple[int, int], int] = {}
        columns = int(self.first[-1])
        for a, b in self.pairs:
            self.together[a, b] = columns
            columns += int(self.groups[a].max() * self.groups[b].max())
        self.columns = columns + 1

    def matrix(self, levels: Array) -> Array:
        found = np.zeros((len(levels), self.columns), np.float32)
        rows = np.arange(len(levels))
        known = levels >= 0
        groups = [each[levels[:, at].astype(int) + 1] for at, each in enumerate(self.groups)]
        for at in range(len(self.sizes)):
            found[rows[known[:, at]], self.first[at] + levels[known[:, at], at]] = 1
        for a, b in self.pairs:
            both = known[:, a] & known[:, b]
            width = int(self.groups[b].max())
            found[rows[both], self.together[a, b] + (groups[a][both] - 1) * width + groups[b][both] - 1] = 1
        found[:, -1] = 1
        return found

    def fit(self, pairs: Pairs, *, rise: bool = True) -> Array:
        """Natural log odds by column. First all; then, with the levels' own made to rise, the rest again."""
        patterns, at = np.unique(pairs.levels, axis=0, return_inverse=True)
        seen = np.bincount(at.ravel(), minlength=len(patterns)).astype(float)
        one = np.bincount(at.ravel(), weights=pairs.one, minlength=len(patterns))
        matrix = self.matrix(patterns)
        ridge = np.full(self.columns, _RIDGE[1])
        ridge[: self.first[-1]] = _RIDGE[0]
        ridge[-1] = 1e-6
        weights = _newton(matrix, seen, one, ridge, np.zeros(self.columns), np.ones(self.columns, bool))
        if not rise:
            return weights
        evidence = matrix.T @ seen + 1.0
        for at_, method in enumerate(METHODS):
            here = slice(int(self.first[at_]), int(self.first[at_ + 1]))
            weights[here] = rising(weights[here], evidence[here], COMPARISONS[method].rises)
        free = np.ones(self.columns, bool)
        free[: self.first[-1]] = False
        return _newton(matrix, seen, one, ridge, weights, free)

    def document(self, weights: Array, pairs: Pairs) -> dict[str, Any]:
        """In bits, by the names of the methods; with how often each level was seen of one person, and of two."""
        bits = weights / np.log(2)
        shares = {
            name: {method.value: _shares(pairs.levels[which, at], self.sizes[at]) for at, method in enumerate(METHODS)}
            for name, which in (("m", pairs.one), ("u", ~pairs.one))
        }
        alone = {
            method.value: [round(float(x), 2) for x in bits[self.first[at] : self.first[at + 1]]]
            for at, method in enumerate(METHODS)
        }
        together, sharing = [], {}
        for a, b in self.pairs:
            high, wide = int(self.groups[a].max()), int(self.groups[b].max())
            table = np.zeros((high + 1, wide + 1))
            start = self.together[a, b]
            table[1:, 1:] = bits[start : start + high * wide].reshape(high, wide)
            if not table.any():
                continue  # never both known
            if b == len(METHODS):
                sharing[METHODS[a].value] = [[round(float(x), 2) for x in row] for row in table.T[1:]]
                continue
            rows = [[round(float(x), 2) for x in row] for row in table]
            together.append({"a": METHODS[a].value, "b": METHODS[b].value, "weights": rows})
        priors = [round(float(x), 3) for x in bits[self.first[-2] : self.first[-1]]]
        return {
            "prior": round(float(bits[-1]), 3), "alone": alone, "together": together,
            "sharing": {"prior": priors, "alone": sharing}, **shares,
        }  # fmt: skip


def _shares(levels: Array, size: int) -> list[float]:
    """By level, of those that are known; none is nothing, since nothing was seen often enough for that."""
    seen = np.bincount(levels[levels >= 0].astype(int), minlength=size) + 0.5
    return [round(float(share), 6) for share in seen / seen.sum()]


def _newton(matrix: Array, seen: Array, one: Array, ridge: Array, start: Array, free: Array) -> Array:
    """The weights that are likeliest with the ridge; those that are not free stay."""
    weights = start.copy()
    some = matrix[:, free]
    fixed = matrix[:, ~free] @ weights[~free]
    for _ in range(_NEWTON):
        p = 1 / (1 + np.exp(-np.clip(some @ weights[free] + fixed, -30, 30)))
        slope = some.T @ (one - seen * p) - ridge[free] * weights[free]
        curve = (some * (seen * p * (1 - p))[:, None]).T @ some + np.diag(ridge[free])
        step = np.linalg.solve(curve.astype(float), slope)
        weights[free] += step * min(1.0, 6 / max(1e-9, float(np.abs(step).max())))
        if np.abs(step).max() < 1e-4:
            break
    return weights


def rising(weights: Array, evidence: Array, rises: Sequence[tuple[int, int]]) -> Array:
    """The weights, where they fall although agreement rises replaced by their mean."""
    found = weights.copy()
    for _ in range(2_000):
        worst = 0.0
        for low, high in rises:
            if found[low] > found[high]:
                worst = max(worst, float(found[low] - found[high]))
                both = evidence[low] + evidence[high]
                found[low] = found[high] = (found[low] * evidence[low] + found[high] * evidence[high]) / both
        if worst < 1e-6:
            break
    for _ in rises:
        for low, high in rises:
            found[high] = max(found[high], found[low])
    return found


def reliability(fit: Fit, weights: Array, pairs: Pairs) -> list[dict[str, float]]:
    """Of pairs it was not fitted to, by tenths of what was said (from .2, where pairs are looked at): what was so."""
    said = 1 / (1 + np.exp(-np.clip(fit.matrix(pairs.levels) @ weights, -30, 30)))
    tenth = np.minimum(9, (said * 10).astype(int))
    found = []
    for at in range(2, 10):
        here = tenth == at
        if here.any():
            so = {"said": said[here].mean(), "was": pairs.one[here].mean(), "pairs": here.sum()}
            found.append({name: round(float(value), 4) for name, value in so.items()})
    return found


def links_of(fit: Fit, weights: Array, pairs: Pairs) -> list[dict[str, float]]:
    """By bound in bits, of pairs it was not fitted to and that nothing contradicts: the share that is one person, with
    its interval of 95 % (jackknife over the shops, so that a family counts once and not by its pairs).
    """
    odds = fit.matrix(pairs.levels) @ weights / np.log(2)
    tied = np.ones(len(odds), bool)
    for at, method in enumerate(METHODS):
        comparison = COMPARISONS[method]
        against = [comparison.contradicts(level) for level in range(len(comparison.said))]
        tied &= ~np.array([*against, False])[pairs.levels[:, at]]
    found = []
    for bound in _FROM:
        here = tied & (odds >= bound)
        right, shops = pairs.one[here], pairs.shop[here]
        share = right.mean()
        each = np.array([right[shops != shop].mean() for shop in np.unique(shops)])
        spread = _T * float(np.sqrt((len(each) - 1) / len(each) * ((each - each.mean()) ** 2).sum()))
        so = {"bits": bound, "right": share, "low": max(0.0, share - spread), "high": min(1.0, share + spread)}
        found.append({name: round(float(value), 5) for name, value in so.items()} | {"pairs": int(here.sum())})
    return found


def of_persons(pairs: Pairs) -> Pairs:
    """Those that are looked at for one person; for which company somebody buys says nothing of that."""
    kept = Pairs(*(column[~pairs.beside] for column in pairs))
    levels = kept.levels.copy()
    levels[:, [METHODS.index(method) for method in _OF_GROUPS]] = -1
    return kept._replace(levels=levels)


def document_of(pairs: Pairs, unseen: Pairs, *, seeds: str, records: int) -> dict[str, Any]:
    """The weights of one person, with how far they can be believed."""
    fit = Fit([method for method in METHODS if method not in _OF_GROUPS])
    pairs, unseen = of_persons(pairs), of_persons(unseen)
    weights = fit.fit(pairs)
    print(f"{len(pairs.one)} pairs, {fit.columns} weights", file=sys.stderr)
    return {
        "made_by": "python -m benchmarks.shop_weights", "seeds": seeds, "records": records,
        "pairs": len(pairs.one), **fit.document(weights, pairs),
        "reliability": reliability(fit, weights, unseen), "links": links_of(fit, weights, unseen),
    }  # fmt: skip


def group_of(pairs: Pairs, unseen: Pairs, which: str) -> dict[str, Any]:
    """The weights of living together (`home`), or of buying for one company (`company`).

    What rises for one person need not for a group: it shares a telephone.
    """
    fit = Fit((Method.PERSON_NAME, Method.MAIL, Method.PHONE, Method.DOOR, Method.COMPANY))
    pairs, unseen = (_of_group(each, which) for each in (pairs, unseen))
    weights = fit.fit(pairs, rise=False)
    found = fit.document(weights, pairs)
    kept = {name: found[name] for name in ("prior", "alone", "together", "sharing")}
    return kept | {"reliability": reliability(fit, weights, unseen)}


def _of_group(pairs: Pairs, which: str) -> Pairs:
    """As they are judged for a group: what two share is theirs, what is another's says nothing."""
    levels = pairs.levels.copy()
    name = COMPARISONS[Method.PERSON_NAME]
    against = np.array([*map(name.contradicts, range(len(name.said))), False])
    two = against[levels[:, METHODS.index(Method.PERSON_NAME)]]
    for at, method in enumerate(METHODS):
        found = levels[:, at].copy()
        for level, instead in COMPARISONS[method].of_two_names.items():
            found[two & (levels[:, at] == level)] = instead
        levels[:, at] = found
    for at, method in enumerate(METHODS):
        for level, anothers in COMPARISONS[method].of_another.items():
            here = levels[:, at] == level
            for other in anothers:
                levels[here, METHODS.index(other)] = -1
    return pairs._replace(levels=levels, one=getattr(pairs, which))


def main() -> None:
    """Make, fit, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shop_weights")
    parser.add_argument("--seeds", default="20-75")
    parser.add_argument("--records", type=int, default=3_000)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--groups", action="store_true", help="only households and companies; the rest stays")
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("-")
    unseen = tuning()
    if arguments.groups:
        document = json.loads(arguments.out.read_text(encoding="utf-8"))
    else:
        pairs = made(range(int(first), int(last or first) + 1), arguments.records)
        document = document_of(pairs, unseen, seeds=arguments.seeds, records=arguments.records)
    some = made(range(int(first), int(first) + _GROUPS), 2_000)
    document |= {which: group_of(some, unseen, which) for which in ("home", "company")}
    text = json.dumps(document, indent=None, separators=(",", ":")) + "\n"
    arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
