"""Names, streets and slips of the pen for tables of people, in several scripts. Domains and numbers are made up."""

from __future__ import annotations

import random
import unicodedata
from typing import NamedTuple

from rapport.world.names import COUNTRIES

__all__ = ["SURNAME_PARTS", "TOWN_PARTS", "Tongue", "misspelt", "tongues"]

_BEGINNINGS = """Ash Ber Bram Bran Cal Cor Cren Dal Drew Dun Elk Eng Fal Fen Gar Gris Hal Hart Hol Ing Ister Jar Kel Kir
Lam Lan Lor Mar Mel Nev Nor Oak Ort Pel Pren Quin Rad Ros Sel Stan Tar Tor Ul Ver Vin Wal Wes Win Yar Zel"""
_ENDINGS = """ard as au bach berg brook by croft dale eau enko ens er ert escu etti field ford gate ham holm hurst ic
ides ino land ley man mann more oglu ova sen shaw ski son stein stone ton vik way well wick worth"""
_TOWNS = """Alder Birch Castle Dover Elm Fern Glen Haven Iron King Lake Mill North Oaken Port Queen River South Thorn
Upper Vale West"""
_TOWN_ENDINGS = "bridge bury field ford mouth stead ton wick"

SURNAME_PARTS = (tuple(_BEGINNINGS.split()), tuple(_ENDINGS.split()))
TOWN_PARTS = (tuple(_TOWNS.split()), tuple(_TOWN_ENDINGS.split()))


class Tongue(NamedTuple):
    """What people of a country are called and how they write a street."""

    country: str
    men: tuple[str, ...]
    women: tuple[str, ...]
    surnames: tuple[str, ...]
    phone: str
    street: str
    latin: bool = True

    @staticmethod
    def plain(name: str) -> str:
        """A name as an e-mail address holds it: letters a to z, the others by the number of the letter.

        >>> Tongue.plain("Zoé"), Tongue.plain("Юрий")[:4]
        ('zoe', 'kwoo')
        """
        letters = [c for c in unicodedata.normalize("NFKD", name.casefold()) if c.isalpha()]
        return "".join(c if c.isascii() else chr(97 + ord(c) % 26) for c in letters)


def tongues() -> tuple[Tongue, ...]:
    """The countries of the simulated shop, then others in other scripts."""
    streets = {"GB": "Road", "DE": "Weg", "FR": "Rue", "IT": "Via", "IE": "Lane"}
    known = tuple(
        Tongue(c.code, c.given[::2], c.given[1::2], c.family, "+" + c.phone[1:3] + " 555 {n:07d}", streets[c.code])
        for c in COUNTRIES
    )
    return known + _OTHERS


_OTHERS = (
    Tongue("UA", ("Андрій", "Богдан", "Василь", "Дмитро", "Іван", "Юрій"),
           ("Олена", "Ірина", "Марія", "Наталя", "Юлія"),
           ("Шевченко", "Бондар", "Ткач", "Коваль", "Мельник", "Кравець", "Олійник"),
           "+380 555 {n:07d}", "вулиця", latin=False),
    Tongue("GR", ("Γιώργος", "Νίκος", "Κώστας", "Δημήτρης", "Πέτρος"),
           ("Μαρία", "Ελένη", "Κατερίνα", "Σοφία", "Άννα"),
           ("Παπαδόπουλος", "Νικολάου", "Γεωργίου", "Ιωάννου", "Οικονόμου"),
           "+30 555 {n:07d}", "οδός", latin=False),
    Tongue("JP", ("健", "誠", "大輔", "翔太", "直樹"), ("美咲", "陽子", "恵", "由美", "愛"),
           ("佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本"), "+81 555 {n:07d}", "丁目", latin=False),
)  # fmt: skip


def misspelt(text: str, rng: random.Random) -> str:
    """The text with one slip: a letter left out, doubled or replaced, or two swapped."""
    at = rng.randrange(len(text))
    kind = rng.randrange(4)
    if kind == 0 and len(text) > 2:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    if kind == 2 and at + 1 < len(text):
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    letter = rng.choice("0123456789" if text[at].isdigit() else "aeinrst")
    return text[:at] + letter + text[at + 1 :]
