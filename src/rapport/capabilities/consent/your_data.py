"""A shopper's page of what is kept of them: they ask for it, have it put right, object, restrict, or have it erased.

Reached by the signed link that opens the preferences: whoever has it reads mail at an address that is held, and so it
is sure who asks. Nothing of them stands on the page; what is kept is told in the answer, which they open here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, cast

import msgspec
from babel.dates import format_date
from litestar import Request, Response, get, post
from litestar.params import Parameter

from rapport.capabilities.consent.links import load_links
from rapport.capabilities.consent.own_words import WORDS
from rapport.capabilities.consent.receipt import receipt_of
from rapport.capabilities.consent.shop import refused
from rapport.compose import requests
from rapport.compose.answering import answer_of
from rapport.compose.correcting import CORRECTABLE
from rapport.compose.installed import Installed
from rapport.compose.requests import HANDED_OUT, RequestKind, RequestWanted
from rapport.kernel.clock import now_us
from rapport.kernel.errors import Conflict, InvalidInput, NotFound, RapportError
from rapport.kernel.ids import Key
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.linking.units import certain_identifiers
from rapport.storage.engine import Database
from rapport.web.shoppers import Shopper, render_page

__all__ = ["YOUR_DATA"]

AnyRequest = Request[Any, Any, Any]
LANGUAGES = tuple(WORDS)
_BY_LINK = "a signed link to an address that is held"
_BY_CUSTOMER = "the customer"

Token = Annotated[str, Parameter(query="t", max_length=300)]


@get("/data", opened_by="public", languages=LANGUAGES, sync_to_thread=True)
def data_page(
    request: AnyRequest, db: Database, shopper: Shopper, slices: Installed, token: Token = ""
) -> Response[str]:
    """What they may ask, and how what they asked stands."""
    return _show(request, db, shopper, slices, token)


@post("/data", opened_by="public", languages=LANGUAGES, status_code=200, a_minute=20)
async def ask_page(request: AnyRequest, db: Database, shopper: Shopper, slices: Installed) -> Response[str]:
    """Take down what they ask. An erasure is begun by a second, plain yes alone."""
    from anyio import to_thread

    form = await request.form()
    data = {name: value for name, value in form.items() if isinstance(value, str)}
    return await to_thread.run_sync(_ask, request, db, shopper, slices, data)


def _ask(
    request: AnyRequest, db: Database, shopper: Shopper, slices: Installed, data: Mapping[str, str]
) -> Response[str]:
    token, words = data.get("t", ""), WORDS[shopper.language]
    try:
        key = _opened(db, shopper, token)
    except RapportError as error:
        return refused(request, shopper, error)
    kind = data.get("kind", "")
    if kind not in (*HANDED_OUT, "rectification", "restriction", "objection", "erasure"):
        return _show(request, db, shopper, slices, token, said=words["nothing"])
    if kind == "erasure" and data.get("sure") != "yes":
        return _show(request, db, shopper, slices, token, said=words["unsure"])
    correction = {name: data[name].strip() for name in CORRECTABLE if data.get(name, "").strip()}
    if kind == "rectification" and not correction:
        return _show(request, db, shopper, slices, token, said=words["no_correction"])
    with db.write() as conn:
        try:
            found = requests.ask(
                conn, shopper.workspace,
                RequestWanted(
                    kind=cast(RequestKind, kind), customer=load_customer_ids(conn).customer_id(key), verified=_BY_LINK,
                    correction=correction if kind == "rectification" else {},
                ),
                by=_BY_CUSTOMER, now=now_us(), law=slices.law,
            )  # fmt: skip
        except InvalidInput as error:
            return _show(request, db, shopper, slices, token, said=str(error))
    return _show(
        request, db, shopper, slices, token, said=words["duplicate" if found.status == "duplicate" else "asked"]
    )


@get("/answer", opened_by="public", languages=LANGUAGES, sync_to_thread=True, a_minute=20)
def answer_page(
    request: AnyRequest, db: Database, shopper: Shopper, slices: Installed, token: Token = "",
    request_id: Annotated[str, Parameter(query="id", max_length=60)] = "",
) -> Response[Any]:  # fmt: skip
    """All that is kept of them, once a request of theirs is answered: to read, or with `?as=json` as a file."""
    try:
        key = _opened(db, shopper, token)
        if request_id not in {one.id for one in _theirs(db, shopper, key)}:
            raise NotFound("there is no such request")
        found = answer_of(db, slices, shopper.workspace, request_id, who=_BY_CUSTOMER)
    except RapportError as error:
        return refused(request, shopper, error)
    if request.query_params.get("as") == "json":
        return Response(
            msgspec.json.format(msgspec.json.encode(found), indent=2), media_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{request_id}.json"', "Cache-Control": "no-store"},
        )  # fmt: skip
    return render_page(
        request, "consent/your_answer.html", shopper, words=WORDS[shopper.language], answer=found, token=token,
        shop=request.query_params.get("shop", "")[:60], whats=slices.whats, request_id=request_id,
    )  # fmt: skip


@get("/receipt", opened_by="public", languages=LANGUAGES, sync_to_thread=True, a_minute=20)
def receipt_file(request: AnyRequest, db: Database, shopper: Shopper, token: Token = "") -> Response[Any]:
    """What they agreed to and refused, as a file."""
    try:
        key = _opened(db, shopper, token)
    except RapportError as error:
        return refused(request, shopper, error)
    with db.read() as conn:
        found = receipt_of(conn, shopper.workspace, key, now=now_us())
    return Response(
        msgspec.json.format(msgspec.json.encode(found), indent=2), media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{found.record_id}.json"', "Cache-Control": "no-store"},
    )  # fmt: skip


YOUR_DATA = (data_page, ask_page, answer_page, receipt_file)


def _opened(db: Database, shopper: Shopper, token: str) -> Key:
    """Whose link it is. Raises InvalidInput, Conflict, NotFound."""
    with db.read() as conn:
        return load_links(conn, shopper.workspace).open_preferences(token, now=now_us()).key


def _theirs(db: Database, shopper: Shopper, key: Key) -> list[requests.RequestShown]:
    with db.read() as conn:
        keys = certain_identifiers(conn, shopper.workspace, key) or [key]
        return requests.requests_of(conn, shopper.workspace, keys)


def _show(
    request: AnyRequest, db: Database, shopper: Shopper, slices: Installed, token: str, *, said: str = ""
) -> Response[str]:
    try:
        key = _opened(db, shopper, token)
        theirs = _theirs(db, shopper, key)
    except (Conflict, InvalidInput, NotFound) as error:
        return refused(request, shopper, error)
    with db.read() as conn:
        books = slices.law.books(conn, shopper.workspace, key) if slices.law.books is not None else None
    return render_page(
        request, "consent/your_data.html", shopper, words=WORDS[shopper.language], token=token, said=said,
        shop=request.query_params.get("shop", "")[:60], asked=theirs, handed_out=HANDED_OUT, correctable=CORRECTABLE,
        books=books, day_of=lambda told: format_date(date.fromisoformat(told[:10]), "long", locale=shopper.language),
    )  # fmt: skip
