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
from rapport.capabilities.consent.links import OPEN_FOR, load_links
from rapport.kernel.clock import now_us
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


def test_an_answer_holds_from_the_reply_on_and_says_why(shop_server: Server) -> None:
    who = "email:ada@example.com"
    assert call(shop_server, "GET", f"{who}/consent").status_code == 404
    given = {"purposes": {"email_marketing": "granted"}, "wording": "newsletter-3", "language": "en"}
    answered = call(shop_server, "POST", f"{who}/consent", json=given)
    assert answered.status_code == 200
    told = answered.json()["purposes"]["email_marketing"]
    assert (told["state"], told["may"], told["how"]) == ("granted", True, "api")
    assert told["since"]
    assert told["source"]
    assert may(shop_server, who, "email_marketing")
    refused = call(shop_server, "POST", f"{who}/consent", json={"purposes": {"email_marketing": "denied"}})
    assert refused.json()["purposes"]["email_marketing"]["may"] is False
    assert not may(shop_server, who, "email_marketing")
    assert not may(shop_server, who, "sms_marketing")


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
    shop_server: Server, given: dict[str, Any], status: int, word: str
) -> None:
    answered = call(shop_server, "POST", "user_id:bo/consent", json=given)
    assert (answered.status_code, word in answered.text) == (status, True)


def test_a_customer_id_of_nobody_is_not_found_and_an_unknown_purpose_is_named(shop_server: Server) -> None:
    given = {"purposes": {"email_marketing": "granted"}}
    assert call(shop_server, "POST", "cus_000000000000000000000000/consent", json=given).status_code == 404
    assert call(shop_server, "POST", "user_id:eve/consent", json=given).status_code == 200
    _until_known(shop_server, "user_id:eve")
    asked = call(shop_server, "GET", "user_id:eve/may", params={"purpose": "mind_reading"})
    assert (asked.status_code, "mind_reading" in asked.text) == (400, True)


def test_a_policy_file_is_shown_tried_and_applied(shop_server: Server, tmp_path: Path) -> None:
    call(shop_server, "POST", "user_id:cy/consent", json={"purposes": {"sms_marketing": "granted"}})
    _until_known(shop_server, "user_id:cy")
    assert may(shop_server, "user_id:cy", "sms_marketing")
    with database_of(shop_server) as db:
        assert "eu_uk" in told(db, shop_server, "show")
        policy = json.loads(told(db, shop_server, "show", "eu_uk"))
        policy["purposes"]["sms_marketing"]["asked_anew_at"] = "2099-01-01T00:00:00Z"
        file = tmp_path / "eu.json"
        file.write_text(json.dumps(policy))
        assert "allowed" not in told(db, shop_server, "check", str(file), "--json").replace('"allowed":0', "")
        assert may(shop_server, "user_id:cy", "sms_marketing")
        assert "version 1" in told(db, shop_server, "apply", str(file), "--reason", "a new text")
        assert not may(shop_server, "user_id:cy", "sms_marketing")
        with pytest.raises(Conflict):
            told(db, shop_server, "apply", str(file), "--reason", "again", "--seen", "0")


def test_a_policy_is_tried_and_put_in_force_on_its_page_and_staff_record_what_a_customer_says(
    shop_server: Server,
) -> None:
    tell(shop_server, identify("di", name="Di Summer"))
    wait_until(lambda: call(shop_server, "GET", "", params={"q": "Summer"}).json()["customers"])
    add_owner(shop_server)
    with httpx.Client(base_url=shop_server.url, follow_redirects=True, timeout=60) as owner:
        send(owner, "/console/sign-in", "/console/sign-in", email=shop_server.address(OWNER), password=PASSWORD)
        page = owner.get("/console/privacy")
        assert "News and offers by e-mail" in page.text
        with database_of(shop_server) as db:
            shown = told(db, shop_server, "show", "strict")
            strict = shown.replace('"confirmed": true,', "")
            assert strict != shown, "it wants a mail to be confirmed, which these tests do not send"
        form = {"reason": "asked first", "default": "on"}
        tried = send(owner, "/console/privacy", "/console/privacy", **form, policy=strict, then="try")
        assert "newly refused for" in tried.text
        wrong = send(owner, "/console/privacy", "/console/privacy", **form, policy="{", then="try")
        assert (wrong.status_code, ">{</textarea>" in wrong.text) == (400, True)
        done = send(owner, "/console/privacy", "/console/privacy", **form, policy=strict, then="apply")
        assert "The policy is in force." in done.text
        assert not may(shop_server, "user_id:di", "personalisation")
        customer = shop_server.customer("user_id:di")
        assert customer is not None
        place = f"/console/customers/{customer['id']}"
        silent = send(owner, place, f"{place}/consent", purpose="personalisation", said="granted", wording="")
        assert (silent.status_code, "how the customer agreed" in silent.text) == (400, True)
        said = send(owner, place, f"{place}/consent", purpose="personalisation", said="granted", wording="on the phone")
        assert "on the phone" in said.text
        counted = owner.get("/console/privacy/rates", params={"days": "7"}).text
        assert "on the phone" in counted, "answers are counted by what was said of their wording"
        assert may(shop_server, "user_id:di", "personalisation")


