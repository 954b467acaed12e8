"""What somebody wants put right of themselves: a fact of our own that says it as it ought to be, with its provenance.

What leads to a person (addresses, numbers, accounts) is not put right here: it would tie them to whoever has it, and
so it is for a person of the staff.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.collect.own import own_traits
from rapport.decide.people import naming
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.identifiers import Identifier
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.language import noted
from rapport.kernel.moments import read_moment
from rapport.remember.golden import golden_record
from rapport.remember.registry import Remembered
from rapport.remember.store import strands
from rapport.resolve.linking.units import members_of
from rapport.storage import log
from rapport.storage.lookup import select_among

__all__ = ["CORRECTABLE", "checked", "correct"]

_SAID = (
    noted("First name"), noted("Last name"), noted("Birthday"), noted("Street"), noted("Postal code"), noted("City"),
    noted("Country"),
)  # fmt: skip
"""Those below, as the console says them."""
CORRECTABLE = ("first_name", "last_name", "birthday", "street", "postal_code", "city", "country")
_s = strands.c
_ADDRESS = ("street", "postal_code", "city", "country")
_NAMES = frozenset({"first_name", "last_name"})
_LONGEST = 200


def checked(correction: Mapping[str, str]) -> dict[str, str]:
    """What is to be put right, as it can be. Raises InvalidInput, naming what cannot."""
    for name, value in correction.items():
        if name not in CORRECTABLE:
            raise InvalidInput(f"{name[:40]!r} cannot be put right so", hint=f"there are: {', '.join(CORRECTABLE)}")
        if not value.strip() or len(value) > _LONGEST or not value.isprintable():
            raise InvalidInput(f"what {name!r} ought to be is not said", hint=f"at most {_LONGEST} characters")
    birthday = correction.get("birthday", "")
    if birthday and (len(birthday.strip()) != 10 or read_moment(birthday.strip()) is None):
        raise InvalidInput("the birthday is no date", hint="as 1990-12-31")
    return {name: value.strip() for name, value in correction.items()}


def correct(
    conn: Connection, workspace: WorkspaceId, key: Key, correction: Mapping[str, str], remembered: Remembered, *,
    request: str, now: int,
) -> None:  # fmt: skip
    """State it, in this transaction; for the same request once. Raises NotFound where nobody has this identifier.

    A name and an address are said as a whole: what was not wrong of them stays.
    """
    members = members_of(conn, workspace, key)
    if not members:
        raise NotFound("there is no such customer")
    # Where only Rapport has spoken of an identifier nothing is remembered: it is said where they spoke themselves.
    spoken = {
        Key(row.key) for row in select_among(conn, sa.select(_s.key), workspace, _s.key, [m.key for m in members])
    }
    named = next((one for one in members if one.key in spoken), members[0])
    known = golden_record(conn, workspace, key, now=now, remembered=remembered).traits
    traits: dict[str, object] = {name: value for name, value in correction.items() if name not in _ADDRESS}
    if not _NAMES.isdisjoint(traits):
        traits = {name: known[name].value for name in _NAMES if name in known} | traits
    address = {name: value for name, value in correction.items() if name in _ADDRESS}
    if address:
        lived = known["location"].value if "location" in known else None
        traits["address"] = (lived if isinstance(lived, dict) else {}) | address
    row = own_traits(
        workspace, id=f"right-{request}", received_at=now, traits=traits,
        **naming(Identifier(named.namespace, named.value)),
    )  # fmt: skip
    log.append(conn, [row])
