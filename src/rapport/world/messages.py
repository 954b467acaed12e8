"""Segment messages as each channel's library writes them, and the recorder that a visit speaks into."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote

from rapport.kernel.clock import to_iso
from rapport.kernel.identifiers import Identifier, email_identifier, phone_identifier
from rapport.world.people import Device, Person

__all__ = [
    "CHANNELS",
    "SHOP",
    "Delivery",
    "Recorder",
    "app_context",
    "browser_context",
    "external_id",
    "query",
    "server_context",
]

CHANNELS: tuple[str, ...] = ("web", "app", "store", "marketplace", "email", "phone")
"""The channels of the shop; each is one source of facts."""

SHOP = "https://shop.example"

_PREFIX = {"web": "ajs-next-", "app": "", "store": "till-", "marketplace": "mp-", "email": "em-", "phone": "call-"}
_LIBRARY = {
    "store": {"name": "till", "version": "8.4.1"},
    "marketplace": {"name": "analytics-node", "version": "2.2.0"},
    "email": {"name": "mailer", "version": "5.0.2"},
    "phone": {"name": "analytics-python", "version": "2.3.3"},
}
_WEB_LIBRARY = {"name": "analytics.js", "version": "npm:next-1.77.0"}


class Delivery(NamedTuple):
    """One message on its way: what is sent, through which channel, when it happened and when it gets there."""

    arrives_at: int
    occurred_at: int
    channel: str
    message: dict[str, Any]
    person: str
    """Who it really was: never sent, the truth of the simulation."""
    skew: int
    """Microseconds by which the sending clock is wrong; `timestamp` has it in already, `sentAt` must have it too."""


class Recorder:
    """Writes down what a person does in one visit, one message after another, as the channel's library would."""

    __slots__ = (
        "_landed", "_prefix", "_serial", "anonymous_id", "at", "channel", "context", "device", "messages", "person",
        "skew", "token", "used", "user_id",
    )  # fmt: skip

    def __init__(
        self,
        person: Person,
        channel: str,
        *,
        at: int,
        token: str,
        context: dict[str, Any],
        used: dict[Identifier, int],
        device: Device | None = None,
    ) -> None:
        self.person = person
        self.channel = channel
        self.at = at
        self.context = context
        self.device = device
        self.skew = device.skew if device is not None else 0
        self.anonymous_id: str | None = None
        self.user_id: str | None = None
        self.used = used
        self.messages: list[Delivery] = []
        self.token = token
        """Names the visit; unique for ever, so ids of carts and orders are made of it."""
        self._prefix = f"{_PREFIX[channel]}{token}-"
        self._serial = 0
        self._landed = False
        if device is not None:
            self.browse_as(device)

    def browse_as(self, device: Device) -> None:
        """Take over the device's anonymous id and whose account it is signed in to."""
        self.anonymous_id = device.anonymous_id
        self.user_id = device.signed_in
        self.note("anonymous_id", device.anonymous_id)
        if device.device_id is not None:
            self.note("device", device.device_id)

    def note(self, namespace: str, value: str) -> None:
        """Remember, for the truth, that this person has been seen under this identifier."""
        self.used.setdefault(Identifier(namespace, value), self.at)

    def note_contact(self, *, email: str | None = None, phone: str | None = None) -> None:
        """Remember an e-mail or phone number as Rapport will write it."""
        for identifier in (email_identifier(email), phone_identifier(phone)):
            if identifier is not None:
                self.used.setdefault(identifier, self.at)

    def wait(self, seconds: float) -> None:
        """Let time pass before the next message."""
        self.at += int(seconds * 1_000_000)

    def track(self, event: str, properties: dict[str, Any]) -> None:
        self._write("track", {"event": event, "properties": properties})

    def identify(self, traits: dict[str, Any]) -> None:
        """State who this is; e-mail and phone in the traits are noted for the truth."""
        self.note_contact(email=traits.get("email"), phone=traits.get("phone"))
        self._write("identify", {"traits": traits})

    def group(self, group_id: str, traits: dict[str, Any]) -> None:
        self._write("group", {"groupId": group_id, "traits": traits})

    def alias(self, previous_id: str) -> None:
        self._write("alias", {"previousId": previous_id})

    def look(self, name: str, path: str, *, search: str = "") -> None:
        """Open a page of the site, or a screen of the app; following messages carry it as their place."""
        if self.channel == "app":
            self._write("screen", {"name": name, "properties": {"name": name}})
            return
        page = self.place(name, path, search=search)
        self._write("page", {"name": name, "properties": dict(page)})

    def place(self, title: str, path: str, *, search: str = "") -> dict[str, Any]:
        """Move to a page without a page call of its own."""
        before = self.context["page"]
        referrer = before["url"] if self._landed else before["referrer"]
        self._landed = True
        page = {"path": path, "url": f"{SHOP}{path}{search}", "title": title, "referrer": referrer, "search": search}
        self.context = {**self.context, "page": page}
        return page

    def sign_in(self) -> None:
        """The device belongs to this person's account from now on."""
        if self.device is not None:
            self.device.signed_in = self.person.user_id
        self.user_id = self.person.user_id
        self.note("user_id", self.person.user_id)

    def _write(self, kind: str, fields: dict[str, Any]) -> None:
        self._serial += 1
        stamp = "originalTimestamp" if self.channel == "app" else "timestamp"
        message: dict[str, Any] = {"type": kind, "messageId": f"{self._prefix}{self._serial}", **fields}
        if self.anonymous_id is not None:
            message["anonymousId"] = self.anonymous_id
        if self.user_id is not None:
            message["userId"] = self.user_id
        message[stamp] = to_iso(self.at + self.skew)
        message["context"] = self.context
        self.messages.append(Delivery(self.at, self.at, self.channel, message, self.person.key, self.skew))