def send(browser: httpx.Client, page: str, action: str, **fields: str) -> httpx.Response:
    """Open a page, then send one of its forms as it stands, with these fields."""
    shown = browser.get(page).text
    hidden = dict(re.findall(r'type="hidden" name="(csrf_token|version)" value="([^"]*)"', shown))
    return browser.post(action, data={**hidden, **fields})


@pytest.fixture(scope="module")
def links(shop_server: Server) -> dict[str, str]:
    """The two links of a message to Fay."""
    call(shop_server, "POST", "email:fay@example.com/consent", json={"purposes": {"email_marketing": "granted"}})
    _until_known(shop_server, "email:fay@example.com")
    made = call(shop_server, "POST", "email:fay@example.com/consent/links", json={})
    assert made.status_code == 200, made.text
    found: dict[str, str] = made.json()
    assert "fay" not in str(found)
    return found


def test_looking_at_the_link_in_a_mail_ends_nothing_and_the_mail_programs_button_does(
    shop_server: Server, links: dict[str, str]
) -> None:
    fay, address = "email:fay@example.com", shop_server.url + links["unsubscribe"]
    assert "News and offers by e-mail" in http.get(address).text
    http.head(address)
    http.post(address, data={"something": "else"})
    assert may(shop_server, fay, "email_marketing")
    done = http.post(address, files={"List-Unsubscribe": (None, "One-Click")})
    assert "no more of this" in done.text
    assert not may(shop_server, fay, "email_marketing")
    call(shop_server, "POST", f"{fay}/consent", json={"purposes": {"email_marketing": "granted"}})
    http.post(address, data={"List-Unsubscribe": "One-Click"})
    assert not may(shop_server, fay, "email_marketing")


def test_a_shopper_decides_on_a_page_without_scripts_in_their_language(
    shop_server: Server, links: dict[str, str]
) -> None:
    address = shop_server.url + links["preferences"]
    page = http.get(address, headers={"Accept-Language": "de"})
    assert "Dürfen wir Ihnen Neues und Angebote per E-Mail senden?" in page.text
    assert "fay" not in page.text
    token = links["preferences"].rpartition("t=")[2]
    answered = http.post(address, data={"t": token, "email_marketing": "yes", "advertising": "no", "service": "no"})
    assert "Saved." in answered.text
    fay = "email:fay@example.com"
    assert [may(shop_server, fay, p) for p in ("email_marketing", "advertising", "service")] == [True, False, True]
    told = call(shop_server, "GET", f"{fay}/consent").json()["purposes"]["email_marketing"]
    assert told["how"] == "link"


def test_a_link_that_is_changed_over_or_for_something_else_opens_nothing(
    shop_server: Server, links: dict[str, str]
) -> None:
    place, token = f"{shop_server.url}/shop/consent", links["preferences"].rpartition("t=")[2]
    refusal = links["unsubscribe"].rpartition("t=")[2]
    changed = token[:-1] + ("a" if token[-1] != "a" else "b")
    for wrong in ("", "x", changed, refusal, token.replace("p.", "w.", 1), "p.cus_0.1.z" * 20):
        assert http.get(f"{place}/preferences", params={"shop": shop_server.shop, "t": wrong}).status_code == 404
    for wrong in ("", token, refusal.replace("email", "sms"), "\x00"):
        assert (
            http.post(
                f"{place}/unsubscribe", params={"shop": shop_server.shop, "t": wrong}, data={"stop": "all"}
            ).status_code
            == 404
        )
    with database_of(shop_server) as db, db.read() as conn:
        made = load_links(conn, shop_server.workspace(conn))
        key = made.open_refusal(refusal).key
        over = made.preferences(key, now=now_us() - OPEN_FOR)
    assert http.get(f"{place}/preferences", params={"shop": shop_server.shop, "t": over}).status_code == 410


def told(db: Database, server: Server, *arguments: str) -> str:
    """What a command says."""
    result = CliRunner().invoke(
        privacy, ["policy", *arguments, "--workspace", server.shop], obj=Opened(db), catch_exceptions=True
    )
    if isinstance(result.exception, RapportError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def _until_known(server: Server, who: str) -> None:
    """Wait until the worker has folded the fact."""
    wait_until(lambda: call(server, "GET", f"{who}/consent").status_code == 200)
