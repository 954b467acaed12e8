"""Looks at the machine: the installed package, the data folder and whose it is, disk, clock, open files."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from rapport.app.conditions import FULL_BYTES, NEARLY_FULL_BYTES
from rapport.app.doctor.finding import Finding, bad, fair, well
from rapport.web.console import VERSION, missing_files

__all__ = ["clock", "disk", "files", "folder", "package"]

ENOUGH_FILES = 4096
"""Each client that stays connected holds one."""

_UNSYNCHRONISED = 5
"""TIME_ERROR. **Source:** adjtimex(2)."""
_TIMEX_BYTES = 512
"""More than `struct timex` has anywhere."""

_REMOTE = frozenset(("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "ceph", "glusterfs", "fuse.glusterfs"))


def package() -> Iterator[Finding]:
    """The parts that the build brings."""
    missing = missing_files()
    if missing:
        yield bad(
            "package", f"the front-end file {missing[0]} is missing: the console does not work",
            "`uv sync --reinstall-package rapport` makes it, or install the wheel.",
        )  # fmt: skip
    else:
        yield well("package", f"Rapport {VERSION} on Python {sys.version.split()[0]}, complete")


def folder(data_dir: Path, *, holds_database: bool) -> Iterator[Finding]:
    """Whether the data folder is there, on a disk of this machine, and its owner's alone."""
    if not data_dir.is_dir():
        yield bad(
            "folder", f"there is no data folder {data_dir}",
            "`rapport serve` makes it; --data or RAPPORT_DATA_DIR names another.",
        )  # fmt: skip
        return
    if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        yield bad("folder", f"{data_dir} cannot be used by this user", "Run this as the user that the server runs as.")
        return
    kind = _file_system(data_dir)
    if holds_database and kind in _REMOTE:
        yield bad(
            "folder", f"{data_dir} lies on {kind}, where SQLite's locks do not hold",
            "Move it to a disk of this machine, or use PostgreSQL.",
        )  # fmt: skip
        return
    open_to_others = [path for path in (data_dir, *_secret_files(data_dir)) if path.stat().st_mode & 0o077]
    if open_to_others:
        named = " ".join(str(path) for path in open_to_others[:5])
        yield bad("folder", f"others on this machine may read {open_to_others[0]}", f"chmod go-rwx {named}")
    else:
        yield well("folder", f"{data_dir} is its owner's alone")


def disk(data_dir: Path) -> Iterator[Finding]:
    """Whether there is room."""
    if not data_dir.is_dir():
        return
    usage = shutil.disk_usage(data_dir)
    left = f"{usage.free // 1024**2:,} of {usage.total // 1024**2:,} MB are free"
    to_do = "Make room on the disk of the data folder, or give it a larger one."
    if usage.free < FULL_BYTES:
        yield bad("disk", f"the disk is full: {left}", to_do)
    elif usage.free < NEARLY_FULL_BYTES and usage.free < usage.total // 10:
        yield fair("disk", f"the disk is nearly full: {left}", to_do)
    else:
        yield well("disk", left)


def clock() -> Iterator[Finding]:
    """Whether the machine's clock follows a time server, as far as the kernel knows."""
    state = _clock_state()
    if state is None:
        return
    if state == _UNSYNCHRONISED:
        yield fair(
            "clock", "no time server sets this machine's clock",
            "Switch one on, such as `timedatectl set-ntp true`: facts are stamped by it.",
        )  # fmt: skip
    else:
        yield well("clock", "it follows a time server")


def files() -> Iterator[Finding]:
    """How many files and connections a process may hold open."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if 0 <= most < ENOUGH_FILES:
        yield fair(
            "files", f"a process may hold {most} files and connections open",
            f"Raise it to {ENOUGH_FILES} or more: LimitNOFILE= of the systemd unit, or `ulimit -n`.",
        )  # fmt: skip
    else:
        yield well("files", "enough files and connections may be open")


def _secret_files(data_dir: Path) -> list[Path]:
    names = ("secrets.json", "demo.json", "rapport.db", "rapport.db-wal", "rapport.db-shm")
    return [data_dir / name for name in names if (data_dir / name).exists()]


def _file_system(data_dir: Path) -> str:
    """The kind of file system a folder lies on; empty where nobody tells."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    found = [line.split()[1:3] for line in mounts if len(line.split()) > 2]
    here = data_dir.resolve()
    under = [(place, kind) for place, kind in found if here.is_relative_to(place.replace("\\040", " "))]
    return max(under, key=lambda one: len(one[0]), default=("", ""))[1]


def _clock_state() -> int | None:
    """What adjtimex(2) answers where it changes nothing; None where there is none."""
    try:
        asked = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
    state = int(asked(ctypes.create_string_buffer(_TIMEX_BYTES)))
    return None if state < 0 else state
