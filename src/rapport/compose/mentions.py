"""Mentions of somebody erased in what is kept of others, or of nobody: found as whole words, and overwritten.

A table of the shop is looked through where it is declared to mention people (`of_shop(..., mentions=True)`); what the
shop decided itself, and the names of others, stay as they are; what it stated in facts of its own loses the mention.
What could not be read holds what was typed: there an e-mail or a telephone number is recognised however it is written.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote_plus

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Table

from rapport.kernel.identifiers import NAMED, email_identifier, phone_identifier, shop_key
from rapport.kernel.ids import WorkspaceId
from rapport.resolve.reading.identities import Member
from rapport.storage.audit import entries
from rapport.storage.log import facts

if TYPE_CHECKING:
    from rapport.compose.installed import Installed

__all__ = ["ERASED", "Sought", "mentions", "overwrite", "overwritten"]

ERASED = "(erased)"
"""What stands where somebody erased was mentioned."""
SHORTEST_MENTION = 8
"""Characters of an identifier that is looked for in texts; a shorter one may be any word."""

_APART = frozenset({
    "facts", "strands", "identifiers", "privacy_requests", "audit_entries", "audit_parts", "audit_nodes", "audit_heads",
})  # fmt: skip
"""Where nothing is overwritten: the log of others is theirs (what the shop states is gone through by itself), states
follow from it, an identifier is somebody's own, requests hold no text of people; of the audit trail a part goes whole,
or it would look tampered with."""

_BEFORE = r"(?<![\w%+])(?<![\w%+][.\-+])"
_AFTER = r"(?![\w%+@])(?![.\-](?!(?:csv|tsv|txt|gz|json|xml|xlsx)\b)\w)"
"""What stands around a mention: nothing that would make it a part of a longer identifier. Files are called by people,
too."""
_FIELD = re.compile(r"""[^"',;\t\r\n|]{5,100}""")
"""A field of a line or of broken JSON."""
_DIGIT = re.compile(r"\d")
_FEWEST_DIGITS = 6
_PAGE = 200
"""Rows that are read at a time."""


class Sought(NamedTuple):
    """What is looked for of one person."""

    texts: Sequence[str]
    written: Sequence[str]
    """These, and how they stand in an address of the web."""
    pattern: re.Pattern[str]
    region: str | None
    """The country whose telephone numbers are written without its code."""

    @classmethod
    def of(cls, texts: Sequence[str], region: str | None = None) -> Sought:
        """These identifiers, e-mails in whatever case; as they are, and as they stand in an address of the web."""
        written = [form for one in texts for form in dict.fromkeys((one, quote_plus(one)))]
        each = (f"(?i:{re.escape(one)})" if _is_mail(one) else re.escape(one) for one in written)
        return cls(texts, written, re.compile(f"{_BEFORE}(?:{'|'.join(each)}){_AFTER}"), region)


def mentions(members: Iterable[Member]) -> list[str]:
    """The identifiers of a person that are looked for in texts of others: no number that may be any order's."""
    values = {
        one.value
        for one in members
        if one.namespace in ("email", "phone")
        or (one.namespace != NAMED and len(one.value) >= SHORTEST_MENTION and not one.value.isdigit()
            and not one.value.isalpha())
    }  # fmt: skip
    return sorted(values, key=len, reverse=True)


def overwrite(
    conn: Connection, slices: Installed, workspace: WorkspaceId, texts: Sequence[str], *, region: str | None
) -> Iterable[tuple[Table, int]]:
    """Overwrite these texts wherever a table keeps texts or documents; says in how many rows of which.

    Cost: each such table is read once.
    """
    if not texts:
        return
    sought = Sought.of(texts, region)
    shops = {held.table.name: held for one in slices.slices for held in one.holds if not held.holds_people}
    for name, table in sorted(slices.tables.items()):
        held = shops.get(name)
        if name not in _APART and "workspace" in table.c and (held is None or held.mentions):
            delete = held is not None and held.goes_whole
            yield table, _overwrite_in(conn, table, workspace, sought, whole=held is not None, delete=delete)
    yield facts, _overwrite_in_shops_facts(conn, slices, workspace, sought)
    if (parts := slices.tables.get("audit_parts")) is not None:
        holding = _holding(conn, [parts.c.body], sought.written)
        mentioned = entries.erase_parts(conn, workspace, holding, lambda body: overwritten(body, sought) != body)
        yield parts, mentioned


def _overwrite_in(
    conn: Connection, table: Table, workspace: WorkspaceId, sought: Sought, *, whole: bool, delete: bool
) -> int:
    """`whole`: all rows are read, as nothing in them need be written as an identifier is. `delete`: they go."""
    keys = list(table.primary_key.columns)
    texts = [one for one in table.columns if isinstance(one.type, sa.Text | sa.LargeBinary)]
    columns = [one for one in texts if one not in keys]
    names = [one for one in texts if whole and one in keys]  # a campaign is known by what it is called
    if not texts:
        return 0
    unique = {one.name for key in table.constraints if isinstance(key, sa.UniqueConstraint) for one in key.columns}
    unique |= {one.name for one in names}
    query = sa.select(*keys, *columns).where(table.c.workspace == workspace)
    if not whole:
        query = query.where(_holding(conn, columns, sought.written))
    changed = 0
    for row in _in_pages(conn, query.with_for_update(), keys):
        values = {one.name: overwritten(row._mapping[one], sought, typed=whole) for one in (*columns, *names)}
        new = {name: value for name, value in values.items() if value != row._mapping[table.c[name]]}
        for name in new.keys() & unique:  # two that are called by two names of the person
            new[name] = f"{new[name]} {secrets.token_hex(3)}"
        if new:
            this = [one == row._mapping[one] for one in keys]
            conn.execute(table.delete().where(*this) if delete else table.update().where(*this).values(new))
            changed += 1
    return changed


