"""The commands of Rapport's own rooms. They stand apart from `rooms`, so that `rapport --help` imports no room."""

from __future__ import annotations

from rapport.compose.command import Command

__all__ = ["COLLECT", "MEASURE", "REMEMBER", "RESOLVE"]

COLLECT = (
    Command(
        name="sources",
        help="Where facts come from: list, add, rotate write keys, switch on and off.",
        command="rapport.collect.commands:sources_group",
    ),
    Command(
        name="quarantine",
        help="Messages that could not become facts: list, replay, discard.",
        command="rapport.collect.commands:quarantine_group",
    ),
)

RESOLVE = (
    Command(
        name="identity",
        help="Who is one person: the policy, and what is learned from the shop's own records.",
        command="rapport.resolve.linking.commands:identity",
    ),
)

REMEMBER = (
    Command(
        name="traits",
        help="What Golden Records show: which traits know the whole past, and how far the others are.",
        command="rapport.remember.commands:traits",
    ),
    Command(
        name="backfill",
        help="Have a new or changed TRAIT learn all of the past now, and return once it has.",
        command="rapport.remember.commands:backfill_trait",
    ),
    Command(
        name="features",
        help="Write what was known of every customer at a moment, a row each, for models to learn from.",
        command="rapport.remember.commands:features",
    ),
)

MEASURE = (
    Command(
        name="evaluate",
        help="What another policy would have brought at a placement, from the decisions that were logged there.",
        command="rapport.measure.judging_commands:evaluate",
    ),
)
