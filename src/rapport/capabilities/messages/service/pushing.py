"""Browsers that a customer has allowed to tell them something, and the key by which push services know the shop."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec
import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy import Connection

from rapport.act.addresses import checked_url, refuse_private
from rapport.capabilities.messages import store
from rapport.capabilities.messages.model import PUSH
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import insert_ignore, upsert
from rapport.storage.lookup import change_among, select_among
from rapport.storage.sealing import opened_text, sealed_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

__all__ = ["Endpoint", "Subscription", "endpoints_of", "forget", "private_key", "public_key", "subscribe"]

MOST = 20
"""Browsers of one customer; the oldest makes room."""
_e, _c = store.push_endpoints.c, store.channel_providers.c


class Keys(msgspec.Struct, frozen=True):
    """A browser's public key and its secret, as it gives them."""

    p256dh: Annotated[str, Meta(max_length=200)]
    auth: Annotated[str, Meta(max_length=100)]


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser's `PushSubscription.toJSON()` says."""

    endpoint: Annotated[str, Meta(min_length=1, max_length=1000)]
    keys: Keys


class Endpoint(NamedTuple):
    """Where a browser is told."""

    id: str
    endpoint: str
    p256dh: bytes
    auth: bytes


def subscribe(
    conn: Connection, workspace: WorkspaceId, strand: Key, wanted: Subscription, *, allow_private: bool, now: int
) -> str:
    """Keep a browser of somebody; answers its id. The same browser again is the same, and theirs who said so last.

    Raises InvalidInput for an address of the own network, and for keys that are none.
    """
    url = checked_url(wanted.endpoint)
    if not allow_private:
        refuse_private(url)
        if not url.startswith("https://"):
            raise InvalidInput("a push service is reached by https://")
    p256dh, auth = _raw(wanted.keys.p256dh, 65), _raw(wanted.keys.auth, 16)
    ident = f"psh_{blake2b(url.encode(), digest_size=16).hexdigest()}"
    row = {"workspace": workspace, "id": ident, "strand": strand, "endpoint": url, "p256dh": p256dh, "auth": auth,
           "created_at": now}  # fmt: skip
    changing = ("strand", "p256dh", "auth", "created_at")
    upsert(conn, store.push_endpoints, [row], key=("workspace", "id"), update=changing)
    theirs = sa.select(_e.id).where(_e.workspace == workspace, _e.strand == strand)
    surplus = list(conn.execute(theirs.order_by(_e.created_at.desc(), _e.id).offset(MOST).limit(100)).scalars())
    forget(conn, workspace, surplus)
    return ident


def endpoints_of(conn: Connection, workspace: WorkspaceId, strands: Collection[Key]) -> list[Endpoint]:
    """The browsers of somebody with these strands."""
    query = sa.select(*(_e[name] for name in Endpoint._fields))
    found = (Endpoint._make(row) for row in select_among(conn, query, workspace, _e.strand, strands))
    return sorted(found)[:MOST]


def forget(conn: Connection, workspace: WorkspaceId, ids: Iterable[str]) -> int:
    """Tell these browsers nothing more; answers how many there were."""
    return change_among(conn, sa.delete(store.push_endpoints), workspace, _e.id, list(ids))


def private_key(conn: Connection, workspace: WorkspaceId) -> EllipticCurvePrivateKey | None:
    """The shop's key; None before the first browser asked for its public half.

    Raises Misconfigured where it lies sealed and nothing opens it.
    """
    from cryptography.hazmat.primitives.asymmetric import ec

    body = conn.execute(sa.select(_c.body).where(_c.workspace == workspace, _c.channel == PUSH)).scalar()
    if body is None:
        return None
    key = opened_text(msgspec.json.decode(body)["key"], about=_about(workspace))
    return ec.derive_private_key(int(key, 16), ec.SECP256R1())


def public_key(conn: Connection, workspace: WorkspaceId, *, now: int) -> str:
    """What `pushManager.subscribe` takes as `applicationServerKey`; the key is made at the first call and stays."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = private_key(conn, workspace)
    if key is None:
        secret = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
        kept = sealed_text(f"{secret:064x}", about=_about(workspace))
        row = {"workspace": workspace, "channel": PUSH, "body": msgspec.json.encode({"key": kept}),
               "changed_at": now, "changed_by": "made by chance"}  # fmt: skip
        insert_ignore(conn, store.channel_providers, [row], key=("workspace", "channel"))
        key = private_key(conn, workspace)
    if key is None:
        raise LookupError("the key that was just made is not there")
    raw = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _about(workspace: WorkspaceId) -> str:
    return f"channel_providers:{workspace}:{PUSH}"


def _raw(text: str, length: int) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != length:
        raise InvalidInput(f"a key of the subscription is not {length} bytes", hint="send PushSubscription.toJSON()")
    return raw
