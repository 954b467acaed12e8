"""The programme to begin with: free delivery from 90 in the first tier, always in the top one; a paid membership."""

from __future__ import annotations

from rapport.capabilities.loyalty.programme import Benefit, EarningRule, Plan, Programme, Tier

__all__ = ["EXAMPLE", "example"]


def example(currency: str, *, time_zone: str = "UTC", starts: str = "") -> Programme:
    """The shipped programme for a shop in this currency."""
    always = Benefit(kind="delivery", title="Always free delivery", title_de="Versand immer kostenlos")
    early = Benefit(kind="access", title="Early access to new things", title_de="Neues zuerst", what="early-access")
    return Programme(
        title="Club", currency=currency, time_zone=time_zone, starts=starts, valid_days=730,
        tiers=(
            Tier(name="friend", title="Friend", benefits=(
                Benefit(kind="delivery", title="Free delivery from 90", title_de="Versand ab 90 kostenlos",
                        above_minor=9_000),
            )),
            Tier(name="regular", title="Regular", at=30_000, benefits=(
                Benefit(kind="delivery", title="Free delivery from 50", title_de="Versand ab 50 kostenlos",
                        above_minor=5_000),
                early,
            )),
            Tier(name="patron", title="Patron", at=100_000, benefits=(
                always,
                Benefit(kind="points", title="Half as many points again", title_de="Mehr Punkte", percent=150),
                early,
                Benefit(kind="priority", title="Answered first", title_de="Zuerst beantwortet", level=1),
            )),
        ),
        earning=(
            EarningRule(name="orders", title="A point for each unit spent", title_de="Ein Punkt je Währungseinheit",
                        points=1, per_minor=100),
            EarningRule(name="review", title="A review", title_de="Eine Bewertung", on="Product Reviewed",
                        points=10, at_most=50, at_most_days=30),
            EarningRule(name="told", title="Thank you for telling us", title_de="Danke für Ihre Antwort",
                        on="Profile Question Answered", points=20,
                        at_most=100, at_most_days=365),
            EarningRule(name="late", title="We are sorry: your order did not come as promised",
                        title_de="Entschuldigung: Ihre Bestellung kam nicht wie versprochen", on="Promise Broken",
                        points=100, budget=20_000, approve_above=500),
            EarningRule(name="pickup", title="We are sorry: you came for nothing",
                        title_de="Entschuldigung: Sie kamen umsonst", on="Pickup Failed", points=150,
                        budget=20_000),
        ),
        plans=(
            Plan(name="plus", title="Club Plus", fee_minor=3_900, period="year", trial_days=30, pause_days=60,
                 holdout_percent=10, benefits=(
                always, Benefit(kind="price", title="5 % off", title_de="5 % Nachlass", percent=5),
            )),
        ),
    )  # fmt: skip


EXAMPLE = example("EUR")
