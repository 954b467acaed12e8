"""What a shop decides of its catalogue."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from rapport.capabilities.catalog.words import query_words
from rapport.kernel.settings import Section

__all__ = ["CATALOG_SETTINGS", "CatalogSettings", "synonyms_of"]

_GROUPS, _PHRASES = 200, 12


class CatalogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop decides of its catalogue."""

    synonyms: Annotated[
        str,
        Meta(
            max_length=8_000,
            title="Words that mean the same",
            description="With = between them, a semicolon after each group: mobile phone = smartphone; red = rosso",
        ),
    ] = ""
    sites: Annotated[
        str,
        Meta(
            max_length=2_000,
            title="Sites of your shop",
            description="With spaces between: shop.example images.example. What only visitors' browsers tell of a "
            "product's page and picture is shown where it lies on these, or where your statements and servers lead to",
        ),
    ] = ""


CATALOG_SETTINGS = Section(name="catalog", title="Catalogue", kind=CatalogSettings)


def synonyms_of(settings: CatalogSettings) -> list[list[tuple[str, ...]]]:
    """Groups of phrases, each as words, as questions are read: case, accents and plural do not matter.

    >>> synonyms_of(CatalogSettings(synonyms="Mobile Phones = smartphone; x"))
    [[('mobile', 'phone'), ('smartphone',)]]
    """
    groups = []
    for line in settings.synonyms.replace("\n", ";").split(";")[:_GROUPS]:
        phrases = [tuple(query_words(phrase)) for phrase in line.split("=")[:_PHRASES]]
        told = [phrase for phrase in dict.fromkeys(phrases) if phrase]
        if len(told) > 1:
            groups.append(told)
    return groups
