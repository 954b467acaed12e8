"""The console's page of what is learnt: the model that serves, how well it does, how trainings went."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.params import Parameter

from rapport.capabilities.recommendations import models, store
from rapport.capabilities.recommendations.models import Card, Progress
from rapport.kernel.clock import MINUTE, now_us
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render

__all__ = ["PAGES", "ROUTES"]


class Learning(msgspec.Struct, frozen=True, kw_only=True):
    """What is learnt of a shop's visits: the card of the model that serves, the one before, the last trainings."""

    serving: Card | None
    before: Card | None
    attempts: list[Card]
    progress: Progress | None
    """Of a training that runs now."""
    fault: str
    """What is wrong with the model that should serve; empty where all is well."""


@get("/learning", permission="decisions:read", sync_to_thread=True)
def learning_page(request: Request[Any, Any, Any], db: Database, principal: Principal) -> Response[str]:
    """The model that serves, what it is better than, and how it came to be."""
    return render(request, "recommendations/learning.html", learning=_learning(db, principal))


@get("/recommendations/model", permission="decisions:read", tags=["decisions"], sync_to_thread=True)
def get_model(db: Database, principal: Principal) -> Learning:
    """The card of the learnt model that serves, and how trainings went."""
    return _learning(db, principal)


class Popular(msgspec.Struct, frozen=True, kw_only=True):
    """A product that is often viewed and bought."""

    product_id: str
    popularity: int
    """How often it was viewed, and bought times three."""


@get("/recommendations/popular", permission="decisions:read", tags=["decisions"], sync_to_thread=True)
def list_popular(
    db: Database,
    principal: Principal,
    limit: Annotated[int, Parameter(ge=1, le=100, description="How many.")] = 20,
) -> list[Popular]:
    """What is viewed and bought most, whoever asks and whatever can be had: no decision, and not logged."""
    with db.read() as conn:
        found = store.popular(conn, principal.workspace, limit=limit)
    return [Popular(product_id=product_id, popularity=popularity) for product_id, popularity in found.items()]


def _learning(db: Database, principal: Principal) -> Learning:
    if db.folder is None:
        return Learning(serving=None, before=None, attempts=[], progress=None, fault="")
    folder = models.folder_of(db.folder, principal.workspace)
    manifest, fault = models.manifest_of(folder)
    progress = models.progress_of(folder)
    runs = progress is not None and progress.share < 1 and now_us() - progress.at < 10 * MINUTE
    return Learning(
        serving=manifest.serving.card if manifest.serving else None,
        before=manifest.before.card if manifest.before else None,
        attempts=manifest.attempts, progress=progress if runs else None, fault=fault or models.fault_of(folder),
    )  # fmt: skip


ROUTES = (get_model, list_popular)
PAGES = ConsolePages(
    room="recommendations",
    templates=Path(__file__).parent / "templates",
    handlers=(learning_page,),
    nav=(
        NavItem(
            label="Learning", path="/console/learning", icon="spark", group="Shop", order=420,
            permission="decisions:read",
        ),
    ),
)  # fmt: skip
