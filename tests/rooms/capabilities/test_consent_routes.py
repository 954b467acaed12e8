"""Consent over the API and from the command line: an answer holds from the reply on, a policy is tried first."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from rapport.capabilities.consent.commands import privacy
from rapport.kernel.errors import Conflict, RapportError
from rapport.storage.engine import Database
from tests.installation import Opened
from tests.running import Server, http, wait_until
from tests.stories.console import OWNER, PASSWORD, add_owner, identify, tell
from tests.stories.kept import database_of


def call(server: Server, method: str, path: str, **options: Any) -> httpx.Response:
    key = {"Authorization": f"Bearer {server.api_key}"}
    return http.request(method, f"{server.url}/api/v1/customers/{path}".rstrip("/"), headers=key, **options)


def may(server: Server, who: str, purpose: str) -> bool:
    return bool(call(server, "GET", f"{who}/may", params={"purpose": purpose}).json()["may"])


def test_an_answer_holds_from_the_reply_on_and_says_why(module_server: Server) -> None:
    who = "email:ada@example.com"
    assert call(module_server, "GET", f"{who}/consent").status_code == 404
    given = {"purposes": {"email_marketing": "granted"}, "wording": "newsletter-3", "language": "en"}
    answered = call(module_server, "POST", f"{who}/consent", json=given)
    assert answered.status_code == 200
    told = answered.json()["purposes"]["email_marketing"]
    assert (told["state"], told["may"], told["how"]) == ("granted", True, "api")
    assert told["since"]
    assert told["source"]
    _until_known(module_server, who)
    assert may(module_server, who, "email_marketing")
    refused = call(module_server, "POST", f"{who}/consent", json={"purposes": {"email_marketing": "denied"}})
    assert refused.json()["purposes"]["email_marketing"]["may"] is False
    assert not may(module_server, who, "email_marketing")
    assert not may(module_server, who, "sms_marketing")


@pytest.mark.parametrize(
    ("given", "status", "word"),
    [
        ({"purposes": {}}, 400, "no purpose"),
        ({"purposes": {"mind_reading": "granted"}}, 400, "email_marketing"),
        ({"purposes": {"service": "denied"}}, 400, "not the person's to decide"),
        ({"purposes": {"email_marketing": True}}, 400, "purposes"),
        ({"purposes": {"email_marketing": "granted"}, "more": 1}, 400, "more"),
    ],
)
def test_an_answer_that_cannot_be_meant_changes_nothing_and_says_why(
    module_server: Server, given: dict[str, Any], status: int, word: str
) -> None:
    answered = call(module_server, "POST", "user_id:bo/consent", json=given)
    assert (answered.status_code, word in answered.text) == (status, True)


def test_a_customer_id_of_nobody_is_not_found_and_an_unknown_purpose_is_named(module_server: Server) -> None:
    given = {"purposes": {"email_marketing": "granted"}}
    assert call(module_server, "POST", "cus_000000000000000000000000/consent", json=given).status_code == 404
    assert call(module_server, "POST", "user_id:eve/consent", json=given).status_code == 200
    _until_known(module_server, "user_id:eve")
    asked = call(module_server, "GET", "user_id:eve/may", params={"purpose": "mind_reading"})
    assert (asked.status_code, "mind_reading" in asked.text) == (400, True)


def test_a_policy_file_is_shown_tried_and_applied(module_server: Server, tmp_path: Path) -> None:
    call(module_server, "POST", "user_id:cy/consent", json={"purposes": {"sms_marketing": "granted"}})
    _until_known(module_server, "user_id:cy")
    assert may(module_server, "user_id:cy", "sms_marketing")
    with database_of(module_server) as db:
        assert "eu_uk" in told(db, "show")
        policy = json.loads(told(db, "show", "eu_uk"))
        policy["purposes"]["sms_marketing"]["asked_anew_at"] = "2099-01-01T00:00:00Z"
        file = tmp_path / "eu.json"
        file.write_text(json.dumps(policy))
        assert "allowed" not in told(db, "check", str(file), "--json").replace('"allowed":0', "")
        assert may(module_server, "user_id:cy", "sms_marketing")
        assert "version 1" in told(db, "apply", str(file), "--reason", "a new text")
        assert not may(module_server, "user_id:cy", "sms_marketing")
        with pytest.raises(Conflict):
            told(db, "apply", str(file), "--reason", "again", "--seen", "0")


def test_a_policy_is_tried_and_put_in_force_on_its_page_and_staff_record_what_a_customer_says(
    module_server: Server,
) -> None:
    tell(module_server, identify("di", name="Di Summer"))
    wait_until(lambda: call(module_server, "GET", "", params={"q": "Summer"}).json()["customers"])
    add_owner(module_server)
    with httpx.Client(base_url=module_server.url, follow_redirects=True, timeout=60) as owner:
        send(owner, "/console/sign-in", "/console/sign-in", email=OWNER, password=PASSWORD)
        page = owner.get("/console/privacy")
        assert "News and offers by e-mail" in page.text
        with database_of(module_server) as db:
            strict = told(db, "show", "strict")
        form = {"reason": "asked first", "default": "on"}
        tried = send(owner, "/console/privacy", "/console/privacy", **form, policy=strict, then="try")
        assert "newly refused for" in tried.text
        wrong = send(owner, "/console/privacy", "/console/privacy", **form, policy="{", then="try")
        assert (wrong.status_code, ">{</textarea>" in wrong.text) == (400, True)
        done = send(owner, "/console/privacy", "/console/privacy", **form, policy=strict, then="apply")
        assert "The policy is in force." in done.text
        assert not may(module_server, "user_id:di", "personalisation")
        customer = module_server.customer("user_id:di")
        assert customer is not None
        place = f"/console/customers/{customer['id']}"
        silent = send(owner, place, f"{place}/consent", purpose="personalisation", said="granted", wording="")
        assert (silent.status_code, "how the customer agreed" in silent.text) == (400, True)
        said = send(owner, place, f"{place}/consent", purpose="personalisation", said="granted", wording="on the phone")
        assert "on the phone" in said.text
        assert may(module_server, "user_id:di", "personalisation")


def send(browser: httpx.Client, page: str, action: str, **fields: str) -> httpx.Response:
    """Open a page, then send one of its forms as it stands, with these fields."""
    shown = browser.get(page).text
    hidden = dict(re.findall(r'type="hidden" name="(csrf_token|version)" value="([^"]*)"', shown))
    return browser.post(action, data={**hidden, **fields})


def told(db: Database, *arguments: str) -> str:
    """What a command says."""
    result = CliRunner().invoke(privacy, ["policy", *arguments], obj=Opened(db), catch_exceptions=True)
    if isinstance(result.exception, RapportError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def _until_known(server: Server, who: str) -> None:
    """Wait until the worker has folded the fact."""
    wait_until(lambda: call(server, "GET", f"{who}/consent").status_code == 200)
