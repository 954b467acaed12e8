"""Alarms that leave the house: what Home warns of in red is told by webhook and mail, once when it stands and once
when it is over. `store` keeps what stands, `looking` sees what has changed, `telling` writes the messages.
"""

from __future__ import annotations
