"""The tables of Rapport's own rooms: what each holds, and how a person is exported from it and erased."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act import store as act
from rapport.collect import statements, withdrawals
from rapport.collect import store as collect
from rapport.compose import holds, partners, requests
from rapport.compose.holding import by_columns, of_person, of_shop
from rapport.kernel.ids import Key, WorkspaceId
from rapport.measure import clicks, counting
from rapport.measure import store as measure
from rapport.remember import membership
from rapport.remember import store as remember
from rapport.resolve.graph import store as resolve
from rapport.resolve.linking import store as linking
from rapport.storage import leases, log, redaction, settings, suppression, withdrawn, workspaces
from rapport.storage.bulk import chunks
from rapport.web import api_keys, attempts, factor_store, views
from rapport.web import store as web
from rapport.web.provider import store as provider

__all__ = ["ACT", "COLLECT", "EXPORT", "MEASURE", "REMEMBER", "RESOLVE", "SEGMENTS", "STORAGE", "WEB"]

_STAFF = "somebody who works here is removed on the page Team"


def _erase_timers(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
    """A timer's key begins with the key of the strand it belongs to, whatever follows."""
    t = act.timers.c
    gone = 0
    for key in sorted(keys):  # a range of the primary key's index for each strand; a person has a handful
        after = key + b"\xff" * 64
        query = sa.delete(act.timers).where(t.workspace == workspace, t.key >= key, t.key <= after)
        gone += conn.execute(query).rowcount
    return gone


