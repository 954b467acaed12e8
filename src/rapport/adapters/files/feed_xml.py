"""Flow, before collect: the entries of a feed in XML, one after the other, whatever is wrong with some of them.

What no XML may hold and shops write all the same is read as it was meant: invisible signs are left out, the names of
HTML's signs (`&eacute;`) and a bare `&` are understood. Where an entry breaks the document all the same (`<` in a
name, tags that cross), it is told with its line, and reading goes on with the entry after it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from html.entities import html5
from itertools import chain
from typing import Any, NamedTuple
from xml.parsers import expat

from rapport.kernel.errors import InvalidInput

__all__ = ["LONGEST", "Item", "items_of_xml"]

LONGEST = 500_000
"""Characters of one product; beyond that something is not closed."""

_ITEMS = frozenset({"item", "entry", "product", "offer"})
_LISTS = frozenset({"additional_image_link", "product_highlight", "product_detail", "shipping", "tax"})


class Item(NamedTuple):
    """One entry of a feed; `fault` says why it cannot be used."""

    line: int
    said: dict[str, Any]
    fault: str


class _Entries:
    """Gathers the entries of a document as expat tells them."""

    def __init__(self, parser: expat.XMLParserType, *, line: int) -> None:
        self._parser = parser
        self.line = line
        """In the file, where the parser's first line is."""
        self._path: list[str] = []
        self._text: list[str] = []
        self._size = 0
        self._item: dict[str, Any] | None = None
        self._part: dict[str, Any] | None = None
        self._line = 0
        self._depth = 0
        self._inner = 0
        """The depth of an entry within the entry, such as a related product: what it says is not said of this one."""
        self.done: list[Item] = []
        self.is_uneven = False
        """Whether an entry had no end, so that the document has none either."""

    @property
    def line_of_entry(self) -> int:
        """Of the entry that has begun and not ended; 0 between two."""
        return 0 if self._item is None else self._line

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2].rpartition(":")[2].lower()
        self._path.append(name)
        is_again = self._item is not None and name == self._path[self._depth - 1] and not self._inner
        if is_again and self._is_within():
            self._inner = len(self._path)
        elif is_again:
            self.done.append(Item(self._line, {}, "the XML breaks here (it does not end before the next one begins)"))
            self._item, self._part, self.is_uneven = None, None, True
        self._text = []
        if self._item is None and name in _ITEMS:
            self._item, self._depth, self._size = {}, len(self._path), 0
            self._line = self.line - 1 + self._parser.CurrentLineNumber
        elif self._item is not None and not self._inner and name in ("product_detail", "shipping", "tax"):
            self._part = {}

    def _is_within(self) -> bool:
        """Whether the tag that begins is an entry within this one, and not the next one after a forgotten end.

        The next one stands right in it, or behind the text of a part that has no end either. Where that cannot be
        told, it is the next one as soon as this one would be longer than any product: no feed is lost whole.
        """
        is_bare = not "".join(self._text).strip()
        return len(self._path) > self._depth + 1 and is_bare and self._size <= LONGEST

    def data(self, text: str) -> None:
        if self._item is not None:
            self._size += len(text)
            if self._size <= LONGEST:
                self._text.append(text)

    def end(self, _tag: str) -> None:
        name = self._path.pop()
        if self._item is None:
            return
        text = "".join(self._text).strip()
        self._text = []
        if self._inner:
            self._inner = 0 if len(self._path) + 1 == self._inner else self._inner
        elif len(self._path) + 1 == self._depth:
            fault = "it is longer than any product" if self._size > LONGEST else ""
            self.done.append(Item(self._line, self._item, fault))
            self._item = None
        elif self._part is not None and name in ("product_detail", "shipping", "tax"):
            self._item.setdefault(name, []).append(self._part)
            self._part = None
        elif self._part is not None:
            self._part[name] = text
        elif name in _LISTS:
            self._item.setdefault(name, []).append(text)
        elif text:
            self._item.setdefault(name, text)


