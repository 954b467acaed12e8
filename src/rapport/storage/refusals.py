"""Why a database cannot be used, in words an operator can act on: it is not there, does not let in, or not enough."""

from __future__ import annotations

import re

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from rapport.kernel.errors import Misconfigured, RapportError, Unavailable

__all__ = ["explained"]

_MAY_NOT = ("permission denied", "must be owner")
_NOT_LET_IN = ("password authentication failed", "no password supplied", "fe_sendauth", "Peer authentication failed",
               "Ident authentication failed", "no pg_hba.conf entry")  # fmt: skip


def explained(error: DBAPIError, url: str) -> RapportError:
    """What a start tells instead of the driver's error: with the database's, role's and server's names, no password."""
    parsed = sa.make_url(url)
    said = " ".join(str(error.orig).split())
    if parsed.get_backend_name() == "sqlite":
        return Misconfigured(
            f"the database file {parsed.database} cannot be used: {said}",
            hint="it and its folder must be readable and writable; --data names another folder",
        )
    name, role = parsed.database or "", parsed.username or ""
    place = f"{parsed.host or 'this machine'}:{parsed.port or 5432}"
    if re.search(r'database "[^"]*" does not exist', said):
        owner = f' OWNER "{role}"' if role else ""
        return Misconfigured(
            f"there is no database {name!r} on {place}",
            hint=f'as PostgreSQL\'s administrator: CREATE DATABASE "{name}"{owner}',
        )
    if re.search(r'role "[^"]*" does not exist', said):
        return Misconfigured(
            f"PostgreSQL on {place} knows no role {role!r}",
            hint=f"as PostgreSQL's administrator: CREATE ROLE \"{role}\" LOGIN PASSWORD '…'",
        )
    if any(sign in said for sign in _NOT_LET_IN):
        return Misconfigured(
            f"PostgreSQL on {place} does not let the role {role!r} in: {_reason(said)}",
            hint="RAPPORT_DATABASE_URL is postgresql://ROLE:PASSWORD@HOST/DATABASE; who may come from where stands in"
            " pg_hba.conf",
        )
    if any(sign in said for sign in _MAY_NOT):
        return Misconfigured(
            f"the role {role!r} may not make tables in the database {name!r} on {place}: {_reason(said)}",
            hint=f'as PostgreSQL\'s administrator: ALTER DATABASE "{name}" OWNER TO "{role}"',
        )
    return Unavailable(
        f"the database {name!r} on {place} does not answer: {_reason(said)}",
        hint="is PostgreSQL running, and RAPPORT_DATABASE_URL right?",
    )


def _reason(said: str) -> str:
    """The server's own words, without the driver's before and its advice behind them."""
    return re.split(r"FATAL: |failed: ", said)[-1].partition(" Is the server running")[0].strip()[:300]
