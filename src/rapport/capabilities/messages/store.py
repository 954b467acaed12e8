"""Tables of messages: templates by version, the messages, addresses that get none, mail servers, where sending runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, Table, Text

from rapport.kernel.clock import DAY
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import insert_ignore, upsert
from rapport.storage.engine import CText, metadata
from rapport.storage.lookup import select_among
from rapport.storage.resealing import SecretPlace
from rapport.storage.sealing import opened, sealed

__all__ = [
    "HELD", "LIMITED", "QUEUED", "SENT", "MessageRow", "by_ids", "by_keys", "channel_providers", "costs", "insert",
    "last_words", "listed", "mail_servers", "messages", "note_word", "places", "push_endpoints", "sent_lately",
    "set_costs", "set_status", "stamp", "suppress", "suppressed", "suppressions", "templates", "words",
]  # fmt: skip

QUEUED, SENT, HELD, FAILED = "queued", "sent", "held", "failed"
LIMITED = "limited"
"""Why an address gets no news for a day: the provider brings it no more from any shop."""

templates = Table(
    "message_templates",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("name", CText, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("compiled", LargeBinary, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
)
"""The newest version is in force. `body` is what people wrote, `compiled` the HTML by language, both JSON."""

messages = Table(
    "messages",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("id", CText, primary_key=True),
    Column("idempotency_key", CText, nullable=False),
    Column("strand", LargeBinary, nullable=False),
    Column("template", CText, nullable=False),
    Column("channel", CText, nullable=False),
    Column("purpose", CText, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("unless_ordered_since", BigInteger),
    Column("status", CText, nullable=False),
    Column("reason", Text, nullable=False),
    Column("domain", CText, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("latest_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("delivered_at", BigInteger),
    Column("bounced_at", BigInteger),
    Column("opened_at", BigInteger),
    Column("clicked_at", BigInteger),
    Column("address", LargeBinary),
    Column("cost", BigInteger),
    Column("fallback", Text, nullable=False, server_default=""),
    Index("messages_once", "workspace", "idempotency_key", unique=True),
    Index("messages_of_strand", "workspace", "strand", "created_at"),
    Index("messages_by_time", "workspace", "created_at", "id"),
    Index("messages_by_status", "workspace", "status", "created_at", "id"),
    Index("messages_to_domain", "workspace", "domain", "finished_at"),
)
"""`opened_at` and `clicked_at` are a person's; what machines did stands in the log alone. `address` is the key of the
one it went to, as an identifier, known from the first attempt on. `cost` is in thousandths of the smallest unit of the
currency, `fallback` names the channels it may go by instead, with commas between."""

suppressions = Table(
    "message_suppressions",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("channel", CText, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("reason", CText, primary_key=True),
    Column("at", BigInteger, nullable=False),
)
"""`key` is that of the address as an identifier; no address stands here. `reason`: bounced, complained, unsubscribed,
or limited, which is over a day after `at`."""

mail_servers = Table(
    "mail_servers",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
)

channel_providers = Table(
    "channel_providers",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("channel", CText, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
)
"""Who carries a channel for a shop, as JSON; for web push the shop's own key."""

SECRETS = (
    SecretPlace(mail_servers, "body", lambda row: f"mail_servers:{row['workspace']}"),
    SecretPlace(
        channel_providers, "body", lambda row: f"channel_providers:{row['workspace']}:{row['channel']}",
        fields=("secret", "key"),
    ),
)  # fmt: skip

