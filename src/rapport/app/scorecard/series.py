"""The scorecard's file: one measurement a line, appended by the demonstration, read by the console."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from rapport.app.scorecard.measure import Measurement

__all__ = ["Series"]

NAME = "scorecard.jsonl"
MOST_LIVE = 80
"""Measurements kept from the time in which the shop is live: beyond that every second of them is left out."""


class Series:
    """All measurements of one installation, in the order in which they were taken.

    Whoever is killed while appending leaves half a line: it is passed over, and the next line begins on its own.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / NAME

    def exists(self) -> bool:
        """Whether this installation has a scorecard: it is a demonstration."""
        return self._path.exists()

    def begin(self) -> None:
        """Make the file, empty, where it is missing."""
        self._path.touch(mode=0o600)

    def read(self) -> list[Measurement]:
        """All measurements that can be read."""
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        return [found for line in lines if (found := _decoded(line)) is not None]

    def append(self, measured: Measurement) -> None:
        """Add a measurement; the file stays bounded."""
        with self._path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write(_line(measured))
        self._thin()

    def _thin(self) -> None:
        known = self.read()
        live = [each for each in known if each.live]
        if len(live) <= MOST_LIVE:
            return
        kept = [each for each in known if not each.live] + live[::-1][::2][::-1]
        partial = self._path.with_suffix(".partial")
        partial.write_bytes(b"".join(map(_line, kept)))
        partial.replace(self._path)


def _line(measured: Measurement) -> bytes:
    return msgspec.json.encode(measured) + b"\n"


def _decoded(line: bytes) -> Measurement | None:
    try:
        return msgspec.json.decode(line, type=Measurement)
    except msgspec.DecodeError:
        return None
