"""What the slices of an installation bring, for tests that put a server together by hand."""

from __future__ import annotations

from rapport.app.wiring import installed

SLICES = installed()
PERMISSIONS = SLICES.permissions
WORDING = SLICES.wording
