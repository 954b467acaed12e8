"""A desk at which records are looked at: customers by hand, a small model, the linker beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import Connection

from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph.recompute import Moved
from rapport.resolve.graph.store import roots_of
from rapport.resolve.linking import choosing, models, review
from rapport.resolve.linking.linker import Linker, note_changed
from rapport.resolve.linking.model import LinkModel, Thresholds
from tests.rooms.resolve.linking.people import model
from tests.rooms.resolve.shop import Shop, seen

ADA = {
    "first_name": "ada", "last_name": "lordorberg", "birthday": "1980-03-04", "phone": "+447700900123",
    "street": "12 high street", "postcode": "yo1 7aa", "city": "york",
}  # fmt: skip
SLIPPED = ADA | {"last_name": "lordorbreg", "street": "12 hihg street"}
SISTER = ADA | {"first_name": "vera", "birthday": "1983-07-21", "phone": "+447700111222"}
BO = {"first_name": "bo", "last_name": "pelosridge", "birthday": "1951-12-12", "city": "hull", "phone": "+447712345678"}


def asking() -> LinkModel:
    """The small model, which ties nobody by itself."""
    return msgspec.structs.replace(model(), thresholds=Thresholds(automatic=99.0, review=0.0))


class Desk:
    """A shop whose customers are known by what is written in `known`: value of an identifier → fields."""

    def __init__(self, shop: Shop, *, trained: LinkModel | None = None) -> None:
        self.shop = shop
        self.known: dict[str, dict[str, str]] = {}
        self.bounds = choosing.ANYTHING
        self.linker = Linker(lambda *_: shop.policy)
        with shop.db.write() as conn:
            models.save_model(conn, shop.workspace, trained or model(), now=1)

    def fields_of(
        self, conn: Connection, workspace: WorkspaceId, wanted: Mapping[Key, list[Key]]
    ) -> dict[Key, dict[str, str]]:
        names = {self.shop.key("anonymous_id", value): value for value in self.known}
        names |= {self.shop.key("user_id", value): value for value in self.known}
        return {unit: self.known[names[key]] for unit, keys in wanted.items() for key in keys if key in names}

    def tell(self, at: int, values: Iterable[str]) -> list[Moved]:
        """Look at these customers again."""
        with self.shop.db.write() as conn:
            keys = [self.shop.key(name, value) for value in values for name in ("anonymous_id", "user_id")]
            roots = set(roots_of(conn, self.shop.workspace, keys).values())
            note_changed(conn, self.shop.workspace, roots, self.fields_of, now=at)
            moved = self.linker.link_pending(conn, self.shop.workspace, now=at).moved
            choosing.choose(conn, self.shop.workspace, lambda *_: {}, now=at, bounds=self.bounds)
            return moved

    def meet(self, **people: dict[str, str]) -> list[Moved]:
        """People seen for the first time, by a browser each."""
        self.known |= people
        self.shop.see(*(seen(at, web=value) for at, value in enumerate(people, 1)))
        return self.tell(50, people)

    def web(self, value: str) -> Key:
        return self.shop.key("anonymous_id", value)

    def queue(self) -> list[review.ReviewPair]:
        with self.shop.db.read() as conn:
            return review.queue(conn, self.shop.workspace).pairs
