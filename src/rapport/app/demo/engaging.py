"""What the shop does with its customers from the first day: journeys in force, and questions it asks them."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from rapport.app.wiring import installed
from rapport.capabilities.journeys.checking import read_graph
from rapport.capabilities.journeys.service import graphs
from rapport.capabilities.journeys.service.shipped import shipped
from rapport.capabilities.questions import store
from rapport.capabilities.questions.model import Option, Question
from rapport.kernel.ids import WorkspaceId
from rapport.remember.segments.fields import Fields

__all__ = ["engage"]

JOURNEYS = ("welcome", "review_ask", "win_back")
_SHOP = b"https://shop.example"
"""What the gallery's journeys call the shop's address."""

REWARD = "20 points"
"""As the shipped club gives them."""

QUESTIONS = (
    Question(
        name="favourite", words={"en": "What do you come to us for?", "de": "Wofür kommen Sie zu uns?"},
        options=(
            Option(value="wine", words={"en": "Wine", "de": "Wein"}),
            Option(value="food", words={"en": "Things to eat", "de": "Gutes zu essen"}),
            Option(value="home", words={"en": "Things for the table", "de": "Schönes für den Tisch"}),
            Option(value="clothing", words={"en": "Things to wear", "de": "Kleidung"}),
        ),
        weight=30, reward=REWARD,
    ),
    Question(
        name="cooks_for", words={"en": "For how many do you usually cook?", "de": "Für wie viele kochen Sie meist?"},
        options=(
            Option(value="one", words={"en": "For myself", "de": "Für mich"}),
            Option(value="two", words={"en": "For two", "de": "Für zwei"}),
            Option(value="family", words={"en": "For a family", "de": "Für eine Familie"}),
        ),
        reward=REWARD,
    ),
    Question(
        name="wine_taste", kind="several",
        words={"en": "Which wines do you like?", "de": "Welche Weine mögen Sie?"},
        options=(
            Option(value="dry_white", words={"en": "Dry whites", "de": "Trockene Weißweine"}),
            Option(value="light_red", words={"en": "Light reds", "de": "Leichte Rotweine"}),
            Option(value="full_red", words={"en": "Full reds", "de": "Kräftige Rotweine"}),
            Option(value="sparkling", words={"en": "Sparkling", "de": "Schaumweine"}),
            Option(value="none", words={"en": "No wine", "de": "Keinen Wein"}),
        ),
        weight=20, reward=REWARD,
    ),
)  # fmt: skip


def engage(conn: Connection, workspace: WorkspaceId, *, shop_url: str, by: str, now: int) -> None:
    """Put the journeys in force and ask the questions; letters link to the shop at `shop_url`."""
    house = installed()
    for name in JOURNEYS:
        text = msgspec.json.encode(shipped()[name]).replace(_SHOP, shop_url.encode())
        graphs.save(
            conn, workspace, name, read_graph(text), fields=Fields(house.remembered),
            placements=house.deciding.placements, by=by, now=now,
        )  # fmt: skip
    for question in QUESTIONS:
        question.check()
        store.save(conn, workspace, question)
