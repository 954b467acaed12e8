"""The learnt models of a shop as files: kept whole, exchanged at once, the one before kept beside it.

A model is one `.npz` below `models/recommendations/<shop>` of the data folder: arrays, the trees as text, ids as JSON;
nothing in it is ever executed. `manifest.json` says which one serves, which one served before, and how trainings went.
A file whose bytes are not those that were written is not used: then the one before serves, and the card says so.
"""

from __future__ import annotations

import fcntl
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zipfile import BadZipFile

import msgspec

from rapport.kernel.errors import Conflict
from rapport.kernel.ids import WorkspaceId, new_id

if TYPE_CHECKING:
    from rapport.capabilities.recommendations.learning.ranker import Recommender

__all__ = [
    "Card",
    "Figures",
    "Kept",
    "Loaded",
    "Manifest",
    "Progress",
    "alone",
    "fault_of",
    "folder_of",
    "is_training",
    "load",
    "manifest_of",
    "progress_of",
    "save",
    "say_progress",
    "write_attempt",
]

ATTEMPTS = 30
_MANIFEST = "manifest.json"
_BEFORE = "manifest.before.json"
_PROGRESS = "progress.json"
_LOCK = "training.lock"


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """How well something finds what came next, in per cent, on visits of the last day."""

    hr20: float
    """How often it is among the first twenty."""
    mrr20: float
    """How high it stands there: 100 is always first."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """How a training went and what came of it. Times in microseconds since 1970."""

    trained_at: int
    outcome: str
    """`serving`, `kept_the_one_before`, `too_little`."""
    words: str
    visits: int = 0
    left_out: int = 0
    products: int = 0
    since: int = 0
    upto: int = 0
    queries: int = 0
    """Steps of the last day that the models were asked for; none of them was learnt from."""
    challenger: Figures | None = None
    champion: Figures | None = None
    popularity: Figures | None = None
    took_seconds: float = 0.0


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A model that is kept."""

    file: str
    digest: str
    card: Card


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What serves, what served before, and the last trainings, newest first."""

    serving: Kept | None = None
    before: Kept | None = None
    attempts: list[Card] = []


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a training is."""

    step: str
    share: float
    at: int


class Loaded(NamedTuple):
    """A model that serves."""

    recommender: Recommender
    products: list[str]
    numbers: dict[str, int]
    card: Card
    fault: str
    """What is wrong with the model that should serve; empty where it is this one."""


def folder_of(data: Path, workspace: WorkspaceId) -> Path:
    """Where the models of a shop are."""
    return data / "models" / "recommendations" / str(workspace)


def manifest_of(folder: Path) -> tuple[Manifest, str]:
    """The manifest, and what is wrong with it: a damaged one is answered by the one before it."""
    fault = ""
    for name in (_MANIFEST, _BEFORE):
        try:
            return msgspec.json.decode((folder / name).read_bytes(), type=Manifest), fault
        except FileNotFoundError:
            continue
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            fault = f"the list of models is damaged ({type(error).__name__})"
    return Manifest(), fault


def save(folder: Path, recommender: Recommender, products: list[str], card: Card) -> None:
    """Have this model serve from now on. Readers see the old one or the new one, never half of one."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    body = _packed(recommender, products)
    name = f"{new_id('model')}.npz"
    _write(folder, name, body)
    now, _ = manifest_of(folder)
    kept = Kept(file=name, digest=_digest(body), card=card)
    attempts = [card, *now.attempts][:ATTEMPTS]
    _exchange(folder, Manifest(serving=kept, before=now.serving or now.before, attempts=attempts))
    _sweep(folder)


def write_attempt(folder: Path, card: Card) -> None:
    """Keep how a training went that changes nothing."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    now, _ = manifest_of(folder)
    _exchange(folder, msgspec.structs.replace(now, attempts=[card, *now.attempts][:ATTEMPTS]))


def load(folder: Path) -> Loaded | None:
    """The model that serves; where its file is missing or damaged the one before it. None where there is none."""
    manifest, fault = manifest_of(folder)
    for kept in (manifest.serving, manifest.before):
        if kept is None:
            continue
        try:
            body = (folder / Path(kept.file).name).read_bytes()
            if _digest(body) != kept.digest:
                raise ValueError("its bytes are not those that were written")
            recommender, products = _unpacked(body)
        except (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, BadZipFile) as error:
            fault = fault or f"the model of {kept.file} cannot be used: {type(error).__name__}: {str(error)[:120]}"
            continue
        numbers = {product_id: number for number, product_id in enumerate(products)}
        return Loaded(recommender, products, numbers, kept.card, fault)
    return None


