"""The shell: problem bodies, security headers, static files, the API document, logs without personal data."""

from __future__ import annotations

import io
import json
import logging

import pytest
from litestar import Litestar

from rapport.kernel.clock import now_us
from rapport.kernel.text import clean
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace
from rapport.web import accounts
from rapport.web.console import json_view, missing_files
from rapport.web.logs import Form, configure_logging
from tests.rooms.web.conftest import Browser
from tests.slices import PERMISSIONS


@pytest.fixture
def key(db: Database, shop: Workspace) -> dict[str, str]:
    _, secret = accounts.create_api_key(
        db, PERMISSIONS, workspace=shop.id, name="x", scopes=["customers:read"], created_by="test", now=now_us()
    )
    return {"Authorization": f"Bearer {secret}"}


def test_an_expected_error_is_a_problem_with_code_and_hint(browser: Browser) -> None:
    answer = browser.get("/api/v1/missing")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:rapport:problem:not_found", "title": "Not found", "status": 404, "detail": "no such thing",
        "code": "not_found", "hint": "look elsewhere",
    }  # fmt: skip


def test_a_limit_says_when_to_come_back(browser: Browser, key: dict[str, str]) -> None:
    answer = browser.post("/api/v1/limit?amount=5", headers=key)
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["code"]) == (429, "7", "rate_limited")


def test_input_that_does_not_fit_names_the_place(browser: Browser, key: dict[str, str]) -> None:
    answer = browser.post("/api/v1/limit?amount=lots", headers=key)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert answer.json()["errors"][0]["path"] == "amount"


def test_a_field_that_does_not_fit_is_the_client_s_whatever_it_is_called(browser: Browser, key: dict[str, str]) -> None:
    """Also where its name is that of a part which handlers are given."""
    answer = browser.post("/api/v1/remarks", headers=key, json={"wording": "too long"})
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "wording")
    assert browser.post("/api/v1/remarks", headers=key, json={"wording": "fits"}).status_code == 201


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("DELETE", "/api/v1/missing", 405)])
def test_addresses_and_methods_that_do_not_exist(browser: Browser, method: str, path: str, status: int) -> None:
    answer = browser.request(method, path)
    assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_a_bug_is_answered_without_details_and_logged_without_its_message(browser: Browser) -> None:
    stream = io.StringIO()
    before = logging.getLogger().handlers[:], logging.getLogger().level
    configure_logging(stream=stream)
    try:
        answer = browser.get("/api/v1/broken")
    finally:
        logging.getLogger().handlers[:], level = before
        logging.getLogger().setLevel(level)
    assert answer.status_code == 500
    assert "ada@example.com" not in answer.text
    assert "ZeroDivision" not in answer.text
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    logged = next(line for line in lines if line.get("error_id") == answer.json()["instance"])
    assert logged["error"] == "ZeroDivisionError"
    assert any("broken" in place for place in logged["at"])
    assert "ada@example.com" not in stream.getvalue()


