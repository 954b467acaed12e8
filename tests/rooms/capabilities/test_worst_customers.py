"""Each template we ship, written to the twenty worst customers: nothing of theirs runs, no mail is cut."""

from __future__ import annotations

import pytest

from rapport.act.channels import ChannelSettings
from rapport.capabilities.messages.pages import SAMPLE
from rapport.capabilities.messages.service.composing import load_desk, preview
from rapport.capabilities.messages.service.templates import find_template, shipped
from rapport.capabilities.messages.service.worst import WORST, person_of, try_worst
from rapport.storage.engine import Database
from rapport.storage.workspaces import create_workspace

ABSENT = {"things without a price", "no product, no order, no address"}


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_template_survives_the_worst_customers(shared_db: Database, name: str) -> None:
    with shared_db.write() as conn:
        shop = create_workspace(conn, slug=f"shop-{name}".replace("_", "-"), name="Shop", now=0).id
        desk, found = load_desk(conn, shop, ChannelSettings()), find_template(conn, shop, name)
        for language in found.template.texts:
            tried = try_worst(conn, found, desk, SAMPLE, language=language)
            assert len(tried) == 20
            assert {one.what for one in tried if one.held} <= ABSENT
            assert all(one.bytes < 102_000 for one in tried)
            for one in WORST:
                if one.what in ABSENT:
                    continue
                mail = preview(conn, found, person_of(one, language), desk, {**SAMPLE, **one.data})
                assert "<b onmouseover" not in mail.html, one.what
                assert "undefined" not in mail.html + mail.text, one.what
