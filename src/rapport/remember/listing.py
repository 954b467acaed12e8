"""Reading the list of customers: filtered, sorted both ways, searched, page by page and counted.

A page costs the same wherever it lies. Of the filters, one that leaves few customers is read first; where none does,
the list is walked in its order and those that do not fit are passed over. Visitors, of whom nothing is known but a
browser, have ranges of their own in every index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.acting import note_people
from rapport.kernel.clock import to_iso
from rapport.kernel.countries import country_code
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.kernel.language import gettext
from rapport.remember import places
from rapport.remember.finding import SEARCHED, Fit, find
from rapport.remember.places import Place
from rapport.remember.searching import Facet, facet
from rapport.remember.store import KNOWN, VISITOR, customers, words
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.store import identifiers, roots_of
from rapport.storage.lookup import among, select_among
from rapport.web.finder import Lookups

__all__ = [
    "COUNTED",
    "SORTS",
    "CustomerPage",
    "CustomerQuery",
    "CustomerSummary",
    "Listed",
    "Sort",
    "Who",
    "called",
    "count_customers",
    "customers_of",
    "list_counted",
    "list_customers",
]

Sort = Literal["best", "last_seen", "last_order", "orders", "revenue", "name"]
Who = Literal["customers", "visitors", "everybody"]

COUNTED = 1_000
"""Matches are counted up to here."""

NARROW = 2_000
"""A filter that leaves at most so many is read first."""

_table = customers.c
_COLUMNS: dict[Sort, sa.Column[Any]] = {
    "last_seen": _table.last_seen_at, "last_order": _table.last_order_at, "orders": _table.orders,
    "revenue": _table.revenue_minor, "name": _table.name_key,
}  # fmt: skip
SORTS: tuple[Sort, ...] = tuple(_COLUMNS)
"""Those that everybody can be listed by; `best` is for a search."""
_WHO: dict[Who, tuple[int, ...]] = {
    "customers": (KNOWN,), "visitors": (VISITOR,), "everybody": (KNOWN, VISITOR),
}  # fmt: skip


class CustomerSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list of customers. What is not known is empty."""

    id: CustomerId
    label: str
    """The name, or else the e-mail or another identifier."""
    known: bool
    """False for a visitor, of whom nothing is known but a browser or device."""
    name: str
    email: str
    phone: str
    country: str
    city: str
    channels: list[str]
    campaign: str
    """The campaign of the first visit that came from one, or the site that referred it."""
    consent: dict[str, bool]
    """Purpose → whether it was allowed, as last stated."""
    first_seen_at: str | None
    last_seen_at: str | None
    last_order_at: str | None
    orders: int
    revenue_minor: int
    """Revenue before refunds in the currency it is largest in, without shipping and tax."""
    currency: str
    identifiers: int


LONGEST_NUMBER = 24
"""Characters of an identifier that is shown as somebody's name."""


def called(one: CustomerSummary) -> str:
    """What pages call somebody; of who has told nothing, a few letters of what there is.

    An identifier that people read (a customer number) stands as it is, one that machines made is cut.
    """
    if one.name or one.email or one.phone:
        return one.label
    if not one.known:
        return gettext("Visitor %(id)s", id=one.label[:8])
    return one.label if len(one.label) <= LONGEST_NUMBER else gettext("Customer %(id)s", id=one.label[:8])


class CustomerPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the list; `cursor` asks for the next one, None after the last."""

    customers: list[CustomerSummary]
    cursor: str | None


class CustomerQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which customers, in which order. Moments in microseconds; what is None, empty or 0 does not filter."""

    prefix: str = ""
    """Words of a name, in any order and by how they begin, the beginning of any identifier or order number, last
    digits of a telephone number, a postcode."""
    who: Who = "everybody"
    sort: Sort = "last_seen"
    ascending: bool | None = None
    """None: newest and most first, names from A."""
    currency: str = ""
    """The currency that comes first where revenue sorts, and the one of `min_revenue` and `max_revenue`."""
    has_email: bool | None = None
    channel: str = ""
    country: str = ""
    campaign: str = ""
    consent: str = ""
    """`marketing=yes`."""
    min_orders: int = 0
    max_orders: int | None = None
    min_revenue: int | None = None
    """Minor units, before refunds."""
    max_revenue: int | None = None
    ordered_after: int | None = None
    ordered_before: int | None = None
    """Bought last before this moment."""

    @property
    def upwards(self) -> bool:
        """Whether the smallest comes first."""
        return self.sort == "name" if self.ascending is None else self.ascending

    @property
    def filtered(self) -> bool:
        """Whether anything but `who` and the order was asked for."""
        plain = CustomerQuery(who=self.who, sort=self.sort, ascending=self.ascending, currency=self.currency)
        return self != plain


class Listed(NamedTuple):
    """A page, and how many fit in all."""

    page: CustomerPage
    matches: int
    more: bool
    """True where there are more than `matches`: it was not counted further."""


