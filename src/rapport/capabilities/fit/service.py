"""What fit answers of an item, for a customer whose purchases may be looked at, or for anybody."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence

from rapport.capabilities.catalog import find_products
from rapport.capabilities.catalog import variants_of as stated_variants
from rapport.capabilities.fit import store
from rapport.capabilities.fit.model import FitShown, Line, Pieces, lean_of, risk_of, size_for
from rapport.capabilities.orders import given_back, sold
from rapport.kernel.clock import DAY
from rapport.kernel.errors import NotFound
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection

__all__ = ["TIME_TO_RETURN", "fit_of", "sold_of", "sold_of_the_shop"]

TIME_TO_RETURN = 21 * DAY
"""What was bought later has not had time to come back, and says nothing yet."""


def fit_of(
    conn: Connection, workspace: WorkspaceId, product_id: str, *, strands: Collection[Key] | None, now: int,
    variant: str = "",
) -> FitShown:  # fmt: skip
    """The risk and the size. `strands` are the customer's, None where nobody may be looked at.

    A dozen bounded look-ups. Raises NotFound for a product that nobody has named.
    """
    product = find_products(conn, workspace, [product_id]).get(product_id)
    variants = stated_variants(conn, workspace, product_id)
    if product is None and variants is None:
        raise NotFound(f"no product {product_id[:60]!r}", hint="GET /api/v1/products?query= finds them")
    until = now - TIME_TO_RETURN
    orders = sold(workspace).subquery("sold")
    shop = store.of_shop(conn, workspace, orders, until=until)
    item = store.of_item(conn, workspace, orders, product_id, until=until, variant=variant)
    lines = store.lines_of(conn, workspace, orders, strands) if strands else []
    settled = [line for line in lines if line.at < until]
    theirs = Pieces(sum(line.sold for line in settled), sum(line.returned for line in settled))
    usual = (shop.returned + 0.5) / (shop.sold + 1)
    lean = lean_of(*store.reasons_of(conn, workspace, product_id))
    size = size_for(
        _kept(conn, workspace, lines, product.category if product else None), variants or (), lean,
        tried=_tried(lines, product_id),
    )  # fmt: skip
    if strands is None and len(variants or ()) > 1:
        size = "nobody is named, or their purchases may not be looked at"
    return FitShown(
        product_id=product_id,
        risk=risk_of(
            shop, item, theirs if strands is not None else None, expected=theirs.sold * usual,
            refunded=store.told_by_line(conn, workspace, given_back(workspace).subquery("given_back")),
        ),
        size=None if isinstance(size, str) else size, size_unknown=size if isinstance(size, str) else "", lean=lean,
    )  # fmt: skip


def sold_of_the_shop(conn: Connection, workspace: WorkspaceId, *, until: int) -> Pieces:
    """Of the shop's latest lines before `until`: pieces sold and come back."""
    return store.of_shop(conn, workspace, sold(workspace).subquery("sold"), until=until)


def sold_of(
    conn: Connection, workspace: WorkspaceId, product_ids: Collection[str], *, until: int
) -> dict[str, Pieces]:  # fmt: skip
    """Pieces of each of these products sold in the year before `until`, and come back; one never sold is missing."""
    return store.sold_of(conn, workspace, sold(workspace).subquery("sold"), product_ids, until=until)


def _kept(conn: Connection, workspace: WorkspaceId, lines: Sequence[Line], category: str | None) -> Counter[str]:
    """Pieces of this category that they kept, by size."""
    ids = {line.product_id for line in lines}
    known = find_products(conn, workspace, ids) if category else {}
    kept: Counter[str] = Counter()
    for line in lines:
        found = known.get(line.product_id)
        if found is not None and found.category == category and line.variant:
            kept[line.variant] += line.sold - line.returned
    return kept


def _tried(lines: Sequence[Line], product_id: str) -> dict[str, Pieces]:
    found: dict[str, Pieces] = defaultdict(Pieces)
    for line in lines:
        if line.product_id == product_id:
            before = found[line.variant]
            found[line.variant] = Pieces(before.sold + line.sold, before.returned + line.returned)
    return dict(found)
