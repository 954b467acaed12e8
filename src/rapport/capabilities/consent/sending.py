"""The rule of sending: whom a message would win over has to allow it, by this channel, at the moment of delivery."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from rapport.act.channels import Outgoing
from rapport.act.send_rules import Drop, SendRule, Verdict
from rapport.capabilities.consent.service import gate
from rapport.kernel.gate import Permit, marketing_by
from rapport.kernel.ids import Key, WorkspaceId

__all__ = ["ALLOWED"]


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
    nobody = Permit(may=False, reason="it wants to win somebody and does not say whom it is about")
    found = {
        one.id: nobody if one.strand is None else permits[one.workspace, one.channel, one.strand] for one in messages
    }
    return {message: Drop(reason=f"not sent: {permit.reason}") for message, permit in found.items() if not permit.may}


ALLOWED = SendRule(
    name="consent.allowed", title="The person allows it", ask=_ask, purposes=("marketing",)
)  # fmt: skip
