"""What a shop decides of privacy beside its policies."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from rapport.capabilities.consent.model import Kept
from rapport.kernel.settings import Section

__all__ = ["PRIVACY_SETTINGS", "PrivacySettings"]


class PrivacySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop decides of privacy beside its policies."""

    retention: Annotated[
        bool,
        Meta(
            title="Erase whom no purpose keeps any longer",
            description="Each purpose of a policy says for how many days it keeps somebody. It cannot be undone: look"
            " at the page Privacy, kept for how long, first.",
        ),
    ] = False
    visits_refused: Annotated[
        Kept,
        Meta(
            title="Visits of those who refuse measuring",
            description="Of websites and apps. Counted: how many, of nobody in particular. Orders and carts are kept.",
        ),
    ] = "kept"
    visits_unanswered: Annotated[
        Kept,
        Meta(
            title="Visits of those who have not answered yet",
            description="Where their policy does not allow it before an answer. rapport.js keeps them back by itself.",
        ),
    ] = "kept"


PRIVACY_SETTINGS = Section(name="consent", title="Privacy", kind=PrivacySettings)
