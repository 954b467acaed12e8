"""The customer's page of one order: where it is, what was promised, what changed and why, and what they can choose.

A signed link opens it (`links.py`), without a login. GET and HEAD change nothing, whoever follows them; a choice is a
POST, and counts once. It says nothing of a person, and nothing of other orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, Parameter
from sqlalchemy import Connection

from rapport.capabilities.promises.links import open_order
from rapport.capabilities.promises.model import Made
from rapport.capabilities.promises.page_words import WORDS
from rapport.capabilities.promises.service.choosing import choose, place_of, stores_for
from rapport.capabilities.promises.service.promising import Whole, choices_open, load
from rapport.capabilities.promises.windows import Window, day_of
from rapport.capabilities.promises.wording import WHY
from rapport.kernel.clock import now_us, to_datetime, zone_named
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.storage.engine import Database
from rapport.web.shoppers import Shopper, render_page

__all__ = ["SHOP"]

AnyRequest = Request[Any, Any, Any]
LANGUAGES = tuple(WORDS)
LONGEST = 900

Token = Annotated[str, Parameter(query="t", max_length=LONGEST)]
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class Told(NamedTuple):
    """A promise as the customer reads it."""

    words: str
    why: str


class ShipmentLine(NamedTuple):
    """A shipment as the customer reads it."""

    carrier: str
    tracking: str
    state: str
    at: str
    goods: str


@get("/order", opened_by="public", languages=LANGUAGES, sync_to_thread=True)
def order_page(request: AnyRequest, db: Database, shopper: Shopper, token: Token = "") -> Response[str]:
    """Where an order is and what was promised about it."""
    return _page(request, db, shopper, token)


@post("/order", opened_by="public", languages=LANGUAGES, status_code=200, a_minute=20, sync_to_thread=True)
def choose_for_order(request: AnyRequest, db: Database, shopper: Shopper, data: Form) -> Response[str]:
    """Keep what the customer chose; the same again changes nothing."""
    token = data.get("t", "")
    choice, _, location_id = data.get("choice", "")[:600].partition(":")
    try:
        with db.write() as conn:
            order_id = open_order(conn, shopper.workspace, token)
            choose(
                conn, shopper.workspace, order_id, window_id=data.get("window", "")[:200], choice=choice,
                location_id=location_id, now=now_us(),
            )  # fmt: skip
    except Conflict:
        return _page(request, db, shopper, token, said="changed")
    except (InvalidInput, NotFound):
        return _page(request, db, shopper, token, said="" if data.get("choice") else "choose")
    return _page(request, db, shopper, token, said="thanks")


SHOP = (order_page, choose_for_order)


def _page(request: AnyRequest, db: Database, shopper: Shopper, token: str, *, said: str = "") -> Response[str]:
    words, now = WORDS[shopper.language], now_us()
    with db.read() as conn:
        try:
            whole = load(conn, shopper.workspace, open_order(conn, shopper.workspace, token))
        except (InvalidInput, NotFound):
            return render_page(request, "promises/no_order.html", shopper, status=404, words=words)
        stores = stores_for(conn, shopper.workspace, whole, now=now)
        place = _place(conn, shopper, whole)
    told = _Telling(shopper.language, zone_named(whole.order.zone))
    return render_page(
        request, "promises/order.html", shopper, words=words, token=token, said=words.get(said, ""), whole=whole,
        shop=str(request.query_params.get("shop", ""))[:60], headline=words[_headline(whole)],
        window=told.window(whole.row.window, whole.row.method), place=place, why=_why(whole, shopper.language),
        likely=told.window(whole.row.proposed, "delivery") if whole.row.proposed else "",
        history=[Told(told.window(one.window, one.method), _reason(one, words)) for one in whole.history[:-1]],
        reason=_reason(whole.history[-1], words), step=_step(whole), steps=_steps(whole, words),
        shipments=_shipments(whole, told, words), choices=choices_open(whole, stores=stores), stores=stores[:20],
        chosen=words.get(f"chose_{whole.choice[0]}", "") if whole.choice else "",
        arrived=told.day(whole.row.arrived_at) if whole.row.arrived_at is not None else "",
    )  # fmt: skip


class _Telling:
    """Days and hours in the customer's language, on the clock of where the order goes."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self._language, self._zone = language, zone
        self._pattern = "EEEE, d MMMM" if language == "en" else "EEEE, d. MMMM"

    def day(self, at: int) -> str:
        return str(format_date(day_of(at, self._zone), self._pattern, locale=self._language))

    def hour(self, at: int) -> str:
        return str(format_time(to_datetime(at).astimezone(self._zone), "HH:mm", locale=self._language))

    def window(self, window: Window, method: str) -> str:
        """`by Friday, 4 December`, `Thursday, 3 December – Friday, 4 December`, `Friday, 4 December, 14:15–18:15`."""
        words, last = WORDS[self._language], self.day(window.to_at)
        if window.whole_days:
            first = self.day(window.from_at) if window.from_at else ""
            return f"{words['by']} {last}" if not first else last if first == last else f"{first} – {last}"
        until = self.hour(window.to_at)
        if window.from_at and method != "collect":
            return f"{last}, {self.hour(window.from_at)}–{until}"
        return f"{words['by']} {last}, {until}"


def _place(conn: Connection, shopper: Shopper, whole: Whole) -> Any:
    return place_of(conn, shopper.workspace, whole.row.location_id) if whole.row.method == "collect" else None


def _headline(whole: Whole) -> str:
    row = whole.row
    if row.status == "cancelled" or (whole.choice and whole.choice[0] == "cancel"):
        return "is_cancelled" if row.status == "cancelled" else "asked_cancel"
    if row.arrived_at is not None:
        return "is_ready" if row.method == "collect" and not _delivered(whole) else "is_there"
    if row.status == "broken":
        return "is_late"
    return "may_be_late" if row.status == "at_risk" else "to_collect" if row.method == "collect" else "on_time"


def _delivered(whole: Whole) -> bool:
    return any(one.state == "delivered" for one in whole.shipments)


def _why(whole: Whole, language: str) -> str:
    row = whole.row
    in_danger = row.status in ("at_risk", "broken") and row.arrived_at is None
    return WHY[language].get(row.cause, "") if in_danger else ""


def _reason(made: Made, words: Mapping[str, str]) -> str:
    """Why a promise was made as it was: what staff wrote, or that the customer chose it."""
    if made.by == "customer":
        return words["you_chose"]
    return made.reason


def _step(whole: Whole) -> int:
    """How far it is: 1 ordered, 2 on its way (being put together, of what is collected), 3 nearly there, 4 there."""
    if whole.row.arrived_at is not None:
        return 4
    states = {one.state for one in whole.shipments if one.delivered_at is None}
    if states & {"out_for_delivery", "attempted", "ready_to_collect"}:
        return 3
    return 2 if whole.row.handed_at is not None or whole.row.method == "collect" else 1


def _steps(whole: Whole, words: Mapping[str, str]) -> Sequence[str]:
    return words["steps_collect" if whole.row.method == "collect" else "steps"].split("|")


def _shipments(whole: Whole, told: _Telling, words: Mapping[str, str]) -> list[ShipmentLine]:
    return [
        ShipmentLine(
            one.carrier, one.tracking, words[f"state_{one.state}"],
            f"{told.day(one.state_at)}, {told.hour(one.state_at)}",
            ", ".join(dict.fromkeys(line.name for line in one.lines if line.name)),
        )
        for one in whole.shipments
    ]  # fmt: skip
