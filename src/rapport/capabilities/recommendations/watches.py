"""What Home warns of: a model whose file is damaged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rapport.capabilities.recommendations import models
from rapport.kernel.ids import WorkspaceId
from rapport.web.alarms import Alarm, Watch

__all__ = ["WATCHES", "alarms_of"]

_checked: dict[Path, tuple[object, str]] = {}


def alarms_of(folder: Path, workspace: WorkspaceId) -> Sequence[Alarm]:
    """What is wrong with the models of a shop. Reads the model's file once for each time it changes."""
    fault = _remembered(models.folder_of(folder, workspace), models.fault_of)
    if not fault:
        return ()
    return (
        Alarm(
            what=f"Recommendations: {fault}. What was learnt before it serves.",
            to_do="Have them learn anew: `rapport train`. If it comes back, look at the disk.",
            path="/console/learning", tone="red",
        ),
    )  # fmt: skip


def _remembered(folder: Path, read: Callable[[Path], str]) -> str:
    state = tuple(sorted((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in _files(folder)))
    known = _checked.get(folder)
    if known is None or known[0] != state:
        known = _checked[folder] = (state, read(folder))
    return known[1]


def _files(folder: Path) -> list[Path]:
    return [*folder.glob("*.npz"), *folder.glob("manifest*.json")] if folder.is_dir() else []


WATCHES = (
    Watch(
        name="recommendations.model", permission="decisions:read", read=lambda conn, workspace, now: (),
        files=alarms_of,
    ),
)  # fmt: skip
