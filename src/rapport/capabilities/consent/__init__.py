"""What may be done with whom: purposes and policies as data, people's answers, and the one gate that all doors ask.

The front door: `gate` answers what may be done with many people, `refusal_tokens` make what a link ends a purpose with,
the paths lead to where somebody confirms and decides. All are imported when they are called: the list of
commands stands in this package, and is read without a database.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rapport.kernel.gate import Permit
    from rapport.kernel.ids import Key, WorkspaceId

__all__ = [
    "confirmation_path", "gate", "import_lacks", "preferences_path", "refusal_tokens", "refusals_of_news",
]  # fmt: skip


def gate(conn: Any, workspace: WorkspaceId, keys: Collection[Key], purpose: str, now: int) -> Mapping[Key, Permit]:
    """What may be done with each of these people (`kernel.gate`)."""
    from rapport.capabilities.consent.service import gate as asked

    return asked(conn, workspace, keys, purpose, now)


def import_lacks(message: Mapping[str, Any]) -> str:
    """What a message of an imported file lacks for its yes to count; empty where it lacks nothing."""
    from rapport.capabilities.consent.importing import lacks

    return lacks(message)


def confirmation_path(conn: Any, workspace: WorkspaceId, key: Key, category: str, *, now: int) -> str:
    """Where somebody confirms a yes they gave, below the address of this server; empty where nothing waits for it."""
    from rapport.capabilities.consent.links import load_links
    from rapport.capabilities.consent.service import people_of
    from rapport.storage.workspaces import workspace_of

    people = people_of(conn, workspace, [key])
    policy = people.policy_of(key)
    named = [
        name for name, rule in policy.purposes.items() if rule.confirmed and category.casefold() in policy.names(name)
    ]
    if not named or people.verdict(key, named[0]).state != "pending":
        return ""
    token = load_links(conn, workspace).confirmation(key, named[0], now=now)
    return f"/shop/consent/confirm?shop={workspace_of(conn, workspace).slug}&t={token}"


def preferences_path(conn: Any, workspace: WorkspaceId, key: Key, *, now: int) -> str:
    """Where somebody sees what they allow and what is kept of them, for an hour."""
    from rapport.capabilities.consent.links import load_links
    from rapport.storage.workspaces import workspace_of

    token = load_links(conn, workspace).preferences(key, now=now)
    return f"/shop/consent/preferences?shop={workspace_of(conn, workspace).slug}&t={token}"


def refusal_tokens(conn: Any, workspace: WorkspaceId) -> Callable[[Key, str], str]:
    """What makes tokens with which somebody refuses a purpose, for ever, of key and purpose; two reads for all.

    Raises NotFound before the first customer was seen.
    """
    from rapport.capabilities.consent.links import load_links

    return load_links(conn, workspace).refusal


def refusals_of_news(workspace: WorkspaceId) -> Any:
    """A query for each no to news and offers by any channel, however it was said: `strand, at`."""
    import sqlalchemy as sa

    from rapport.capabilities.consent.store import consent_answers

    a = consent_answers.c
    is_news = a.category.like("%\\_marketing", escape="\\")
    return sa.select(a.strand, a.at).where(a.workspace == workspace, a.state == "denied", is_news)
