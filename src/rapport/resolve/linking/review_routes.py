"""`/api/v1/identity/review` and `/api/v1/identity/models`: what learned links ask a person, and what they learned."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get
from litestar.params import Parameter

from rapport.kernel.clock import to_iso
from rapport.kernel.principal import Principal
from rapport.resolve.actions.outcome import Outcome
from rapport.resolve.actions.routes import Because, EvidenceId, correction
from rapport.resolve.actions.service import POLICY_PERMISSION, Identity
from rapport.resolve.linking import models, review
from rapport.resolve.linking.comparisons.methods import sentences
from rapport.resolve.linking.decide import Decide, Reopen
from rapport.resolve.linking.model import LinkModel, Thresholds
from rapport.resolve.linking.review import ReviewPage, ReviewPair
from rapport.resolve.linking.use_model import UseModel
from rapport.storage.engine import Database
from rapport.web.etags import ETAG, IfMatch, seen_version, tagged

__all__ = ["ROUTES"]

Version = Annotated[int, Parameter(ge=1, le=2_000_000_000)]


class ReviewQueue(ReviewPage, frozen=True, kw_only=True):
    """Pairs of the queue, and how many wait in all."""

    waiting: int
    """Counted no further than 10,000."""


class ModelVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One model that was trained."""

    version: int
    trained_at: str
    active: bool


class LevelWeight(msgspec.Struct, frozen=True, kw_only=True):
    """One outcome of a comparison: how often it is met among records of one person, and of any two."""

    says: str
    m: float
    u: float
    weight: float
    """log2(m/u), in bits: positive speaks for one person."""


class ComparisonCard(msgspec.Struct, frozen=True, kw_only=True):
    """What one comparison learned, from the outcome that speaks most against one person upwards."""

    aspect: str
    columns: list[str]
    levels: list[LevelWeight]


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """A model without the words it counted: what it was trained on, and what every agreement tells."""

    version: int
    trained_at: str
    active: bool
    prior: float
    thresholds: Thresholds
    comparisons: list[ComparisonCard]
    card: dict[str, Any]
    """As training wrote it: rows, columns, what taught it."""


@get("/identity/review", permission="customers:read", tags=["identity"], sync_to_thread=True)
def list_pairs(
    db: Database,
    principal: Principal,
    status: Annotated[
        Literal["waiting", "decided"], Parameter(description="To be decided, or decided by people.")
    ] = "waiting",
    cursor: Annotated[str | None, Parameter(max_length=100, description="`cursor` of the page before.")] = None,
    limit: Annotated[int, Parameter(ge=1, le=200, description="Entries a page.")] = 50,
) -> ReviewQueue:
    """Pairs of records that may be one person, side by side: the most alike first, decided ones the latest first."""
    workspace = principal.workspace
    listed = review.queue if status == "waiting" else review.decided
    with db.read() as conn:
        page = listed(conn, workspace, limit=limit, after=cursor)
        waiting = review.count_queue(conn, workspace)
    return ReviewQueue(pairs=page.pairs, cursor=page.cursor, waiting=waiting)


@get("/identity/review/{pair_id:str}", permission="customers:read", tags=["identity"], sync_to_thread=True)
def get_pair(db: Database, principal: Principal, pair_id: EvidenceId) -> ReviewPair:
    """One pair, whatever became of it. The id of a piece of evidence of kind `probable` answers why it was tied."""
    with db.read() as conn:
        return review.review_pair(conn, principal.workspace, bytes.fromhex(pair_id))


@correction("/identity/review/{pair_id:str}/accept")
def accept_pair(identity: Identity, principal: Principal, pair_id: EvidenceId, data: Because) -> Outcome:
    """They are one person: join the two by hand. 409 where it was decided meanwhile, or the policy forbids it."""
    return identity.act(principal, Decide(pair_id, one_person=True), reason=data.reason, dry_run=data.dry_run)


@correction("/identity/review/{pair_id:str}/reject")
def reject_pair(identity: Identity, principal: Principal, pair_id: EvidenceId, data: Because) -> Outcome:
    """They are two people: never let the two be one customer. 409 where it was decided meanwhile."""
    return identity.act(principal, Decide(pair_id, one_person=False), reason=data.reason, dry_run=data.dry_run)


@correction("/identity/review/{pair_id:str}/reopen")
def reopen_pair(identity: Identity, principal: Principal, pair_id: EvidenceId, data: Because) -> Outcome:
    """Undo the decision. The pair is as it was before: in the queue, as a rule."""
    return identity.act(principal, Reopen(pair_id), reason=data.reason, dry_run=data.dry_run)


@get("/identity/models", permission="customers:read", tags=["identity"], response_headers=[ETAG], sync_to_thread=True)
def list_models(db: Database, principal: Principal) -> Response[list[ModelVersion]]:
    """The models that were trained, the newest first; the `ETag` stands for which of them is in force."""
    with db.read() as conn:
        found = models.list_models(conn, principal.workspace)
    shown = [ModelVersion(version=one.version, trained_at=to_iso(one.trained_at), active=one.active) for one in found]
    return tagged(shown, models.in_force(next((one.version for one in found if one.active), None)))


@get("/identity/models/{version:int}", permission="customers:read", tags=["identity"], sync_to_thread=True)
def get_model(db: Database, principal: Principal, version: Version) -> ModelCard:
    """The model card: match weights, thresholds, what it was trained on."""
    workspace = principal.workspace
    with db.read() as conn:
        model = models.find_model(conn, workspace, version)
        info = next(one for one in models.list_models(conn, workspace) if one.version == version)
    return ModelCard(
        version=version, trained_at=to_iso(info.trained_at), active=info.active, prior=round(model.prior, 2),
        thresholds=model.thresholds, comparisons=_comparisons(model),
        card={name: value for name, value in model.card.items() if name != "weights"},
    )  # fmt: skip


@correction("/identity/models/{version:int}/use", permission=POLICY_PERMISSION)
def use_model(
    identity: Identity, principal: Principal, version: Version, data: Because, if_match: IfMatch = None
) -> Outcome:
    """Make another version the model in force. The worker scores all records anew, and ties and parts accordingly."""
    action = UseModel(version, seen_version(if_match))
    return identity.act(principal, action, reason=data.reason, dry_run=data.dry_run)


ROUTES = (list_pairs, get_pair, accept_pair, reject_pair, reopen_pair, list_models, get_model, use_model)


def _comparisons(model: LinkModel) -> list[ComparisonCard]:
    return [
        ComparisonCard(
            aspect=one.aspect.name, columns=one.aspect.columns,
            levels=[
                LevelWeight(says=says, m=round(m, 6), u=round(u, 9), weight=round(weight, 2))
                for says, m, u, weight in zip(
                    sentences(one.aspect.method), one.m, one.u, one.weights, strict=True
                )
            ],
        )
        for one in model.comparisons
    ]  # fmt: skip
