"""The palette finds customers: by name or identifier, as their list does."""

from __future__ import annotations

from sqlalchemy import Connection

from rapport.remember.listing import CustomerQuery, CustomerSummary, list_customers
from rapport.resolve.graph.policy import settings_of
from rapport.web.finder import Finder, Hit, Wanted

__all__ = ["CUSTOMERS"]


def _customers(conn: Connection, wanted: Wanted) -> list[Hit]:
    region = settings_of(conn, wanted.workspace).region
    page = list_customers(
        conn, wanted.workspace, CustomerQuery(prefix=wanted.text, sort="best"), limit=wanted.most, region=region
    )
    return [Hit(f"/console/customers/{one.id}", one.label, _told_apart(one), "person") for one in page.customers]


def _told_apart(one: CustomerSummary) -> str:
    return " · ".join(part for part in (one.email or one.phone, one.city, one.country) if part and part != one.label)


CUSTOMERS = Finder(name="remember.customers", title="Customers", order=10, permission="customers:read", find=_customers)