class _Chosen(NamedTuple):
    """Whom a query leaves: conditions, and the roots where they could be read first, or were searched for."""

    conditions: list[sa.ColumnElement[bool]]
    roots: list[Key] | None
    fits: dict[Key, Fit]
    """Of a search: how well each fits."""
    more: bool
    """True where a search found more than it looks at."""


def count_customers(conn: Connection, workspace: WorkspaceId, who: Who = "everybody") -> int:
    """How many there are."""
    query = sa.select(sa.func.count()).where(_table.workspace == workspace, _table.known.in_(_WHO[who]))
    return int(conn.execute(query).scalar_one())


def list_customers(
    conn: Connection,
    workspace: WorkspaceId,
    wanted: CustomerQuery,
    *,
    cursor: str | None = None,
    limit: int = 50,
    region: str | None = None,
    lookups: Lookups | None = None,
) -> CustomerPage:
    """A page of customers. Raises InvalidInput for a bad cursor."""
    chosen = _choose(conn, workspace, wanted, region, lookups)
    return _page(conn, workspace, wanted, chosen, cursor, limit)


def list_counted(
    conn: Connection,
    workspace: WorkspaceId,
    wanted: CustomerQuery,
    *,
    cursor: str | None = None,
    limit: int = 50,
    region: str | None = None,
    lookups: Lookups | None = None,
) -> Listed:
    """A page of customers, and how many fit in all, counted up to COUNTED. Raises InvalidInput for a bad cursor."""
    chosen = _choose(conn, workspace, wanted, region, lookups)
    page = _page(conn, workspace, wanted, chosen, cursor, limit)
    if not wanted.filtered:
        return Listed(page, count_customers(conn, workspace, wanted.who), more=False)
    if chosen.roots is None:
        bounded = sa.select(sa.literal(1)).where(*chosen.conditions).limit(COUNTED + 1).subquery()
        matches = int(conn.execute(sa.select(sa.func.count()).select_from(bounded)).scalar_one())
    else:
        query = sa.select(_table.root).where(*chosen.conditions)
        matches = sum(1 for _ in select_among(conn, query, workspace, _table.root, chosen.roots))
    return Listed(page, min(matches, COUNTED), more=matches > COUNTED or chosen.more)


def customers_of(conn: Connection, workspace: WorkspaceId, keys: Sequence[Key]) -> list[CustomerSummary]:
    """The customers of these identifiers, each once, in their order; those that nobody has are left out."""
    roots = roots_of(conn, workspace, keys)
    wanted = list(dict.fromkeys(roots[key] for key in keys if key in roots))
    rows = {row.root: row for row in select_among(conn, sa.select(customers), workspace, _table.root, wanted)}
    return _summaries(conn, [rows[root] for root in wanted if root in rows])


def _choose(
    conn: Connection, workspace: WorkspaceId, wanted: CustomerQuery, region: str | None, lookups: Lookups | None
) -> _Chosen:
    conditions = [_table.workspace == workspace, _table.known.in_(_WHO[wanted.who]), *_numbers(wanted)]
    facets = _facets(wanted)
    for word in facets:
        own = (words.c.workspace == workspace, words.c.root == _table.root, words.c.word == word)
        conditions.append(sa.exists().where(*own))
    if prefix := wanted.prefix.replace("\x00", "").strip():
        fits = find(conn, workspace, prefix, region=region, lookups=lookups or Lookups())
        return _Chosen(conditions, list(fits), fits, more=len(fits) >= SEARCHED)
    return _Chosen(conditions, _narrowed(conn, workspace, wanted, facets), {}, more=False)


def _facets(wanted: CustomerQuery) -> list[str]:
    """The words that whoever fits must have."""
    country = wanted.country.replace("\x00", "")
    asked: dict[Facet, str] = {
        "channel": wanted.channel.replace(",", " "), "campaign": wanted.campaign, "consent": wanted.consent,
        "country": country_code(country) or country,
        "email": "" if wanted.has_email is None else "yes" if wanted.has_email else "no",
    }  # fmt: skip
    return [facet(name, value) for name, given in asked.items() if (value := given.replace("\x00", ""))]


def _numbers(wanted: CustomerQuery) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.min_orders > 0:
        found.append(_table.orders >= wanted.min_orders)
    if wanted.max_orders is not None:
        found.append(_table.orders <= wanted.max_orders)
    if wanted.min_revenue is not None or wanted.max_revenue is not None:
        found.append(_table.currency == wanted.currency)
        found += [_table.revenue_minor >= wanted.min_revenue] if wanted.min_revenue is not None else []
        found += [_table.revenue_minor <= wanted.max_revenue] if wanted.max_revenue is not None else []
    if wanted.ordered_after is not None:
        found.append(_table.last_order_at >= wanted.ordered_after)
    if wanted.ordered_before is not None:
        found += [_table.last_order_at < wanted.ordered_before, _table.last_order_at > 0]
    return found


