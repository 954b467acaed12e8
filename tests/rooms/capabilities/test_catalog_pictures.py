"""Products are found by a photo; a picture that is a bomb, or none, is refused."""

from __future__ import annotations

import io
import random
import struct
import zlib
from typing import Any

import httpx
import pytest
from PIL import Image, ImageDraw

from rapport.capabilities.catalog.looks import LOOK_BYTES, best_of, look_of, text_of
from rapport.capabilities.catalog.pictures import alike
from rapport.kernel.errors import InvalidInput, TooLarge
from tests.running import Server, http, wait_until
from tests.shop import NOON, Shop


def drawing(seed: int, *, size: int = 240) -> Image.Image:
    """A made-up product before a plain wall."""
    rng = random.Random(seed)
    image = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(4):
        colour = tuple(rng.randrange(256) for _ in range(3))
        x, y = rng.randrange(20, size // 2), rng.randrange(20, size // 2)
        box = (x, y, x + rng.randrange(30, size // 2), y + rng.randrange(30, size // 2))
        rng.choice((draw.ellipse, draw.rectangle))(box, fill=colour)
    return image


def encoded(image: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def test_a_photo_of_a_product_finds_it_among_many(any_shop: Shop) -> None:
    shop = any_shop
    looks = {f"p{n:03}": text_of(look_of(encoded(drawing(n)))) for n in range(60)}
    shop.send(*(shop.message("Product Pictured", at=NOON, product_id=one, look=look) for one, look in looks.items()))
    shop.send(shop.message("Product Withdrawn", at=NOON, product_id="p059"))
    shop.fold()
    first = 0
    for n in range(60):
        photo = drawing(n).rotate(4, fillcolor="white").crop((6, 6, 234, 234)).resize((180, 180))
        with shop.db.read() as conn:
            found = alike(conn, shop.id, look_of(encoded(photo, "JPEG", quality=60)), limit=5)
        assert len({product for product, _ in found}) == 5
        assert "p059" not in dict(found)
        first += found[0][0] == f"p{n:03}"
    assert first >= 56


def test_the_same_picture_is_wholly_alike_in_every_format() -> None:
    image = drawing(3)
    looks = [look_of(encoded(image, kind)) for kind in ("PNG", "WEBP", "GIF")]
    assert all(len(look) == LOOK_BYTES for look in looks)
    assert best_of(looks[0], looks, limit=1)[0][1] > 0.99
    assert min(much for _, much in best_of(looks[0], looks, limit=3)) > 0.9
    assert best_of(looks[0], [], limit=3) == []


def bomb() -> bytes:
    """A PNG of a few hundred bytes that says it has 60,000 x 60,000 points."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


def test_bombs_and_what_is_no_picture_are_refused() -> None:
    with pytest.raises(TooLarge, match="more than 25000000 points"):
        look_of(bomb())
    with pytest.raises(TooLarge, match="6000 x 6000"):
        look_of(encoded(Image.new("1", (6_000, 6_000))))
    whole = encoded(drawing(1))
    for bad in (b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", whole[:200], encoded(drawing(1), "BMP"),
                b"%!PS-Adobe-3.0 EPSF-3.0\n", whole.replace(b"IDAT", b"IDXT")):  # fmt: skip
        with pytest.raises(InvalidInput):
            look_of(bad)
    with pytest.raises(TooLarge):
        look_of(b"\x89PNG" + b"\0" * 10_000_001)


def test_a_picture_is_stated_and_a_photo_asked_over_the_api(shop_server: Server) -> None:
    def call(method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {shop_server.api_key}"}
        return http.request(method, f"{shop_server.url}/api/v1/{path}", headers=headers, **options)

    assert call("POST", "products/similar", content=encoded(drawing(1))).json() == {"products": []}
    call("POST", "products", json={"products": [{"product_id": "cup", "name": "Cup", "price": 3, "currency": "EUR"}]})
    assert call("PUT", "products/cup/picture", content=encoded(drawing(1))).status_code == 200
    assert call("PUT", "products/pot/picture", files={"picture": ("x.png", encoded(drawing(2)))}).status_code == 200
    wait_until(lambda: len(call("POST", "products/similar", content=encoded(drawing(1))).json()["products"]) == 2)
    found = call("POST", "products/similar?limit=1", files={"photo": ("p.png", encoded(drawing(1)))}).json()["products"]
    assert [(one["product"]["product_id"], one["product"]["price_low_minor"]) for one in found] == [("cup", 300)]
    assert found[0]["similarity"] > 0.99
    assert call("POST", "products/similar", content=bomb()).status_code == 413
    assert call("POST", "products/similar", content=b"no picture").status_code == 400
    assert call("POST", "products/similar").status_code == 400