class _Document:
    """A document as it is read: by one parser until an entry breaks it, then by another from the next entry on."""

    def __init__(self, encoding: str | None = None) -> None:
        """With the encoding that the blocks are in, where it may be another than the document declares."""
        self._encoding, self._is_known = encoding, encoding is not None
        self._wrapped = 0
        self._begin(line=1)

    def read(self, block: bytes, *, is_last: bool = False) -> Iterator[Item]:
        """The entries that end in this block."""
        rest: bytes | None = block
        while rest is not None:
            rest = self._read(rest, is_last=is_last)
            done, self._entries.done = self._entries.done, []
            yield from done

    def _begin(self, *, line: int, wrapped: bytes = b"") -> None:
        self._parser = expat.ParserCreate(self._encoding)
        self._entries = _Entries(self._parser, line=line)
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._entries.start, self._entries.end
        self._parser.CharacterDataHandler, self._parser.EntityDeclHandler = self._entries.data, _refuse_entity
        self._parser.XmlDeclHandler = self._declared
        self._parser.buffer_text = True
        self._given = len(wrapped)
        self._wrapped = len(wrapped)
        self._is_lost, self._held = False, b""
        if wrapped:
            self._parser.Parse(wrapped, False)

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if not self._is_known:
            self._encoding = encoding

    def _read(self, block: bytes, *, is_last: bool) -> bytes | None:
        """Parse it. What is left to be read where an entry breaks the document: all from there on."""
        if self._is_lost:
            return self._look(block, is_last=is_last)
        try:
            self._parser.Parse(block, is_last)
        except expat.ExpatError as error:
            at = min(max(0, self._parser.ErrorByteIndex - self._given), len(block))
            self._lose(error)
            return block[at:]
        self._given += len(block)
        return None

    def _lose(self, error: expat.ExpatError) -> None:
        """Note where it breaks. The end of a document of which the beginning was lost is no fault."""
        entries = self._entries
        inside = entries.line_of_entry
        if inside or not (self._wrapped or entries.is_uneven):
            why = f"the XML breaks here ({expat.ErrorString(error.code)}, line {entries.line - 1 + error.lineno})"
            entries.done.append(Item(inside or entries.line - 1 + error.lineno, {}, why))
        self._line = entries.line - 1 + error.lineno
        self._is_lost, self._held = True, b""
        self._let_go()
        self._entries = _Entries(self._parser, line=self._line)
        self._entries.done = entries.done

    def _let_go(self) -> None:
        """The parser and what it tells hold each other: of a feed with a thousand faults a thousand would wait."""
        self._parser.StartElementHandler = self._parser.EndElementHandler = self._parser.CharacterDataHandler = None
        self._parser.EntityDeclHandler = self._parser.XmlDeclHandler = None

    def _look(self, block: bytes, *, is_last: bool) -> bytes | None:
        """Skip to the next entry, and begin anew with it."""
        data = self._held + block
        found = _ENTRY.search(data, 1 if self._held == b"" else 0)
        if found is None:
            kept = b"" if is_last else data[-_LONGEST_TAG:]
            self._line += data[: len(data) - len(kept)].count(b"\n")
            self._held = kept
            return None
        self._line += data[: found.start()].count(b"\n")
        self._begin(line=self._line, wrapped=b"<feed>")
        return data[found.start() :]


_ENTRY = re.compile(rb"<(?:[A-Za-z][\w.-]{0,20}:)?(?:item|entry|product|offer)[\s>]", re.IGNORECASE)
_LONGEST_TAG = 32


def items_of_xml(blocks: Iterator[bytes]) -> Iterator[Item]:
    """The entries of a document, those that break it by their lines. Raises InvalidInput for one with entities."""
    first = b""
    while len(first) < _DECLARATION and (block := next(blocks, b"")):
        first += block
    wide = _WIDE.get(first[:2])
    document = _Document("utf-8" if wide or _SAID_WIDE.match(first) else None)
    for block in _cleaned(_narrowed(chain([first], blocks), wide) if wide else chain([first], blocks)):
        yield from document.read(block)
    yield from document.read(b"", is_last=True)


_WIDE = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
"""How a document in UTF-16 begins."""

_DECLARATION = 200
"""Bytes within which a document declares its encoding."""

_SAID_WIDE = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml\s[^>]*encoding\s*=\s*[\"']utf-16", re.IGNORECASE)
"""What is declared to be UTF-16 and is not: as programs write it that make the text first and its bytes later."""


def _narrowed(blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """A wide document in UTF-8, so that a broken entry is left as in any other; what is no sign is replaced."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for block in blocks:
        yield decoder.decode(block).encode()


def _cleaned(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Without the signs that no XML may hold, and with names of HTML's signs and a bare `&` written as XML has them.

    Within CDATA nothing is rewritten, as there it all stands for itself.
    """
    held, is_cdata = b"", False
    for block in blocks:
        data = held + block.translate(None, _NO_SIGNS)
        halved = _HALVED.search(data, max(0, len(data) - 40))
        cut = halved.start() if halved else len(data)
        data, held = data[:cut], data[cut:]
        written, is_cdata = _rewritten(data, is_cdata=is_cdata)
        yield written
    yield _rewritten(held, is_cdata=is_cdata)[0]


def _rewritten(data: bytes, *, is_cdata: bool) -> tuple[bytes, bool]:
    """The data as XML has it, and whether it ends within CDATA."""
    parts = re.split(rb"(<!\[CDATA\[|\]\]>)", data)
    for number, part in enumerate(parts):
        if part == b"<![CDATA[":
            is_cdata = True
        elif part == b"]]>":
            is_cdata = False
        elif not is_cdata:
            parts[number] = _BARE.sub(b"&amp;", _NAMED.sub(_as_number, part))
    return b"".join(parts), is_cdata


_HALVED = re.compile(rb"(?:&[#A-Za-z0-9]{0,32}|<|<!|<!\[[CDAT]{0,5}|\]{1,2})\Z")
"""What may be the beginning of a sign's name, or of a mark of CDATA, that goes on in the next block."""

_BARE = re.compile(rb"&(?!#\d{1,7};|#x[0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]{1,30};)")

_NO_SIGNS = bytes(sign for sign in range(32) if sign not in (9, 10, 13))
_NAMED = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,30});")
_OF_XML = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})


def _as_number(found: re.Match[bytes]) -> bytes:
    """A sign of HTML by its number; what is the name of none stands for itself."""
    name = found.group(1)
    if name in _OF_XML:
        return found.group()
    signs = html5.get(f"{name.decode()};")
    return b"&amp;%s;" % name if signs is None else b"".join(b"&#%d;" % ord(sign) for sign in signs)


def _refuse_entity(*_: object) -> None:
    raise InvalidInput("the XML declares entities, which is not read", hint="write the feed without a DOCTYPE")