def _erase_outcomes(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
    """What came of the decisions about a person, found by those decisions."""
    d, o = measure.decisions.c, measure.decision_outcomes.c
    gone = 0
    for some in chunks(sorted(keys), 500):
        theirs = sa.select(d.id).where(d.workspace == workspace, d.strand.in_(some))
        query = sa.delete(measure.decision_outcomes).where(o.workspace == workspace, o.decision_id.in_(theirs))
        gone += conn.execute(query).rowcount
    return gone


def _erase_audit(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
    """What was done to a person's identity: the entries lose their details and their reason, not their time."""
    a, s = resolve.audit.c, resolve.audit_subjects.c
    emptied = 0
    for some in chunks(sorted(keys), 500):
        about = sa.select(s.id).where(s.workspace == workspace, s.subject.in_(some))
        query = sa.update(resolve.audit).where(a.workspace == workspace, a.id.in_(about))
        emptied += conn.execute(query.values(details=b"{}", reason="erased")).rowcount
    return emptied


STORAGE = (
    of_shop(workspaces.workspaces, "the shops and what each decides for itself"),
    of_shop(settings.shop_settings, "what each shop decides of each slice, with who changed it"),
    of_person(log.facts, "every fact as it came", export=by_columns(log.facts, ("strand",))[0]),
    of_shop(leases.buckets, "how far the log is folded"),
    of_shop(leases.workers, "the workers that run"),
    of_shop(suppression.suppression, "how many people were erased, and the secret of their hashes"),
    of_shop(redaction.redactions, "which fields were redacted of which span of time, and how many facts had them"),
    of_person(redaction.redaction_keys, "that a field of somebody's facts was redacted", by=("key",)),
    of_shop(suppression.suppressed, "keyed hashes of identifiers of the erased, so that they do not come back"),
)

WEB = (
    of_shop(web.users, f"the people who work here; {_STAFF}"),
    of_shop(web.memberships, f"in which shop they have which role; {_STAFF}"),
    of_shop(web.sessions, "who is signed in, for 30 days at most"),
    of_shop(web.invitations, "invitations, until they expire"),
    of_person(
        attempts.sign_in_attempts, "failed sign-ins of staff, by a hash", by=("subject",),
        erase="the rows go after an hour", export=lambda *_: (),
    ),
    of_shop(attempts.known_devices, "browsers in which the people who work here have signed in, as hashes"),
    of_shop(factor_store.second_factors, f"their authenticator apps and passkeys; {_STAFF}"),
    of_shop(factor_store.recovery_codes, "their recovery codes, as hashes"),
    of_shop(factor_store.challenges, "sign-ins half done and links to new passwords, as hashes, for an hour at most"),
    of_shop(provider.provider_identities, f"who they are at the shop's OpenID provider; {_STAFF}"),
    of_shop(api_keys.api_keys, "keys of programs, as hashes"),
    of_shop(views.saved_views, "tables as people here set them up, under names", mentions=True),
)  # fmt: skip

EXPORT = (
    of_person(
        requests.privacy_requests, "what somebody asked of what is kept of them, and what became of it",
        export=by_columns(requests.privacy_requests, ("subject",))[0], erase=requests.forget,
    ),
    of_person(
        holds.privacy_holds, "that what is kept of somebody was held for a court, why and until when",
        export=holds.told, erase=holds.forget,
    ),
    of_shop(partners.privacy_told, "which partners were told of a request, and what they answered"),
)  # fmt: skip

COLLECT = (
    of_shop(
        withdrawals.withdrawals,
        "what was taken back of what a source sent, why, and how many facts of which kind",
        mentions=True,
    ),
    of_person(
        withdrawn.withdrawn_facts,
        "facts that were taken back, for 30 days, in which they can be put back",
        kept_days=30,
    ),
    of_shop(collect.sources, "the sources with their write keys and limits"),
    of_shop(collect.source_health, "how many messages each source sent by hour"),
    of_shop(
        collect.source_unread,
        "what could not be read of each source, counted, without what may be personal",
        mentions=True,
    ),
    of_shop(
        collect.quarantine,
        "messages that could not be read and so belong to nobody yet; they go when they are replayed or discarded",
        goes_whole=True,
    ),
    of_person(statements.order_statements, "which facts somebody stated of which order"),
)

RESOLVE = (
    of_person(resolve.identifiers, "the names by which somebody is known", by=("key",)),
    of_person(resolve.evidence, "why two names are one person", by=("a", "b")),
    of_person(resolve.forbidden_pairs, "names that must never be one person", by=("a", "b")),
    of_person(resolve.customer_changes, "when customers were merged and split", by=("root_from", "root_to")),
    of_person(
        resolve.audit_subjects, "whom an entry of the audit trail is about", by=("subject",), export=lambda *_: ()
    ),
    of_person(
        resolve.audit, "what people did to an identity, and why", by=(), export=lambda *_: (), erase=_erase_audit
    ),
    of_shop(resolve.identity_epochs, "how often the identity policy changed"),
    of_shop(resolve.identity_secret, "the secret behind customer ids"),
    of_shop(linking.link_models, "the learned models: statistics, and hashes of what was counted"),
    of_person(linking.link_records, "what is compared of somebody", by=("key",)),
    of_person(linking.link_candidates, "who may be the same person", by=("a", "b")),
    of_person(linking.households, "who seems to live together", by=("key", "household")),
)  # fmt: skip

REMEMBER = (
    of_person(
        remember.strands, "what follows from somebody's facts", by=("key",),
        export=lambda *_: (),  # the Golden Record tells it in words
    ),
    of_person(remember.customers, "the line of the list of customers", by=("root",)),
    of_person(remember.words, "the words by which somebody is found and listed", by=("root",), export=lambda *_: ()),
    of_shop(remember.folded, "which facts each part of the records has yet to fold"),
)  # fmt: skip

SEGMENTS = (
    of_person(
        membership.records, "what segments ask of somebody", by=("root",),
        export=lambda *_: (),  # the Golden Record tells it in words
    ),
    of_person(
        membership.members, "in which segments somebody is, since when",
        export=by_columns(membership.members, ("root",))[0], erase=membership.erase_members,
    ),
    of_shop(membership.segments, "the segments with their conditions"),
    of_shop(membership.versions, "how segments were before, and who changed them"),
    of_shop(membership.days, "how many came into segments and left, by day"),
)  # fmt: skip

ACT = (
    of_person(act.timers, "what is to happen later", by=(), export=lambda *_: (), erase=_erase_timers),
    of_person(act.outbox, "messages to be sent, with the facts they tell, and what became of them"),
    of_shop(act.destinations, "which addresses outside do not answer"),
    of_shop(act.webhooks, "the addresses outside that are told of facts"),
    of_shop(act.jobs, "how what is done again and again went last"),
    of_shop(act.paused_jobs, "which jobs somebody who works here has paused, and who"),
)

MEASURE = (
    of_person(measure.decisions, "what was decided for somebody"),
    of_person(measure.decision_items, "what was shown to somebody"),
    of_person(
        measure.decision_outcomes, "what came of decisions", by=(), export=lambda *_: (), erase=_erase_outcomes
    ),
    of_shop(clicks.decision_clicks, "how many clicks named a decision, by day and place"),
    of_shop(measure.fact_minutes, "how many facts came by minute"),
    of_shop(counting.counted_answers, "numbers of pages that took long to count, for a week at most"),
)  # fmt: skip
