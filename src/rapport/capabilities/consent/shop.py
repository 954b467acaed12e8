"""What shoppers see of consent: their preferences, and a page that ends marketing with one press.

Links come by mail (`links.py`). A page that is only looked at, by a person or by a mail scanner, changes nothing: GET
and HEAD never act. A mail program's own button posts `List-Unsubscribe=One-Click`.

**Source** of that button: RFC 8058.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

from anyio import to_thread
from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, Parameter

from rapport.capabilities.consent.links import Opened, load_links
from rapport.capabilities.consent.model import FREE, PurposeRule
from rapport.capabilities.consent.recording import Given, record_of
from rapport.capabilities.consent.service import people_of
from rapport.collect.appender import Appender
from rapport.kernel.clock import now_us
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.work import Connection
from rapport.storage.engine import Database
from rapport.web.shoppers import Shopper, render_page

__all__ = ["SHOP", "refused"]

AnyRequest = Request[Any, Any, Any]

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "data": "What we keep of you", "receipt": "What you answered, as a file",
        "confirm": "Yes, I confirm", "confirm_title": "Please confirm",
        "confirmed": "Thank you. It holds from now on.",
        "title": "What we may do", "ask": "You decide. Change it whenever you like.", "yes": "Yes", "no": "No",
        "save": "Save", "saved": "Saved. It holds from now on.", "none": "There is nothing to decide here.",
        "until": "allowed until you say no", "unsubscribe": "No more of this?", "stop": "Stop",
        "stop_all": "Stop all news and offers", "stopped": "You will get no more of this.",
        "stopped_all": "You will get no more news and offers from us.",
        "orders": "Messages about your orders still come.",
        "over": "This link is over.", "again": "Have a new one sent",
        "wrong": "This link is not complete. Open it as it stands in the message.",
    },
    "de": {
        "data": "Was wir von Ihnen wissen", "receipt": "Ihre Antworten als Datei",
        "confirm": "Ja, ich bestätige", "confirm_title": "Bitte bestätigen",
        "confirmed": "Danke. Es gilt ab sofort.",
        "title": "Was wir dürfen", "ask": "Sie entscheiden, und können es jederzeit ändern.", "yes": "Ja", "no": "Nein",
        "save": "Speichern", "saved": "Gespeichert. Es gilt ab sofort.", "none": "Hier gibt es nichts zu entscheiden.",
        "until": "erlaubt, bis Sie Nein sagen", "unsubscribe": "Nichts mehr davon?", "stop": "Abbestellen",
        "stop_all": "Alle Neuigkeiten und Angebote abbestellen", "stopped": "Davon kommt nichts mehr.",
        "stopped_all": "Sie bekommen keine Neuigkeiten und Angebote mehr von uns.",
        "orders": "Nachrichten zu Ihren Bestellungen kommen weiter.",
        "over": "Dieser Link gilt nicht mehr.", "again": "Einen neuen senden lassen",
        "wrong": "Dieser Link ist nicht vollständig. Öffnen Sie ihn so, wie er in der Nachricht steht.",
    },
}  # fmt: skip
LANGUAGES = tuple(WORDS)

Token = Annotated[str, Parameter(query="t", max_length=300)]
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/preferences", opened_by="public", languages=LANGUAGES, sync_to_thread=True)
def preferences_page(request: AnyRequest, db: Database, shopper: Shopper, token: Token = "") -> Response[str]:
    """What a shopper allows, each with yes and no."""
    return _preferences(request, db, shopper, token)


@post("/preferences", opened_by="public", languages=LANGUAGES, status_code=200, sync_to_thread=True)
def save_preferences(
    request: AnyRequest, db: Database, appender: Appender, shopper: Shopper, data: Form
) -> Response[str]:
    """Keep what they decided; what they left open stays as it is."""
    token = data.get("t", "")
    with db.read() as conn:
        try:
            opened = load_links(conn, shopper.workspace).open_preferences(token, now=now_us())
        except (Conflict, InvalidInput, NotFound) as error:
            return refused(request, shopper, error)
        rules = _theirs(conn, shopper, opened)
    said: dict[str, Literal["granted", "denied"]] = {
        name: "granted" if data[name] == "yes" else "denied" for name in rules if data.get(name) in ("yes", "no")
    }
    if said:
        _record(db, appender, shopper, opened, said)
    return _preferences(request, db, shopper, token, saved=bool(said))


@get("/unsubscribe", opened_by="public", languages=LANGUAGES, sync_to_thread=True)
def unsubscribe_page(request: AnyRequest, db: Database, shopper: Shopper, token: Token = "") -> Response[str]:
    """What a press on the button would end."""
    with db.read() as conn:
        try:
            opened = load_links(conn, shopper.workspace).open_refusal(token)
            rules = _theirs(conn, shopper, opened)
            rule = rules[opened.purpose]
        except (InvalidInput, NotFound, KeyError) as error:
            return refused(request, shopper, error)
    return render_page(
        request, "consent/unsubscribe.html", shopper, words=WORDS[shopper.language], token=token, title=rule.title,
        shop=_shop(request),
        stopped="",
    )  # fmt: skip


@post("/unsubscribe", opened_by="public", languages=LANGUAGES, status_code=200)
async def unsubscribe(
    request: AnyRequest, db: Database, appender: Appender, shopper: Shopper, token: Token = ""
) -> Response[str]:
    """End it: by the button of a mail program (either kind of form), or of the page."""
    form = await request.form()
    data = {name: value for name, value in form.items() if isinstance(value, str)}
    return await to_thread.run_sync(partial(_unsubscribe, request, db, appender, shopper, data, token=token))


def _unsubscribe(
    request: AnyRequest, db: Database, appender: Appender, shopper: Shopper, data: Mapping[str, str], *, token: str
) -> Response[str]:
    token = token or data.get("t", "")
    with db.read() as conn:
        try:
            opened = load_links(conn, shopper.workspace).open_refusal(token)
            rules = _theirs(conn, shopper, opened)
            rule = rules[opened.purpose]
        except (InvalidInput, NotFound, KeyError) as error:
            return refused(request, shopper, error)
    if data.get("List-Unsubscribe") != "One-Click" and data.get("stop") not in ("this", "all"):
        return refused(request, shopper, InvalidInput("nothing was pressed"))
    everything = data.get("stop") == "all"
    ended = [name for name in rules if name.endswith("_marketing")] if everything else [opened.purpose]
    _record(db, appender, shopper, opened, dict.fromkeys(ended, "denied"))
    words = WORDS[shopper.language]
    return render_page(
        request, "consent/unsubscribe.html", shopper, words=words, token=token, title=rule.title, shop=_shop(request),
        stopped=words["stopped_all" if everything else "stopped"],
    )  # fmt: skip


@get("/confirm", opened_by="public", languages=LANGUAGES, sync_to_thread=True)
def confirm_page(request: AnyRequest, db: Database, shopper: Shopper, token: Token = "") -> Response[str]:
    """What a press on the button would confirm. Looking, by a scanner of mail as well, confirms nothing."""
    return _confirm(request, db, shopper, token)


@post("/confirm", opened_by="public", languages=LANGUAGES, status_code=200, sync_to_thread=True)
def confirm(request: AnyRequest, db: Database, appender: Appender, shopper: Shopper, data: Form) -> Response[str]:
    """Confirm a yes; the same link twice is once."""
    return _confirm(request, db, shopper, data.get("t", ""), appender=appender)


def _confirm(
    request: AnyRequest, db: Database, shopper: Shopper, token: str, *, appender: Appender | None = None
) -> Response[str]:
    with db.read() as conn:
        try:
            opened = load_links(conn, shopper.workspace).open_confirmation(token, now=now_us())
            rules = _theirs(conn, shopper, opened)
            rule = rules[opened.purpose]
        except (Conflict, InvalidInput, NotFound, KeyError) as error:
            return refused(request, shopper, error)
        state = people_of(conn, shopper.workspace, [opened.key]).verdict(opened.key, opened.purpose).state
    if state == "denied":  # they refused meanwhile: an old mail does not take that back
        return refused(request, shopper, Conflict("this link is over"))
    if appender is not None and state != "granted":
        _record(db, appender, shopper, opened, {opened.purpose: "granted"}, how="confirmed")
    return render_page(
        request, "consent/confirm.html", shopper, words=WORDS[shopper.language], token=token, shop=_shop(request),
        text=rule.wording.get(shopper.language) or rule.wording.get("en") or rule.title,
        done=appender is not None or state == "granted",
    )  # fmt: skip


SHOP = (preferences_page, save_preferences, unsubscribe_page, unsubscribe, confirm_page, confirm)


def _preferences(
    request: AnyRequest, db: Database, shopper: Shopper, token: str, *, saved: bool = False
) -> Response[str]:
    with db.read() as conn:
        try:
            opened = load_links(conn, shopper.workspace).open_preferences(token, now=now_us())
        except (Conflict, InvalidInput, NotFound) as error:
            return refused(request, shopper, error)
        people = people_of(conn, shopper.workspace, [opened.key])
        rules = _theirs(conn, shopper, opened)
        questions = [
            {
                "name": name, "state": people.verdict(opened.key, name).state,
                "may": people.verdict(opened.key, name).may,
                "text": rule.wording.get(shopper.language) or rule.wording.get("en") or rule.title,
            }
            for name, rule in rules.items()
        ]  # fmt: skip
    return render_page(
        request, "consent/preferences.html", shopper, words=WORDS[shopper.language], token=token, saved=saved,
        shop=_shop(request),
        questions=questions,
    )  # fmt: skip


def _theirs(conn: Connection, shopper: Shopper, opened: Opened) -> dict[str, PurposeRule]:
    """What is theirs to decide, by the policy that holds for them."""
    policy = people_of(conn, shopper.workspace, [opened.key]).policy_of(opened.key)
    return {name: rule for name, rule in policy.purposes.items() if rule.basis in FREE}


def _record(
    db: Database,
    appender: Appender,
    shopper: Shopper,
    opened: Opened,
    said: Mapping[str, Literal["granted", "denied"]],
    how: str = "link",
) -> None:
    given = Given(purposes=said, wording="", language=shopper.language, how=how, by="")
    record_of(db, appender, shopper.workspace, opened.key, given, now=now_us())


def _shop(request: AnyRequest) -> str:
    """What the address calls the shop; a form goes back to it."""
    return str(request.query_params.get("shop", ""))[:60]


def refused(request: AnyRequest, shopper: Shopper, error: Exception) -> Response[str]:
    """Why a link opens nothing; never whose it was."""
    words = WORDS[shopper.language]
    over = isinstance(error, Conflict)
    return render_page(
        request, "consent/no_link.html", shopper, status=410 if over else 404, words=words,
        why=words["over" if over else "wrong"], shop=_shop(request),
    )  # fmt: skip
