"""The review queue as programs and people meet it: `/api/v1/identity/review` and the console, through HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from litestar import Litestar
from litestar.testing import TestClient

from rapport.kernel.clock import now_us
from rapport.resolve.actions.pages import PAGES as IDENTITY_PAGES
from rapport.resolve.actions.routes import ROUTES
from rapport.resolve.actions.service import Identity
from rapport.resolve.graph.model import Kind, evidence_id
from rapport.resolve.linking import models
from rapport.resolve.linking.actions import ACTIONS
from rapport.resolve.linking.panel import panel
from rapport.resolve.linking.review_pages import PAGES
from rapport.resolve.linking.review_routes import ROUTES as REVIEW_ROUTES
from rapport.resolve.linking.store import link_models, link_records
from rapport.storage.engine import Database
from rapport.web import accounts
from rapport.web.app import create_app
from rapport.web.part import WebPart
from tests.rooms.resolve.linking.desk import ADA, BO, SISTER, SLIPPED, Desk, asking
from tests.rooms.resolve.linking.people import model
from tests.rooms.resolve.shop import made_shop
from tests.slices import PERMISSIONS, WORDING

PASSWORD = "correct horse battery"
QUEUE = "/api/v1/identity/review"
PAGE = "/console/identity/review"
HOSTILE = "<img src=x onerror=alert(1)>"


class Office(Desk):
    """A shop with its API and its console, and people with roles."""

    def __init__(self, db: Database, http: TestClient[Litestar]) -> None:
        super().__init__(made_shop(db), trained=asking())
        self.db = db
        self.http = http
        self._numbers = iter(range(1_000))

    def key(self, *scopes: str) -> dict[str, str]:
        """The headers of an API key that may do so."""
        _, secret = accounts.create_api_key(
            self.db,
            PERMISSIONS,
            workspace=self.shop.workspace,
            name="test",
            scopes=list(scopes),
            created_by="test",
            now=now_us(),
        )
        return {"Authorization": f"Bearer {secret}"}

    def get(self, path: str) -> Any:
        answer = self.http.get(path, headers=self.key("customers:read"))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, *, status: int = 200, scope: str = "customers:write", **body: Any) -> Any:
        answer = self.http.post(path, json={"reason": "looked"} | body, headers=self.key(scope))
        assert answer.status_code == status, answer.text
        return answer.json()

    def sign_in(self, role: str) -> None:
        email = f"{role}-{self.shop.workspace}-{next(self._numbers)}@example.com"
        accounts.create_user(
            self.db, email=email, password=PASSWORD, name=role.title(), workspace=self.shop.workspace, role=role,
            now=now_us(),
        )  # fmt: skip
        self.http.cookies.clear()
        self.submit("/console/sign-in", "/console/sign-in", email=email, password=PASSWORD)

    def page(self, path: str, *, status: int = 200) -> str:
        answer = self.http.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    def submit(self, page: str, to: str, /, **fields: str) -> httpx.Response:
        """Open a page, then send a form of it; does not follow where the answer leads."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.http.get(page).text)
        assert found, page
        return self.http.post(to, data={"csrf_token": found[1], **fields}, follow_redirects=False)

    def ids(self) -> list[str]:
        return [pair["id"] for pair in self.get(QUEUE)["pairs"]]

    def words(self, page: str) -> str:
        """What a reader sees of a page."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.partition("<main")[2])).split())


@pytest.fixture
def office(db: Database) -> Iterator[Office]:
    app = create_app(
        db=db,
        wording=WORDING,
        permissions=PERMISSIONS,
        parts={"resolve": WebPart(routes=(*ROUTES, *REVIEW_ROUTES), pages=(IDENTITY_PAGES, PAGES))},
        provided={"identity": Identity(db, more=ACTIONS)},
    )
    with TestClient(app, raise_server_exceptions=True) as http:
        yield Office(db, http)


@pytest.fixture
def pair(office: Office) -> str:
    office.meet(a=ADA, b=SLIPPED, c=BO)
    (ident,) = office.ids()
    return ident


def test_a_pair_is_told_side_by_side_with_weights_that_sum(office: Office, pair: str) -> None:
    queue = office.get(QUEUE)
    assert (queue["waiting"], queue["cursor"]) == (1, None)
    (told,) = queue["pairs"]
    assert told == office.get(f"{QUEUE}/{pair}")
    assert told["score"] == pytest.approx(told["prior"] + sum(field["weight"] for field in told["fields"]), abs=0.1)
    name = next(field for field in told["fields"] if field["aspect"] == "name")
    assert (name["left"], name["right"]) == ("ada, lordorberg", "ada, lordorbreg")
    assert "bits shared" in name["says"]
    assert told["left"]["customer"].startswith("cus_")


def test_nobody_sees_or_decides_without_a_key_that_allows_it(office: Office, pair: str) -> None:
    other, reader = office.key("sources:read"), office.key("customers:read")
    for path in (QUEUE, f"{QUEUE}/{pair}", "/api/v1/identity/models", "/api/v1/identity/models/1"):
        assert office.http.get(path).status_code == 401
        assert office.http.get(path, headers=other).status_code == 403
    posts = [f"{QUEUE}/{pair}/{verb}" for verb in ("accept", "reject", "reopen")] + ["/api/v1/identity/models/1/use"]
    for path in posts:
        assert office.http.post(path, json={"reason": "x"}).status_code == 401
        assert office.http.post(path, json={"reason": "x"}, headers=reader).status_code == 403
    office.post("/api/v1/identity/models/1/use", status=403)
    assert office.ids() == [pair]


def test_a_verdict_is_made_tried_undone_and_reopened_by_api(office: Office, pair: str) -> None:
    assert office.post(f"{QUEUE}/{pair}/accept", dry_run=True)["moved"] == 1
    outcome = office.post(f"{QUEUE}/{pair}/accept", reason="same card")
    assert office.shop.together("a", "b")
    assert office.get(QUEUE)["waiting"] == 0
    action = office.get("/api/v1/identity/actions")[0]
    assert (action["id"], action["action"], action["reason"]) == (outcome["action"], "accept", "same card")
    assert action["effects"]["decided"] == {"pair": pair, "before": "review", "after": "accepted"}
    office.post(f"/api/v1/identity/actions/{action['id']}/undo")
    assert office.ids() == [pair]
    office.post(f"{QUEUE}/{pair}/reject", reason="twins")
    (decided,) = office.get(f"{QUEUE}?status=decided")["pairs"]
    assert (decided["id"], decided["status"], decided["reason"]) == (pair, "rejected", "twins")
    office.post(f"{QUEUE}/{pair}/reopen", reason="a mistake")
    assert office.get(f"{QUEUE}?status=decided")["pairs"] == []
    assert office.ids() == [pair]


def test_conflicts_and_unknown_pairs_are_told_apart(office: Office, pair: str) -> None:
    assert "not decided" in office.post(f"{QUEUE}/{pair}/reopen", status=409)["detail"]
    office.post(f"{QUEUE}/{pair}/accept")
    assert "accepted by" in office.post(f"{QUEUE}/{pair}/reject", status=409)["detail"]
    assert office.post(f"{QUEUE}/{'0' * 32}/accept", status=404)["code"] == "not_found"
    assert office.post(f"{QUEUE}/{'z' * 32}/accept", status=400)["code"] == "invalid_input"
    office.post(f"{QUEUE}/{pair}/reopen", status=400, reason="")
    answer = office.http.get(f"{QUEUE}?cursor=nonsense", headers=office.key("customers:read"))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


def test_a_link_that_a_model_made_is_explained_by_the_id_of_its_evidence(office: Office) -> None:
    with office.db.write() as conn:
        models.save_model(conn, office.shop.workspace, model(), now=2)
    office.meet(a=ADA, b=SLIPPED, v=SISTER)
    root = next(iter(office.shop.state().roots[office.web(name)] for name in "a"))
    ident = evidence_id(office.web("a"), office.web("b"), Kind.PROBABLE)
    assert office.get(f"{QUEUE}/{ident.hex()}")["status"] == "linked"
    with office.db.read() as conn:
        shown = panel(conn, office.shop.workspace, root, [], office.shop.policy)
    assert list(shown["explained"]) == [ident]
    assert [mate.name for mate in shown["housemates"]] == ["vera lordorberg"]


def test_models_are_listed_shown_without_anybodys_words_and_used(office: Office) -> None:
    with office.db.write() as conn:
        models.save_model(conn, office.shop.workspace, model(), now=2)
    listed = office.get("/api/v1/identity/models")
    assert [(one["version"], one["active"]) for one in listed] == [(2, True), (1, False)]
    card = office.get("/api/v1/identity/models/1")
    assert card["thresholds"]["automatic"] == 99
    assert {one["aspect"] for one in card["comparisons"]} >= {"name", "birthday"}
    assert "lordorberg" not in str(card)
    assert "york" not in str(card)
    office.post("/api/v1/identity/models/1/use", scope="sources:write", reason="it asks more")
    assert [one["active"] for one in office.get("/api/v1/identity/models")] == [False, True]
    office.post("/api/v1/identity/models/1/use", scope="sources:write", status=409)
    office.post("/api/v1/identity/models/77/use", scope="sources:write", status=404)


# --- the console ----------------------------------------------------------------------------------------------------


def test_only_who_may_see_customers_sees_pairs_and_only_who_may_change_them_decides(office: Office, pair: str) -> None:
    assert office.http.get(PAGE, follow_redirects=False).status_code == 303
    office.sign_in("viewer")
    for path in (PAGE, f"{PAGE}?show=decided", f"{PAGE}?pair={pair}", "/console/identity/model"):
        assert "lordorberg" not in office.page(path, status=403)
    office.sign_in("analyst")
    seen = office.page(PAGE)
    assert "lordorbreg" in seen
    assert 'name="do"' not in seen
    assert office.submit(PAGE, PAGE, do="accept", pair=pair).status_code == 403
    office.sign_in("agent")
    assert office.http.post(PAGE, data={"do": "accept", "pair": pair}).status_code == 403, "a forged form"
    assert office.submit("/console/identity/model", "/console/identity/model", version="1").status_code == 403
    assert office.ids() == [pair]


def test_a_person_decides_sees_it_said_and_takes_it_back(office: Office, pair: str) -> None:
    office.sign_in("agent")
    words = office.words(office.page(PAGE))
    assert "Almost certainly one person (over 99.9 %)" in words
    assert "Not tied by itself: it is not sure enough" in words
    answer = office.submit(PAGE, PAGE, do="reject", pair=pair)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?last={pair}")
    words = office.words(office.page(answer.headers["location"]))
    assert "ada lordorberg and ada lordorbreg are two people" in words
    assert "Nothing waits" in words
    assert "two people, looked at side by side" in office.words(office.page(f"{PAGE}?show=decided"))
    assert "rejected a pair in review" in office.page("/console/identity")
    answer = office.submit(PAGE, PAGE, do="reopen", pair=pair, show="decided", reason="I was wrong")
    assert answer.headers["location"] == f"{PAGE}?show=decided&done=reopened"
    assert office.ids() == [pair]


def test_skipping_goes_on_behind_the_pair_and_the_end_says_so(office: Office) -> None:
    office.meet(a=ADA, b=SLIPPED, c=BO, d=BO | {"birthday": "1951-12-21"})
    office.sign_in("agent")
    first, second = office.get(QUEUE)["pairs"]
    words = office.words(office.page(f"{PAGE}?after={first['place']}"))
    assert "bo pelosridge and bo pelosridge" in words
    assert "ada lordorberg" not in words
    answer = office.submit(PAGE, PAGE, do="accept", pair=second["id"], after=first["place"])
    assert answer.headers["location"].endswith(f"&after={first['place']}")
    assert "That was the last one" in office.words(office.page(answer.headers["location"]))


def test_a_pair_is_told_in_words_first_and_in_bits_behind_a_toggle(office: Office, pair: str) -> None:
    office.sign_in("agent")
    page = office.page(f"{PAGE}?pair={pair}")
    first, _, behind = page.partition('<details class="body in-bits">')
    words = office.words(first)
    assert "Almost certainly one person (over 99.9 %)" in words
    assert "Agrees: a similar name" in words
    assert "the same date of birth" in words
    assert "bits" not in words
    assert "bits shared" in office.words("<main" + behind)
    told = office.get(f"{QUEUE}/{pair}")
    assert (told["against"], told["live_together"]) == ([], False)


def test_several_pairs_are_decided_at_once_and_one_that_cannot_be_is_told(office: Office) -> None:
    office.meet(a=ADA, b=SLIPPED, c=BO, d=BO | {"birthday": "1951-12-21"})
    office.sign_in("agent")
    both = office.ids()
    assert len(both) == 2
    found = re.search(r'name="csrf_token" value="([^"]+)"', office.page(PAGE))
    assert found
    form = {"csrf_token": found[1], "do": "reject_all", "several": both}
    assert office.http.post(PAGE, data=form, follow_redirects=False).status_code == 303
    assert office.ids() == []
    again = office.http.post(PAGE, data=form, follow_redirects=False)
    assert again.status_code == 409
    assert "this pair was rejected by" in office.words(again.text)
    assert office.http.post(PAGE, data=form | {"several": []}, follow_redirects=False).status_code == 400
    decided = office.words(office.page(f"{PAGE}?show=decided"))
    assert "Of 2 pairs you decided, 0 were one person" in decided
    assert "it is too sure of itself" in decided


def test_what_cannot_be_done_is_said_beside_what_still_can(office: Office, pair: str) -> None:
    office.sign_in("agent")
    office.post(f"{QUEUE}/{pair}/accept", reason="same card")
    answer = office.submit(f"{PAGE}?pair={pair}", PAGE, do="reject", pair=pair)
    assert answer.status_code == 409
    assert "this pair was accepted by" in office.words(answer.text)
    assert "Nothing waits" in office.words(answer.text)
    assert office.submit(PAGE, PAGE, do="dance", pair=pair).status_code == 400


def test_a_pair_whose_records_vanished_is_told_and_not_shown(office: Office, pair: str) -> None:
    office.sign_in("agent")
    with office.db.write() as conn:
        conn.execute(link_records.delete().where(link_records.c.key == office.web("b")))
    assert "the records of this pair are no more" in office.page(f"{PAGE}?pair={pair}", status=404)
    assert "Nothing waits" in office.page(PAGE)
    answer = office.submit("/console/identity", PAGE, do="accept", pair=pair)
    assert answer.status_code == 404
    assert "the records of this pair are no more" in answer.text
    for odd in ("zz", "00" * 16, "0" * 31):
        office.page(f"{PAGE}?pair={odd}", status=404)


def test_names_that_are_html_are_text_and_long_ones_are_cut(office: Office) -> None:
    odd = ADA | {"first_name": HOSTILE, "street": HOSTILE + " 1 " + "x" * 5_000}
    office.meet(a=odd, b=odd | {"last_name": "<b>lordorberg</b>"})
    office.sign_in("agent")
    page = office.page(PAGE)
    assert HOSTILE not in page
    assert "<b>" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "x" * 1_001 not in page
    assert "5,031 characters" in page
    assert office.get(QUEUE)["pairs"][0]["fields"][1]["left"] == odd["street"]


def test_an_empty_queue_says_how_to_train(office: Office) -> None:
    office.sign_in("owner")
    with office.db.write() as conn:
        conn.execute(sa.delete(link_models).where(link_models.c.workspace == office.shop.workspace))
    assert "rapport identity train" in office.page(PAGE)
    assert "rapport identity train" in office.page("/console/identity/model")
    assert "Nobody decided anything yet" in office.page(f"{PAGE}?show=decided")


def test_the_side_bar_counts_what_waits(office: Office, pair: str) -> None:
    office.sign_in("agent")
    bar = office.page("/console/identity").partition("<main")[0]
    assert re.search(r'href="/console/identity/review".*waiting: </span>1</span>', bar)
    office.post(f"{QUEUE}/{pair}/accept")
    assert "waiting: " not in office.page("/console/identity")


def test_an_owner_uses_another_model_and_the_trail_undoes_it(office: Office) -> None:
    with office.db.write() as conn:
        models.save_model(conn, office.shop.workspace, model(), now=2)
    office.sign_in("owner")
    words = office.words(office.page("/console/identity/model?version=1"))
    assert "Use version 1" in words
    assert "from +99.0 bits on" in words
    page = "/console/identity/model?version=1"
    assert "no reason was given" in office.submit(page, "/console/identity/model", version="1").text
    answer = office.submit(page, "/console/identity/model", version="1", reason="it asks more")
    assert answer.status_code == 303
    assert "Use version" not in office.page("/console/identity/model")
    assert "changed the model of learned links" in office.page("/console/identity")
    action = office.get("/api/v1/identity/actions")[0]["id"]
    office.submit(f"/console/identity/correct?do=undo&action={action}", "/console/identity/correct",
                  do="undo", action=action, reason="it asks too much")  # fmt: skip
    assert [one["active"] for one in office.get("/api/v1/identity/models")] == [True, False]
    office.page("/console/identity/model?version=77", status=404)


def test_a_policy_that_somebody_changed_meanwhile_is_not_overwritten_and_what_was_typed_stays(office: Office) -> None:
    """At the console, also where it is only tried; over the API with `If-Match`."""
    office.sign_in("owner")
    page = "/console/identity/policy"
    form = {"version": version_in(office.page(page)), "default_limit": "4", "reason": "fewer"}
    seen = office.http.get("/api/v1/identity/policy", headers=office.key("customers:read")).headers["etag"]
    assert office.submit(page, page, then="apply", **form).status_code == 303
    for then in ("try", "apply"):
        late = office.submit(page, page, then=then, **form | {"default_limit": "3"})
        assert late.status_code == 409
        assert "Owner has changed the identity policy since you looked: default_limit is 4 now" in unescape(late.text)
        assert 'name="default_limit" type="number" value="3"' in late.text
    form = {"version": version_in(late.text), "default_limit": "3", "reason": "fewer"}
    assert office.submit(page, page, then="apply", **form).status_code == 303
    wanted = {"policy": {"default_limit": 2}, "reason": "fewer"}
    key = office.key("sources:write") | {"If-Match": seen}
    answer = office.http.put("/api/v1/identity/policy", headers=key, json=wanted)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def version_in(page: str) -> str:
    """The version that the page's form carries."""
    found = re.search(r'name="version" value="([^"]+)"', page)
    assert found
    return found[1]
