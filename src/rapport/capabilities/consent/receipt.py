"""A receipt of what somebody agreed to and refused, as a document that other programs read.

**Source**: ISO/IEC TS 27560:2023, "Consent record information structure": the names of its fields.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from rapport.capabilities.consent import store
from rapport.capabilities.consent.model import FREE, PurposeRule
from rapport.capabilities.consent.service import people_of, policies_of
from rapport.kernel.clock import to_iso
from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.linking.units import certain_identifiers
from rapport.storage.workspaces import workspace_of

__all__ = ["Receipt", "receipt_of"]

_BASES = {"consent": "consent", "legitimate_interest": "legitimate interest"}
_STATES = {"granted": "given", "denied": "refused", "pending": "requested", "unknown": "withdrawn"}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One answer."""

    event_time: str
    event_type: str
    """How it was given: explicitly, by a signal, recorded by staff."""
    event_state: str
    entity_id: str
    """The source that brought it."""
    privacy_notice: str
    """The version of the text they were shown."""
    language: str


class PurposeGiven(msgspec.Struct, frozen=True, kw_only=True):
    """One purpose with what was answered of it."""

    purpose: str
    purpose_description: str
    lawful_basis: str
    consent_state: str
    retention_period: str
    withdrawal_method: str
    events: list[Event]


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """Who is answerable."""

    party_id: str
    party_name: str
    party_role: str = "PII controller"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of it; only what is theirs to decide."""

    schema_version: str
    record_id: str
    receipt_time: str
    pii_principal_id: str
    """The customer's id: no address."""
    jurisdiction: str
    privacy_notice: str
    party_identification: list[Party]
    pii_processing: list[PurposeGiven]


def receipt_of(conn: Connection, workspace: WorkspaceId, key: Key, *, now: int) -> Receipt:
    """The receipt of the person with this key."""
    shop, people = workspace_of(conn, workspace), people_of(conn, workspace, [key])
    policy = people.policy_of(key)
    rows = store.history(conn, workspace, certain_identifiers(conn, workspace, key) or [key], limit=1_000)
    events: dict[str, dict[tuple[object, ...], Event]] = {}
    for row in rows:
        event = Event(
            event_time=to_iso(row.at), event_type=row.how, event_state=_STATES[row.state], entity_id=row.source,
            privacy_notice=row.wording, language=row.language,
        )  # fmt: skip
        events.setdefault(row.category.casefold(), {})[row.at, row.fact, row.state] = event
    return Receipt(
        schema_version="ISO/IEC TS 27560:2023", record_id=new_id("rcp"), receipt_time=to_iso(now),
        pii_principal_id=load_customer_ids(conn).customer_id(key), jurisdiction=policy.law or policy.title,
        privacy_notice=f"{policy.name}-{policies_of(conn, workspace).version}",
        party_identification=[Party(party_id=shop.slug, party_name=shop.name)],
        pii_processing=[
            PurposeGiven(
                purpose=name, purpose_description=rule.title, lawful_basis=_BASES[rule.basis],
                consent_state=people.verdict(key, name).state, retention_period=_kept(rule),
                withdrawal_method="the preference page, one press in each mail, or the shop's staff",
                events=[one for word in sorted(policy.names(name)) for one in events.get(word, {}).values()],
            )
            for name, rule in policy.purposes.items()
            if rule.basis in FREE
        ],
    )  # fmt: skip


def _kept(rule: PurposeRule) -> str:
    if rule.kept_days is None:
        return "while it is allowed"
    return f"P{rule.kept_days}D after they were last seen" if rule.kept_from == "last_seen" else f"P{rule.kept_days}D"
