"""What may be done with a customer, on their page: by purpose, why, since when, with the last answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from rapport.capabilities.consent import store
from rapport.capabilities.consent.model import FREE, category_words
from rapport.capabilities.consent.recording import shown
from rapport.capabilities.consent.service import people_of
from rapport.kernel.ids import CustomerId
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.linking.units import certain_identifiers
from rapport.web.cards import OfPerson, Panel

__all__ = ["PANELS"]

_LAST_ANSWERS = 5


def _privacy(conn: Connection, asked: OfPerson) -> Mapping[str, Any] | None:
    key = load_customer_ids(conn).key(CustomerId(asked.customer_id))
    found = store.history(conn, asked.workspace, certain_identifiers(conn, asked.workspace, key))
    # A person's identifiers answer alike: each answer is told once.
    answers = {(row.category, row.state): row for row in reversed(found)}
    newest = sorted(answers.values(), key=lambda row: row.at, reverse=True)[:_LAST_ANSWERS]
    people = people_of(conn, asked.workspace, [key])
    purposes = people.policy_of(key).purposes
    return {
        "consent": shown(conn, asked.workspace, key), "answers": newest,
        "named": category_words, "customer_id": asked.customer_id,
        "since": {name: people.verdict(key, name).since for name in purposes},
        "theirs": [name for name, rule in purposes.items() if rule.basis in FREE],
    }  # fmt: skip


PANELS: tuple[Panel, ...] = (
    Panel(
        name="consent.privacy", title="Privacy", order=600, permission="consent:read",
        template="consent/privacy_card.html", read=_privacy,
    ),
)  # fmt: skip
