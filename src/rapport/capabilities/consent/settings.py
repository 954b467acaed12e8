"""What a shop decides of privacy beside its policies."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

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


PRIVACY_SETTINGS = Section(name="consent", title="Privacy", kind=PrivacySettings)