class Terminal(io.StringIO):
    """A stream that says it is read by a person."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "form", "readable"),
    [(Terminal, "auto", True), (io.StringIO, "auto", False), (Terminal, "json", False), (io.StringIO, "text", True)],
)
def test_logs_are_lines_for_people_on_a_terminal_and_json_elsewhere(
    monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO], form: Form, *, readable: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    written = stream()
    before = logging.getLogger().handlers[:], logging.getLogger().level
    configure_logging(stream=written, form=form)
    try:
        logging.getLogger("rapport.test").warning("three facts wait", extra={"lag": 3})
        try:
            raise ZeroDivisionError("ada@example.com")
        except ZeroDivisionError:
            logging.getLogger("rapport.test").exception("it failed")
    finally:
        logging.getLogger().handlers[:], level = before
        logging.getLogger().setLevel(level)
    text = written.getvalue()
    assert "ada@example.com" not in text
    if not readable:
        first, second = (json.loads(line) for line in text.splitlines())
        assert (first["event"], first["lag"], second["error"]) == ("three facts wait", 3, "ZeroDivisionError")
        return
    first, second, place = text.splitlines()
    assert first.endswith("three facts wait lag=3")
    assert ("\033[33m" in first) == written.isatty()
    assert second.endswith("it failed error=ZeroDivisionError")
    assert place.startswith("    at ")


def test_people_get_an_error_page_and_programs_a_problem(browser: Browser) -> None:
    page = browser.get("/console/nothing")
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "Nothing here" in page.text
    lost = browser.get("/custmers", headers={"accept": "text/html,application/xhtml+xml"})
    assert (lost.status_code, "Nothing here" in lost.text) == (404, True)
    asked = browser.get("/api/v1/nothing", headers={"accept": "text/html"})
    assert asked.json()["code"] == "not_found"


@pytest.mark.parametrize("path", ["/console/sign-in", "/api/v1/missing", "/static/console.css", "/console/nothing"])
def test_every_answer_carries_the_security_headers(browser: Browser, path: str) -> None:
    headers = browser.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_static_files_are_kept_for_ever_under_their_digest(browser: Browser) -> None:
    assert missing_files() == []
    assert "immutable" in browser.get("/static/console.css?v=1").headers["cache-control"]
    assert "immutable" not in browser.get("/static/console.css").headers["cache-control"]
    assert browser.get("/static/vendor/htmx.min.js").headers["content-type"].startswith("text/javascript")


def test_text_files_travel_compressed_to_who_takes_it_and_are_the_same_to_who_does_not(browser: Browser) -> None:
    packed = browser.get("/static/vendor/echarts.min.js", headers={"accept-encoding": "gzip, br"})
    plain = browser.get("/static/vendor/echarts.min.js", headers={"accept-encoding": "identity"})
    assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert "content-encoding" not in browser.get("/static/vendor/inter.woff2").headers
    assert browser.get("/favicon.ico").headers["content-type"].startswith("image/svg+xml")


@pytest.mark.parametrize(
    "path",
    [
        "/static/../auth.py",
        f"/static/{'x' * 300}.css",
        "/static/%2e%2e/auth.py",
        "/static//etc/passwd",
        "/static/vendor",
        "/static/vendor/.stamp",
        "/static/%00.css",
    ],
)
def test_nothing_else_is_served_as_a_static_file(browser: Browser, path: str) -> None:
    assert browser.get(path).status_code == 404


def test_the_api_document_tells_of_keys_and_problems(browser: Browser) -> None:
    document = browser.get("/api/openapi.json").json()
    assert document["components"]["securitySchemes"]["apiKey"] == {
        "type": "http", "scheme": "bearer", "description": "An API key, made in the console.",
    }  # fmt: skip
    answers = document["paths"]["/api/v1/whoami"]["get"]["responses"]
    assert answers["401"]["content"]["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert not any(path.startswith("/console") for path in document["paths"])


def test_templates_hold_no_inline_script_style_or_handler(app: Litestar) -> None:
    """What the content security policy would refuse must not be written."""
    env = app.state.console.env
    for name in env.list_templates():
        source, _, _ = env.loader.get_source(env, name)
        for forbidden in (" onclick=", " onload=", " style=", "<style", "javascript:", "hx-on", "|safe"):
            assert forbidden not in source, f"{name} holds {forbidden}"
        assert "<script>" not in source, name


def test_json_is_shown_escaped() -> None:
    shown = json_view({"<b>": ["</pre><script>", 1, True, None, {}, 1.5]})
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "&lt;/pre&gt;" in shown


def test_what_people_type_loses_control_characters() -> None:
    assert clean("  a\x00b\n\ud800c  ") == "abc"
    assert clean("x" * 500, longest=10) == "x" * 10
    assert clean(None) == ""


def test_of_strangers_no_more_is_read_than_a_form_holds(browser: Browser) -> None:
    form = {"email": "ada@example.com", "password": "x" * 100_000}
    assert browser.post("/console/sign-in", data=form).status_code == 413
