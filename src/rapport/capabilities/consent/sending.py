"""The rules of sending, asked at the moment of delivery.

Whom a message would win over has to allow it, by this channel. Of whom a webhook tells has to allow what it is for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from rapport.act.channels import Outgoing
from rapport.act.send_rules import Drop, SendRule, Verdict
from rapport.act.webhooks import CHANNEL as WEBHOOK
from rapport.act.webhooks import purposes_of
from rapport.capabilities.consent.service import gate
from rapport.kernel.gate import NOT_SENT, SERVICE, Permit, marketing_by
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.language import kept, noted

__all__ = ["ALLOWED", "TOLD"]

_NOT_TOLD = kept("not told: %(why)s")


def _ask(conn: Connection, messages: Sequence[Outgoing], now: int) -> Mapping[str, Verdict]:
    """What is against each message: its person's refusal, or that nobody says whom it is about."""
    asked: defaultdict[tuple[WorkspaceId, str], set[Key]] = defaultdict(set)
    for one in messages:
        if one.strand is not None:
            asked[one.workspace, one.channel].add(one.strand)
    permits = {
        (workspace, channel, key): permit
        for (workspace, channel), keys in asked.items()
        for key, permit in gate(conn, workspace, keys, marketing_by(channel), now).items()
    }
    nobody = Permit(may=False, reason=noted("it wants to win somebody and does not say whom it is about"))
    found = {
        one.id: nobody if one.strand is None else permits[one.workspace, one.channel, one.strand] for one in messages
    }
    return {
        message: Drop(reason=NOT_SENT % {"why": permit.reason}) for message, permit in found.items() if not permit.may
    }


ALLOWED = SendRule(
    name="consent.allowed", title="The person allows it", ask=_ask, purposes=("marketing",)
)  # fmt: skip


def _ask_told(conn: Connection, messages: Sequence[Outgoing], now: int) -> Mapping[str, Verdict]:
    """What is against telling each webhook of its person; facts about nobody go."""
    purposes = purposes_of(conn, {one.workspace for one in messages})
    asked: defaultdict[tuple[WorkspaceId, str], list[Outgoing]] = defaultdict(list)
    for one in messages:
        if one.strand is not None:
            asked[one.workspace, purposes.get((one.workspace, one.destination), SERVICE)].append(one)
    found: dict[str, Verdict] = {}
    for (workspace, purpose), several in asked.items():
        permits = gate(conn, workspace, {one.strand for one in several if one.strand is not None}, purpose, now)
        for one in several:
            permit = permits[one.strand] if one.strand is not None else None
            if permit is not None and not permit.may:
                found[one.id] = Drop(reason=_NOT_TOLD % {"why": permit.reason})
    return found


TOLD = SendRule(
    name="consent.told", title="The person allows what the webhook is for", ask=_ask_told, channels=(WEBHOOK,)
)  # fmt: skip