def browser_context(person: Person, device: Device, campaign: dict[str, Any] | None, referrer: str) -> dict[str, Any]:
    """What analytics.js adds to every message of a page view."""
    context: dict[str, Any] = {
        "library": _WEB_LIBRARY,
        "userAgent": device.user_agent,
        "locale": person.locale,
        "timezone": person.country.timezone,
        "consent": {"categoryPreferences": person.consent},
        "page": {"path": "/", "url": f"{SHOP}/", "title": "Marlow & Vine", "referrer": referrer, "search": ""},
    }
    if campaign is not None:
        context["campaign"] = campaign
    return context


def app_context(person: Person, device: Device, campaign: dict[str, Any] | None, *, wifi: bool) -> dict[str, Any]:
    """What the mobile libraries add to every message."""
    system, version, maker, model, library = device.app or ("iOS", "18.1", "Apple", "iPhone", "analytics-swift")
    context: dict[str, Any] = {
        "library": {"name": library, "version": "1.19.1"},
        "app": {"name": "Marlow", "version": "3.2.0", "build": "320", "namespace": "example.shop.marlow"},
        "device": {"id": device.device_id, "manufacturer": maker, "model": model, "type": system.lower()},
        "os": {"name": system, "version": version},
        "network": {"wifi": wifi, "cellular": not wifi},
        "locale": person.locale,
        "timezone": person.country.timezone,
        "consent": {"categoryPreferences": person.consent},
    }
    if campaign is not None:
        context["campaign"] = campaign
    return context


def server_context(channel: str, **more: Any) -> dict[str, Any]:
    """What a till, a marketplace connector, a mailer or a call centre sends."""
    return {"library": _LIBRARY[channel], **more}


def external_id(namespace: str, value: str) -> dict[str, str]:
    """One entry of `context.externalIds`."""
    return {"id": value, "type": namespace, "collection": "users", "encoding": "none"}


def query(**terms: str) -> str:
    """A query string as it stands in `context.page.search`."""
    return "?" + "&".join(f"{name}={quote(value)}" for name, value in terms.items())
