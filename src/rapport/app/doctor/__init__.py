"""`rapport doctor`: whether the installation is as it should be, by what can be seen from the machine it runs on.

`finding` says what a look found; `machine` looks at folder, disk, clock and limits; `database` at the database and what
is in it; `web` at how people reach the server. Nothing is changed, and nothing is made that is missing.
"""

from __future__ import annotations

from rapport.app.doctor.examination import examine
from rapport.app.doctor.finding import Finding, State

__all__ = ["Finding", "State", "examine"]
