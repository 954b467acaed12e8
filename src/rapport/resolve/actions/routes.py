"""`/api/v1` of what people do to identity: corrections with reason and audit trail, undo, and the policy."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, get, post, put
from litestar.params import Parameter
from msgspec import Meta
from sqlalchemy import Connection

from rapport.kernel.clock import now_us
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.principal import Principal
from rapport.resolve.actions import audit
from rapport.resolve.actions.audit import AuditEntry
from rapport.resolve.actions.outcome import Outcome
from rapport.resolve.actions.policy_effect import PolicyEffect, policy_effect
from rapport.resolve.actions.service import Identity
from rapport.resolve.actions.split import SplitWanted
from rapport.resolve.graph import policy
from rapport.resolve.graph.policy import PolicySettings
from rapport.resolve.reading import identities
from rapport.resolve.reading.references import find_root
from rapport.resolve.reading.routes import Reference
from rapport.storage.engine import Database
from rapport.web.etags import ETAG, IfMatch, seen_version, tagged

__all__ = ["ROUTES"]


Reason = Annotated[str, Meta(min_length=1, max_length=500, description="Why; it stays in the audit trail.")]
OtherReference = Annotated[str, Meta(min_length=1, max_length=400, description="`cus_…` or `namespace:value`.")]
EvidenceId = Annotated[str, Parameter(min_length=32, max_length=32, pattern="^[0-9a-f]+$")]


correction = partial(post, permission="customers:write", tags=["identity"], status_code=200, sync_to_thread=True)
"""A route by which somebody corrects identities: it answers 200, as nothing of its own is created, with an outcome."""


class Because(msgspec.Struct, frozen=True, kw_only=True):
    """A correction of one piece of evidence. With `dry_run` nothing is changed."""

    reason: Reason
    dry_run: bool = False


class WithAnother(msgspec.Struct, frozen=True, kw_only=True):
    """A correction between two customers. A customer id stands for the identifier it was made of."""

    other: OtherReference
    reason: Reason
    dry_run: bool = False


class SplitBody(msgspec.Struct, frozen=True, kw_only=True):
    """Where to cut: at `evidence`, or around `identifiers`; with neither at the weakest place."""

    reason: Reason
    evidence: Annotated[list[str], Meta(max_length=500)] = []
    identifiers: Annotated[list[str], Meta(max_length=500)] = []
    keep_apart: bool = False
    """Also forbid both sides from ever joining again."""
    dry_run: bool = False


class UndoWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Undoing an action."""

    reason: Annotated[str, Meta(max_length=500)] = ""
    dry_run: bool = False


class PolicyWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Another policy. What is absent has its default."""

    policy: PolicySettings
    reason: Reason


@correction("/evidence/{evidence_id:str}/withdraw")
def withdraw_evidence(identity: Identity, principal: Principal, evidence_id: EvidenceId, data: Because) -> Outcome:
    """Take a piece of evidence back: it counts no more, also when it is seen again."""
    return identity.withdraw(principal, [evidence_id], reason=data.reason, dry_run=data.dry_run)


@correction("/evidence/{evidence_id:str}/restore")
def restore_evidence(identity: Identity, principal: Principal, evidence_id: EvidenceId, data: Because) -> Outcome:
    """Let a piece of evidence that was taken back count again."""
    return identity.restore(principal, [evidence_id], reason=data.reason, dry_run=data.dry_run)


@correction("/customers/{reference:str}/split")
def split_customer(identity: Identity, principal: Principal, reference: Reference, data: SplitBody) -> Outcome:
    """Make two customers of one, along a chosen cut or the weakest. With `dry_run` this is the proposal."""
    wanted = SplitWanted(evidence=data.evidence, identifiers=data.identifiers, keep_apart=data.keep_apart)
    return identity.split(principal, reference, wanted, reason=data.reason, dry_run=data.dry_run)


@correction("/customers/{reference:str}/join")
def join_customers(identity: Identity, principal: Principal, reference: Reference, data: WithAnother) -> Outcome:
    """Say that two customers are one person. 409 where a limit or a forbidden pair stands against it."""
    return identity.join(principal, reference, data.other, reason=data.reason, dry_run=data.dry_run)


@correction("/customers/{reference:str}/forbid")
def forbid_customers(identity: Identity, principal: Principal, reference: Reference, data: WithAnother) -> Outcome:
    """Never let two identifiers be one customer; where they are, the weakest evidence between them gives way."""
    return identity.forbid(principal, reference, data.other, reason=data.reason, dry_run=data.dry_run)


@get("/identity/actions", permission="customers:read", tags=["identity"], sync_to_thread=True)
def list_actions(
    db: Database,
    principal: Principal,
    customer: Annotated[str, Parameter(max_length=400, description="Only what was about this customer.")] = "",
    limit: Annotated[int, Parameter(ge=1, le=500)] = 50,
) -> list[AuditEntry]:
    """The audit trail of identity, newest first."""
    workspace = principal.workspace
    with db.read() as conn:
        return audit.actions(conn, workspace, subjects=_subjects(conn, workspace, customer), limit=limit)


@correction("/identity/actions/{action_id:str}/undo")
def undo_action(identity: Identity, principal: Principal, action_id: str, data: UndoWanted) -> Outcome:
    """Take an action back. The undoing is an action itself, and can be undone."""
    return identity.undo(principal, action_id, reason=data.reason, dry_run=data.dry_run)


@get("/identity/policy", permission="customers:read", tags=["identity"], response_headers=[ETAG], sync_to_thread=True)
def get_policy(db: Database, principal: Principal) -> Response[PolicySettings]:
    """What the shop decided about identity."""
    with db.read() as conn:
        settings = policy.settings_of(conn, principal.workspace)
    return tagged(policy.read_policy(settings), policy.policy_version(settings))


@post("/identity/policy/preview", permission="customers:write", tags=["identity"], status_code=200, sync_to_thread=True)
def preview_policy(db: Database, principal: Principal, data: PolicySettings) -> PolicyEffect:
    """Which customers another policy would merge and split. Reads all identifiers and evidence."""
    with db.read() as conn:
        return policy_effect(conn, principal.workspace, data, now=now_us())


@put("/identity/policy", permission="sources:write", tags=["identity"], sync_to_thread=True)
def put_policy(identity: Identity, principal: Principal, data: PolicyWanted, if_match: IfMatch = None) -> Outcome:
    """Make another policy the shop's. The whole workspace follows in one transaction; undoing it is one, too."""
    seen = seen_version(if_match)
    return identity.apply_policy(principal, data.policy, reason=data.reason, seen=seen)


ROUTES = (
    withdraw_evidence, restore_evidence, split_customer, join_customers, forbid_customers,
    list_actions, undo_action, get_policy, preview_policy, put_policy,
)  # fmt: skip


def _subjects(conn: Connection, workspace: WorkspaceId, customer: str) -> list[Key] | None:
    if not customer:
        return None
    region = policy.settings_of(conn, workspace).region
    root = find_root(conn, workspace, customer, region=region)
    return [one.key for one in identities.identifiers_of_customer(conn, workspace, root)]
