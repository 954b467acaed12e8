"""The console's page of goals: how much each weighs, and what another mix would change, before it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.capabilities.goals.model import GOALS
from rapport.capabilities.goals.service.trying import GoalsTried, try_goals
from rapport.capabilities.goals.settings import GOALS_SETTINGS, GoalsSettings
from rapport.decide.service import Decider
from rapport.kernel.clock import now_us
from rapport.kernel.errors import RapportError
from rapport.kernel.principal import Principal
from rapport.storage import settings
from rapport.storage.engine import Database
from rapport.storage.workspaces import workspace_of
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, integer, text

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]
PATH = "/console/goals"
_AMOUNTS = ("sending_minor", "return_minor")


@get("/goals", permission="goals:read", sync_to_thread=True)
def goals_page(request: AnyRequest, db: Database, principal: Principal, decider: Decider) -> Response[str]:
    """The mix in force."""
    return _show(request, db, principal)


@post("/goals", permission="goals:write", sync_to_thread=True, status_code=200)
def change_goals(
    request: AnyRequest, db: Database, principal: Principal, decider: Decider, data: Form
) -> Response[Any]:
    """Look what a mix would change, or put it in force."""
    try:
        wanted, seen = _written(data), integer(data, "version", least=0, most=2**31 - 1, otherwise=0)
        with db.read() as conn:
            held = settings.load(conn, principal.workspace, GOALS_SETTINGS).value
            currency = workspace_of(conn, principal.workspace).settings.currency
        if text(data, "then") == "try":
            tried = try_goals(
                db, decider, principal.workspace, wanted, held=held, currency=currency, now=now_us()
            )  # fmt: skip
            return _show(request, db, principal, wanted=wanted, tried=tried)
        with db.write() as conn:
            settings.save(
                conn, principal.workspace, GOALS_SETTINGS, wanted, version=seen, by=principal.name, now=now_us()
            )  # fmt: skip
    except RapportError as error:
        return _show(request, db, principal, error=error)
    return Redirect(f"{PATH}?done=saved", status_code=303)


PAGES = ConsolePages(
    room="goals", templates=Path(__file__).parent / "templates", handlers=(goals_page, change_goals),
    nav=(NavItem(label="Goals", path=PATH, icon="target", group="Shop", order=425, permission="goals:read"),),
)  # fmt: skip


def _written(data: dict[str, Any]) -> GoalsSettings:
    """What was typed. Raises InvalidInput for what cannot be."""
    typed: dict[str, Any] = {name: text(data, name, longest=12) for name in (*GOALS, *_AMOUNTS, "tax_percent")}
    return GOALS_SETTINGS.convert(typed)


def _show(
    request: AnyRequest, db: Database, principal: Principal, *, wanted: GoalsSettings | None = None,
    tried: GoalsTried | None = None, error: RapportError | None = None,
) -> Response[str]:  # fmt: skip
    with db.read() as conn:
        held = settings.load(conn, principal.workspace, GOALS_SETTINGS)
        currency = workspace_of(conn, principal.workspace).settings.currency
        past = settings.history(conn, principal.workspace, GOALS_SETTINGS.name, limit=10)
    fields = {field.name: field for field in GOALS_SETTINGS.fields}
    return render(
        request, "goals/goals.html", status=error.status if error else 200, error=error, goals=GOALS, amounts=_AMOUNTS,
        fields=fields, mix=wanted or held.value, in_force=held.value, version=held.version, currency=currency,
        tried=tried, past=past,
    )  # fmt: skip
