"""Whether a message may go, asked at the moment it would: where sending is allowed, time, address, quiet hours, caps,
what was bought meanwhile, and whether the template can be filled. Whether the person allows it is consent's rule.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from zlib import crc32
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.channels import ChannelSettings, Outgoing
from rapport.act.send_rules import Drop, Hold, SendRule, Verdict
from rapport.act.store import outbox
from rapport.capabilities.consent import gate
from rapport.capabilities.messages import store
from rapport.capabilities.messages.model import (
    CHANNELS,
    COMES_BACK,
    EMAIL,
    LIMITED,
    NO_ADDRESS,
    NO_NEWS_TO_THE_USA,
    NOT_OPTED_IN,
    SMS,
    WHATSAPP,
    Recipient,
    quiet_until,
)
from rapport.capabilities.messages.people import recipients
from rapport.capabilities.messages.reasons import (
    A_COPY,
    A_DAY,
    A_MINUTE,
    A_WEEK,
    COMPLAINING,
    HAS_BOUGHT,
    LATE,
    NO_NEWS,
    QUIET,
    QUIET_HERE,
    SPENT,
    THEN_LATE,
    UNDER_WAY,
)
from rapport.capabilities.messages.service.composing import (
    Desk,
    Shelf,
    check_mail,
    compose_short,
    load_desk,
    phone_key,
    trial_of,
)
from rapport.capabilities.messages.service.places import is_allowed_here
from rapport.capabilities.messages.service.providers import limits_of
from rapport.capabilities.messages.service.spending import Budget, budget_of, price_of
from rapport.capabilities.messages.service.subjects import has_bought
from rapport.capabilities.messages.store import MessageRow
from rapport.capabilities.messages.texts import parts_of
from rapport.kernel.clock import DAY, HOUR, MINUTE, SECOND, to_iso, zone_named
from rapport.kernel.contacts import country_of_number
from rapport.kernel.errors import RapportError
from rapport.kernel.gate import marketing_by
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.language import noted
from rapport.storage.lookup import select_among

__all__ = ["GATES", "HERE", "message_id_of", "standing_against"]


WHATSAPP_SERVICE = "whatsapp_service"
"""The purpose of a policy by which somebody agrees to hear of their orders by WhatsApp."""
_COMPLAINT_LASTS = 30 * DAY
"""Beyond that nobody has told that a complaint is over; something else is wrong with it."""
_ASK_AGAIN = 6 * HOUR
_SPENDING = "/cost"
"""Under what the cost of those that pass is counted beside the domains: no domain is called so."""


class _Payload(msgspec.Struct, frozen=True):
    id: str


class _Known(NamedTuple):
    """What the verdicts about the messages of one shop rest on."""

    desk: Desk
    shelf: Shelf
    people: Mapping[Key, Recipient]
    suppressed: Mapping[str, Mapping[Key, set[str]]]
    """By channel and address: why it gets nothing, or no news."""
    limits: Mapping[str, int]
    """Messages in a minute to one destination, by channel."""
    sent: Mapping[Key, Sequence[int]]
    """By root: when it was sent marketing within seven days, and now for what is under way before this one."""
    to_domain: Mapping[str, int]
    wrote: Mapping[Key, int]
    """By number: when they wrote by WhatsApp last."""
    agreed: Collection[Key]
    """Who agreed to be written to by WhatsApp."""
    budget: Budget
    reserved: int = 0
    """What others have under way at this moment costs, in thousandths: it is not in the budget yet."""


def message_id_of(message: Outgoing) -> str:
    """The id of the message that an entry of the outbox carries; empty where it carries another."""
    try:
        return msgspec.json.decode(message.payload, type=_Payload).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _ask(conn: Connection, asked: Sequence[Outgoing], now: int) -> Mapping[str, Verdict]:
    by_shop: defaultdict[WorkspaceId, list[Outgoing]] = defaultdict(list)
    for one in asked:
        if trial_of(one) is None:
            by_shop[one.workspace].append(one)
    said: dict[str, Verdict] = {}
    for workspace, several in by_shop.items():
        rows = store.by_ids(conn, workspace, {message_id_of(one) for one in several})
        known = _known(conn, workspace, list(rows.values()), now)
        known = known._replace(reserved=_reserved(conn, workspace, known.budget, set(rows), now))
        minute: Counter[str] = Counter(known.to_domain)
        order = _order(conn, workspace, several)
        passed: defaultdict[Key, list[int]] = defaultdict(list)
        for one in sorted(several, key=lambda m: order.get(m.id, (0, m.id))):
            row = rows.get(message_id_of(one))
            if row is None:
                said[one.id] = Drop(reason=noted("the message is gone"))
                continue
            verdict, cost = _verdict(row, known, passed, minute, now)
            if verdict is not None:
                said[one.id] = verdict
            else:
                minute[row.domain] += 1
                if row.purpose == "marketing":
                    minute[_SPENDING] += cost
                    passed[known.people[row.strand].root].append(now)
    return said


def standing_against(conn: Connection, row: MessageRow, now: int) -> Verdict | None:
    """What is against sending this message now; None where nothing is."""
    known = _known(conn, row.workspace, [row], now)
    return _verdict(row, known, defaultdict(list), Counter(), now)[0]


def _verdict(
    row: MessageRow, known: _Known, passed: Mapping[Key, Sequence[int]], minute: Mapping[str, int], now: int
) -> tuple[Verdict | None, int]:
    """What is against it, and what it costs in thousandths of the currency's smallest unit."""
    person = known.people[row.strand]
    if barred := _barred(row, person, known, now):
        return Drop(reason=barred), 0
    waits = _waits(row, person, known, [*known.sent.get(person.root, ()), *passed.get(person.root, ())], now)
    limit = known.limits.get(row.channel, 0)
    if waits is None and limit and minute.get(row.domain, 0) >= limit:
        waits = Hold(until=now + MINUTE, reason=A_MINUTE % {"most": limit, "domain": row.domain})
    if waits is not None:
        return _in_time(row, waits), 0
    try:
        cost = price_of(known.desk.settings, row.channel) * _parts(row, person, known, now)
    except RapportError as error:
        return Drop(reason=error.message), 0
    if row.purpose == "marketing" and cost:
        waits = _waits_for_money(row, cost, known, minute, now)
    return (None if waits is None else _in_time(row, waits)), cost


