"""Who may do what: permissions by name, and the roles that bundle them. What is not listed is denied."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["API_SCOPES", "PERMISSIONS", "ROLES", "ROLE_NAMES", "Role", "permissions_of"]

Role = Literal["owner", "marketer", "agent", "analyst", "viewer"]

PERMISSIONS: dict[str, str] = {
    "metrics:read": "see the numbers of the shop",
    "customers:read": "see customers and their Golden Records",
    "customers:write": "change customers",
    "facts:read": "see facts as they came in",
    "sources:read": "see sources",
    "sources:write": "add and change sources, see and rotate write keys",
    "quarantine:read": "see facts that were refused",
    "quarantine:write": "mend, replay and discard refused facts",
    "decisions:read": "see decisions and their reasons",
    "decisions:write": "ask for decisions",
    "webhooks:read": "see webhooks and their deliveries",
    "webhooks:write": "add and change webhooks, deliver again",
    "settings:read": "see what the shop decides for itself",
    "settings:write": "change what the shop decides for itself",
    "system:read": "see the health of the system",
    "system:write": "replay facts that were set aside",
    "team:read": "see who works here",
    "team:write": "invite people, change roles, remove people",
    "keys:write": "make and revoke API keys",
}
"""Every permission with what it allows, worded to follow "may"."""

ROLES: dict[Role, frozenset[str]] = {
    "owner": frozenset(PERMISSIONS),
    "marketer": frozenset({
        "metrics:read", "customers:read", "customers:write", "facts:read", "sources:read", "quarantine:read",
        "decisions:read", "decisions:write", "webhooks:read", "settings:read", "system:read", "team:read",
    }),
    "agent": frozenset({
        "metrics:read", "customers:read", "customers:write", "facts:read", "decisions:read", "team:read",
    }),
    "analyst": frozenset({
        "metrics:read", "customers:read", "facts:read", "sources:read", "quarantine:read", "decisions:read",
        "webhooks:read", "system:read", "team:read",
    }),
    "viewer": frozenset({"metrics:read", "decisions:read", "system:read"}),
}  # fmt: skip
"""A viewer sees numbers, never a person."""

ROLE_NAMES: tuple[Role, ...] = get_args(Role)

API_SCOPES: tuple[str, ...] = tuple(
    name for name in PERMISSIONS if name not in {"team:read", "team:write", "keys:write"}
)
"""What an API key can be given: everything but the team and the keys themselves."""


def permissions_of(role: str) -> frozenset[str]:
    """All permissions of a role; none for a role that is not known."""
    return next((allowed for name, allowed in ROLES.items() if name == role), frozenset())