push_endpoints = Table(
    "push_endpoints",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("id", CText, primary_key=True),
    Column("strand", LargeBinary, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("p256dh", LargeBinary, nullable=False),
    Column("auth", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("push_endpoints_of_strand", "workspace", "strand"),
)

places = Table(
    "sending_places",
    metadata,
    Column("place", CText, primary_key=True),
    Column("allowed_at", BigInteger, nullable=False),
    Column("allowed_by", Text, nullable=False),
)
"""Databases from which messages may be sent, each by what tells it from its copies."""


costs = Table(
    "message_costs",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("channel", CText, primary_key=True),
    Column("purpose", CText, primary_key=True),
    Column("currency", CText, primary_key=True),
    Column("sent", BigInteger, nullable=False),
    Column("cost", BigInteger, nullable=False),
)
"""What was spent on a day of the shop's calendar (its ordinal), in thousandths of the currency's smallest unit."""

words = Table(
    "message_words",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("channel", CText, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("at", BigInteger, nullable=False),
)
"""When the owner of a number wrote to the shop last, by the key of the number."""


class MessageRow(NamedTuple):
    """A message as it is kept."""

    workspace: WorkspaceId
    id: str
    idempotency_key: str
    strand: Key
    template: str
    channel: str
    purpose: str
    data: bytes
    unless_ordered_since: int | None
    status: str
    reason: str
    domain: str
    created_at: int
    latest_at: int
    finished_at: int | None = None
    delivered_at: int | None = None
    bounced_at: int | None = None
    opened_at: int | None = None
    clicked_at: int | None = None
    address: bytes | None = None
    cost: int | None = None
    fallback: str = ""


_m = messages.c
_ROW = [_m[name] for name in MessageRow._fields]


def insert(conn: Connection, rows: Sequence[MessageRow]) -> int:
    """Keep new messages; a known idempotency key is left out. Returns how many were new."""
    return insert_ignore(conn, messages, [row._asdict() for row in rows], key=("workspace", "idempotency_key"))


def by_ids(conn: Connection, workspace: WorkspaceId, ids: Collection[str]) -> dict[str, MessageRow]:
    """The messages of these ids."""
    return {row.id: MessageRow._make(row) for row in select_among(conn, sa.select(*_ROW), workspace, _m.id, ids)}


def by_keys(conn: Connection, workspace: WorkspaceId, keys: Collection[str]) -> dict[str, MessageRow]:
    """The messages of these idempotency keys, by key."""
    found = select_among(conn, sa.select(*_ROW), workspace, _m.idempotency_key, keys)
    return {row.idempotency_key: MessageRow._make(row) for row in found}


def listed(
    conn: Connection, workspace: WorkspaceId, *, status: str = "", strands: Collection[Key] | None = None,
    limit: int = 50, offset: int = 0,
) -> list[MessageRow]:  # fmt: skip
    """Messages, the newest first; of a status, of some strands (a person has a handful)."""
    query = sa.select(*_ROW).where(_m.workspace == workspace)
    if status:
        query = query.where(_m.status == status)
    if strands is not None:
        query = query.where(_m.strand.in_(sorted(strands)[:500]))
    found = conn.execute(query.order_by(_m.created_at.desc(), _m.id.desc()).limit(limit).offset(offset))
    return [MessageRow._make(row) for row in found]


def counts(conn: Connection, workspace: WorkspaceId, *, since: int) -> dict[str, int]:
    """How many messages since a moment have which status."""
    query = sa.select(_m.status, sa.func.count()).where(_m.workspace == workspace, _m.created_at >= since)
    return {status: int(number) for status, number in conn.execute(query.group_by(_m.status))}


def set_status(
    conn: Connection, workspace: WorkspaceId, said: Iterable[tuple[str, str, str, int | None, bytes]]
) -> None:
    """Note (id, status, reason, when it was finished, the key of its address where it is known) of messages."""
    param = sa.bindparam
    update = messages.update().where(_m.workspace == workspace, _m.id == param("of_id"))
    rows = [
        {"of_id": one, "new_status": status, "new_reason": reason[:500], "new_end": end, "new_to": address or None}
        for one, status, reason, end, address in sorted(said, key=lambda each: each[0])
    ]
    if rows:
        conn.execute(
            update.values(
                status=param("new_status"), reason=param("new_reason"),
                finished_at=param("new_end", type_=sa.BigInteger),
                address=sa.func.coalesce(param("new_to", type_=sa.LargeBinary), _m.address),
            ),
            rows,
        )  # fmt: skip


def stamp(conn: Connection, workspace: WorkspaceId, stamps: Mapping[str, Mapping[str, int]]) -> None:
    """Note when what first happened to messages: by column, by id. What is noted already stays."""
    param = sa.bindparam
    for column, at in sorted(stamps.items()):
        update = messages.update().where(_m.workspace == workspace, _m.id == param("of_id"), _m[column].is_(None))
        rows = [{"of_id": one, "happened": when} for one, when in sorted(at.items())]
        conn.execute(update.values({column: param("happened", type_=sa.BigInteger)}), rows)


def set_costs(conn: Connection, workspace: WorkspaceId, cost: Mapping[str, int]) -> None:
    """Note what messages have cost, by id."""
    param = sa.bindparam
    update = messages.update().where(_m.workspace == workspace, _m.id == param("of_id"))
    rows = [{"of_id": one, "new_cost": of} for one, of in sorted(cost.items()) if of]
    if rows:
        conn.execute(update.values(cost=param("new_cost", type_=sa.BigInteger)), rows)


def note_word(conn: Connection, workspace: WorkspaceId, channel: str, key: Key, at: int) -> None:
    """The owner of a number has written; an older word changes nothing."""
    row = {"workspace": workspace, "channel": channel, "key": key, "at": at}
    upsert(
        conn, words, [row], key=("workspace", "channel", "key"), update=("at",),
        where="excluded.at > message_words.at",
    )  # fmt: skip


def last_words(conn: Connection, workspace: WorkspaceId, channel: str, keys: Collection[Key]) -> dict[Key, int]:
    """When the owners of these numbers wrote last; who never did is missing."""
    w = words.c
    query = sa.select(w.key, w.at).where(w.channel == channel)
    return {Key(row[0]): int(row[1]) for row in select_among(conn, query, workspace, w.key, keys)}


def sent_lately(
    conn: Connection, workspace: WorkspaceId, strands: Collection[Key], *, since: int
) -> list[tuple[Key, int]]:
    """(strand, when) of the marketing messages sent to these strands since a moment, without those that came back."""
    query = sa.select(_m.strand, _m.finished_at).where(
        _m.status == SENT, _m.purpose == "marketing", _m.finished_at >= since,
        _m.bounced_at.is_(None) | _m.delivered_at.is_not(None),
    )  # fmt: skip
    return [(Key(row[0]), int(row[1])) for row in select_among(conn, query, workspace, _m.strand, strands)]


def sent_to_domains(
    conn: Connection, workspace: WorkspaceId, domains: Collection[str], *, since: int
) -> dict[str, int]:
    """How many messages went to each of these domains since a moment."""
    query = sa.select(_m.domain, sa.func.count()).where(_m.finished_at >= since, _m.status == SENT)
    found = select_among(conn, query.group_by(_m.domain), workspace, _m.domain, domains)
    return {row[0]: int(row[1]) for row in found}


def suppress(
    conn: Connection, workspace: WorkspaceId, channel: str, keys: Collection[Key], *, reason: str, now: int
) -> None:
    """Send these addresses nothing more by this channel, or no marketing where they complained."""
    rows = [
        {"workspace": workspace, "channel": channel, "key": key, "reason": reason, "at": now} for key in sorted(keys)
    ]
    key = ("workspace", "channel", "key", "reason")
    if reason == LIMITED:
        upsert(conn, suppressions, rows, key=key, update=("at",), where="excluded.at > message_suppressions.at")
    else:
        insert_ignore(conn, suppressions, rows, key=key)


def suppressed(
    conn: Connection, workspace: WorkspaceId, channel: str, keys: Collection[Key], *, now: int = 0
) -> dict[Key, set[str]]:
    """Why each of these addresses gets nothing, or no marketing; the others are missing. A limit ends after a day."""
    s = suppressions.c
    found: dict[Key, set[str]] = {}
    query = sa.select(s.key, s.reason).where(s.channel == channel, (s.reason != LIMITED) | (s.at > now - DAY))
    for key, reason in select_among(conn, query, workspace, s.key, keys):
        found.setdefault(Key(key), set()).add(reason)
    return found


def latest_template(conn: Connection, workspace: WorkspaceId, name: str, *, version: int | None = None) -> Any:
    """The row of a template's newest version, or of one version; None where there is none."""
    t = templates.c
    query = sa.select(templates).where(t.workspace == workspace, t.name == name)
    if version is not None:
        query = query.where(t.version == version)
    return conn.execute(query.order_by(t.version.desc()).limit(1)).first()


def newest_templates(conn: Connection, workspace: WorkspaceId) -> list[Any]:
    """The newest version of each template of the shop's own."""
    t = templates.c
    newest = (
        sa.select(t.name, sa.func.max(t.version).label("version"))
        .where(t.workspace == workspace).group_by(t.name).subquery()
    )  # fmt: skip
    query = sa.select(templates).join(
        newest, (t.name == newest.c.name) & (t.version == newest.c.version)
    ).where(t.workspace == workspace)  # fmt: skip
    return list(conn.execute(query.order_by(t.name)))


def template_versions(conn: Connection, workspace: WorkspaceId, name: str, *, limit: int = 20) -> list[Any]:
    """Who wrote which version when, the newest first."""
    t = templates.c
    query = sa.select(t.version, t.changed_at, t.changed_by).where(t.workspace == workspace, t.name == name)
    return list(conn.execute(query.order_by(t.version.desc()).limit(limit)))


def add_template(conn: Connection, row: Mapping[str, Any]) -> bool:
    """Whether this version was still free, and is kept now."""
    return bool(insert_ignore(conn, templates, [dict(row)], key=("workspace", "name", "version")))


def keep_mail_server(conn: Connection, workspace: WorkspaceId, body: bytes, *, by: str, now: int) -> None:
    """Put a shop's own mail server in force."""
    kept = sealed(body, about=f"mail_servers:{workspace}")
    row = {"workspace": workspace, "body": kept, "changed_at": now, "changed_by": by}
    upsert(conn, mail_servers, [row], key=("workspace",), update=("body", "changed_at", "changed_by"))


def mail_server_of(conn: Connection, workspace: WorkspaceId) -> bytes | None:
    """A shop's own mail server as JSON; None where it has none. Raises Misconfigured as `opened` of sealing."""
    query = sa.select(mail_servers.c.body).where(mail_servers.c.workspace == workspace)
    found = conn.execute(query).scalar()
    return None if found is None else opened(bytes(found), about=f"mail_servers:{workspace}")
