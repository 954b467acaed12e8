"""Who may do what: permissions by name, and the roles that bundle them. What is not listed is denied.

Each slice declares its own permissions; `Permissions` holds those of all slices of an installation, and is passed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

import msgspec

from rapport.kernel.language import noted
from rapport.kernel.named import by_name

__all__ = ["ROLE_NAMES", "Permission", "Permissions", "Role"]

Role = Literal["owner", "marketer", "agent", "analyst", "viewer"]

ROLE_NAMES: tuple[Role, ...] = get_args(Role)
WORDS = (noted("owner"), noted("marketer"), noted("agent"), noted("analyst"), noted("viewer"))
"""The same, for the catalogues."""


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person or a program may do."""

    name: str
    """`area:verb`, as handlers name it: `customers:read`."""
    words: str
    """What it allows, worded to follow "may"."""
    roles: tuple[Role, ...] = ()
    """Who has it beside the owner, who has every one."""
    for_keys: bool = True
    """Whether an API key can be given it."""
    people: bool = True
    """Whether it shows or changes what is kept of people. A key that was made for some purposes may use the others
    freely; where there are people it is asked what may be done with each, or refused."""


class Permissions:
    """All permissions of an installation, in the order of its slices. Raises ValueError where two have one name."""

    def __init__(self, permissions: Iterable[Permission]) -> None:
        self.by_name: Mapping[str, Permission] = by_name("permission", ((p.name, p.words, p) for p in permissions))
        self.for_keys: tuple[str, ...] = tuple(name for name, one in self.by_name.items() if one.for_keys)
        """What an API key can be given."""
        self._of_role: Mapping[str, frozenset[str]] = {
            role: frozenset(name for name, one in self.by_name.items() if role == "owner" or role in one.roles)
            for role in ROLE_NAMES
        }

    def of_role(self, role: str) -> frozenset[str]:
        """All permissions of a role; none for a role that is not known."""
        return self._of_role.get(role, frozenset())

    def of_key(self, scopes: Iterable[str]) -> frozenset[str]:
        """What the stored scopes of an API key allow: one that no slice knows any more allows nothing."""
        return frozenset(scopes).intersection(self.for_keys)

    def words(self, name: str) -> str:
        """What it allows, worded to follow "may"; the name itself where no slice knows it."""
        known = self.by_name.get(name)
        return known.words if known else name
