"""A delivery taken: verified, read, and what it says kept before it is answered; the same twice is once."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import msgspec
from sqlalchemy import Connection

from rapport.adapters.providers import store
from rapport.adapters.providers.model import Delivery, Provider
from rapport.adapters.providers.reading import Heard, read
from rapport.adapters.providers.verifying import CertificateOf, verify
from rapport.capabilities.messages.model import WHATSAPP
from rapport.capabilities.messages.service.outcomes import Feedback, take_feedback
from rapport.capabilities.messages.service.providers import readable_provider
from rapport.capabilities.messages.service.replies import take_reply
from rapport.kernel.errors import InvalidInput, Misconfigured, NotFound, Unauthenticated
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import Database

__all__ = ["Taken", "not_taken", "note_refused", "take"]


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a delivery."""

    messages: int = 0
    """How many of ours it was about."""
    replies: int = 0
    confirm: str = ""
    """An address of Amazon SNS to call, so that more comes."""


def take(
    db: Database, workspace: WorkspaceId, provider: Provider, sent: Delivery, *, certificate_of: CertificateOf, now: int
) -> Taken:
    """Verify and keep. Raises NotFound where none are taken of the provider, Misconfigured where nothing opens its
    secret, Unauthenticated, InvalidInput.

    What is refused is not counted: whoever asks says so by `note_refused`, once strangers' requests are limited.
    """
    with db.read() as conn:
        door = store.door_of(conn, workspace, provider)
        carrier = readable_provider(conn, workspace, WHATSAPP) if provider == "meta" else None
    if door is None:
        raise not_taken(provider)
    secrets = door.secrets(now)
    if not secrets:
        raise Misconfigured(
            f"the secret of {provider}'s webhooks cannot be opened",
            hint=f"PUT /api/v1/providers/{provider} sets it anew",
        )
    _verify(provider, sent, secrets, certificate_of=certificate_of, now=now)
    heard = read(provider, sent, account=carrier.account if carrier is not None and carrier.kind == "meta" else "")
    with db.write() as conn:
        if provider == "mailgun":
            _refuse_used(conn, workspace, sent.body, now=now)
        messages, replies = _keep(conn, workspace, heard, now=now)
        outcome = "accepted" if messages or replies or heard.confirm else "ignored"
        store.count(conn, workspace, provider, outcome, now=now)
    return Taken(messages=messages, replies=replies, confirm=heard.confirm)


def _verify(
    provider: Provider, sent: Delivery, secrets: Sequence[str], *, certificate_of: CertificateOf, now: int
) -> None:
    """Raises Unauthenticated, as of the secret in force, where it is signed by none of these."""
    try:
        verify(provider, sent, secrets[0], certificate_of=certificate_of, now=now)
    except Unauthenticated:
        for older in secrets[1:]:
            try:
                return verify(provider, sent, older, certificate_of=certificate_of, now=now)
            except Unauthenticated:
                continue
        raise


def not_taken(provider: Provider) -> NotFound:
    """What is said where a shop takes none of a provider."""
    return NotFound(f"no webhooks of {provider} are taken", hint=f"PUT /api/v1/providers/{provider} first")


def note_refused(db: Database, workspace: WorkspaceId, provider: Provider, why: str, *, now: int) -> None:
    """Count a delivery that was not the provider's, and why."""
    with db.write() as conn:
        store.count(conn, workspace, provider, "refused", now=now, why=why)


def _refuse_used(conn: Connection, workspace: WorkspaceId, body: bytes, *, now: int) -> None:
    signature = msgspec.json.decode(body)["signature"]
    token = sha256(str(signature["token"]).encode()).digest()
    if not store.stands_for(conn, workspace, token, sha256(body).digest(), now=now):
        raise Unauthenticated("the token of this delivery came with another body before")


def _keep(conn: Connection, workspace: WorkspaceId, heard: Heard, *, now: int) -> tuple[int, int]:
    replies = 0
    for said in heard.replies:
        try:
            take_reply(conn, workspace, said, now=now)
        except InvalidInput:  # a name or a short code that answers
            continue
        replies += 1
    return _feed(conn, workspace, heard.feedback, now=now), replies


def _feed(conn: Connection, workspace: WorkspaceId, feedback: Sequence[Feedback], *, now: int) -> int:
    """How many messages it was about; what is of none of this shop is nothing to try again."""
    try:
        return take_feedback(conn, workspace, feedback, now=now) if feedback else 0
    except NotFound:
        return 0
