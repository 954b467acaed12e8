"""What a shop asks of those who sign in to its console, and who is told of alarms."""

from __future__ import annotations

from typing import Annotated, Literal, Protocol

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from rapport.kernel.ids import WorkspaceId
from rapport.kernel.language import noted
from rapport.kernel.settings import Section
from rapport.storage import settings

__all__ = ["SIGN_IN_SETTINGS", "May", "SignInSettings", "anybody", "wants_factor"]


_CHOICES = (noted("nobody"), noted("owners"), noted("everybody"))
"""What may be chosen, as the page says it."""


class SignInSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop asks of those who sign in."""

    second_factor_of: Annotated[
        Literal["nobody", "owners", "everybody"],
        Meta(
            title="Who must have a second factor",
            description="An authenticator app or a passkey beside the password. Whoever has none yet is asked to add"
            " one before anything else is shown.",
        ),
    ] = "nobody"
    alarms_by_mail: Annotated[
        Literal["owners", "nobody"],
        Meta(
            title="Who is mailed an alarm",
            description="What Home warns of in red is mailed once when it has stood for two minutes, and once when it"
            " is over. It needs a mail server; webhooks hear of alarms where that is ticked.",
        ),
    ] = "owners"


class May(Protocol):
    """Raises Forbidden where this user may not sign in by what Rapport itself knows: there is an OpenID provider."""

    def __call__(self, user_id: str, *, becomes: str = "") -> None:
        """`becomes` is the role of whoever is about to have an account."""


def anybody(user_id: str, *, becomes: str = "") -> None:
    """Everybody may."""


SIGN_IN_SETTINGS = Section(name="system", title="Signing in, and alarms", kind=SignInSettings)


def wants_factor(conn: Connection, workspace: WorkspaceId, role: str) -> bool:
    """Whether the shop asks a second factor of this role. One look at an index."""
    of = settings.load(conn, workspace, SIGN_IN_SETTINGS).value.second_factor_of
    return of == "everybody" or (of == "owners" and role == "owner")
