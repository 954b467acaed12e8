"""Resolve: which identifiers are one customer. For the worker `Resolver`, for readers the functions of `identities`."""

from rapport.resolve.graph.customer_ids import CustomerIds, load_customer_ids
from rapport.resolve.graph.recompute import Moved
from rapport.resolve.graph.resolver import Resolver

__all__ = ["CustomerIds", "Moved", "Resolver", "load_customer_ids"]
