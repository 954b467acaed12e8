"""Answers that were given elsewhere, brought along: a yes needs when, where and to which words it was given.

What was answered later stays: an answer counts by the time it was given, never by that of the import.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from rapport.capabilities.consent import store
from rapport.capabilities.consent.facts import ANSWERED, answers_in
from rapport.capabilities.consent.model import CONFIRMED, FREE
from rapport.capabilities.consent.recording import Given, answer_fact, noted_in_log
from rapport.capabilities.consent.service import policies_of, said_by, to_be_confirmed, with_refusals
from rapport.capabilities.consent.store import Said
from rapport.collect.appender import Appender
from rapport.collect.sources import identifier_policy
from rapport.kernel.errors import InvalidInput
from rapport.kernel.identifiers import key_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.moments import read_moment
from rapport.kernel.text import clean
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.reading.references import normalised
from rapport.storage.engine import Database
from rapport.storage.log import LogRow

__all__ = ["MOST", "Brought", "BroughtAnswer", "RefusedLine", "bring", "lacks"]

MOST = 1_000
"""Answers of one call."""

_NEEDED = {"given_at": "when", "source": "where", "wording": "to which words"}
Short = Annotated[str, Meta(max_length=100)]


class BroughtAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody answered elsewhere."""

    customer: Annotated[str, Meta(max_length=300)]
    """`namespace:value`, such as `email:ada@example.com`."""
    purposes: Annotated[dict[Annotated[str, Meta(max_length=40)], Literal["granted", "denied"]], Meta(max_length=50)]
    given_at: Short = ""
    """When, in ISO 8601. A refusal without it counts from now on; a yes without it is refused."""
    source: Short = ""
    """Where it was given: the form, the shop, the tool it comes from."""
    wording: Short = ""
    """The version of the text they were shown."""
    language: Short = ""
    confirmed: bool = False
    """Whether a yes was confirmed by a link in a mail (double opt-in)."""


class RefusedLine(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that was not taken."""

    line: int
    """Its place in what was sent, from 1."""
    reason: str


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the answers."""

    taken: int
    overtaken: int
    """Of those taken, what changes nothing, as an answer that was given later stands against it."""
    refused: list[RefusedLine]


def lacks(message: Mapping[str, Any]) -> str:
    """What a message of an imported file lacks for its yes to count; empty where it says none, or lacks nothing.

    A yes stands in `context.consent` or `context.consentManagement`; when it was given is the message's time, or
    `answeredAt` beside it, where it was `importedFrom`, to which words `wording`.
    """
    if message.get("event") == ANSWERED:
        return f"{ANSWERED!r} is Rapport's own to state: say context.consent.categoryPreferences"
    context = message.get("context")
    if not isinstance(context, dict) or not any(one.state == "granted" for one in answers_in(context)):
        return ""
    beside = context.get("consent")
    said = beside if isinstance(beside, dict) else {}
    missing = [
        words
        for words, found in (
            ("when", message.get("timestamp") or said.get("answeredAt")), ("where", said.get("importedFrom")),
            ("to which words", said.get("wording")),
        )
        if not (isinstance(found, str) and found.strip())
    ]  # fmt: skip
    return f"a yes has to say {', '.join(missing)} it was given" if missing else ""


def bring(
    db: Database, appender: Appender, workspace: WorkspaceId, answers: Sequence[BroughtAnswer], *, by: str, now: int
) -> Brought:  # fmt: skip
    """Have these answers in the log, and in force before this returns; bringing them twice is bringing them once.

    One transaction for all. What is refused keeps out nothing else.
    """
    with db.read() as conn:
        settings, policies = settings_of(conn, workspace), policies_of(conn, workspace).policies
    known = {name for one in policies.policies for name, rule in one.purposes.items() if rule.basis in FREE}
    lines, refused = list[LogRow](), list[RefusedLine]()
    for number, one in enumerate(answers, start=1):
        try:
            lines.append(_line(workspace, one, known, region=settings.region, by=by, now=now))
        except InvalidInput as error:
            refused.append(RefusedLine(line=number, reason=error.message))
    appender.append_sync(lines)
    words = to_be_confirmed(policies)
    with db.write() as conn:
        noted = noted_in_log(conn, workspace, [row.message_id for row in lines])
        said = said_by([with_refusals(one, words) for one in noted], {workspace: identifier_policy(settings)})
        overtaken = sum(_overtaken(said, store.held_by(conn, workspace, {key for one in said for key in one.keys})))
        store.keep(conn, said)
    return Brought(taken=len(lines), overtaken=overtaken, refused=refused)


def _line(
    workspace: WorkspaceId, one: BroughtAnswer, known: set[str], *, region: str | None, by: str, now: int
) -> LogRow:  # fmt: skip
    """The fact of an answer. Raises InvalidInput."""
    namespace, colon, value = one.customer.partition(":")
    identifier = normalised(namespace, value, region=region) if colon else None
    if identifier is None:
        raise InvalidInput("customer names nobody: namespace:value")
    unknown = sorted(one.purposes.keys() - known)
    if unknown or not one.purposes:
        raise InvalidInput(f"no purpose that is theirs to decide: {', '.join(unknown)[:100]}")
    at = read_moment(one.given_at) if one.given_at else None
    if one.given_at and (at is None or not 0 < at <= now):
        raise InvalidInput(f"given_at is no time that has been: {one.given_at[:40]!r}")
    if "granted" in one.purposes.values():
        missing = [words for name, words in _NEEDED.items() if not clean(getattr(one, name))]
        if missing:
            raise InvalidInput(f"a yes has to say {', '.join(missing)} it was given")
    given = Given(
        purposes=dict(one.purposes), wording=one.wording, language=one.language, by=by,
        how=f"import: {clean(one.source, longest=80)}" if one.source else "import",
    )  # fmt: skip
    key = key_of(workspace, identifier)
    return answer_fact(
        workspace, identifier, [key], given, now=now, at=at, id=_id(workspace, key, one), confirmed=one.confirmed
    )


def _id(workspace: WorkspaceId, key: Key, one: BroughtAnswer) -> str:
    """The same for the same answer, so that a file that is sent again adds nothing."""
    said = msgspec.json.encode([workspace, key.hex(), msgspec.structs.replace(one, customer="")], order="sorted")
    return f"ans_{blake2b(said, digest_size=16).hexdigest()}"


def _overtaken(said: Sequence[Said], held: Mapping[Key, Sequence[Any]]) -> Iterator[bool]:
    for one in said:
        if not one.held.category.startswith(CONFIRMED):
            beside = [answer for key in one.keys for answer in held.get(key, ())]
            yield any(each.category == one.held.category and each.at > one.held.at for each in beside)
