"""What happens away from the screen: the till, the marketplace, the telephone, letters, returns and reviews."""

from __future__ import annotations

from random import Random

from rapport.kernel.clock import SECOND
from rapport.world.browsing import Account
from rapport.world.catalogue import Product, Store, the_catalogue
from rapport.world.messages import Recorder, external_id
from rapport.world.orders import Line, Order, refund_properties
from rapport.world.people import Person, season, with_typo
from rapport.world.streams import digest_of

__all__ = ["basket", "buys_at_till", "buys_on_marketplace", "calls", "gets_letter", "returns", "reviews"]

_REASONS = ("does not fit", "changed my mind", "damaged", "not as described", "arrived too late")
_PRAISE = {
    5: ("Wonderful, will buy again.", "Exactly what I hoped for.", "Great quality for the price."),
    4: ("Very good, delivery took a little long.", "Lovely, though smaller than I thought.", "Good value."),
    3: ("It is fine.", "Decent, but I have had better.", "Average for the price."),
    2: ("Not as described.", "Disappointed by the quality.", "Arrived with a dent."),
    1: ("Broken on arrival.", "Would not buy again.", "Sent it straight back."),
}


def basket(person: Person, rng: Random, *, month: int, weekday: int, mean: float) -> list[Line]:
    """What somebody takes off the shelves at once: more and cheaper things just before a weekend."""
    eve = weekday in (3, 4)
    count = 1 + int(rng.expovariate(1 / (mean * (1.5 if eve else 1.0))))
    lines: list[Line] = []
    product = _wanted(person, rng, month)
    for _ in range(min(count, 12)):
        if eve:
            other = _wanted(person, rng, month)
            product = min(product, other, key=lambda p: p.price_minor["GBP"])
        if all(line.product is not product for line in lines):
            cheap = product.price_minor["GBP"] < 2_000
            size = (person.size if person.size in product.sizes else product.sizes[0]) if product.sizes else None
            lines.append(Line(product, rng.choice((1, 1, 2, 3)) if cheap else 1, size))
        companions = the_catalogue().companions[product.index]
        product = rng.choice(companions) if companions and rng.random() < 0.4 else _wanted(person, rng, month)
    return lines


def buys_at_till(
    record: Recorder, person: Person, account: Account, rng: Random, *, store: Store, month: int, weekday: int
) -> Order:
    """A purchase in a store: known by the loyalty card, else by the bank card, else by the receipt alone."""
    lines = basket(person, rng, month=month, weekday=weekday, mean=1.9)
    order = Order(
        f"S-{record.token}", lines, currency=person.currency, country=store.country, coupon=None, delivered=False
    )
    shown: list[tuple[str, str]] = []
    if person.loyalty_card is not None and rng.random() < 0.85:
        shown.append(("loyalty_card", person.loyalty_card))
    if rng.random() < 0.72:
        shown.append(("card", person.bank_card))
    for namespace, value in shown:
        record.note(namespace, value)
    if shown:
        record.context = {**record.context, "externalIds": [external_id(*pair) for pair in shown]}
    else:
        record.anonymous_id = f"receipt-{record.token}"
        record.note("anonymous_id", record.anonymous_id)
    paid = "card" if any(namespace == "card" for namespace, _ in shown) else "cash"
    record.track("Order Completed", order.properties(affiliation=store.affiliation, payment_method=paid))
    if shown and rng.random() < 0.12:
        record.wait(20)
        email = person.email
        if rng.random() < person.careless * 2:
            email = with_typo(rng, email, keep_from=email.index("@"))
        record.identify({"email": email, "receipt": "email"})
    account.orders += 1
    return order


