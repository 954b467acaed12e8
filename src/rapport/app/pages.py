"""The console's page about the installation itself: lag, rates, workers, jobs, sizes; and failed facts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import Request, Response, get, post
from litestar.response import Redirect
from sqlalchemy import Connection

from rapport.act import job_reports
from rapport.app import failed_facts
from rapport.app.flow import flow_of
from rapport.app.health import health
from rapport.collect.appender import Appender
from rapport.kernel.clock import MINUTE, SECOND, now_us
from rapport.kernel.language import gettext
from rapport.kernel.memory import resident_bytes
from rapport.kernel.principal import Principal
from rapport.measure.arrivals import Arrivals
from rapport.measure.service import Metrics
from rapport.remember import backfill, retelling
from rapport.remember.backfill import TraitStatus
from rapport.remember.registry import Remembered
from rapport.remember.retelling import RetoldStage
from rapport.storage import leases
from rapport.storage.engine import Database
from rapport.storage.log import newest_seq
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, integer, text

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]
Retold = Sequence[RetoldStage]

COUNTED = 1_000_000
"""Rows of a table that are counted; more are shown as "more than"."""

_arrivals = Arrivals()


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One bucket in the picture of the leases: who holds it, how far it is behind, where it is drawn."""

    bucket: int
    owner: str
    behind: int
    x: int
    y: int
    tone: str


