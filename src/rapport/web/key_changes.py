"""The use cases of an API key that is in use: another secret, an end, the networks it may be used from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from ipaddress import ip_network

from rapport.kernel.clock import DAY
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.ids import WorkspaceId, new_secret
from rapport.storage.audit.entries import append as tell
from rapport.storage.engine import Database
from rapport.web import api_keys, store
from rapport.web.api_keys import ApiKey

__all__ = [
    "GRACE",
    "change_api_key",
    "checked_end",
    "checked_networks",
    "end_old_secret",
    "find_api_key",
    "rotate_api_key",
]

GRACE = 7 * DAY
"""How long the secret before a rotation works at most."""

LONGEST = 3660 * DAY
MOST_NETWORKS = 50


def find_api_key(db: Database, workspace: WorkspaceId, key_id: str) -> ApiKey:
    """One key of a shop. Raises NotFound where there is none, or none any more."""
    with db.read() as conn:
        return _found(api_keys.find(conn, workspace, key_id), key_id)


def rotate_api_key(
    db: Database, *, workspace: WorkspaceId, key_id: str, grace: int, seen: str, now: int
) -> tuple[ApiKey, str]:
    """Give a key another secret, which is shown once; the one before works `grace` microseconds more.

    Raises NotFound, InvalidInput, and Conflict where the secret is not the one whose beginning was `seen`: two who
    rotate at once would end the grace of the secret that is in use.
    """
    if not 0 <= grace <= GRACE:
        raise InvalidInput("the old secret works at most seven days more", hint="or 0, to end it now")
    secret = new_secret("rk")
    with db.write() as conn:
        key = _found(api_keys.find(conn, workspace, key_id), key_id)
        moved = api_keys.replace_secret(
            conn, workspace, key_id, token_hash=store.digest_of(secret), prefix=secret[:9],
            until=now + grace if grace else 0, seen=seen,
        )  # fmt: skip
        if not moved:
            raise Conflict(f"somebody rotated {key.name!r} since you looked", hint="look at it again first")
        tell(conn, workspace, "key.rotated", about=key_id, details={"grace_seconds": grace // 1_000_000}, now=now)
        return _found(api_keys.find(conn, workspace, key_id), key_id), secret


def end_old_secret(db: Database, *, workspace: WorkspaceId, key_id: str, now: int) -> None:
    """Make the secret before the last rotation useless at once. Raises NotFound."""
    with db.write() as conn:
        _found(api_keys.find(conn, workspace, key_id), key_id)
        api_keys.end_previous(conn, workspace, key_id)
        tell(conn, workspace, "key.old_secret_ended", about=key_id, now=now)


def change_api_key(
    db: Database,
    *,
    workspace: WorkspaceId,
    key_id: str,
    expires_at: int | None,
    networks: Collection[str],
    now: int,
) -> ApiKey:
    """Say when a key ends (None: never) and from where it may be used (nothing: from anywhere).

    Raises NotFound, InvalidInput.
    """
    end, known = checked_end(expires_at, now=now), checked_networks(networks)
    with db.write() as conn:
        _found(api_keys.find(conn, workspace, key_id, for_update=True), key_id)
        api_keys.change(conn, workspace, key_id, expires_at=end, networks=known)
        said = {"expires_at": end, "networks": list(known)}
        tell(conn, workspace, "key.changed", about=key_id, details=said, now=now)
        return _found(api_keys.find(conn, workspace, key_id), key_id)


def checked_end(expires_at: int | None, *, now: int) -> int | None:
    """The moment a key ends. Raises InvalidInput for one that is over, or further away than ten years."""
    if expires_at is not None and not now < expires_at <= now + LONGEST:
        raise InvalidInput("a key ends in the future, within ten years", hint="to end it now, revoke it")
    return expires_at


def checked_networks(networks: Collection[str]) -> Sequence[str]:
    """The networks as they are kept. Raises InvalidInput for what is none.

    >>> checked_networks(["192.0.2.7", "2001:db8::/32"])
    ('192.0.2.7/32', '2001:db8::/32')
    """
    if len(networks) > MOST_NETWORKS:
        raise InvalidInput(f"a key has at most {MOST_NETWORKS} networks")
    found = []
    for text in networks:
        try:
            found.append(str(ip_network(text)))
        except ValueError:
            hint = "such as 192.0.2.7 or 192.0.2.0/24: the part after the network's length is zero"
            raise InvalidInput(f"{text[:60]!r} is no network", hint=hint) from None
    return tuple(dict.fromkeys(found))


def _found(key: ApiKey | None, key_id: str) -> ApiKey:
    if key is None:
        raise NotFound(f"no API key {key_id[:60]!r}", hint="it may have been revoked")
    return key
