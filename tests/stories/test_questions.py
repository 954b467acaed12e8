"""A shop writes a question in the console, its site asks it, and the answer stands on the customer's page."""

from __future__ import annotations

from playwright.sync_api import Browser

from tests.running import Server, http, wait_until
from tests.stories.console import add_owner, signed_in


def test_a_question_is_written_asked_and_answered(shop_server: Server, browser: Browser) -> None:
    add_owner(shop_server)
    key = {"Authorization": f"Bearer {shop_server.api_key}"}
    api = f"{shop_server.url}/api/v1"
    with signed_in(browser, shop_server) as (page, complaints):
        page.goto(f"{shop_server.url}/console/questions")
        assert page.get_by_text("Nothing is asked yet").is_visible()
        page.get_by_label("In English").fill("How is your skin?")
        page.get_by_label("In German").fill("Wie ist Ihre Haut?")
        page.get_by_label("Name of the answer").fill("skin")
        page.get_by_label("Answers to choose from").fill("dry = Dry\noily = Oily")
        page.get_by_label("What is promised for it").fill("50 points")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("cell", name="How is your skin?").wait_for()
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    assert complaints == []
    asked = http.get(f"{api}/questions/next", headers=key, params={"customer": "user_id:ada", "language": "de-AT"})
    assert asked.status_code == 200, asked.text
    question = asked.json()["question"]
    assert (question["text"], question["reward"]) == ("Wie ist Ihre Haut?", "50 points")
    assert [one["value"] for one in question["options"]] == ["dry", "oily"]
    wrong = http.post(f"{api}/questions/skin/answers", headers=key, json={"customer": "user_id:ada", "answer": "green"})
    assert (wrong.status_code, "dry, oily" in wrong.text) == (400, True)
    said = http.post(f"{api}/questions/skin/answers", headers=key, json={"customer": "user_id:ada", "answer": "dry"})
    assert (said.status_code, said.json()["question"]) == (200, None)
    record = f"{api}/customers/user_id:ada"
    wait_until(lambda: http.get(record, headers=key).status_code == 200)
    answers = http.get(record, headers=key).json()["traits"]["answers"]
    assert (answers["value"], answers["source"]) == ({"skin": "dry"}, "rapport")
    removed = http.delete(f"{api}/questions/skin", headers=key)
    assert removed.status_code == 204
    assert http.delete(f"{api}/questions/skin", headers=key).status_code == 404
