"""What was kept before there was a key, or with an older one, is sealed with the key that seals now."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

import rapport
from rapport.act import webhooks
from rapport.act.webhooks import WebhookWanted
from rapport.adapters.providers import store as providers
from rapport.adapters.shops import store as shops
from rapport.app.bootstrap import open_database
from rapport.app.cli import main
from rapport.app.installation import Installation
from rapport.app.secret_keeping import look_at_secrets, seal_secrets, sealing
from rapport.app.settings import Settings
from rapport.capabilities.messages.service.providers import Provider, keep_provider, provider_of
from rapport.capabilities.messages.service.pushing import public_key
from rapport.capabilities.messages.service.servers import MailServer, keep_server, own_server
from rapport.collect.sources import change_source, create_source, find_source
from rapport.compose.installed import Installed
from rapport.kernel.clock import now_us
from rapport.kernel.errors import Misconfigured
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import Database
from rapport.storage.resealing import look_at_page, seal_page
from rapport.storage.sealing import VARIABLE
from rapport.web import accounts, factors
from tests.jobs import turns
from tests.shop import Shop

OLD, NEW = "o" * 32, "n" * 32
MAIL = MailServer(host="mail.example", sender="a@shop.example", password="mail-password-1")
CARRIER = Provider(kind="twilio", account="AC1", secret="twilio-secret-1", sender="+15005550006")


@pytest.fixture
def slices(any_shop: Shop) -> Installed:
    return any_shop.pipeline.slices


def keep_all(db: Database, shop: WorkspaceId) -> list[str]:
    """One secret in each place; returns those that people know."""
    now = now_us()
    user = accounts.create_user(
        db, email="ada@example.com", password="correct horse battery", name="Ada", workspace=shop, role="owner", now=now
    )  # fmt: skip
    app = factors.begin_app(db, user, issuer="Shop", now=now)
    with db.write() as conn:
        source = create_source(conn, shop, name="Site", kind="web", now=now, source_id="site")
        signing = change_source(conn, shop, source.id, asks_signatures=True).signing_secret
        keep_server(conn, shop, MAIL, by="Ada", now=now)
        keep_provider(conn, shop, "sms", CARRIER, by="Ada", allow_private=True, now=now)
        public_key(conn, shop, now=now)
        hook, first = webhooks.add_webhook(conn, shop, WebhookWanted(url="https://hooks.example/a"), now=now)
        _, second = webhooks.rotate_secret(conn, shop, hook.id, now=now)
        providers.keep_door(conn, shop, "mailgun", "mailgun-secret-1", now=now)
        shops.keep_door(conn, shop, source.id, "shopify", b"shopify-secret-1", now=now)
        shops.keep_door(conn, shop, source.id, "shopify", b"shopify-secret-2", now=now)
    return [
        app.secret, signing, MAIL.password, CARRIER.secret, first, second, "mailgun-secret-1", "shopify-secret-1",
        "shopify-secret-2",
    ]  # fmt: skip


def read_all(db: Database, shop: WorkspaceId) -> None:
    """All of them open, where they are used."""
    with db.read() as conn:
        assert find_source(conn, shop, "site").signing_secret
        assert own_server(conn, shop) == MAIL
        assert provider_of(conn, shop, "sms") == CARRIER
        door = providers.door_of(conn, shop, "mailgun")
        assert door is not None
        assert door.secret == "mailgun-secret-1"
        [taken] = shops.doors_named(conn, "site", "shopify")
        assert taken.secrets(now_us()) == [b"shopify-secret-2", b"shopify-secret-1"]


def lying(db: Database, slices: Installed) -> dict[str, int]:
    """How many secrets lie how, all places together."""
    total: dict[str, int] = {}
    for found in look_at_secrets(db, slices.secrets):
        for state, number in found.states.items():
            total[state] = total.get(state, 0) + number
    return total


def disk(db: Database, slices: Installed) -> bytes:
    """All that lies in the columns that hold secrets."""
    with db.read() as conn:
        rows = [row for place in slices.secrets for row in conn.execute(sa.select(place.table.c[place.column]))]
    return b"\n".join(value.encode() if isinstance(value, str) else bytes(value) for (value,) in rows if value)


def test_what_was_kept_before_there_was_a_key_is_sealed_by_a_worker_and_opens_as_before(
    any_shop: Shop, slices: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = any_shop.db
    monkeypatch.delenv(VARIABLE, raising=False)
    known = keep_all(db, any_shop.id)
    assert [secret for secret in known if secret.encode() in disk(db, slices)] == known
    assert turns(db, sealing(slices), now=now_us()) == [], "without a key there is nothing to do"
    monkeypatch.setenv(VARIABLE, OLD)
    done = turns(db, sealing(slices), now=now_us(), at_most=1)
    assert sum(done) == 10
    assert max(done) == 1, "in bounded steps"
    assert lying(db, slices) == {"sealed": 10}
    assert [secret for secret in known if secret.encode() in disk(db, slices)] == []
    read_all(db, any_shop.id)
    monkeypatch.setenv(VARIABLE, f"{NEW},{OLD}")
    assert lying(db, slices) == {"older": 10}
    assert sum(turns(db, sealing(slices), now=now_us())) == 10
    monkeypatch.setenv(VARIABLE, NEW)
    assert lying(db, slices) == {"sealed": 10}
    read_all(db, any_shop.id)


def test_what_no_key_opens_stays_and_holds_up_nothing_else(
    any_shop: Shop, slices: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = any_shop.db
    monkeypatch.setenv(VARIABLE, OLD)
    with db.write() as conn:
        keep_server(conn, any_shop.id, MAIL, by="Ada", now=1)
    monkeypatch.delenv(VARIABLE)
    with db.write() as conn:
        providers.keep_door(conn, any_shop.id, "mailgun", "mailgun-secret-1", now=1)
    monkeypatch.setenv(VARIABLE, NEW)
    seal_secrets(db, slices.secrets)
    assert lying(db, slices) == {"closed": 1, "sealed": 1}
    monkeypatch.setenv(VARIABLE, f"{NEW},{OLD}")
    with db.read() as conn:
        assert own_server(conn, any_shop.id) == MAIL


def test_a_providers_secret_that_no_key_opens_is_followed_by_the_one_that_is_typed_in(
    any_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with any_shop.db.write() as conn:
        monkeypatch.setenv(VARIABLE, OLD)
        providers.keep_door(conn, any_shop.id, "mailgun", "mailgun-secret-1", now=1)
        monkeypatch.setenv(VARIABLE, NEW)
        providers.keep_door(conn, any_shop.id, "mailgun", "mailgun-secret-2", now=2)
        door = providers.door_of(conn, any_shop.id, "mailgun")
    assert door is not None
    assert door.secrets(3) == ["mailgun-secret-2"]


def test_what_somebody_changes_meanwhile_stays_as_they_wrote_it(
    any_shop: Shop, slices: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where another process writes between the look and the change: the row that was read is not there any more."""
    db = any_shop.db
    monkeypatch.delenv(VARIABLE, raising=False)
    with db.write() as conn:
        providers.keep_door(conn, any_shop.id, "mailgun", "mailgun-secret-1", now=1)
    [place] = [one for one in slices.secrets if one.name == "providers_doors.secret"]
    before = place.about
    monkeypatch.setenv(VARIABLE, NEW)

    def changed(row: object) -> str:
        with db.engine.connect() as other:
            assert other is not conn
        providers.keep_door(conn, any_shop.id, "mailgun", "mailgun-secret-2", now=2)
        return before(row)  # type: ignore[arg-type]

    with db.write() as conn:
        seal_page(conn, place._replace(about=changed), after=None, limit=10)
        assert look_at_page(conn, place, after=None, limit=10).states == {"sealed": 1}
        door = providers.door_of(conn, any_shop.id, "mailgun")
    assert door is not None
    assert door.secret == "mailgun-secret-2"