def _in_time(row: MessageRow, waits: Hold) -> Verdict:
    late = waits.until > row.latest_at
    return Drop(reason=THEN_LATE % {"why": waits.reason}) if late else waits


def _parts(row: MessageRow, person: Recipient, known: _Known, now: int) -> int:
    """In how many parts it would go. Raises RapportError where it cannot be written."""
    if row.channel == EMAIL:
        check_mail(known.shelf, row, person)
        return 1
    wrote_at = known.wrote.get(phone_key(row.workspace, person.phone), 0)
    short = compose_short(known.shelf, row, person, wrote_at=wrote_at, now=now)
    return parts_of(short.text).number if row.channel == SMS else 1


def _barred(row: MessageRow, person: Recipient, known: _Known, now: int) -> str:
    """Why this is never sent; empty where it may be."""
    if now > row.latest_at:
        return LATE % {"at": to_iso(row.latest_at)[:16]}
    if row.unless_ordered_since is not None and person.last_order_at >= row.unless_ordered_since:
        return noted("they have ordered meanwhile")
    if row.purpose == "marketing" and has_bought(row, person, days=known.desk.settings.not_bought_days):
        return HAS_BOUGHT
    return _unreachable(row, person, known)


def _unreachable(row: MessageRow, person: Recipient, known: _Known) -> str:
    """Why the channel does not reach them; empty where it does."""
    address = person.address(row.channel)
    if not address:
        return NO_ADDRESS[row.channel]
    reasons = known.suppressed[row.channel].get(_address_key(row.workspace, row.channel, address), set())
    if "bounced" in reasons:
        return COMES_BACK
    if row.channel == WHATSAPP and (barred := _barred_by_whatsapp(row, person, known, reasons)):
        return barred
    if row.purpose == "marketing" and reasons - {store.LIMITED}:
        return noted("they called a message spam") if "complained" in reasons else NO_NEWS
    return ""


