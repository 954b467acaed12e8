"""What collect's handlers are given by name. Apart from what it is, so that workers import no web server."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from litestar.params import Dependency

from rapport.collect.admission import Admission

__all__ = ["GivenAdmission"]

GivenAdmission: TypeAlias = Annotated[Admission, Dependency(skip_validation=True)]
"""Under the name `admission`."""
