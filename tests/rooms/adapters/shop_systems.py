"""Real HTTP servers that speak the lists of Shopify, WooCommerce, Medusa and Saleor, with what the test puts into them.

Each filters, sorts and pages as its system documents it, so what a pull passes over in one it would pass over in life.
"""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

KEY = "ck_reader:cs_secret"
"""Taken by all of them."""

Things = list[dict[str, Any]]


class RawAnswer(NamedTuple):
    """A body that is sent as it is."""

    text: str


class ShopSystem:
    """One of them. `faults` are answered before anything else, one a request: a status and headers."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.lists: dict[str, Things] = {"products": [], "orders": [], "levels": [], "variations": [], "gone": []}
        self.faults: list[tuple[int, dict[str, str]]] = []
        self.asked: list[str] = []
        self.before: Callable[[str], None] = lambda path: None
        """Called before an answer: the shop goes on selling while it is read."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> ShopSystem:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(b"")

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers.get("content-length", "0"))))

            def _answer(self, body: bytes) -> None:
                owner.asked.append(self.path)
                status, headers, said = owner.answer(self.path, body, dict(self.headers))
                sent = said.text.encode() if isinstance(said, RawAnswer) else json.dumps(said).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def answer(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        if self.faults:
            status, more = self.faults.pop(0)
            return status, more, {"errors": "a fault"}
        if not self._is_known({name.lower(): value for name, value in headers.items()}):
            return 401, {}, {"errors": "unknown key"}
        parts = urlsplit(path)
        self.before(parts.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if self.kind == "shopify":
            return self._shopify(parts.path, query)
        if self.kind == "woocommerce":
            return 200, {}, self._woocommerce(parts.path, query)
        if self.kind == "medusa":
            return 200, {}, self._medusa(parts.path, query)
        return 200, {}, self._saleor(json.loads(body))

    def _is_known(self, headers: dict[str, str]) -> bool:
        said = headers.get("authorization", "")
        if self.kind == "shopify":
            return headers.get("x-shopify-access-token") == KEY
        if self.kind == "saleor":
            return said == f"Bearer {KEY}"
        basic = b64decode(said.removeprefix("Basic ")).decode()
        return basic == (KEY if self.kind == "woocommerce" else f"{KEY}:")

    def _shopify(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        name = path.removeprefix("/admin/api/2026-01/").removesuffix(".json")
        if name == "locations":
            return (
                200,
                {},
                {"locations": [{"id": 1, "name": "Store", "active": True, "updated_at": "2026-09-01T10:00:00Z"}]},
            )
        if "page_info" in query:  # a cursor allows nothing beside it but the limit
            assert set(query) <= {"page_info", "limit"}
            since, start = query["page_info"].split("|")
        else:
            since, start = query.get("updated_at_min") or query.get("created_at_min", ""), "0"
        kept, field = {"products": ("products", "updated_at"), "orders": ("orders", "updated_at"),
                       "inventory_levels": ("levels", "updated_at"), "events": ("gone", "created_at"),
                       }[name]  # fmt: skip
        found = sorted((one for one in self.lists[kept] if one[field] >= since), key=lambda one: str(one))
        limit, at = int(query["limit"]), int(start)
        headers = {}
        if at + limit < len(found):
            cursor = f"{since}|{at + limit}".replace("|", "%7C").replace("+", "%2B")
            headers["Link"] = f'<https://elsewhere.example{path}?limit={limit}&page_info={cursor}>; rel="next"'
        return 200, headers, {name: found[at : at + limit]}

    def _woocommerce(self, path: str, query: dict[str, str]) -> Any:
        parts = path.removeprefix("/wp-json/wc/v3/").split("/")
        if len(parts) == 3:
            found = [one for one in self.lists["variations"] if str(one["of"]) == parts[1]]
            size, page = int(query["per_page"]), int(query.get("page", "1"))
            return found[(page - 1) * size : page * size]
        assert (query["orderby"], query["order"]) == ("modified", "asc")
        since, is_bin = query.get("modified_after", ""), query["status"] == "trash"
        found = [one for one in self.lists[parts[0]] if one["date_modified_gmt"] > since]
        found = [one for one in found if (one.get("status") == "trash") == is_bin]
        found.sort(key=lambda one: (one["date_modified_gmt"], one["id"]))
        size, page = int(query["per_page"]), int(query["page"])
        return found[(page - 1) * size : page * size]

    def _medusa(self, path: str, query: dict[str, str]) -> Any:
        name = {"products": "products", "orders": "orders", "inventory-items": "levels"}[path.removeprefix("/admin/")]
        shown = "inventory_items" if name == "levels" else name
        found = [one for one in self.lists[name] if one.get("updated_at", "~") >= query.get("updated_at[$gte]", "")]
        found.sort(key=lambda one: (one.get("updated_at", ""), one["id"]))
        offset, limit = int(query["offset"]), int(query["limit"])
        return {shown: found[offset : offset + limit], "count": len(found), "offset": offset, "limit": limit}

    def _saleor(self, asked: dict[str, Any]) -> Any:
        name = "orders" if "orders(" in asked["query"] else "products"
        said = asked["variables"]
        since = said["filter"].get("updatedAt", {}).get("gte", "")
        found = sorted((one for one in self.lists[name] if one["updatedAt"] >= since), key=lambda one: one["updatedAt"])
        at = int(said["after"] or 0)
        more = at + 50 < len(found)
        return {"data": {name: {
            "pageInfo": {"hasNextPage": more, "endCursor": str(at + 50)},
            "edges": [{"node": one} for one in found[at : at + 50]],
        }}}  # fmt: skip