def _barred_by_whatsapp(row: MessageRow, person: Recipient, known: _Known, reasons: Collection[str]) -> str:
    """What WhatsApp itself has against it; empty where nothing. **Source:** Meta, "Per-user marketing template message
    limits": none to numbers of the USA, and a limit for each person over all businesses.
    """
    if not _opted_in(row, person, known, reasons):
        return NOT_OPTED_IN
    if row.purpose != "marketing":
        return ""
    if country_of_number(person.phone) == "US":
        return NO_NEWS_TO_THE_USA
    return LIMITED if set(reasons) == {store.LIMITED} else ""


def _opted_in(row: MessageRow, person: Recipient, known: _Known, reasons: Collection[str]) -> bool:
    """Whether a shop may begin: they agreed, or wrote once and never said stop.

    **Source:** WhatsApp Business Messaging Policy.
    """
    wrote = phone_key(row.workspace, person.phone) in known.wrote and "unsubscribed" not in reasons
    return wrote or row.strand in known.agreed


def _waits(row: MessageRow, person: Recipient, known: _Known, sent: Sequence[int], now: int) -> Hold | None:
    """Why news and offers have to wait; messages about an order wait for nothing."""
    if row.purpose != "marketing":
        return None
    if person.complained_at > now - _COMPLAINT_LASTS:
        return Hold(until=now + _ASK_AGAIN, reason=COMPLAINING)
    wanted = known.desk.settings
    zone, quiet = _zone(person, known.desk)
    until = quiet_until(now, zone, since=wanted.quiet_from, until=wanted.quiet_until)
    if until is not None:
        return Hold(until=until, reason=quiet % {"hour": wanted.quiet_until, "zone": zone.key})
    for most, span, words in ((wanted.cap_a_day, DAY, A_DAY), (wanted.cap_a_week, 7 * DAY, A_WEEK)):
        within = sorted(at for at in sent if at > now - span)
        if most and len(within) >= most:
            return Hold(until=within[-most] + span, reason=words % {"most": most})
    return None


def _waits_for_money(
    row: MessageRow, cost: int, known: _Known, minute: Mapping[str, int], now: int
) -> Hold | None:  # fmt: skip
    """Held where it does not fit into the budget together with what goes beside it; for seconds, each message for
    others, where that is for the sake of what others have under way: it may fail, and two may wait for each other.
    """
    more = cost + minute.get(_SPENDING, 0)
    over = known.budget.exhausted(more)
    if over is not None:
        return Hold(until=over[1], reason=SPENT[over[0]])
    over = known.budget.exhausted(more + known.reserved)
    if over is None:
        return None
    until = now + 5 * SECOND + crc32(row.id.encode()) % (20 * SECOND)
    return Hold(until=until, reason=UNDER_WAY[over[0]])


def _reserved(conn: Connection, workspace: WorkspaceId, budget: Budget, asked: Collection[str], now: int) -> int:
    """What the news and offers cost that are being delivered at this moment, here or by another worker, beside what is
    asked about. Of two workers that claim at once, the one that claimed later sees the other's.
    """
    if not budget.day_limit and not budget.month_limit:
        return 0
    o = outbox.c
    under_way = sa.select(o.payload).where(
        o.workspace == workspace, o.status == sa.literal_column("'pending'"),
        o.purpose == sa.literal_column("'marketing'"), o.leased_until > sa.literal_column("0"),
        o.leased_until > now, o.channel.in_(CHANNELS),
    )  # fmt: skip
    ids = {msgspec.json.decode(payload, type=_Payload).id for payload in conn.execute(under_way).scalars()}
    rows = list(store.by_ids(conn, workspace, ids - set(asked)).values())
    known = _known(conn, workspace, rows, now) if rows else None
    return sum(_cost(row, known, now) for row in rows) if known is not None else 0


def _cost(row: MessageRow, known: _Known, now: int) -> int:
    """What it costs; nothing where it cannot be written, and so does not go."""
    try:
        return price_of(known.desk.settings, row.channel) * _parts(row, known.people[row.strand], known, now)
    except RapportError:
        return 0


def _zone(person: Recipient, desk: Desk) -> tuple[ZoneInfo, str]:
    """The person's time zone, and how to say that it is quiet there; the shop's where theirs is unknown or none."""
    try:
        if person.time_zone:
            return ZoneInfo(person.time_zone), QUIET
    except (ValueError, KeyError, OSError):
        pass
    return zone_named(desk.shop.settings.time_zone), QUIET_HERE


