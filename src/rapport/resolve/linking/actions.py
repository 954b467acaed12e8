"""What people do to learned links, for whoever makes an `Identity`."""

from __future__ import annotations

from rapport.resolve.actions.action import Action
from rapport.resolve.linking.decide import Decide, Reopen
from rapport.resolve.linking.use_model import UseModel

__all__ = ["ACTIONS"]

ACTIONS: tuple[type[Action], ...] = (Decide, Reopen, UseModel)
