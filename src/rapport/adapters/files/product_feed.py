"""Flow, before collect: a feed of products (Google Merchant's fields) in XML, JSON or a table becomes statements.

Read as a stream, whatever its size: one product at a time is held. One that cannot be used is listed with its line and
why; the rest is kept. Documents that declare entities are refused, so nothing in one grows or fetches. Items of one
`item_group_id` are variants of one product where they stand together, as feeds write them.

**Source:** Google Merchant Center, product data specification, 2026; RSS 2.0 and Atom 1.0 feeds.
"""

from __future__ import annotations

import gzip
import itertools
import json
import re
import zlib
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from rapport.adapters.files.feed_xml import LONGEST, Item, items_of_xml
from rapport.adapters.files.model import Progress, Refused, Step, silent
from rapport.adapters.files.reading import Table, shown_name
from rapport.kernel.clock import DAY, to_iso
from rapport.kernel.errors import InvalidInput
from rapport.kernel.moments import read_moment

__all__ = ["Item", "ProductFeed", "is_feed", "message_of"]

_BLOCK = 1 << 16
_MOST_VARIANTS = 300


class ProductFeed:
    """A feed file, plain or gzipped; its first sign tells whether it is XML or JSON."""

    kind = "feed"

    def __init__(self, path: Path, *, market: str = "") -> None:
        """With a market it is that market's feed: of each product its prices there are stated, and nothing else."""
        self.path = path
        self._market = market.strip()[:40]
        self.title = shown_name(path)
        self.files = [path]
        self._written_at = to_iso(int(path.stat().st_mtime * 1_000_000))
        self.variant = f"product-feed-1 {self._written_at} {self._market}".strip().encode()

    def steps(self, *, progress: Progress) -> Iterator[Step]:
        """One step a product, with its variants. Raises InvalidInput where the file is no feed at all."""
        group: list[Item] = []
        for number, item in enumerate(self._items()):
            if number % 500 == 0:
                progress(f"importing {self.title}", number, 0)
            if group and (item.fault or not _together(group, item)):
                yield self._step(group)
                group = []
            if item.fault:
                yield Step(self.title, item.line, 1, [], [self._refused(item, item.fault)])
            else:
                group.append(item)
        if group:
            yield self._step(group)

    def _step(self, group: list[Item]) -> Step:
        refused, good = [], []
        for item in group:
            fault = _fault_of(item.said)
            if fault:
                refused.append(self._refused(item, fault))
            else:
                good.append(item)
        said = [item.said for item in good]
        messages = [message_of(said, written_at=self._written_at, market=self._market)] if said else []
        return Step(self.title, group[0].line, len(group), messages, refused)

    def _refused(self, item: Item, reason: str) -> Refused:
        return Refused(self.title, item.line, reason, msgspec.json.encode(item.said).decode()[:2_000])

    def _items(self) -> Iterator[Item]:
        with self._open() as file:
            start = file.read(4_096)
            first = _first_sign(start)
            rest = _blocks(start, file)
            if first == b"<":
                yield from items_of_xml(rest)
            elif first in (b"{", b"["):
                yield from _of_json(rest)
            else:
                yield from _of_table(self.path)

    def _open(self) -> IO[bytes]:
        try:
            with self.path.open("rb") as file:
                zipped = file.read(2) == b"\x1f\x8b"
            return cast("IO[bytes]", gzip.open(self.path)) if zipped else self.path.open("rb")
        except OSError as error:
            raise InvalidInput(f"cannot read {self.path}: {error.strerror}") from None


def is_feed(path: Path) -> bool:
    """Whether a file is a feed of products: XML, JSON, or a table with the columns that every such feed has."""
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as file:
            start = file.read(4_096)
    except (OSError, EOFError, zlib.error):
        return False
    if _first_sign(start) in (b"<", b"{", b"["):
        return True
    head = start.lstrip(_BLANKS).lower()
    columns = set(re.split(rb'[,;\t|"]+', head.partition(b"\n")[0].strip()))
    return {b"id", b"title", b"price"} <= columns and bool({b"link", b"image_link", b"image link"} & columns)


_BLANKS = b"\xef\xbb\xbf \t\r\n"


def _first_sign(start: bytes) -> bytes:
    """What a file begins with, which tells its kind; XML alone is read in UTF-16, too."""
    wide = start.lstrip(b"\xff\xfe\0 \t\r\n")[:1]
    return wide if wide == b"<" else start.lstrip(_BLANKS)[:1]


