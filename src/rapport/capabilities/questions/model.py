"""A question, what may be answered to it, and which is worth asking next. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from math import log2
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from rapport.kernel.errors import InvalidInput
from rapport.kernel.text import clean

__all__ = ["Option", "Question", "checked", "worth_asking"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MOST_OPTIONS = 20
Words = Annotated[dict[Annotated[str, Meta(max_length=10)], Annotated[str, Meta(max_length=300)]], Meta(max_length=20)]


class Option(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that can be answered."""

    value: Annotated[str, Meta(min_length=1, max_length=60)]
    words: Words = {}
    """By language; the value itself where there are none."""


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What customers are asked."""

    name: Annotated[str, Meta(max_length=40)]
    """Under which the answer stands in the Golden Record: `answers.skin_type`."""
    words: Words
    """The question by language."""
    kind: Literal["choice", "several", "number", "date", "text"] = "choice"
    options: Annotated[tuple[Option, ...], Meta(max_length=_MOST_OPTIONS)] = ()
    """For `choice` and `several`."""
    purpose: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")] = "personalisation"
    """What the answer is used for: who does not allow it is not asked."""
    weight: Annotated[int, Meta(ge=1, le=100)] = 10
    """How much it helps to know; of what is answered alike by all, asking tells little."""
    again_days: Annotated[int, Meta(ge=1, le=3650)] | None = None
    """After so many days an answer may be old, and it is asked again; None is never."""
    reward: Annotated[str, Meta(max_length=100)] = ""
    """What is promised for an answer, in words: told with the question, and in the fact for whoever gives it."""
    enabled: bool = True

    def check(self) -> None:
        """Raises InvalidInput where it cannot be asked."""
        if not _NAME.fullmatch(self.name):
            raise InvalidInput(f"the question's name {self.name[:60]!r} is not small letters, digits and _")
        if not any(text.strip() for text in self.words.values()):
            raise InvalidInput(f"the question {self.name!r} asks nothing", hint='{"words": {"en": "Your size?"}}')
        values = [one.value for one in self.options]
        if self.kind in ("choice", "several") and len(values) < 2:
            raise InvalidInput(f"the question {self.name!r} offers {len(values)} answers", hint="two at least")
        if len(set(values)) < len(values):
            raise InvalidInput(f"the question {self.name!r} offers an answer twice")

    def text(self, language: str) -> tuple[str, str]:
        """The question in this language, else in English, else in any; and which language that is."""
        for one in (language, language.partition("-")[0], "en", *self.words):
            if self.words.get(one):
                return self.words[one], one
        return self.name, ""


def checked(question: Question, answer: Any) -> Any:
    """The answer as it is kept. Raises InvalidInput where the question does not take it."""
    values = [one.value for one in question.options]
    match question.kind, answer:
        case "choice", str() if answer in values:
            return answer
        case "several", list() if answer and all(one in values for one in answer):
            return [one for one in values if one in answer]
        case "number", int() | float() if not isinstance(answer, bool) and abs(answer) <= 1e12:
            return answer
        case "date", str():
            try:
                return date.fromisoformat(answer).isoformat()
            except ValueError:
                pass
        case "text", str() if clean(answer, longest=500):
            return clean(answer, longest=500)
    takes = {"choice": f"one of {', '.join(values)}", "several": f"a list of {', '.join(values)}",
             "number": "a number", "date": "a day such as 1990-05-17", "text": "words"}  # fmt: skip
    raise InvalidInput(
        f"the question {question.name!r} does not take this answer", hint=f"it takes {takes[question.kind]}"
    )


def worth_asking(question: Question, told: Mapping[str, int]) -> float:
    """How much an answer is expected to tell: its weight times the bits that are open, by what others answered.

    Before anybody has answered all options are alike; a question that everybody answers alike tells next to nothing.
    Without options it counts one bit.

    >>> size = Question(name="size", words={"en": "?"}, options=(Option(value="S"), Option(value="L")))
    >>> worth_asking(size, {}), round(worth_asking(size, {"S": 98}), 2)
    (10.0, 0.81)
    """
    values = [one.value for one in question.options]
    if not values:
        return float(question.weight)
    counts = [told.get(value, 0) + 1 for value in values]
    total = sum(counts)
    return question.weight * -sum(n / total * log2(n / total) for n in counts)
