"""The console's page of tasks: what journeys want somebody of the shop to do, and who did what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.capabilities.journeys.service import tasks
from rapport.capabilities.journeys.service.graphs import all_journeys
from rapport.decide.people import names_by_strand
from rapport.kernel.clock import now_us
from rapport.kernel.ids import Key
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, integer, text

__all__ = ["TASK_PAGES"]

AnyRequest = Request[Any, Any, Any]
A_PAGE = 50


@get("/tasks", permission="tasks:read", sync_to_thread=True)
def tasks_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """Tasks that are open, the oldest first; or those done, the latest first."""
    asked, workspace = dict(request.query_params), principal.workspace
    done = text(asked, "show", longest=10) == "done"
    page = integer(asked, "page", least=1, most=10_000, otherwise=1)
    with db.read() as conn:
        rows = tasks.listed(conn, workspace, done=done, limit=A_PAGE + 1, offset=(page - 1) * A_PAGE)
        names = names_by_strand(conn, workspace, {Key(row.strand) for row in rows})
        titles = {one.name: one.graph.title for one in all_journeys(conn, workspace)}
        number_open = tasks.open_tasks(conn, workspace)
    return render(
        request, "tasks/tasks.html", rows=rows[:A_PAGE], more=len(rows) > A_PAGE, page=page, show_done=done,
        names=names, titles=titles, number_open=number_open, most=tasks.MOST_COUNTED,
    )  # fmt: skip


@post("/tasks", permission="tasks:write", sync_to_thread=True, status_code=303)
def change_task(db: Database, principal: Principal, data: Form) -> Redirect:
    """Say that one is done, or that it is not after all."""
    done = text(data, "done") == "yes"
    with db.write() as conn:
        tasks.set_done(
            conn, principal.workspace, text(data, "id", longest=200), done=done, by=principal.name, now=now_us()
        )  # fmt: skip
    return Redirect(f"/console/tasks{'' if done else '?show=done'}", status_code=303)


TASK_PAGES = ConsolePages(
    room="tasks",
    templates=Path(__file__).parent / "templates" / "tasks",
    handlers=(tasks_page, change_task),
    nav=(
        NavItem(
            label="Tasks", path="/console/tasks", icon="check", group="Inbox", order=300, permission="tasks:read",
            waiting=tasks.open_tasks,
        ),
    ),
)  # fmt: skip