def fault_of(folder: Path) -> str:
    """What is wrong with the models of a shop, without loading one; empty where all is well."""
    manifest, fault = manifest_of(folder)
    kept = manifest.serving
    if fault or kept is None:
        return fault
    try:
        body = (folder / Path(kept.file).name).read_bytes()
    except OSError as error:
        return f"the model that should serve cannot be read ({type(error).__name__})"
    return "" if _digest(body) == kept.digest else "the model that should serve is damaged"


def say_progress(folder: Path, step: str, share: float, *, now: int) -> None:
    """Tell whoever looks how far a training is."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(folder, _PROGRESS, msgspec.json.encode(Progress(step=step, share=round(share, 3), at=now)))


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One training of a shop at a time, whoever started it: the lock ends with the process. Raises Conflict."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("this shop is being trained already", hint="wait until that is done") from None
        yield
    finally:
        os.close(handle)


def is_training(folder: Path) -> bool:
    """Whether a training of the shop runs, in whatever process."""
    try:
        handle = os.open(folder / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def progress_of(folder: Path) -> Progress | None:
    """How far the training is that runs or ran last; None where none did."""
    try:
        return msgspec.json.decode((folder / _PROGRESS).read_bytes(), type=Progress)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _packed(recommender: Recommender, products: list[str]) -> bytes:
    import numpy as np

    arrays: dict[str, Any] = {}
    for name, part in recommender.finder.index._asdict().items():
        fields = part._asdict() if hasattr(part, "_asdict") else {"": part}
        arrays |= {f"{name}.{field}": value for field, value in fields.items()}
    arrays["trees"] = np.frombuffer(recommender.trees.model_to_string().encode(), dtype=np.uint8)
    if recommender.lifts is not None:
        arrays["lifts.table"] = recommender.lifts.table
        arrays["lifts.values"] = np.frombuffer(msgspec.json.encode(recommender.lifts.values), dtype=np.uint8)
    arrays["products"] = np.frombuffer(msgspec.json.encode(products), dtype=np.uint8)
    into = io.BytesIO()
    np.savez(into, **arrays)
    return into.getvalue()


def _unpacked(body: bytes) -> tuple[Recommender, list[str]]:
    import lightgbm
    import numpy as np

    from rapport.capabilities.recommendations.learning.index import SessionIndex
    from rapport.capabilities.recommendations.learning.lifts import Lifts
    from rapport.capabilities.recommendations.learning.ranker import Recommender
    from rapport.capabilities.recommendations.learning.rows import Pairs, Rows

    with np.load(io.BytesIO(body), allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files}
    kinds: dict[str, Any] = {
        "sessions": Rows, "postings": Rows, "following": Pairs, "next": Pairs, "around": Pairs, "near": Pairs,
    }  # fmt: skip
    parts = {
        name: kinds[name](**{field: arrays[f"{name}.{field}"] for field in kinds[name]._fields})
        if name in kinds
        else arrays[f"{name}."]
        for name in SessionIndex._fields
    }
    trees = lightgbm.Booster(model_str=arrays["trees"].tobytes().decode())
    products = msgspec.json.decode(arrays["products"].tobytes(), type=list[str])
    lifts = None
    if "lifts.table" in arrays:
        values = msgspec.json.decode(arrays["lifts.values"].tobytes(), type=tuple[dict[str, int], ...])
        lifts = Lifts(values, arrays["lifts.table"])
    return Recommender(SessionIndex(**parts), trees, lifts=lifts), products


def _exchange(folder: Path, manifest: Manifest) -> None:
    """The old manifest stays beside the new one, for the day the new one is damaged."""
    with suppress(FileNotFoundError):
        _write(folder, _BEFORE, (folder / _MANIFEST).read_bytes())
    _write(folder, _MANIFEST, msgspec.json.encode(manifest))


def _write(folder: Path, name: str, body: bytes) -> None:
    """The whole file or nothing of it, also where the power fails."""
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(body)
            out.flush()
            os.fsync(out.fileno())
        Path(temporary).replace(folder / name)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _sweep(folder: Path) -> None:
    """Models that neither serve nor served before are taken away; so is what a killed training left half written."""
    manifest, _ = manifest_of(folder)
    kept = {one.file for one in (manifest.serving, manifest.before) if one is not None}
    for path in [*folder.glob("*.npz"), *folder.glob(".writing-*")]:
        if path.name not in kept:
            path.unlink(missing_ok=True)


def _digest(body: bytes) -> str:
    return blake2b(body, digest_size=16).hexdigest()
