"""How texts of the catalogue and of shoppers become words that can be compared. Pure.

Words are folded (case, accents), cut at everything that is neither letter nor digit, and brought to the singular. A
word with a digit is a code or a number: it is never taken for another one. `near_keys` are what two words share that
differ by a slip of the finger, so that a database finds near words by equality: a word itself and what is left of its
beginning when one letter (of long words two) is left out.

**Source:** symmetric deletes, W. Garbe, 2012; distance with swapped neighbours, Damerau, 1964.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import combinations

__all__ = [
    "LONGEST_WORD",
    "WORDS_A_QUERY",
    "code_of",
    "distance",
    "has_digit",
    "may_differ",
    "near_keys",
    "query_words",
    "words_of",
]

LONGEST_WORD = 40
WORDS_A_QUERY = 8
_QUERY = 200
"""Characters that are read of what somebody typed."""
_BEGINNING = 10
_SHORTEST_WITH_SLIPS, _LONG = 4, 8

_LETTERS = str.maketrans({"ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})

_EMPTY = (
    "a an and the of for with in on to or by der die das und mit für fur von im le la les et de du des un une en el los"
    " las y con para il lo gli e di per"
)
_EMPTY_WORDS = frozenset(_EMPTY.split())
"""Words that say nothing where others stand beside them."""


def words_of(text: str, *, most: int = 400) -> list[str]:
    """The words of a text in their order, in the singular; of signs without spaces between words each is one.

    >>> words_of("Café Crèmes, T-Shirts & 2 Boxes"), words_of("茶碗")
    (['cafe', 'creme', 't', 'shirt', '2', 'box'], ['茶', '碗'])
    """
    found = []
    for raw in _cut(_folded(text)):
        found.append(_singular(raw[:LONGEST_WORD]))
        if len(found) >= most:
            break
    return found


def query_words(text: str) -> list[str]:
    """The words of a question, at most WORDS_A_QUERY, without those that say nothing beside others.

    >>> query_words("the wines of Étna"), query_words("the")
    (['wine', 'etna'], ['the'])
    """
    raw = [word[:LONGEST_WORD] for word in _cut(_folded(text[:_QUERY]))][: 2 * WORDS_A_QUERY]
    telling = [word for word in raw if word not in _EMPTY_WORDS] or raw
    return [_singular(word) for word in dict.fromkeys(telling)][:WORDS_A_QUERY]


def code_of(text: str) -> str:
    """A code without case and signs; nothing where it has neither a digit nor a sign within, as words have not.

    >>> code_of("AB-12/3 x"), code_of("LS-M"), code_of("Chianti")
    ('ab123x', 'lsm', '')
    """
    plain = text[:_QUERY].strip()
    code = "".join(_cut(_folded(plain)))[:80]
    is_written_so = any(sign in plain[1:-1] for sign in "-_/.") and not any(sign.isspace() for sign in plain)
    return code if has_digit(code) or is_written_so else ""


def has_digit(word: str) -> bool:
    """Whether it is a code or a number, which knows no slips."""
    return any(sign.isdigit() for sign in word)


def may_differ(word: str) -> int:
    """How many slips are forgiven in a word.

    >>> may_differ("red"), may_differ("wine"), may_differ("corkscrew"), may_differ("xt500")
    (0, 1, 2, 0)
    """
    if has_digit(word) or len(word) < _SHORTEST_WITH_SLIPS or not word.isalpha():
        return 0
    return 2 if len(word) >= _LONG else 1


def near_keys(word: str) -> list[str]:
    """What this word shares with words that differ from it by the slips that are forgiven; none where none are.

    >>> near_keys("wine")
    ['ine', 'wie', 'win', 'wine', 'wne']
    """
    slips = may_differ(word)
    if not slips:
        return []
    start = word[:_BEGINNING]
    keys = {start}
    for number in range(1, slips + 1):
        for left_out in combinations(range(len(start)), number):
            keys.add("".join(sign for at, sign in enumerate(start) if at not in left_out))
    return sorted(keys)


def distance(left: str, right: str, *, most: int) -> int | None:
    """How many slips lie between two words: a letter too many, missing, another one, or two swapped; None above `most`.

    >>> distance("chianti", "chanti", most=2), distance("wine", "wien", most=1), distance("harry", "carry", most=0)
    (1, 1, None)
    """
    if abs(len(left) - len(right)) > most:
        return None
    before: list[int] = []
    above = list(range(len(right) + 1))
    for row, sign in enumerate(left, start=1):
        line = [row]
        for column, other in enumerate(right, start=1):
            cost = min(above[column] + 1, line[column - 1] + 1, above[column - 1] + (sign != other))
            if row > 1 and column > 1 and sign == right[column - 2] and left[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        if min(line) > most:
            return None
        before, above = above, line
    return above[-1] if above[-1] <= most else None


def _folded(text: str) -> str:
    lower = text.casefold().translate(_LETTERS)
    return "".join(sign for sign in unicodedata.normalize("NFKD", lower) if not unicodedata.combining(sign))


def _cut(text: str) -> list[str]:
    words: list[str] = []
    word: list[str] = []
    for sign in text:
        alone = _stands_alone(sign)
        if not alone and sign.isalnum():
            word.append(sign)
            continue
        if word:
            words.append("".join(word))
            word = []
        if alone:
            words.append(sign)
    if word:
        words.append("".join(word))
    return words


@lru_cache(maxsize=4_096)
def _stands_alone(sign: str) -> bool:
    """Signs of languages that put no spaces between words: Chinese, Japanese."""
    return "぀" <= sign <= "ヿ" or "㐀" <= sign <= "鿿"


def _singular(word: str) -> str:
    """The singular of a plural in -s, as English, French, Spanish, Portuguese and Dutch make it; both become one word.

    >>> [_singular(word) for word in ("moths", "glasses", "berries", "boxes", "glass", "wines", "bus", "xs500s")]
    ['moth', 'glass', 'berry', 'box', 'glass', 'wine', 'bus', 'xs500s']
    """
    if len(word) < 4 or not word.endswith("s") or has_digit(word) or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1]
