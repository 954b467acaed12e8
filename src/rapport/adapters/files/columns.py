"""Flow, before collect: a map made to fit a file: which column of it is which of the file, how dates are written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from rapport.adapters.files.mapping import (
    BRACES,
    FactMap,
    PersonMap,
    TableMap,
    Value,
    WrittenMap,
    as_field,
    check_map,
    fields_of,
)
from rapport.kernel.errors import InvalidInput

__all__ = ["DATES", "guessed", "uses", "with_columns"]

DATES = {
    "2026-11-27": "iso", "27.11.2026": "%d.%m.%Y", "27.11.2026 15:30": "%d.%m.%Y %H:%M", "27/11/2026": "%d/%m/%Y",
    "27/11/2026 15:30": "%d/%m/%Y %H:%M", "11/27/2026": "%m/%d/%Y", "11/27/2026 15:30": "%m/%d/%Y %H:%M",
    "11/27/2026 3:30 PM": "%m/%d/%Y %I:%M %p", "46353.65 (a spreadsheet's)": "excel",
}  # fmt: skip
"""Ways to write a date, by example."""

UNUSED = "not used: "

_ALSO = {
    "Order number": "order id; order no; order; number; no; id; bestellnummer; auftragsnummer; bestellung; pedido",
    "Date": "order date; date created; created at; created; datum; bestelldatum; fecha; purchase date; time",
    "E-mail": "email; email address; e-mail address; mail; customer email; correo; courriel",
    "Phone": "phone number; telephone; mobile; tel; telefon; handy; telefono",
    "Customer number": "customer id; customer no; kundennummer; client id; user id; customer",
    "Name": "customer name; full name; kunde", "First name": "firstname; first; vorname; prenom; nombre",
    "Last name": "lastname; last; surname; nachname; nom; apellido", "Street": "address; address1; strasse; calle; rue",
    "City": "town; ort; stadt; ville; ciudad", "Postal code": "zip; zip code; postcode; plz",
    "Country": "country code; land; pays; pais", "Birthday": "date of birth; born; geburtstag; dob",
    "Newsletter": "accepts marketing; subscribed; opt in",
    "Total": "order total; grand total; amount; gesamt; summe; betrag; revenue",
    "Shipping": "shipping cost; versand; versandkosten", "Tax": "taxes; vat; mwst; steuer",
    "Currency": "waehrung; devise; moneda", "Coupon": "discount code; voucher; gutschein", "Channel": "kanal; source",
    "Product number": "sku; product id; article no; artikelnummer; item id; article",
    "Product name": "product; item name; item; article name; artikel; bezeichnung; title",
    "Price": "unit price; preis; prix; precio", "Quantity": "qty; pieces; menge; anzahl; units; cantidad",
}  # fmt: skip
"""What columns of the maps for any table are called elsewhere, the most telling first."""


def uses(said: TableMap) -> dict[str, str]:
    """What each column of a map becomes, in words: the most telling of what it is read for."""
    found: dict[str, list[str]] = {column: [] for column in said.columns}
    for number, fact in enumerate(said.fact):
        for name, value in fields_of(fact):
            words = f"when: {fact.event}" if number and name == "time" else _words(name)
            for column in as_field(value).columns:
                found[column].append(words)
        for column in (*fact.where, *fact.skip):
            found[column].append("what happened")
    told = {column: _told(words) or "what makes a row itself" for column, words in found.items()}
    return told | {fact.grows: "refunded so far" for fact in said.fact if fact.grows}


def _told(words: Sequence[str]) -> str:
    """At most two of them; what other words say better is left out."""
    telling = [word for word in dict.fromkeys(words) if word not in _LESS] or list(dict.fromkeys(words))
    return " and ".join(telling[:2])


def with_columns(said: WrittenMap, chosen: Mapping[str, str], *, dates: str = "") -> WrittenMap:
    """The map with columns of the file in the place of its own, an empty name for one that the file has not.

    Raises InvalidInput where one is left out that the map cannot do without.
    """
    table = said.table
    changed = {old: new or UNUSED + old for old, new in chosen.items() if new != old and old in table.columns}
    needed = _needed(table)
    if not changed and not dates:
        return said
    left_out = [old for old in changed if not chosen[old]]
    if missing := [old for old in left_out if old in needed]:
        raise InvalidInput(
            f"{table.title} cannot do without {', '.join(missing)}", hint="choose the column it stands in"
        )
    optional = sorted({*(changed.get(one, one) for one in table.optional), *(changed[old] for old in left_out)})
    made = msgspec.structs.replace(
        table, group_by=_all(table.group_by, changed), optional=optional,
        expect={changed.get(column, column): pattern for column, pattern in table.expect.items()},
        fact=[_fact(fact, changed) for fact in table.fact],
        file=msgspec.structs.replace(table.file, format=dates or table.file.format), person=PersonMap(),
    )  # fmt: skip
    check_map(made, table.name)
    return WrittenMap(made, msgspec.json.encode(made))


def guessed(said: WrittenMap, header: Sequence[str]) -> WrittenMap:
    """A map for any table, with the columns of this file that are called alike in the place of its own."""
    by_key = {_key(name): name for name in reversed(header)}
    chosen: dict[str, str] = {}
    for column in said.table.columns:
        names = (by_key[key] for key in _also(column) if key in by_key)
        found = next((name for name in names if name not in chosen.values()), None)
        if found is not None:
            chosen[column] = found
    return with_columns(said, chosen) if any(old != new for old, new in chosen.items()) else said


def _needed(table: TableMap) -> set[str]:
    """The columns without which no row says what happened to whom and when."""
    found = {*table.group_by, *table.expect}
    for fact in table.fact:
        found.update(fact.id, fact.where, [fact.grows], as_field(fact.time).columns, as_field(fact.guest_id).columns)
    return found - set(table.optional)


def _all(columns: Sequence[str], changed: Mapping[str, str]) -> list[str]:
    return [changed.get(column, column) for column in columns]


def _fact(fact: FactMap, changed: Mapping[str, str]) -> FactMap:
    singles = {name: _value(getattr(fact, name), changed) for name in _SINGLES}
    tables = {name: {key: _value(value, changed) for key, value in getattr(fact, name).items()} for name in _TABLES}
    where, skip = (
        {changed.get(column, column): pattern for column, pattern in said.items()} for said in (fact.where, fact.skip)
    )
    event = fact.event if isinstance(fact.event, str) else _value(fact.event, changed)
    grows = changed.get(fact.grows, fact.grows)
    return msgspec.structs.replace(
        fact, id=_all(fact.id, changed), where=where, skip=skip, event=event, grows=grows, **singles, **tables
    )


_SINGLES = ("time", "user_id", "anonymous_id", "guest_id", "group_id", "previous_id")
_TABLES = ("traits", "external_ids", "properties", "products", "context")


def _value(value: Value, changed: Mapping[str, str]) -> Value:
    if isinstance(value, str):
        return changed.get(value, value)
    summed = [value.sum] if isinstance(value.sum, str) else value.sum
    return msgspec.structs.replace(
        value, column=changed.get(value.column, value.column), first=_all(value.first, changed),
        sum=_all(summed, changed) if value.sum else "", less=changed.get(value.less, value.less),
        only={changed.get(column, column): pattern for column, pattern in value.only.items()},
        template=BRACES.sub(lambda match: "{" + changed.get(match[1], match[1]) + "}", value.template),
    )  # fmt: skip


_LESS = ("who it is, of a guest", "refund number", "country of the order", "product number")
_TOLD = {
    "time": "date", "user_id": "customer number", "guest_id": _LESS[0], "properties.order_id": "order number",
    "properties.refund_id": _LESS[1], "properties.address.country": _LESS[2], "properties.so_far": "",
    "properties.total": "total", "properties.tax": "tax", "properties.revenue": "revenue", "traits.email": "e-mail",
    "traits.phone": "telephone", "traits.firstName": "first name", "traits.lastName": "last name",
    "traits.createdAt": "customer since", "products.product_id": _LESS[3], "products.name": "product",
    "products.price": "price of a piece", "products.quantity": "pieces", "products.line_total": "price of the line",
    "products.brand": "brand", "context.channel": "channel (web, store …)", "context.location.name": "store",
}  # fmt: skip


def _words(name: str) -> str:
    """What an entry of a map becomes, for people."""
    if name in _TOLD:
        return _TOLD[name]
    part, _, rest = name.partition(".")
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])|[_.]", " ", rest or name).lower().removeprefix("address ")
    return f"customer number ({plain})" if part == "external_ids" else plain


def _also(column: str) -> list[str]:
    """What a column may be called, the most telling first."""
    return [_key(column), *(_key(name) for name in _ALSO.get(column, "").split(";") if name)]


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold().replace("ä", "ae").replace("ß", "ss"))
