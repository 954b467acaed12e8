"""Invented people and the mistakes with which they are written down; a model that was trained on them once."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from rapport.resolve.linking.kinds import detect
from rapport.resolve.linking.model import LinkModel
from rapport.resolve.linking.training import train
from rapport.world.tables import PeopleTable, table_of

_GIVEN = (
    "ada", "bo", "carla", "dmitri", "elena", "farid", "grace", "hugo", "ines", "jonas", "katya", "liam", "mona",
    "nadia", "oscar", "petra", "quentin", "rosa", "sami", "tilda", "ugo", "vera", "walter", "xenia", "yusuf",
)  # fmt: skip
_START = ("al", "ber", "cam", "dor", "es", "fal", "gri", "hol", "ing", "jar", "kel", "lor", "mon", "nor", "os", "pel")
_END = ("berg", "croft", "dale", "ford", "grove", "hart", "ingham", "kins", "low", "mann", "ner", "ridge", "son", "ton")
_STREETS = ("high street", "mill lane", "station road", "church walk", "market square", "park avenue", "elm close")
_CITIES = ("leeds", "york", "hull", "derby", "bath", "truro", "exeter", "oxford", "luton")


class Crowd(NamedTuple):
    """Records and the number of the person behind each."""

    rows: list[dict[str, str]]
    truth: list[int]


def crowd(people: int, *, seed: int = 1) -> Crowd:
    """One to four records of each person, with typing errors and empty columns."""
    rng = random.Random(seed)
    rows, truth = [], []
    for number in range(people):
        person = somebody(rng)
        for _ in range(rng.choice((1, 2, 2, 3, 4))):
            rows.append({name: _slip(rng, text) for name, text in person.items() if rng.random() > 0.12})
            truth.append(number)
    return Crowd(rows, truth)


def write_csv(path: Path, rows: Sequence[dict[str, str]]) -> str:
    """The rows as a file; what is not known is empty. Returns its path."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, sorted({name for row in rows for name in row}), restval="")
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


@lru_cache(maxsize=1)
def model() -> LinkModel:
    """A model of a small crowd; trained once for all tests."""
    rows = crowd(400, seed=7).rows
    return train(rows, detect(rows), random_pairs=40_000, shipped=False)


@lru_cache(maxsize=1)
def shop_model() -> LinkModel:
    """A shop's model, with the weights that are shipped, of a table of families and companies."""
    return train(shop_rows(), detect(shop_rows()))


@lru_cache(maxsize=1)
def shop_table() -> PeopleTable:
    """Of a seed that nothing was learned on."""
    return table_of(7, records=1_000)


def shop_rows() -> list[dict[str, Any]]:
    """Its records."""
    return [dict(row) for row in shop_table().rows]


def somebody(rng: random.Random) -> dict[str, str]:
    """A person as written down without a mistake."""
    street_end = rng.choice("abdefg") + rng.choice("hjlnp")
    digits = "".join(rng.choice("0123456789") for _ in range(8))
    city = rng.choice(_CITIES)
    return {
        "first_name": rng.choice(_GIVEN),
        "last_name": rng.choice(_START) + rng.choice(_START) + rng.choice(_END),
        "birthday": f"{rng.randrange(1940, 2005)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
        "phone": "+447" + digits,
        "street": f"{rng.randrange(1, 200)} {rng.choice(_STREETS)}",
        "postcode": f"{city[:2]}{rng.randrange(1, 30)} {rng.randrange(1, 10)}{street_end}",
        "city": city,
    }


def _slip(rng: random.Random, text: str) -> str:
    if rng.random() > 0.15 or len(text) < 4:
        return text
    at = rng.randrange(1, len(text) - 1)
    return rng.choice(
        (text[:at] + text[at + 1 :], text[:at] + text[at + 1] + text[at] + text[at + 2 :], text[:at] + "x" + text[at:])
    )