class TableSize(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows a table has; `more` where counting stopped."""

    name: str
    rows: int
    more: bool


@get("/system", permission="system:read", sync_to_thread=True)
def system_page(
    request: AnyRequest, db: Database, appender: Appender, remembered: Remembered, retold: Retold
) -> Response[str]:
    """How the installation does."""
    now = now_us()
    with db.read() as conn:
        minutes = _arrivals.counts(conn, now=now, step=2 * MINUTE, steps=60)
    chart = {
        "kind": "line",
        "whole": True,
        "series": [
            {"name": gettext("facts a minute"), "points": [[at // 1000, number // 2] for at, number in minutes[:-1]]}
        ],
    }
    found = _now(db, appender) | _jobs(db, remembered, retold)
    return render(request, "app/system.html", chart=msgspec.json.encode(chart).decode(), **found)


@get("/system/live", permission="system:read", sync_to_thread=True)
def system_live(request: AnyRequest, db: Database, appender: Appender) -> Response[str]:
    """The part of the page that changes every second."""
    return render(request, "app/system_live.html", **_now(db, appender))


@get("/system/flow", permission="system:read", sync_to_thread=True)
def system_flow(request: AnyRequest, db: Database, principal: Principal, metrics: Metrics) -> Response[str]:
    """The six verbs in this shop's numbers of today; asked for after the page is there, and again."""
    with db.read() as conn:
        return render(request, "app/flow.html", **flow_of(conn, principal.workspace, metrics, now_us()))


@get("/system/jobs", permission="system:read", sync_to_thread=True)
def system_jobs(request: AnyRequest, db: Database, remembered: Remembered, retold: Retold) -> Response[str]:
    """How the jobs do, now."""
    return render(request, "app/system_jobs.html", **_jobs(db, remembered, retold))


@post("/system/jobs/run", permission="system:write", sync_to_thread=True, status_code=303)
def run_job(db: Database, data: Form) -> Redirect:
    """Have a turn of a job done at once."""
    with db.write() as conn:
        job_reports.ask(conn, text(data, "name"), now=db.now_us(conn))
    return Redirect("/console/system?done=run", status_code=303)


@post("/system/jobs/pause", permission="system:write", sync_to_thread=True, status_code=303)
def pause_job(db: Database, principal: Principal, data: Form) -> Redirect:
    """Have a long job do nothing until it is resumed, or resume it."""
    name = text(data, "name")
    with db.write() as conn:
        if text(data, "then") == "resume":
            job_reports.resume(conn, name)
        else:
            job_reports.pause(conn, name, by=principal.name, now=db.now_us(conn))
    return Redirect("/console/system", status_code=303)


@get("/system/tables", permission="system:read", sync_to_thread=True)
def system_tables(request: AnyRequest, db: Database, tables: list[str]) -> Response[str]:
    """Sizes of the tables; asked for after the page is there, since counting takes a moment."""
    with db.read() as conn:
        sizes = [_size(conn, name) for name in tables]
    return render(request, "app/system_tables.html", sizes=sorted(sizes, key=lambda s: -s.rows))


@get("/failed-facts", permission="system:read", sync_to_thread=True)
def failed_facts_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """Facts whose handling failed."""
    with db.read() as conn:
        rows = failed_facts.listing(conn, principal.workspace)
        number = failed_facts.count(conn, principal.workspace)
    return render(request, "app/failed_facts.html", rows=rows, number=number)


@post("/failed-facts/replay", permission="system:write", sync_to_thread=True, status_code=303)
def replay(db: Database, principal: Principal, data: Form) -> Redirect:
    """Have the worker handle one fact, or all of them, again."""
    seq = integer(data, "seq", least=0, most=2**62, otherwise=0)
    with db.write() as conn:
        failed_facts.ask_replay(conn, principal.workspace, seq=seq or None)
    return Redirect("/console/failed-facts?done=asked", status_code=303)


PAGES = ConsolePages(
    room="app",
    templates=Path(__file__).parent / "templates",
    handlers=(
        system_page, system_live, system_flow, system_jobs, run_job, pause_job, system_tables,
        failed_facts_page, replay,
    ),
    nav=(
        NavItem(
            label="Failed facts", path="/console/failed-facts", icon="alert", group="Data", order=230,
            permission="system:read", keys="a",
        ),
        NavItem(
            label="System", path="/console/system", icon="gauge", group="Settings", order=800, permission="system:read",
            keys="y",
        ),
    ),
)  # fmt: skip


def _now(db: Database, appender: Appender) -> dict[str, Any]:
    now = now_us()
    with db.read() as conn:
        shared_now = db.now_us(conn)
        workers = conn.execute(
            sa.select(leases.workers).order_by(leases.workers.c.started_at, leases.workers.c.id)
        ).all()
        held = conn.execute(sa.select(leases.buckets).order_by(leases.buckets.c.bucket)).all()
        newest = newest_seq(conn)
        recent = _arrivals.counts(conn, now=now, step=10 * SECOND, steps=7)
    alive = [worker for worker in workers if abs(worker.seen_at - shared_now) < leases.LEASE]
    return {
        "health": health(db, appender),
        "rate": sum(number for _, number in recent[:-1]) / 60,
        "workers": [(worker, sum(row.owner == worker.id for row in held)) for worker in workers],
        "alive": {worker.id for worker in alive},
        "cells": [_cell(row, newest, {worker.id for worker in alive}) for row in held],
        "server_bytes": resident_bytes(),
        "engine": "SQLite" if db.dialect == "sqlite" else "PostgreSQL",
        "pid": os.getpid(),
    }


def _jobs(db: Database, remembered: Remembered, retold: Retold) -> dict[str, Any]:
    with db.read() as conn:
        return {
            "jobs": job_reports.states(conn), "filling": _filling(backfill.statuses(conn, remembered)),
            "telling": retelling.told(conn, retold),
        }  # fmt: skip


def _filling(statuses: Sequence[TraitStatus]) -> list[list[TraitStatus]]:
    """The traits that do not know the whole past yet, none before a worker has run; those filled together in one."""
    by_part: dict[str, list[TraitStatus]] = {}
    has_begun = any(one.state != "not begun" for one in statuses)
    for one in statuses if has_begun else ():
        if one.state != "whole":
            by_part.setdefault(one.part, []).append(one)
    return list(by_part.values())


def _cell(row: Any, newest: int, alive: set[str]) -> Cell:
    behind = max(0, newest - row.cursor)
    tone = "free" if row.owner not in alive else "behind" if behind > 5_000 else "held"
    return Cell(
        bucket=row.bucket, owner=row.owner, behind=behind, x=row.bucket % 32 * 15, y=row.bucket // 32 * 15, tone=tone
    )


def _size(conn: Connection, name: str) -> TableSize:
    rows = int(
        conn.exec_driver_sql(f"SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT {COUNTED + 1}) AS some").scalar_one()
    )
    return TableSize(name=name, rows=min(rows, COUNTED), more=rows > COUNTED)
