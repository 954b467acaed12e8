"""Resolve: which identifiers are one customer. For the worker `Resolver`, for readers the functions of `identities`."""

from rapport.resolve.customer_ids import CustomerIds, load_customer_ids
from rapport.resolve.recompute import Moved
from rapport.resolve.resolver import Resolver

__all__ = ["CustomerIds", "Moved", "Resolver", "load_customer_ids"]
