"""What a picture looks like, as numbers that can be compared: colours by place and directions of edges. Offline.

A picture is brought to 96 by 96 on its own ground. Of each of nine overlapping windows it is kept how much of each of
64 colours there is, and of each of sixteen cells how strong the edges are in eight directions; the roots of the shares,
so that a product of two looks says how alike they are (Hellinger). A photo is a stranger's file: only four formats are
read, none larger than 10 MB or 25 million points, and a damaged one is refused.

**Source:** histograms of oriented gradients, Dalal and Triggs, 2005; Hellinger's kernel for them, Arandjelović and
Zisserman, 2012.
"""

from __future__ import annotations

import base64
import io
import warnings
from typing import TYPE_CHECKING, Any

from rapport.kernel.errors import InvalidInput, Misconfigured, TooLarge

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LOOK_BYTES", "MOST_BYTES", "MOST_POINTS", "best_of", "look_of", "text_of"]

MOST_BYTES = 10_000_000
MOST_POINTS = 25_000_000
_SIDE = 96
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_COLOURS, _WINDOWS, _CELLS, _DIRECTIONS = 64, 9, 16, 8
_LENGTH = _COLOURS * _WINDOWS + _CELLS * _DIRECTIONS
_OF_COLOUR, _OF_EDGES = 0.6, 0.4
LOOK_BYTES = _LENGTH
"""Of a look as it is kept: a byte a number."""


def look_of(picture: bytes) -> bytes:
    """The look of a JPEG, PNG, WebP or GIF.

    Raises InvalidInput for what is none of them or damaged, TooLarge for one beyond the bounds, Misconfigured without
    the packages.
    """
    np = _numpy()
    points = np.asarray(_opened(picture), dtype=np.float32)
    parts = [*(part * _OF_COLOUR for part in _colours(points)), *(part * _OF_EDGES for part in _edges(points))]
    return bytes(np.round(np.concatenate(parts) / np.float32(_OF_COLOUR) * 255).clip(0, 255).astype(np.uint8))


def best_of(look: bytes, others: list[bytes], *, limit: int) -> list[tuple[int, float]]:
    """The places of the looks that are most like this one, with how alike they are, 0 to 1; the most alike first."""
    np = _numpy()
    if not others:
        return []
    mine = _whole(np.frombuffer(look, dtype=np.uint8)[None, :])[0]
    every = np.frombuffer(b"".join(others), dtype=np.uint8).reshape(-1, _LENGTH)
    alike = np.concatenate([_whole(every[start : start + 8_192]) @ mine for start in range(0, len(every), 8_192)])
    order = np.argsort(-alike, kind="stable")[:limit]
    return [(int(place), round(float(alike[place]), 4)) for place in order]


def text_of(look: bytes) -> str:
    """A look as it stands in a fact."""
    return base64.b64encode(look).decode()


def _opened(picture: bytes) -> Any:
    try:
        from PIL import Image, ImageOps
    except ImportError as missing:
        raise Misconfigured("looking at pictures needs Pillow", hint="pip install 'rapport[images]'") from missing
    if len(picture) > MOST_BYTES:
        raise TooLarge(
            f"the picture has {len(picture)} bytes, at most {MOST_BYTES} are read", hint="send a smaller one"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(picture), formats=_FORMATS)
            if image.width * image.height > MOST_POINTS:
                raise TooLarge(
                    f"the picture has {image.width} x {image.height} points, at most {MOST_POINTS} are read",
                    hint="send a smaller one",
                )
            image.draft("RGB", (2 * _SIDE, 2 * _SIDE))
            flat = _on_white(ImageOps.exif_transpose(image), Image)
            return ImageOps.pad(flat, (_SIDE, _SIDE), method=Image.Resampling.BOX, color=flat.getpixel((0, 0)))
    except TooLarge:
        raise
    except Image.DecompressionBombError as error:
        raise TooLarge(f"the picture has more than {MOST_POINTS} points", hint="send a smaller one") from error
    except Exception as error:  # a decoder raises whatever a damaged file leads it to
        raise InvalidInput(
            "this is no picture that can be read", hint=f"send one of {', '.join(_FORMATS)}, whole"
        ) from error


def _on_white(image: Any, of: Any) -> Any:
    if image.mode in ("RGB", "L"):
        return image.convert("RGB")
    clear = image.convert("RGBA")
    ground = of.new("RGBA", clear.size, (255, 255, 255, 255))
    return of.alpha_composite(ground, clear).convert("RGB")


def _colours(points: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    np = _numpy()
    which = (points // 64).astype(np.int32).clip(0, 3)
    number = which[..., 0] * 16 + which[..., 1] * 4 + which[..., 2]
    half, step = _SIDE // 2, _SIDE // 4
    windows = [number[y : y + half, x : x + half] for y in range(0, half + 1, step) for x in range(0, half + 1, step)]
    share = np.float32(half * half * _WINDOWS)
    return [np.sqrt(np.bincount(one.ravel(), minlength=_COLOURS).astype(np.float32) / share) for one in windows]


def _edges(points: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    np = _numpy()
    grey = points.mean(axis=2)
    down, right = np.gradient(grey)
    strength = np.hypot(down, right)
    turned = (np.arctan2(down, right) % np.pi) / np.pi * _DIRECTIONS
    direction = turned.astype(np.int32) % _DIRECTIONS
    total = float(strength.sum()) or 1.0
    cell = _SIDE // 4
    found = []
    for y in range(0, _SIDE, cell):
        for x in range(0, _SIDE, cell):
            weights = strength[y : y + cell, x : x + cell].ravel()
            kinds = direction[y : y + cell, x : x + cell].ravel()
            found.append(np.sqrt(np.bincount(kinds, weights, minlength=_DIRECTIONS).astype(np.float32) / total))
    return found


def _whole(looks: NDArray[np.uint8]) -> NDArray[np.float32]:
    of = _numpy()
    whole: NDArray[np.float32] = looks.astype(of.float32)
    whole /= of.maximum(of.linalg.norm(whole, axis=1, keepdims=True), 1)
    return whole


def _numpy() -> Any:
    try:
        import numpy as np
    except ImportError as missing:
        raise Misconfigured("looking at pictures needs numpy", hint="pip install 'rapport[images]'") from missing
    return np