def _known(conn: Connection, workspace: WorkspaceId, rows: Sequence[MessageRow], now: int) -> _Known:
    desk = load_desk(conn, workspace, ChannelSettings())
    people = recipients(conn, workspace, {row.strand for row in rows})
    suppressed = {
        channel: store.suppressed(
            conn, workspace, channel,
            {_address_key(workspace, channel, to) for one in people.values() if (to := one.address(channel))},
            now=now,
        )
        for channel in {row.channel for row in rows}
    }  # fmt: skip
    strands = {key: one.root for one in people.values() for key in one.keys}
    sent: defaultdict[Key, list[int]] = defaultdict(list)
    for strand, at in store.sent_lately(conn, workspace, strands, since=now - 7 * DAY):
        sent[strands[strand]].append(at)
    for strand in _under_way(conn, workspace, strands, {row.id for row in rows}, now):
        sent[strands[strand]].append(now)
    domains = {row.domain for row in rows}
    limits = {EMAIL: desk.settings.domain_a_minute, **limits_of(conn, workspace)}
    return _Known(
        desk, Shelf(conn, desk), people, suppressed, limits, sent,
        store.sent_to_domains(conn, workspace, domains, since=now - MINUTE), *_by_whatsapp(conn, rows, people, now),
        budget_of(conn, desk.shop, desk.settings, now),
    )  # fmt: skip


def _by_whatsapp(
    conn: Connection, rows: Sequence[MessageRow], people: Mapping[Key, Recipient], now: int
) -> tuple[Mapping[Key, int], Collection[Key]]:
    """Who wrote when, and who agreed, of those that messages go to by WhatsApp."""
    strands = {row.strand for row in rows if row.channel == WHATSAPP}
    if not strands:
        return {}, ()
    workspace = rows[0].workspace
    numbers = {phone_key(workspace, people[strand].phone) for strand in strands}
    wrote = store.last_words(conn, workspace, WHATSAPP, numbers)
    agreed = {
        strand
        for purpose in (WHATSAPP_SERVICE, marketing_by(WHATSAPP))
        for strand, permit in gate(conn, workspace, strands, purpose, now).items()
        if permit.may
    }
    return wrote, agreed


def _under_way(
    conn: Connection, workspace: WorkspaceId, strands: Mapping[Key, Key], asked: set[str], now: int
) -> list[Key]:
    """Whose marketing is being delivered at this moment, here or by another worker, beside what is asked about.

    Of two workers that claim messages to one person at once, the one that claimed later sees the other's.
    """
    o = outbox.c
    query = sa.select(o.strand, o.payload).where(
        o.status == "pending", o.leased_until > now, o.purpose == "marketing", o.channel.in_(CHANNELS)
    )
    found = select_among(conn, query, workspace, o.strand, strands)
    ids = {row.payload: Key(row.strand) for row in found}
    return [strand for payload, strand in ids.items() if msgspec.json.decode(payload, type=_Payload).id not in asked]


def _order(conn: Connection, workspace: WorkspaceId, several: Sequence[Outgoing]) -> dict[str, tuple[int, str]]:
    """In which order the messages were queued."""
    o = outbox.c
    query = sa.select(o.id, o.created_at)
    return {
        row.id: (row.created_at, row.id) for row in select_among(conn, query, workspace, o.id, [m.id for m in several])
    }


def _address_key(workspace: WorkspaceId, channel: str, address: str) -> Key:
    return key_of(workspace, Identifier("email" if channel == EMAIL else "phone", address))


def _ask_here(conn: Connection, asked: Sequence[Outgoing], now: int) -> Mapping[str, Verdict]:
    if is_allowed_here(conn):
        return {}
    held = Hold(until=now + 10 * MINUTE, reason=A_COPY)
    return {one.id: held for one in asked}


HERE = SendRule(name="messages.here", title="Sending is allowed from here", ask=_ask_here)
GATES = SendRule(name="messages.gates", title="Time, address, quiet hours and caps", ask=_ask, channels=CHANNELS)