def _overwrite_in_shops_facts(conn: Connection, slices: Installed, workspace: WorkspaceId, sought: Sought) -> int:
    """What the shop states of itself, such as a campaign's name; copies of these facts are made anew."""
    f = facts.c
    query = sa.select(f.seq, f.body).where(
        f.workspace == workspace, f.strand == shop_key(workspace), _holding(conn, [f.body], sought.written)
    )
    changed = [
        {"of": row.seq, "to": new} for row in conn.execute(query)
        if (new := overwritten(row.body, sought)) != row.body
    ]  # fmt: skip
    if changed:
        here = facts.update().where(f.seq == sa.bindparam("of")).values(body=sa.bindparam("to"))
        conn.execute(here, changed)
        for one in slices.slices:
            if one.refiled is not None:
                one.refiled(conn, workspace, [int(str(row["of"])) for row in changed])
    return len(changed)


def _in_pages(conn: Connection, query: sa.Select[Any], keys: Sequence[sa.Column[Any]]) -> Iterator[sa.Row[Any]]:
    """All rows, never more of them in memory than a page: strangers fill the quarantine."""
    query, page = query.order_by(*keys).limit(_PAGE), list[sa.Row[Any]]()
    while not page or len(page) == _PAGE:
        last = [sa.literal(page[-1]._mapping[one], one.type) for one in keys] if page else []
        page = list(conn.execute(query.where(sa.tuple_(*keys) > sa.tuple_(*last)) if last else query))
        yield from page
        if not page:
            return


def _holding(
    conn: Connection, columns: Iterable[sa.ColumnElement[Any]], texts: Iterable[str]
) -> sa.ColumnElement[bool]:
    return sa.or_(*(_holds(conn, column, text) for column in columns for text in texts))


def _holds(conn: Connection, column: sa.ColumnElement[Any], text: str) -> sa.ColumnElement[bool]:
    """Whether a text or document has this in it, maybe as a part of something longer; an e-mail in whatever case."""
    binary = isinstance(column.type, sa.LargeBinary)
    raw = text.encode() if binary else text
    if conn.dialect.name == "sqlite":
        found = sa.func.instr(column, sa.literal(raw)) > 0
        return (
            found
            if not _is_mail(text)
            else sa.or_(found, sa.func.instr(sa.func.lower(sa.cast(column, sa.Text)), text.lower()) > 0)
        )
    if binary:
        found = sa.func.position(sa.literal(raw).op("IN")(column)) > 0
        if not _is_mail(text) or not text.isascii():
            return found
        return sa.func.strpos(sa.func.lower(sa.func.encode(column, "escape")), text.lower().replace("\\", "\\\\")) > 0
    mail = _is_mail(text)
    return sa.func.strpos(sa.func.lower(column) if mail else column, text.lower() if mail else text) > 0


def _is_mail(written: str) -> bool:
    return "@" in written or "%40" in written


def overwritten(value: object, sought: Sought, *, typed: bool = False) -> object:
    """A text or document without these mentions; itself where it has none. `typed`: however they are written."""
    if isinstance(value, bytes):
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = value.decode("utf-8", "surrogateescape")
        clean = _clean_document(text, sought, typed=typed)
        return value if clean == text else clean.encode("utf-8", "surrogateescape")
    return _clean_document(value, sought, typed=typed) if isinstance(value, str) else value


def _clean_document(text: str, sought: Sought, *, typed: bool) -> str:
    """JSON is read before it is searched: in it a line break before a name looks like a letter of it."""

    def clean(found: str) -> str:
        if typed:
            found = _FIELD.sub(lambda field: ERASED if _is_one(field[0], sought) else field[0], found)
        return sought.pattern.sub(ERASED, found)

    if text[:1] in ("{", "["):
        try:
            tree = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return clean(text)
        found = _mapped(tree, clean)
        return text if found == tree else msgspec.json.encode(found).decode()
    return clean(text)


def _is_one(text: str, sought: Sought) -> bool:
    """Whether a field as a whole is one of these contacts, however it is written."""
    email = email_identifier(text) if "@" in text else None
    phone = phone_identifier(text, region=sought.region) if len(_DIGIT.findall(text)) >= _FEWEST_DIGITS else None
    return any(one is not None and one.value in sought.texts for one in (email, phone))


def _mapped(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_mapped(one, clean) for one in value]
    if isinstance(value, Mapping):
        return {clean(name): _mapped(one, clean) for name, one in value.items()}
    return value