def buys_on_marketplace(
    record: Recorder, person: Person, account: Account, rng: Random, *, month: int, weekday: int
) -> Order:
    """An order through the marketplace, which hides its buyer behind an id and a relay address."""
    buyer = person.marketplace_buyer or person.bank_card
    record.note("marketplace_buyer", buyer)
    record.note_contact(email=person.relay_email)
    record.context = {
        **record.context,
        "externalIds": [external_id("marketplace_buyer", buyer)],
        "traits": {"email": person.relay_email},
    }
    lines = basket(person, rng, month=month, weekday=weekday, mean=0.6)
    order = Order(
        f"M-{record.token}", lines, currency=person.currency, country=person.country.code, coupon=None, delivered=True
    )
    record.track("Order Completed", order.properties(affiliation="Marketplace"))
    if rng.random() < 0.3:
        record.wait(3)
        home = person.household
        address = {"city": home.city, "postalCode": home.postcode, "country": home.country.code}
        record.identify({"firstName": person.given, "lastName": person.family, "address": address})
    account.orders += 1
    return order


def calls(record: Recorder, person: Person, account: Account, rng: Random, *, month: int, weekday: int) -> Order | None:
    """A telephone call: known by its number; sometimes an e-mail is spelled out, sometimes something is ordered."""
    record.note_contact(phone=person.phone)
    record.context = {**record.context, "traits": {"phone": person.phone}}
    topic = rng.choice(("order status", "product advice", "return", "order by telephone", "complaint"))
    record.track("Call Started", {"direction": "inbound", "topic": topic})
    record.wait(60 + 240 * rng.random())
    if rng.random() < 0.4:
        email = person.email
        if rng.random() < 0.05 + person.careless:
            email = with_typo(rng, email, keep_from=email.index("@"))
        record.identify({"email": email, "phone": person.phone, "firstName": person.given, "lastName": person.family})
    order = None
    if topic == "order by telephone":
        lines = basket(person, rng, month=month, weekday=weekday, mean=1.2)
        country = person.country.code
        order = Order(
            f"T-{record.token}", lines, currency=person.currency, country=country, coupon=None, delivered=True
        )
        record.track("Order Completed", order.properties(affiliation="Telephone"))
        account.orders += 1
    record.wait(30)
    seconds = (record.at - record.messages[0].occurred_at) // SECOND
    record.track("Call Ended", {"topic": topic, "duration_seconds": seconds})
    return order


def gets_letter(record: Recorder, person: Person, rng: Random, *, letter: str) -> str:
    """A newsletter arrives. Returns how far it got: `delivered`, `opened`, `clicked` or `unsubscribed`."""
    record.note_contact(email=person.email)
    record.context = {**record.context, "traits": {"email": person.email}}
    facts = {"campaign_name": letter, "email_subject": "What is good this week"}
    record.track("Email Delivered", facts)
    if rng.random() > 0.38:
        return "delivered"
    record.wait(60 + rng.expovariate(1 / 9_000))
    record.track("Email Opened", facts)
    if rng.random() < 0.01:
        record.wait(20)
        record.track("Email Unsubscribed", facts)
        return "unsubscribed"
    if rng.random() > 0.24:
        return "opened"
    record.wait(5 + 60 * rng.random())
    record.track("Email Link Clicked", {**facts, "link_url": "https://shop.example/?utm_source=newsletter"})
    return "clicked"


def returns(record: Recorder, person: Person, order: Order, rng: Random) -> bool:
    """Send back what did not please. True where something came back."""
    back = [line for line in order.lines if rng.random() < line.product.return_rate * (0.6 + 0.8 * person.thrift)]
    if not back:
        return False
    reason = rng.choice(_REASONS)
    country = person.country.code
    record.track("Order Refunded", refund_properties(order, back, country=country, reason=reason))
    return True


def reviews(record: Recorder, order: Order, rng: Random) -> None:
    """Say what one thinks of the first thing in the order: good products get better marks."""
    product = order.lines[0].product
    quality = 3.4 + 1.5 * (digest_of("quality", product.id) % 100) / 100
    rating = max(1, min(5, round(rng.gauss(quality, 0.9))))
    record.track(
        "Product Reviewed",
        {
            "product_id": product.id,
            "review_id": f"rv-{record.token}",
            "review_body": rng.choice(_PRAISE[rating]),
            "rating": rating,
        },
    )


def _wanted(person: Person, rng: Random, month: int) -> Product:
    product = rng.choices(person.pool, cum_weights=person.pool_weights)[0]
    while rng.random() > season(product, month):
        product = rng.choices(person.pool, cum_weights=person.pool_weights)[0]
    return product
