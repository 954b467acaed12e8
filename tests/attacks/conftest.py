"""The shop that is attacked: the endpoints' own, or a whole one on each engine."""

from tests.rooms.collect.conftest import shop
from tests.rooms.conftest import any_shop

__all__ = ["any_shop", "shop"]
