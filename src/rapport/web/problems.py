"""One body for everything that goes wrong: RFC 9457 problem JSON for programs, a page for people in the console."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, InternalServerException, ValidationException
from litestar.response import Redirect
from litestar.types import ExceptionHandlersMap
from sqlalchemy.exc import DataError

from rapport.kernel.errors import RapportError, RateLimited, SecondFactorWanted, Unauthenticated
from rapport.kernel.ids import new_id
from rapport.kernel.language import noted, speak
from rapport.storage.outage import OUTAGE, is_outage
from rapport.web import shoppers
from rapport.web.auth import ENROL, sign_in_path
from rapport.web.console import render
from rapport.web.speaking import wanted_locale

__all__ = ["EXCEPTION_HANDLERS", "PROBLEM_TYPE", "Problem", "problem_of", "problem_response"]

PROBLEM_TYPE = "application/problem+json"

logger = logging.getLogger("rapport.web")

_CODES = {400: "invalid_input", 401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
          413: "too_large", 415: "unsupported_media_type", 429: "rate_limited", 503: "unavailable"}  # fmt: skip


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong (RFC 9457), with a stable code and a hint what to do."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str = ""
    errors: list[dict[str, str]] = []
    """For input that does not fit: each place (`path`) and what is wrong there (`message`)."""
    position: int | None = None
    """For a text that cannot be read: the character, from 0, at which it goes wrong."""
    instance: str = ""
    """For a fault of ours: the id under which the log tells more."""


def problem_of(error: Exception) -> Problem:
    """The problem body of any exception; a bug tells nothing but the id under which it was logged."""
    if isinstance(error, RapportError):
        position = getattr(error, "position", None)
        errors: list[dict[str, str]] = getattr(error, "errors", [])
        problem = _problem(error.status, error.code, error.message, hint=error.hint, errors=errors)
        return problem if position is None else msgspec.structs.replace(problem, position=position)
    if isinstance(error, ValidationException):
        return _problem(400, "invalid_input", "the request does not fit", errors=_validation_errors(error))
    if isinstance(error, HTTPException) and (said := _of_the_body(error)):
        return _problem(400, "invalid_input", "the request does not fit", errors=[said])
    if isinstance(error, HTTPException) and error.status_code < 500:
        code = _CODES.get(error.status_code, "invalid_input")
        return _problem(error.status_code, code, _detail(error), hint=_HINTS.get(error.status_code, ""))
    if isinstance(error, DataError):
        logger.warning("the database does not take a value of the request: %s", type(error.orig).__name__)
        return _problem(400, "invalid_input", "a value holds what cannot be stored",
                        hint="a NUL character, or a number that is too large")  # fmt: skip
    return _of_a_fault(error) if not _has_gone(error) else _problem(400, "gone", "the request ended too early")


_TITLES = (
    noted("Invalid input"), noted("Too large"), noted("Invalid fact"), noted("Unauthenticated"), noted("Forbidden"),
    noted("Second factor wanted"), noted("Not found"), noted("Conflict"), noted("Rate limited"), noted("Overloaded"),
    noted("Misconfigured"), noted("Unavailable"), noted("Internal error"),
)  # fmt: skip
"""What the codes of problems read like."""

_GONE = "client disconnected prematurely"
"""What the framework says of somebody who hangs up within a body: no fault of the program's."""


def _has_gone(error: Exception) -> bool:
    """Whether whoever asked has hung up, so that nobody reads the answer."""
    return isinstance(error, InternalServerException) and error.detail == _GONE


def _of_a_fault(error: Exception) -> Problem:
    if is_outage(error):
        OUTAGE.note(error, doing="answering a request")
        return _problem(
            503, "unavailable", noted("the database takes nothing at the moment"), hint=noted("try again in a minute")
        )
    error_id = new_id("err")
    logger.error("unexpected error", exc_info=error, extra={"error_id": error_id})
    return _problem(500, "internal_error", noted("something went wrong on our side"), instance=error_id,
                    hint=noted("the log of the server tells more under this id"))  # fmt: skip


