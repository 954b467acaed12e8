"""The console's page of questions: what is asked, what was answered, and a form to write one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.capabilities.questions import store
from rapport.capabilities.questions.model import Question, worth_asking
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput, RapportError
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.storage.audit.entries import append as tell
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, raw, text

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]

_LANGUAGES = ("en", "de")
"""That the form has fields for."""

_EMPTY = dict.fromkeys(("name", "kind", "purpose", "weight", "reward", "options", "words_en", "words_de"), "")


@get("/questions", permission="questions:write", sync_to_thread=True)
def questions_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """All questions, what is most worth asking first."""
    return _show(request, db, principal, wanted=text(dict(request.query_params), "change", longest=40))


@post("/questions", permission="questions:write", sync_to_thread=True, status_code=200)
def save_question(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[Any]:
    """Add or change a question."""
    try:
        question = _written(data)
        question.check()
    except RapportError as error:
        return _show(request, db, principal, error=error, typed=data)
    with db.write() as conn:
        question = _with_what_no_field_shows(question, store.all_questions(conn, principal.workspace))
        store.save(conn, principal.workspace, question)
        tell(conn, principal.workspace, "question.changed", about=question.name, now=now_us())
    return Redirect("/console/questions?done=saved", status_code=303)


@post("/questions/{name:str}/remove", permission="questions:write", sync_to_thread=True, status_code=303)
def remove_question(db: Database, principal: Principal, name: str) -> Redirect:
    """Ask it no more."""
    with db.write() as conn:
        if store.remove(conn, principal.workspace, name):
            tell(conn, principal.workspace, "question.removed", about=name, now=now_us())
    return Redirect("/console/questions?done=removed", status_code=303)


PAGES = ConsolePages(
    room="questions",
    templates=Path(__file__).parent / "templates",
    handlers=(questions_page, save_question, remove_question),
    nav=(
        NavItem(
            label="Questions", path="/console/questions", icon="check", group="Engage", order=340,
            permission="questions:write",
        ),
    ),
)  # fmt: skip


def _written(data: dict[str, Any]) -> Question:
    options = []
    for line in raw(data, "options")[:4000].splitlines():  # `text` would make one line of them
        value, _, in_words = line.partition("=")
        value, in_words = clean(value, longest=100), clean(in_words, longest=200)
        if value:
            options.append({"value": value, "words": {"en": in_words} if in_words else {}})
    words = {one: text(data, f"words_{one}", longest=300) for one in _LANGUAGES}
    given = {
        "name": text(data, "name", longest=40), "kind": text(data, "kind"), "options": options,
        "purpose": text(data, "purpose", longest=40), "weight": text(data, "weight", longest=3) or "10",
        "reward": text(data, "reward", longest=100), "words": {one: said for one, said in words.items() if said},
    }  # fmt: skip
    try:
        return msgspec.convert(given, Question, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"this cannot be asked: {error}") from error


def _with_what_no_field_shows(question: Question, known: Mapping[str, Question]) -> Question:
    """The question as typed; what was set over the API and has no field stays: other languages, how long it holds."""
    before = known.get(question.name)
    if before is None:
        return question
    others = {one: said for one, said in before.words.items() if one not in _LANGUAGES}
    words = {one.value: one.words for one in before.options}
    options = tuple(
        msgspec.structs.replace(one, words=words.get(one.value, {}) | one.words) for one in question.options
    )
    return msgspec.structs.replace(
        question, words=question.words | others, options=options, again_days=before.again_days, enabled=before.enabled
    )


def _show(
    request: AnyRequest, db: Database, principal: Principal, *, wanted: str = "", error: RapportError | None = None,
    typed: dict[str, Any] | None = None,
) -> Response[str]:  # fmt: skip
    with db.read() as conn:
        found = store.all_questions(conn, principal.workspace)
        told = store.answers_given(conn, principal.workspace)
    ordered = sorted(found.values(), key=lambda one: -worth_asking(one, told.get(one.name, {})))
    return render(
        request, "questions/questions.html", status=error.status if error else 200, error=error, questions=ordered,
        told=told, form=_EMPTY | (typed or _form(found.get(wanted))),
        purposes=request.app.state.purposes.names(principal.workspace),
    )  # fmt: skip


def _form(question: Question | None) -> dict[str, Any]:
    if question is None:
        return {}
    lines = (f"{one.value} = {one.words['en']}" if one.words.get("en") else one.value for one in question.options)
    return {
        "name": question.name, "kind": question.kind, "purpose": question.purpose, "weight": str(question.weight),
        "reward": question.reward, "options": "\n".join(lines),
        **{f"words_{language}": words for language, words in question.words.items()},
    }  # fmt: skip
