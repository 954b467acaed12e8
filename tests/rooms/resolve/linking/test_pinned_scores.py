"""What a stored model makes of a pair never changes by itself: levels, scores and blocking keys, to the last bit.

A model is trained once and used for years; were the same words scored otherwise by a later version, customers would be
tied and parted that nobody touched.
"""

from __future__ import annotations

from hashlib import blake2b
from itertools import combinations

import pytest

from rapport.resolve.linking.blocking import keys_of
from rapport.resolve.linking.comparer import Comparer
from rapport.resolve.linking.model import LinkModel
from tests.rooms.resolve.linking.people import crowd

_SIZES = {
    "name": 16, "words": 16, "date": 8, "postcode": 6, "place": 7, "category": 5, "flag": 2, "code": 4, "email": 5,
}  # fmt: skip


def _comparison(name: str, method: str, columns: str, total: int, counts: str) -> str:
    size = _SIZES[method]
    weights = ",".join(repr(round(-5.3 + 17.1 * level / (size - 1), 3)) for level in range(size))
    levels = ",".join("0.1" for _ in range(size))
    return (
        f'{{"aspect":{{"name":"{name}","method":"{method}","columns":[{columns}]}},"m":[{levels}],"u":[{levels}],'
        f'"weights":[{weights}],"frequencies":{{"total":{total},"counts":{{{counts}}},"floor":1}}}}'
    )


def stored_model() -> LinkModel:
    """Every method there is, as a document of format 1."""
    comparisons = ",".join(
        (
            _comparison("name", "name", '"first_name","last_name"', 4096, '"ada":64,"bo":256,"vera":32,"berg":900'),
            _comparison("street", "words", '"street"', 3000, '"high":500,"street":1500,"mill":90,"lane":400'),
            _comparison("birthday", "date", '"birthday"', 3000, '"19800304":3,"19700707":90'),
            _comparison("postcode", "postcode", '"postcode"', 3000, ""),
            _comparison("city", "place", '"city"', 3000, '"york":300,"hull":20,"new york":700'),
            _comparison("title", "category", '"title"', 3000, '"dr":12,"mr":1400'),
            _comparison("gender", "flag", '"gender"', 3000, ""),
            _comparison("phone", "code", '"phone"', 3000, ""),
            _comparison("email", "email", '"email"', 3000, ""),
        )
    )
    document = f'{{"comparisons":[{comparisons}],"prior":-11.7,"thresholds":{{"automatic":6.6}},"format":1}}'
    return LinkModel.from_json(document.encode())


ADA = {
    "first_name": "Ada", "last_name": "Lordorberg", "street": "12 High Street", "birthday": "1980-03-04",
    "postcode": "YO1 7AA", "city": "York", "title": "Dr", "gender": "f", "phone": "+44 7700 900123",
    "email": "ada.l@example.com",
}  # fmt: skip
PAIRS = {
    "herself": (ADA, ADA),
    "slips": (ADA, ADA | {"last_name": "Lordorbreg", "street": "12 Hihg Street", "phone": "7700900132"}),
    "initial, day and month": (
        ADA,
        ADA | {"first_name": "A.", "birthday": "1980-04-03", "email": "adal@example.com"},
    ),
    "sister": (ADA, ADA | {"first_name": "Vera", "birthday": "1983-07-21", "phone": "+44 7700 111222"}),
    "moved": (ADA, ADA | {"street": "3 Mill Lane", "postcode": "HU1 3BB", "city": "Hull"}),
    "first of January": (ADA, ADA | {"birthday": "1980-01-01", "city": "New York", "postcode": "YO1 9ZZ"}),
    "another": (ADA, {"first_name": "Bo", "last_name": "Berg", "birthday": "1951-12-12", "gender": "m", "title": "Mr"}),
    "little known": ({"last_name": "Lordorberg", "postcode": "YO17AA"}, {"first_name": "Ada", "postcode": "YO1 7AB"}),
}
PINNED: dict[str, tuple[tuple[int, ...], float, bool]] = {
    "herself": ((13, 11, 7, 5, 3, 3, 1, 3, 4), 74.835, True),
    "slips": ((11, 11, 7, 5, 3, 3, 1, 2, 4), 66.85500000000002, True),
    "initial, day and month": ((11, 11, 4, 5, 3, 3, 1, 3, 3), 60.951, True),
    "sister": ((8, 11, 0, 5, 3, 3, 1, 0, 4), 34.935, False),
    "moved": ((13, 0, 7, 0, 0, 3, 1, 3, 4), 36.64500000000001, True),
    "first of January": ((13, 11, 5, 3, 2, 3, 1, 3, 4), 60.25900000000001, True),
    "another": ((0, -1, 0, -1, -1, 0, 0, -1, -1), -32.9, False),
    "little known": ((0, -1, -1, 3, -1, -1, -1, -1, -1), -12.04, False),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_levels_and_score_of_known_pairs(pair: str) -> None:
    comparer = Comparer.of_model(stored_model())
    a, b = (comparer.prepare(record) for record in PAIRS[pair])
    assert (comparer.levels(a, b), comparer.score(a, b), comparer.is_safe(a, b)) == PINNED[pair]


def test_every_pair_of_a_crowd_scores_to_the_bit() -> None:
    comparer = Comparer.of_model(stored_model())
    seen = blake2b(digest_size=8)
    for a, b in combinations([comparer.prepare(row) for row in crowd(60, seed=11).rows], 2):
        score, cut = comparer.score(a, b), comparer.score(a, b, above=0.0)
        seen.update(f"{comparer.levels(a, b)} {score!r} {cut!r} {comparer.is_safe(a, b)}\n".encode())
    assert seen.hexdigest() == "98aec819c61319c6"


def test_who_is_compared_with_whom_is_the_same() -> None:
    comparer = Comparer.of_model(stored_model())
    seen = blake2b(digest_size=8)
    for row in [*crowd(60, seed=11).rows, ADA]:
        seen.update(repr(sorted(keys_of(comparer.aspects, comparer.prepare(row), number=_number))).encode())
    assert seen.hexdigest() == "5012d12e8baa6bc2"


def _number(parts: tuple[str, ...]) -> int:
    return int.from_bytes(blake2b("|".join(parts).encode(), digest_size=8).digest())