def problem_response(problem: Problem, *, error: Exception | None = None) -> Response[Problem]:
    """The problem as an HTTP answer."""
    headers = {"Cache-Control": "no-store", **_headers(error)}
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="rapport"'
    if isinstance(error, HTTPException) and error.headers and "Allow" in error.headers:
        headers["Allow"] = error.headers["Allow"]
    return Response(problem, status_code=problem.status, media_type=PROBLEM_TYPE, headers=headers)


def answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The exception handler of the application."""
    problem = problem_of(error)
    if request.scope["path"].startswith(shoppers.PATHS):
        return shoppers.render_error(request, status=problem.status, headers=_headers(error))
    if not _for_people(request):
        return problem_response(problem, error=error)
    if request.scope.get("route_handler") is None:  # nothing is at this address, so nobody has decided
        speak(request.app.state.console.catalogues.language(wanted_locale(request)))
    if isinstance(error, Unauthenticated):
        return _to_sign_in(request)
    if isinstance(error, SecondFactorWanted) and request.method in {"GET", "HEAD"}:
        return Redirect(f"{ENROL}?done=factor-wanted", status_code=303)
    return render(request, "web/error.html", status=problem.status, problem=problem)


def _headers(error: Exception | None) -> dict[str, str]:
    """What an answer to any client says of when to come again."""
    if not isinstance(error, RateLimited):
        return {}
    return {"Retry-After": str(max(1, round(error.retry_after_seconds)))}


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    RapportError: answer_error,
    HTTPException: answer_error,
    Exception: answer_error,
}


def _for_people(request: Request[Any, Any, Any]) -> bool:
    """A page of the console; or somebody who followed a wrong link in a browser, which asks for HTML by name."""
    path = request.scope["path"]
    if path == "/" or path == "/console" or path.startswith("/console/"):
        return True
    program = path.startswith(("/api/", "/v1/", "/static/"))
    return request.method == "GET" and not program and "text/html" in request.headers.get("accept", "")


def _to_sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
    if request.headers.get("hx-request"):
        return Response("", status_code=401, headers={"HX-Redirect": "/console/sign-in", "Cache-Control": "no-store"})
    if request.method != "GET":
        return Redirect("/console/sign-in", status_code=303)
    return Redirect(
        sign_in_path(request.scope["path"], request.scope["query_string"].decode("latin-1")), status_code=303
    )


_HINTS = {
    404: noted("check the address"),
    405: "the API document at /api/openapi.json lists what each address understands",
}


def _detail(error: HTTPException) -> str:
    if error.status_code == 404:
        return noted("there is nothing at this address")
    if error.status_code == 405:
        return noted("this address does not understand this method")
    return error.detail or noted("the request cannot be answered")


def _of_the_body(error: HTTPException) -> dict[str, str] | None:
    """What is wrong with the body where Litestar takes it for a fault of ours: a field's name is that of a part we
    provide to handlers, such as `wording`.
    """
    if not isinstance(error.__cause__, msgspec.ValidationError):
        return None
    message, _, path = str(error.__cause__).partition(" - at `$.data.")
    return {"path": path.rstrip("`"), "message": message} if path else None


def _validation_errors(error: ValidationException) -> list[dict[str, str]]:
    extra = error.extra if isinstance(error.extra, list) else []
    found = [
        {"path": str(entry.get("key") or "$"), "message": str(entry.get("message", ""))}
        for entry in extra
        if isinstance(entry, dict)
    ]
    return found or [{"path": "$", "message": error.detail}]


def _problem(
    status: int,
    code: str,
    detail: str,
    *,
    hint: str = "",
    errors: list[dict[str, str]] | None = None,
    instance: str = "",
) -> Problem:
    return Problem(
        type=f"urn:rapport:problem:{code}", title=code.replace("_", " ").capitalize(), status=status, detail=detail,
        code=code, hint=hint, errors=errors or [], instance=instance,
    )  # fmt: skip
