"""A visit to the site, the app or a store's kiosk: from looking around to the order, or not."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from rapport.kernel.clock import to_datetime
from rapport.world.catalogue import Product, the_catalogue
from rapport.world.messages import Recorder, external_id, query
from rapport.world.orders import COUPONS, Cart, Order
from rapport.world.people import Device, Person, season, with_typo
from rapport.world.storefront.delivery import delivered_by

__all__ = ["CAMPAIGNS", "Account", "Browsing"]

CAMPAIGNS: tuple[tuple[str, str, str, str, str, int], ...] = (
    ("google", "cpc", "brand", "marlow", "https://www.google.com/", 38),
    ("google", "cpc", "italian-wine", "chianti", "https://www.google.com/", 92),
    ("google", "cpc", "linen", "linen shirt", "https://www.google.com/", 74),
    ("instagram", "paid_social", "autumn-table", "", "https://www.instagram.com/", 61),
    ("facebook", "paid_social", "lookalike", "", "https://www.facebook.com/", 55),
    ("pricefinder", "affiliate", "feed", "", "https://www.pricefinder.example/", 120),
    ("supperclub", "podcast", "supper", "", "", 45),
)
"""Source, medium, name, term, referring page and what one click costs in pence."""

_WAYS_IN = ("https://www.google.com/", "https://duckduckgo.com/", "", "", "")


@dataclass(slots=True)
class Account:
    """What the shop knows of a person, and what the person keeps there between visits."""

    registered: bool = False
    subscribed: bool = False
    gets_letters: bool = False
    in_club: bool = False
    card_linked: bool = False
    orders: int = 0
    visits: int = 0
    cart: Cart | None = None
    wished: list[Product] | None = None
    last_order: Order | None = None


class Browsing:
    """One session in front of a screen. `run` writes it into the recorder and returns the order, if there is one."""

    def __init__(
        self, person: Person, account: Account, device: Device, record: Recorder, rng: Random, *,
        month: int, weekday: int,
    ) -> None:  # fmt: skip
        self.person = person
        self.account = account
        self.device = device
        self.record = record
        self.rng = rng
        self.month = month
        self.eve = weekday in (3, 4)
        """Just before the weekend baskets hold more and cheaper things."""
        self.order: Order | None = None

    def run(self, *, errand: str = "browse") -> Order | None:
        """Live through the session. `errand` is `browse`, `cart` (comes back to an abandoned cart) or `letter`."""
        self.account.visits += 1
        if self.device.signed_in is not None and self.device.signed_in != self.person.user_id:
            self._leaves_other_account()
        if errand != "cart" and self.rng.random() < 0.55:
            self.account.cart = None  # forgotten: the next thing that is added opens a new one
        if errand == "browse" and self.rng.random() < 0.62:
            self._home()
        self._who_is_it()
        if errand == "cart":
            self._return_to_cart()
        else:
            self._look_around()
        self._newsletter()
        if self.account.cart is not None and self.device.kind != "kiosk":
            self._checkout(keen=errand == "cart")
        return self.order

    # -- looking ---------------------------------------------------------------------------------------------------

    def _home(self) -> None:
        self.record.look("Home", "/")
        if self.rng.random() < 0.18:
            promotion = {
                "promotion_id": f"hero-{self.month}",
                "name": "Before the weekend" if self.eve else "The Italian table",
                "creative": "hero",
                "position": "home_top",
            }
            self.record.track("Promotion Viewed", promotion)
            if self.rng.random() < 0.2:
                self._pause(4)
                self.record.track("Promotion Clicked", promotion)
        self._pause(9)

    def _look_around(self) -> None:
        views = min(14, 1 + int(self.rng.expovariate(0.36)))
        product = self._comes_for()
        self._finds(product)
        for turn in range(views):
            if turn:
                product = self._next(product)
            self._views(product)
            self._may_take(product)
        if self.account.wished and self.rng.random() < 0.08:
            self._fetches_wish()

    def _comes_for(self) -> Product:
        """What the person has come to look at: out of their taste, in season; cheaper just before a weekend."""
        product = self._wanted()
        while self.rng.random() > season(product, self.month):
            product = self._wanted()
        if self.eve:
            other = self._wanted()
            if other.price_minor["GBP"] < product.price_minor["GBP"]:
                return other
        return product

    def _wanted(self) -> Product:
        return self.rng.choices(self.person.pool, cum_weights=self.person.pool_weights)[0]

    def _next(self, product: Product) -> Product:
        """From one product to the next: similar ones, what goes with it, or another wish."""
        catalogue = the_catalogue()
        chance = self.rng.random()
        if chance < 0.5:
            return self.rng.choice(catalogue.similar[product.index])
        if chance < 0.68 and catalogue.companions[product.index]:
            return self.rng.choice(catalogue.companions[product.index])
        return self._comes_for()

    def _finds(self, product: Product) -> None:
        chance = self.rng.random()
        if chance < 0.3:
            text = product.name.lower() if chance < 0.1 else product.name.split()[0].lower()
            self.record.look("Search", "/search", search=query(q=text))
            self.record.track("Products Searched", {"query": text})
        elif chance < 0.82:
            self._shelf(product)
        self._pause(12)

    def _shelf(self, product: Product) -> None:
        path = f"/c/{product.category.lower().replace(' ', '-')}"
        self.record.look(product.category, path)
        shelf = the_catalogue().by_category[product.category]
        start = self.rng.randrange(len(shelf))
        shown = [shelf[(start + step) % len(shelf)] for step in range(4)]
        currency = self.person.currency
        self.record.track(
            "Product List Viewed",
            {
                "list_id": path[3:],
                "category": product.category,
                "products": [
                    {"product_id": p.id, "name": p.name, "price": p.price_minor[currency] / 100, "position": n}
                    for n, p in enumerate(shown, start=1)
                ],
            },
        )

    def _views(self, product: Product) -> None:
        if self.record.channel == "web":
            self.record.place(product.name, product.url)
        self.record.track("Product Viewed", product.card(self.person.currency))
        self._pause(25)

    def _may_take(self, product: Product) -> None:
        if self.device.kind == "kiosk":
            return
        chance = self.rng.random()
        likely = 0.035 + 0.25 * self.person.readiness
        if self.eve:
            likely *= 1.3
        if chance < likely:
            self._adds(product)
            if self.rng.random() < (0.5 if self.eve else 0.32):
                self._goes_with(product)
        elif chance > 0.955:
            self._wishes(product)

    def _goes_with(self, product: Product) -> None:
        """Add what belongs to it as well: the corkscrew with the Chianti."""
        companions = the_catalogue().companions[product.index]
        if not companions:
            return
        other = self.rng.choice(companions)
        self._views(other)
        if self.rng.random() < 0.6:
            self._adds(other)

    def _adds(self, product: Product, *, event: str = "Product Added") -> None:
        cart = self.account.cart
        if cart is None:
            cart = self.account.cart = Cart(f"cart-{self.record.token}", [])
        line = cart.add(product, self._quantity(product), self._size(product))
        self.record.track(event, {**line.properties(self.person.currency), "cart_id": cart.id})
        self._pause(8)
        if self.rng.random() < 0.06:
            self._removes(cart)

    def _removes(self, cart: Cart) -> None:
        line = cart.lines.pop(self.rng.randrange(len(cart.lines)))
        self.record.track("Product Removed", {**line.properties(self.person.currency), "cart_id": cart.id})
        if not cart.lines:
            self.account.cart = None

    def _quantity(self, product: Product) -> int:
        if product.department == "Clothing" or product.price_minor["GBP"] > 4_000:
            return 1
        usual = (1, 1, 2, 2, 3, 6) if product.department == "Wine" else (1, 1, 1, 2, 2, 3)
        return self.rng.choice(usual) + (1 if self.eve and self.rng.random() < 0.4 else 0)

    def _size(self, product: Product) -> str | None:
        if not product.sizes:
            return None
        return self.person.size if self.person.size in product.sizes else self.rng.choice(product.sizes)

    def _wishes(self, product: Product) -> None:
        wished = self.account.wished = self.account.wished or []
        if product not in wished:
            wished.append(product)
            card = product.card(self.person.currency, wishlist_id=f"wl-{self.person.user_id}")
            self.record.track("Product Added to Wishlist", card)

    def _fetches_wish(self) -> None:
        wished = self.account.wished or []
        product = wished.pop(0)
        self._views(product)
        self._adds(product, event="Wishlist Product Added to Cart")

    # -- who it is -------------------------------------------------------------------------------------------------

    def _who_is_it(self) -> None:
        """Sign in where one has an account: mostly on one's own telephone, seldom at a kiosk."""
        device, person = self.device, self.person
        if device.kind == "kiosk":
            if person.loyalty_card is not None and self.rng.random() < 0.2:
                self._shows_loyalty_card()
            return
        if device.signed_in is None and self.account.registered:
            if self.rng.random() < (0.7 if device.kind == "app" else 0.34):
                self._signs_in()
        elif device.signed_in is None and device.kind == "app" and self.rng.random() < 0.16:
            self._registers()
        unlinked = device.signed_in is not None and person.loyalty_card and not self.account.card_linked
        if unlinked and self.rng.random() < 0.25:
            self.account.card_linked = True
            self._shows_loyalty_card()

    def _signs_in(self) -> None:
        self.record.sign_in()
        self.record.identify({"email": self.person.email})
        self.record.track("Signed In", {"method": "password"})
        self._pause(10)

    def _leaves_other_account(self) -> None:
        """The next one at a shared tablet leaves the other's account; the browser keeps its anonymous id."""
        self.device.signed_in = None
        self.record.user_id = None
        self.record.track("Signed Out", {})

    def _registers(self) -> None:
        previous = self.device.anonymous_id
        self.account.registered = True
        self.record.sign_in()
        if self.device.kind == "app" and self.rng.random() < 0.3:
            self.record.alias(previous)
        self.record.identify(self.contact(account=True))
        self.record.track("Signed Up", {"method": "email"})
        self._pause(15)

    def _shows_loyalty_card(self) -> None:
        card = self.person.loyalty_card
        if card is None:
            return
        plain = self.record.context
        self.record.context = {**plain, "externalIds": [external_id("loyalty_card", card)]}
        self.record.note("loyalty_card", card)
        self.record.track("Loyalty Card Shown", {"place": self.device.kind})
        self.record.context = plain

    def contact(self, *, account: bool) -> dict[str, Any]:
        """The traits a form asks for, as this person types them."""
        person, home = self.person, self.person.household
        careless = self.rng.random() < person.careless
        given = with_typo(self.rng, person.given) if careless and self.rng.random() < 0.5 else person.given
        traits: dict[str, Any] = {
            "email": person.email if account else self.typed_email(careless=careless),
            "firstName": given,
            "lastName": person.family,
            "address": {
                "street": home.street,
                "city": home.city,
                "postalCode": home.postcode,
                "country": home.country.code,
            },
            "language": person.locale[:2],
        }
        if self.rng.random() < 0.55:
            traits["phone"] = person.phone
        if account and self.rng.random() < 0.6:
            traits["birthday"] = person.birthday
        return traits

    def typed_email(self, *, careless: bool) -> str:
        """The e-mail as it is typed: now and then with a slip, sometimes in capitals."""
        email = self.person.email
        if careless:
            return with_typo(self.rng, email, keep_from=email.index("@"))
        return email.capitalize() if self.device.kind == "mobile" and self.rng.random() < 0.1 else email

    def _newsletter(self) -> None:
        if self.account.subscribed or self.device.kind in ("kiosk", "app") or self.rng.random() > 0.1:
            return
        self.account.subscribed = True
        email = self.typed_email(careless=self.rng.random() < self.person.careless)
        self.record.identify({"email": email, "newsletter": True})
        self.record.track("Newsletter Subscribed", {"form": "footer"})
        self._pause(6)

    # -- buying ----------------------------------------------------------------------------------------------------

    def _return_to_cart(self) -> None:
        cart = self.account.cart
        if cart is None:
            self._look_around()
            return
        if self.rng.random() < 0.35:
            product = self._next(cart.lines[0].product)
            self._views(product)
            self._may_take(product)

    def _checkout(self, *, keen: bool) -> None:
        cart = self.account.cart
        if cart is None:
            return
        currency = self.person.currency
        products = [line.properties(currency) for line in cart.lines]
        if keen or self.rng.random() < 0.75:
            self.record.look("Cart", "/cart")
            self.record.track("Cart Viewed", {"cart_id": cart.id, "products": products})
            self._pause(20)
        if self.rng.random() > (0.66 if keen else 0.46):
            return
        coupon = self._coupon()
        order = Order(
            f"O-{self.record.token}", cart.lines, currency=currency, country=self.person.country.code,
            coupon=coupon, delivered=True,
        )  # fmt: skip
        self._steps(cart, order, products)

    def _coupon(self) -> str | None:
        if self.rng.random() > 0.3:
            return None
        code = "WELCOME10" if self.account.orders == 0 else self.rng.choice((*COUPONS, "SUMMER24"))
        self.record.track("Coupon Entered", {"coupon_id": code})
        if code not in COUPONS:
            self.record.track("Coupon Denied", {"coupon_id": code, "reason": "expired"})
            return None
        self.record.track("Coupon Applied", {"coupon_id": code, "coupon_name": code, "discount": COUPONS[code]})
        return code

    def _steps(self, cart: Cart, order: Order, products: list[dict[str, Any]]) -> None:
        record, checkout = self.record, f"ch-{self.record.token}"
        record.look("Checkout", "/checkout")
        record.track(
            "Checkout Started",
            {
                "checkout_id": checkout, "cart_id": cart.id, "order_id": order.id, "revenue": order.revenue_minor / 100,
                "shipping": order.shipping_minor / 100, "tax": order.tax_minor / 100,
                "discount": order.discount_minor / 100, "currency": order.currency, "products": products,
            },
        )  # fmt: skip
        self._pause(30)
        for step, leaves in ((1, 0.16), (2, 0.12)):
            shipping = {"checkout_id": checkout, "step": step, "shipping_method": "standard"}
            record.track("Checkout Step Viewed", shipping)
            self._pause(35)
            if self.rng.random() < leaves:
                return
            if step == 1:
                self._gives_name()
            record.track("Checkout Step Completed", shipping)
        method = self.rng.choice(("card", "card", "card", "paypal", "invoice"))
        record.track("Payment Info Entered", {"checkout_id": checkout, "order_id": order.id, "payment_method": method})
        self._pause(20)
        if self.rng.random() < 0.08:
            return
        place = {"checkout_id": checkout, "cart_id": cart.id, "affiliation": self._affiliation()}
        promised = delivered_by(to_datetime(record.at), self.person.country.code).isoformat()
        record.track("Order Completed", order.properties(**place, payment_method=method, promised_at=promised))
        self.account.cart = None
        self.account.orders += 1
        self.account.last_order = self.order = order

    def _affiliation(self) -> str:
        return "App" if self.record.channel == "app" else "Webshop"

    def _gives_name(self) -> None:
        """At the checkout everybody says who they are: into an account, by making one, or as a guest."""
        if self.device.signed_in is not None:
            return
        if self.account.registered and self.rng.random() < 0.8:
            self._signs_in()
        elif not self.account.registered and self.rng.random() < 0.6:
            self._registers()
        else:
            self.record.identify(self.contact(account=False))

    def _pause(self, seconds: float) -> None:
        self.record.wait(seconds * (0.3 + 1.4 * self.rng.random()))