def message_of(group: list[dict[str, Any]], *, written_at: str, market: str = "") -> dict[str, Any]:
    """The statement of one product, given as its entries: one, or its variants; so it was when the file was written."""
    first = group[0]
    product_id = first.get("item_group_id") or first["id"]
    is_alone = len(group) == 1 and not first.get("item_group_id")
    if market:
        costs = [{"variant": one["id"], **_money(one, written_at)} for one in group]
        told = _money(first, written_at) if is_alone else {"variants": costs}
        said = {"product_id": product_id, "market": market, **told}
        return _message("Market Prices Stated", said, written_at)
    shared = {
        "product_id": product_id, "name": first.get("title"), "description": first.get("description"),
        "brand": first.get("brand"), "url": first.get("link"), "image_url": first.get("image_link"),
        "media": [{"url": url} for url in _list(first.get("additional_image_link"))],
        "category": first.get("product_type") or first.get("google_product_category"),
        **_money(first, written_at),
        **({"sku": first.get("mpn"), "gtin": first.get("gtin"), "attributes": _attributes(first)}
                            if is_alone else {"variants": [_variant(one, written_at) for one in group]}),
    }  # fmt: skip
    said = {name: value for name, value in shared.items() if value not in (None, "", [], {})}
    return _message("Product Stated", said, written_at)


def _message(event: str, said: dict[str, Any], written_at: str) -> dict[str, Any]:
    digest = blake2b(msgspec.json.encode([written_at, said], order="sorted"), digest_size=16).hexdigest()
    return {"type": "track", "event": event, "messageId": f"feed-{digest}", "timestamp": written_at,
            "properties": said}  # fmt: skip


def _variant(one: dict[str, Any], written_at: str) -> dict[str, Any]:
    said = {
        "variant": one["id"], "name": one.get("title"), "sku": one.get("mpn"), "gtin": one.get("gtin"),
        "url": one.get("link"), "image_url": one.get("image_link"), "attributes": _attributes(one),
        **_money(one, written_at),
    }  # fmt: skip
    return {name: value for name, value in said.items() if value not in (None, "", {})}


def _money(one: dict[str, Any], written_at: str) -> dict[str, Any]:
    price, currency = _amount(one.get("price"))
    sale, _ = _amount(one.get("sale_price")) if _is_on_sale(one, written_at) else (None, None)
    cost, _ = _amount(one.get("cost_of_goods_sold"))
    said = {"price": price, "sale_price": sale, "cost": cost, "currency": currency}
    return {name: value for name, value in said.items() if value is not None}


def _is_on_sale(one: dict[str, Any], written_at: str) -> bool:
    """Whether the sale holds when the feed was written: one without dates does, one whose dates cannot be read not.

    A feed is written anew when a sale begins or ends; what it says of another day is not the price of this one.
    """
    said = one.get("sale_price_effective_date")
    if said in (None, "", []):
        return True
    if not isinstance(said, str):
        return False
    since, _, until = said.partition("/")
    moments = [read_moment(_OFFSET.sub(r"\1:\2", each.strip())) for each in (since, until, written_at)]
    if None in moments:
        return False
    begins, ends, now = (at for at in moments if at is not None)
    whole_day = DAY if re.fullmatch(r"\d{4}-\d\d-\d\d", until.strip()) else 0
    return begins <= now < ends + whole_day


_OFFSET = re.compile(r"([+-]\d\d)(\d\d)$")
"""Google's example writes a zone without its colon."""


def _amount(said: object) -> tuple[str | None, str | None]:
    """`12.50 EUR` or `EUR 12.50` as amount and currency."""
    if isinstance(said, dict):
        said = f"{said.get('value', '')} {said.get('currency', '')}"
    parts = str(said).split() if said is not None else []
    currency = next((part.upper() for part in parts if len(part) == 3 and part.isalpha()), None)
    amount = " ".join(part for part in parts if not (len(part) == 3 and part.isalpha()))
    return amount or None, currency


def _attributes(one: dict[str, Any]) -> dict[str, Any]:
    named = {name: one[name] for name in ("color", "size", "material", "pattern", "gender", "age_group", "condition")
             if isinstance(one.get(name), str)}  # fmt: skip
    details = (d for d in _list(one.get("product_detail")) if isinstance(d, dict))
    return named | {str(d.get("attribute_name")): d.get("attribute_value") for d in details if d.get("attribute_name")}


def _list(said: object) -> list[Any]:
    return said if isinstance(said, list) else [said] if said else []