def _narrowed(
    conn: Connection, workspace: WorkspaceId, wanted: CustomerQuery, facets: Sequence[str]
) -> list[Key] | None:
    """The roots that the first filter leaves which leaves few; None where none does. A query for each filter."""
    ranges = [sa.select(words.c.root).where(words.c.workspace == workspace, words.c.word == word) for word in facets]
    if numbers := _numbers(wanted):
        own = (_table.workspace == workspace, _table.known.in_(_WHO[wanted.who]))
        ranges.append(sa.select(_table.root).where(*own, *numbers))
    for query in ranges:
        roots = list(conn.execute(query.limit(NARROW + 1)).scalars())
        if len(roots) <= NARROW:
            return [Key(root) for root in roots]
    return None


def _page(
    conn: Connection, workspace: WorkspaceId, wanted: CustomerQuery, chosen: _Chosen, cursor: str | None, limit: int
) -> CustomerPage:
    if wanted.sort == "best" and chosen.roots is not None:
        return _best(conn, workspace, chosen, cursor, limit)
    sort = "last_seen" if wanted.sort == "best" else wanted.sort
    column, after = _COLUMNS[sort], places.decode(cursor, text=sort == "name") if cursor else None
    conditions = chosen.conditions[:1] + chosen.conditions[2:]  # `known` is each range's own
    if chosen.roots is not None:
        conditions.append(among(conn, workspace, _table.root, chosen.roots))
    strips = places.currencies(conn, workspace, _WHO[wanted.who], wanted.currency) if sort == "revenue" else [""]
    rows: list[tuple[str, sa.Row[Any]]] = []
    for strip in strips[strips.index(after.strip) if after and after.strip in strips else 0 :]:
        found = places.rows_of(
            conn, [*conditions, *([_table.currency == strip] if sort == "revenue" else [])], _WHO[wanted.who], column,
            upwards=wanted.upwards, after=after if after and after.strip == strip else None,
            limit=limit + 1 - len(rows),
        )  # fmt: skip
        rows += [(strip, row) for row in found]
        if len(rows) > limit:  # the rest of a strip, and mostly no other
            break
    shown = rows[:limit]
    following = None
    if len(rows) > limit:
        strip, last = shown[-1]
        following = places.encode(Place(strip, last._mapping[column.name], last.root))
    return CustomerPage(customers=_summaries(conn, [row for _, row in shown]), cursor=following)


def _best(conn: Connection, workspace: WorkspaceId, chosen: _Chosen, cursor: str | None, limit: int) -> CustomerPage:
    """A page of those who were searched for, who fits best first, of equals who was seen last."""
    start = places.decode_offset(cursor) if cursor else 0
    query = sa.select(_table.root, _table.last_seen_at).where(*chosen.conditions)
    found = [(chosen.fits.get(Key(root), Fit.BEGINS), -seen, root)
             for root, seen in select_among(conn, query, workspace, _table.root, chosen.roots or [])]  # fmt: skip
    page = [root for _, _, root in sorted(found)[start : start + limit]]
    rows = {row.root: row for row in select_among(conn, sa.select(customers), workspace, _table.root, page)}
    following = places.encode_offset(start + limit) if len(found) > start + limit else None
    return CustomerPage(customers=_summaries(conn, [rows[root] for root in page]), cursor=following)


def _summaries(conn: Connection, rows: Sequence[sa.Row[Any]]) -> list[CustomerSummary]:
    if not rows:
        return []
    note_people(WorkspaceId(rows[0].workspace), [Key(row.root) for row in rows])
    ids = load_customer_ids(conn)
    unnamed = [row for row in rows if not (row.name or row.email or row.phone)]
    values = _root_values(conn, unnamed)
    return [
        CustomerSummary(
            id=ids.customer_id(Key(row.root)), label=row.name or row.email or row.phone or values.get(row.root, ""),
            known=row.known != VISITOR,
            name=row.name, email=row.email, phone=row.phone, country=row.country, city=row.city,
            channels=_texts(row.channels), campaign=row.campaign,
            consent={purpose: choice == "yes" for purpose, _, choice in map(_parted, _texts(row.consent))},
            first_seen_at=_moment(row.first_seen_at), last_seen_at=_moment(row.last_seen_at),
            last_order_at=_moment(row.last_order_at),
            orders=row.orders, revenue_minor=row.revenue_minor, currency=row.currency, identifiers=row.identifiers,
        )
        for row in rows
    ]  # fmt: skip


def _texts(listed: str) -> list[str]:
    return [text for text in listed.split(",") if text]


def _parted(choice: str) -> tuple[str, str, str]:
    return choice.rpartition("=")


def _moment(at: int) -> str | None:
    return to_iso(at) if at else None


def _root_values(conn: Connection, rows: Sequence[sa.Row[Any]]) -> dict[bytes, str]:
    """The value of the root identifier, to call a customer by who has told nothing else."""
    if not rows:
        return {}
    query = sa.select(identifiers.c.key, identifiers.c.value).where(
        among(conn, rows[0].workspace, identifiers.c.key, [row.root for row in rows])
    )
    return {row.key: row.value for row in conn.execute(query)}
