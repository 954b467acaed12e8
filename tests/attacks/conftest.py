"""The shop that is attacked: the endpoints' own."""

from tests.rooms.collect.conftest import shop

__all__ = ["shop"]
