"""What a shop decides of its questions."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from rapport.kernel.settings import Section

__all__ = ["QUESTION_SETTINGS", "QuestionSettings"]


class QuestionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop decides of its questions."""

    pause_hours: Annotated[
        int,
        Meta(
            ge=0,
            le=24 * 365,
            title="Hours between two questions to the same customer",
            description="A little at a time: after an answer, or a no, nothing is asked for so long.",
        ),
    ] = 24


QUESTION_SETTINGS = Section(name="questions", title="Questions", kind=QuestionSettings)
