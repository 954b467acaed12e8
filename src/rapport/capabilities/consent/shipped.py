"""Policies as files: those that Rapport ships, and one that a shop keeps beside its code."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

import msgspec

from rapport.capabilities.consent.model import Policy, PolicySet
from rapport.kernel.errors import InvalidInput

__all__ = ["DEFAULT", "read_policy", "shipped"]

DEFAULT = "eu_uk"
"""For customers of whom no country is known, until the shop says otherwise."""

_FOLDER = Path(__file__).parent / "policies"
_MOST_BYTES = 200_000


@lru_cache(maxsize=1)
def shipped() -> PolicySet:
    """The policies that Rapport ships: what holds until a shop changes them."""
    policies = tuple(read_policy(path.read_bytes(), name=path.name) for path in sorted(_FOLDER.glob("*.toml")))
    found = PolicySet(default=DEFAULT, policies=policies)
    found.check()
    return found


def read_policy(body: bytes, *, name: str) -> Policy:
    """One policy, TOML where the file's name ends so, else JSON. Raises InvalidInput with the place of the error."""
    if len(body) > _MOST_BYTES:
        raise InvalidInput(f"{name} has {len(body):,} bytes, a policy at most {_MOST_BYTES:,}")
    try:
        found = tomllib.loads(body.decode()) if name.endswith(".toml") else msgspec.json.decode(body)
        policy = msgspec.convert(found, Policy)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise InvalidInput(f"{name}: {error}", hint="`rapport privacy policy show eu_uk` prints a right one") from error
    policy.check()
    return policy
