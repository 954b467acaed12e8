"""What operators' tools ask: `/healthz` (alive), `/readyz` (able to serve, how far behind), `/metrics` (Prometheus)."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa
from litestar import Response, get
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from rapport.act import job_reports
from rapport.app.conditions import NAMES, conditions
from rapport.collect.appender import Appender
from rapport.collect.store import quarantine
from rapport.storage import leases
from rapport.storage.engine import Database
from rapport.storage.log import newest_seq
from rapport.storage.outage import OUTAGE

__all__ = ["ROUTES", "health"]

_STARTED = time.time()


def health(db: Database, appender: Appender) -> dict[str, int]:
    """Numbers that tell how the installation does; each costs one look at an index."""
    with db.read() as conn:
        newest = newest_seq(conn)
        now = db.now_us(conn)
        workers = conn.execute(sa.select(leases.workers).where(leases.are_alive(now))).all()
        progress = leases.progress(conn)
        failing = job_reports.failing(conn)
    return {
        "log_seq": newest,
        "folded_seq": min(progress, newest),
        "lag": max(0, newest - progress),
        "workers": len(workers),
        "jobs_failing": len(failing),
        "worker_rss_bytes": sum(row.rss_bytes for row in workers),
        "pending_bytes": appender.pending_bytes,
        "database_bytes": db.size_bytes(),
    }


@get("/healthz", permission="public", include_in_schema=False, sync_to_thread=False)
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@get("/readyz", permission="public", include_in_schema=False, sync_to_thread=True)
def readyz(db: Database, appender: Appender) -> Response[dict[str, Any]]:
    """The database answers; `lag` is the number of facts that are in the log and not yet in the Golden Records.

    What is amiss is named in `alarms`, with what to do. 503 where facts could not be taken: the database does not
    answer or takes nothing, the disk is full. A failing job makes nobody unfit: it is named in `failing_jobs`.
    """
    try:
        found = health(db, appender)
        with db.look() as conn:
            failing = list(job_reports.failing(conn))
            alarms = conditions(db, conn)
    except SQLAlchemyError as error:
        OUTAGE.note(error, doing="the health was looked at")
        return Response({"status": "unavailable", "detail": "the database does not answer"}, status_code=503)
    grave = [one for one in alarms if one.grave]
    said = {"status": "unavailable" if grave else "ready", **({"detail": grave[0].what} if grave else {})}
    told = [{"name": one.name, "what": one.what, "to_do": one.to_do} for one in alarms]
    return Response({**said, **found, "failing_jobs": failing, "alarms": told}, status_code=503 if grave else 200)


@get("/metrics", permission="public", include_in_schema=False, sync_to_thread=True, media_type=CONTENT_TYPE_LATEST)
def metrics(db: Database, appender: Appender) -> Response[bytes]:
    """The same and the counters of this process, as Prometheus reads them."""
    registry = CollectorRegistry()
    values: dict[str, tuple[str, float]] = {
        "rapport_uptime_seconds": ("Seconds since the server started.", time.time() - _STARTED),
        "rapport_facts_appended_total": ("Facts new to the log since the server started.", appender.appended),
        "rapport_facts_duplicate_total": ("Facts the log knew already, since start.", appender.duplicates),
        "rapport_quarantined": ("Facts that wait in quarantine.", _quarantined(db)),
    }
    for name, number in health(db, appender).items():
        values[f"rapport_{name}"] = (_HELP[name], number)
    for name, (text, value) in values.items():
        Gauge(name, text, registry=registry).set(value)
    with db.look() as conn:
        failures = job_reports.failing(conn)
        amiss = {one.name for one in conditions(db, conn)}
    alarm = Gauge("rapport_alarm", "1 while this is so: " + " ".join(NAMES.values()), ["name"], registry=registry)
    for name in NAMES:
        alarm.labels(name).set(name in amiss)
    by_job = Gauge("rapport_job_failures", "Failures in a row of a failing job.", ["job"], registry=registry)
    for job, number in failures.items():
        by_job.labels(job).set(number)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _quarantined(db: Database) -> int:
    with db.read() as conn:
        query = sa.select(sa.func.count()).select_from(quarantine).where(quarantine.c.state == "open")
        return int(conn.execute(query).scalar_one())


_HELP = {
    "log_seq": "Number of the newest fact in the log.",
    "folded_seq": "Every fact up to this number is in the Golden Records.",
    "lag": "Facts in the log that are not yet in the Golden Records.",
    "jobs_failing": "Jobs whose last turn failed; each is tried again by itself.",
    "workers": "Workers that renewed their lease lately.",
    "worker_rss_bytes": "Resident memory of all workers.",
    "pending_bytes": "Bytes of facts that wait for the disk.",
    "database_bytes": "Bytes of the database on disk.",
}

ROUTES = [healthz, readyz, metrics]