def _fault_of(said: dict[str, Any]) -> str:
    if not isinstance(said.get("id"), str) or not said["id"].strip():
        return "it has no id"
    if not isinstance(said.get("title"), str) or not said["title"].strip():
        return "it has no title"
    price, currency = _amount(said.get("price"))
    if price is None:
        return "it has no price"
    if currency is None:
        return f"its price {price[:20]!r} has no currency, as in 12.50 EUR"
    return ""


def _together(group: list[Item], item: Item) -> bool:
    named = item.said.get("item_group_id")
    return bool(named) and named == group[0].said.get("item_group_id") and len(group) < _MOST_VARIANTS


def _blocks(start: bytes, file: IO[bytes]) -> Iterator[bytes]:
    yield start
    while block := file.read(_BLOCK):
        yield block


def _of_table(path: Path) -> Iterator[Item]:
    table = Table(path, delimiter="", encoding="", quote=None)
    names = [_snake(name.lower()) for name in table.header]
    for row in table.rows(progress=silent, what=""):
        cells = zip(names, row.cells, strict=False)
        yield Item(row.line, {name: cell.strip() for name, cell in cells if cell.strip()}, row.fault)


# --- JSON ----------------------------------------------------------------------------------------------------------


def _of_json(blocks: Iterator[bytes]) -> Iterator[Item]:
    """The objects of a list, of the list within a document, or one a line."""
    start = next(blocks)
    cutter = _Cutter(_depth_of(start))
    for block in itertools.chain((start,), blocks):
        for line, text in cutter.cut(block):
            yield _item(line, text)
    if cutter.is_open:
        yield Item(cutter.line, {}, "the JSON ends within an object")


def _depth_of(start: bytes) -> int:
    """How many brackets stand around each object: of a list one, of a document with a list two, of lines none."""
    plain = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if plain.startswith(b"["):
        return 1
    try:
        json.loads(plain.partition(b"\n")[0])
    except ValueError:
        return 2
    return 0 if b"\n" in plain.strip() else 2


def _item(line: int, text: bytes) -> Item:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Item(line, {}, f"no JSON: {str(error)[:80]}")
    plain = {_snake(name): _plain(value) for name, value in said.items()}
    return Item(line, plain, "")


def _snake(name: str) -> str:
    """`imageLink` and `image link` as `image_link`; `offerId`, as Merchant API calls it, is the id."""
    cut = "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name).replace(" ", "_").strip("_")
    return _OTHER_NAMES.get(cut, cut)


_OTHER_NAMES = {
    "offer_id": "id", "product_types": "product_type", "additional_image_links": "additional_image_link",
}  # fmt: skip


def _plain(value: Any) -> Any:
    """A number as text, and text without halves of signs, which no file may hold."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return [_plain(one) for one in value] if isinstance(value, list) else value


class _Cutter:
    """Cuts a stream of JSON into the objects that stand within so many brackets."""

    def __init__(self, around: int) -> None:
        self.line = 1
        self._around = around
        self._depth = 0
        self._in_text = False
        self._skipped = -1
        self._data = b""
        self._at = 0
        self._start = -1
        self._began = 1

    @property
    def is_open(self) -> bool:
        """Whether the end has not come yet."""
        return self._depth > 0

    def cut(self, block: bytes) -> Iterator[tuple[int, bytes]]:
        """The objects that end in this block, with their first lines. Raises InvalidInput for one that never ends."""
        self._data += block
        for found in _MARKS.finditer(self._data, self._at):
            at, sign = found.start(), found.group()
            if sign == b"\n":
                self.line += 1
            elif at == self._skipped:
                continue
            elif self._in_text or sign in b'"\\':
                self._quote(sign, at)
            elif sign in b"[{":
                if sign == b"{" and self._depth == self._around:
                    self._start, self._began = at, self.line
                self._depth += 1
            elif sign in b"]}":
                self._depth -= 1
                if self._start >= 0 and self._depth == self._around:
                    yield self._began, self._data[self._start : at + 1]
                    self._start = -1
        self._keep()

    def _quote(self, sign: bytes, at: int) -> None:
        if sign == b"\\":
            self._skipped = at + 1
        elif sign == b'"':
            self._in_text = not self._in_text

    def _keep(self) -> None:
        """Let go of what was read, but for an object that has not ended."""
        if len(self._data) - max(0, self._start) > LONGEST and self._start >= 0:
            raise InvalidInput(f"the object that begins on line {self._began} is longer than any product")
        gone = self._start if self._start >= 0 else len(self._data)
        self._data, self._at = self._data[gone:], len(self._data) - gone
        self._skipped -= gone
        self._start = 0 if self._start >= 0 else -1


_MARKS = re.compile(rb'["\\\[\]{}\n]')
