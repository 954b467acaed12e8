"""What journeys bring: graphs, the stage that lets people in, the job that moves them, API and console."""

from __future__ import annotations

from pathlib import Path

from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.facts import FACT_KINDS
from rapport.capabilities.journeys.jobs import jobs
from rapport.capabilities.journeys.service.entering import Entering
from rapport.capabilities.journeys.service.graphs import naming
from rapport.compose.holding import of_person, of_shop
from rapport.compose.slice import Slice
from rapport.web.permissions import Permission

__all__ = ["JOURNEYS"]

JOURNEYS = Slice(
    name="journeys",
    title="Journeys",
    facts=FACT_KINDS,
    stage=Entering,
    joint_jobs=jobs,
    segment_user=naming,
    holds=(
        of_person(store.instances, "where somebody stands in a journey, and which way they came"),
        of_person(store.tasks, "what somebody of the shop is to do about a customer"),
        of_person(store.answers, "which questions somebody was asked"),
        of_shop(store.journeys, "which journeys the shop has"),
        of_shop(store.versions, "how each journey is written, every version"),
        of_shop(store.passes, "how many took each way of a journey"),
    ),
    migrations=Path(__file__).parent / "migrations",
    permissions=(
        Permission(
            name="journeys:read", words="see journeys and who is in them", roles=("marketer", "agent", "analyst")
        ),
        Permission(name="journeys:write", words="write, stop and remove journeys", roles=("marketer",)),
        Permission(name="journeys:enter", words="have somebody enter a journey", roles=("marketer", "agent")),
        Permission(
            name="journeys:ask", words="see what journeys ask a customer, and answer in their name",
            roles=("marketer", "agent"),
        ),
        Permission(
            name="tasks:read", words="see what journeys give the shop to do", roles=("marketer", "agent", "analyst")
        ),
        Permission(name="tasks:write", words="say that a task is done", roles=("marketer", "agent")),
    ),
    web="rapport.capabilities.journeys.web:WEB",
)  # fmt: skip