def test_a_shops_secret_said_again_is_no_other_one_and_one_that_nothing_opens_is_followed(
    any_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, OLD)
    with any_shop.db.write() as conn:
        for _ in range(2):
            shops.keep_door(conn, any_shop.id, "site", "shopify", b"shopify-secret-1", now=now_us())
        [door] = shops.doors_named(conn, "site", "shopify")
        assert door.secrets(now_us()) == [b"shopify-secret-1"]
        monkeypatch.setenv(VARIABLE, NEW)
        with pytest.raises(Misconfigured):
            list(shops.doors_named(conn, "site", "shopify"))
        shops.keep_door(conn, any_shop.id, "site", "shopify", b"shopify-secret-2", now=now_us())
        [door] = shops.doors_named(conn, "site", "shopify")
        assert door.secrets(now_us()) == [b"shopify-secret-2"]


def test_a_shops_secret_that_nothing_opens_keeps_no_other_shops_webhooks_away(
    any_shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(VARIABLE, OLD)
    monkeypatch.setattr(shops, "_told_closed", set())
    now, closed, other = now_us(), WorkspaceId(1_000), WorkspaceId(1_001)
    with any_shop.db.write() as conn:
        shops.keep_door(conn, closed, "site", "shopify", b"shopify-secret-1", now=now)
        shops.keep_door(conn, other, "site", "shopify", b"shopify-secret-2", now=now)
        monkeypatch.setenv(VARIABLE, NEW)
        shops.keep_door(conn, other, "site", "shopify", b"shopify-secret-3", now=now)
        monkeypatch.setenv(VARIABLE, f"{NEW},{OLD}")
        shops.keep_door(conn, other, "site", "shopify", b"shopify-secret-4", now=now)
        monkeypatch.setenv(VARIABLE, NEW)
        for _ in range(2):
            [door] = shops.doors_named(conn, "site", "shopify")
        assert (door.workspace, door.secrets(now)) == (other, [b"shopify-secret-4", b"shopify-secret-3"])
        assert caplog.text.count("no key opens the secret of webhooks of shopify for 'site' of shop 1000") == 1
        assert shops.door_of(conn, other, "site", "shopify") == door
        assert shops.is_taken(conn, "site", "shopify", workspace=closed)
        with pytest.raises(Misconfigured):
            shops.door_of(conn, closed, "site", "shopify")


def test_the_secret_before_outlives_one_that_nothing_opens_and_such_a_one_before_shuts_nothing_in(
    any_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, shop = now_us(), any_shop.id
    with any_shop.db.write() as conn:

        def keep(key: str, number: int) -> None:
            monkeypatch.setenv(VARIABLE, key)
            providers.keep_door(conn, shop, "mailgun", f"mailgun-secret-{number}", now=now)
            shops.keep_door(conn, shop, "site", "shopify", f"shopify-secret-{number}".encode(), now=now)

        def open_ones() -> list[list[str]]:
            mailgun, shopify = providers.door_of(conn, shop, "mailgun"), shops.door_of(conn, shop, "site", "shopify")
            assert mailgun is not None
            assert shopify is not None
            return [[one[-1] for one in mailgun.secrets(now)], [one.decode()[-1] for one in shopify.secrets(now)]]

        keep(NEW, 1)
        keep(f"{OLD},{NEW}", 2)  # it seals with the older one
        monkeypatch.setenv(VARIABLE, NEW)
        assert [one.secrets(now) for one in providers.doors_of(conn, shop)] == [["mailgun-secret-1"]]
        assert [one.is_readable for one in providers.doors_of(conn, shop)] == [False]
        keep(NEW, 3)
        assert open_ones() == [["3", "1"], ["3", "1"]]
        keep(f"{OLD},{NEW}", 4)
        keep(f"{NEW},{OLD}", 5)
        monkeypatch.setenv(VARIABLE, NEW)
        assert open_ones() == [["5"], ["5"]]  # the one before it is not opened any more, and in nobody's way
        keep(NEW, 6)
        assert open_ones() == [["6", "5"], ["6", "5"]]


def test_the_command_seals_tells_how_many_and_fails_where_one_stays_shut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    db = open_database(Settings.load({}, data_dir=tmp_path))
    from rapport.app.bootstrap import bootstrap

    bootstrap(db, Settings.load({}, data_dir=tmp_path))
    with db.write() as conn:
        providers.keep_door(conn, WorkspaceId(1), "mailgun", "mailgun-secret-1", now=1)
    db.close()

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["secrets", *words, "--data", str(tmp_path)], obj=Installation())
        return done.exit_code, done.output

    assert run("seal")[0] == 1
    assert "is not set: 1 secrets lie readable" in run("show")[1]
    monkeypatch.setenv(VARIABLE, OLD)
    code, output = run("seal", "--json")
    assert code == 0
    assert [one for one in json.loads(output) if one["sealed"]] == [
        {"place": "providers_doors.secret", "sealed": 1, "older": 0, "readable": 0, "closed": 0}
    ]
    monkeypatch.setenv(VARIABLE, NEW)
    code, output = run("seal")
    assert code == 1
    assert "1 secrets open with none of the keys" in output
    assert "mailgun-secret" not in output


def test_whatever_is_sealed_has_a_place_where_a_new_key_finds_it(slices: Installed) -> None:
    """Each room whose code seals says where; one that did not would be locked out by the next change of the key."""
    root = Path(rapport.__file__).parent
    sealing_files = [
        file.relative_to(root) for file in root.rglob("*.py")
        if re.search(r"(?<![\w.])sealed(?:_text)?\(", re.sub(r"\bdef sealed\w*", "", file.read_text()))
        and not file.is_relative_to(root / "storage")
    ]  # fmt: skip
    assert len(sealing_files) >= 8

    def room(module: str) -> str:
        """`capabilities.loyalty`, `act.webhooks`."""
        return ".".join(module.split(".")[:2])

    told = {room(place.about.__module__.removeprefix("rapport.")) for place in slices.secrets}
    for file in sealing_files:
        assert room(".".join(file.with_suffix("").parts)) in told, f"{file} seals, and no SecretPlace says where"
