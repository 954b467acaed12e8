"""What the pages of products bring: nothing but pages."""

from __future__ import annotations

from rapport.compose.slice import Slice

__all__ = ["PRODUCTS"]

PRODUCTS = Slice(name="products", title="Products", web="rapport.capabilities.products.web:WEB")
