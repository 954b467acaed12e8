"""Cards for phones' wallets: signed so that a phone takes them, the same card for ever, of nobody else."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import RSAKey

from rapport.app.secret_keeping import seal_secrets
from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.pass_keys import AppleKeys, GoogleKeys, keep_keys, keys_of, shown_keys
from rapport.capabilities.loyalty.passes import CardShown, apple_pass, google_link
from rapport.capabilities.loyalty.watches import WATCHES
from rapport.kernel.clock import DAY, now_us
from rapport.kernel.errors import InvalidInput, Misconfigured
from rapport.storage.sealing import VARIABLE
from rapport.storage.workspaces import create_workspace
from tests.databases import ENGINES, database_at
from tests.loyal import CLUB
from tests.rooms.capabilities.test_loyalty_routes import call
from tests.running import Server, http, wait_until
from tests.shop import NOON, Shop
from tests.stories.console import tell

PASS = "pass.example.club"


class Made(NamedTuple):
    """A private key with its certificate, both PEM."""

    key: rsa.RSAPrivateKey
    pem: str
    certificate: x509.Certificate

    @property
    def text(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def made(name: str, by: Made | None = None, *, days: int = 90, uid: str = "") -> Made:
    """A key with a certificate signed by another, or by itself."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    subject = x509.Name([x509.NameAttribute(NameOID.USER_ID, uid), *parts] if uid else parts)
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400)).not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .sign(by.key if by else key, hashes.SHA256())
    )  # fmt: skip
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return Made(key, pem, certificate)


@pytest.fixture(scope="module")
def root() -> Made:
    return made("A certificate authority")


@pytest.fixture(scope="module")
def signer(root: Made) -> Made:
    return made("Pass Type ID", root, uid=PASS)


def apple(signer: Made, root: Made, **changes: Any) -> AppleKeys:
    said = {"pass_type": PASS, "team": "A1B2C3D4E5", "certificate": signer.text, "private_key": signer.pem,
            "intermediate": root.text}  # fmt: skip
    return AppleKeys(**(said | changes))


def google(signer: Made) -> GoogleKeys:
    return GoogleKeys(issuer="338800000001", account="cards@example.iam.gserviceaccount.com", private_key=signer.pem,
                      logo_url="https://shop.example/logo.png")  # fmt: skip


CARD = CardShown(
    serial="s1", number="LC4000001", shop="Marlow", title="Club", balance=120, tier="Gold", way="", soon="",
    as_of="today",
    labels={name: name for name in ("points", "tier", "number", "next", "until", "as_of")},
)  # fmt: skip


def test_a_pass_is_signed_so_that_whoever_trusts_the_authority_takes_it(
    signer: Made, root: Made, tmp_path: Path
) -> None:
    """As a phone does it: each file is as the manifest says, and the manifest is signed by the pass type's key."""
    with zipfile.ZipFile(io.BytesIO(apple_pass(CARD, apple(signer, root)))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files["manifest.json"])
    assert manifest == {name: sha1(files[name]).hexdigest() for name in files.keys() - {"manifest.json", "signature"}}
    assert {"pass.json", "icon.png", "icon@2x.png"} <= set(manifest)
    assert all(files[name].startswith(b"\x89PNG") for name in manifest if name.endswith(".png"))
    said = json.loads(files["pass.json"])
    assert (said["passTypeIdentifier"], said["teamIdentifier"], said["serialNumber"]) == (PASS, "A1B2C3D4E5", "s1")
    assert said["barcodes"][0]["message"] == "LC4000001"
    assert said["storeCard"]["primaryFields"][0]["value"] == 120
    manifest_file = files["manifest.json"]
    forged = manifest_file.replace(b"a", b"b")
    for name, body in {"manifest": manifest_file, "forged": forged, "signature": files["signature"],
                       "ca": root.text.encode()}.items():  # fmt: skip
        (tmp_path / name).write_bytes(body)
    for content, good in (("manifest", True), ("forged", False)):
        command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "signature", "-content", content,
                   "-CAfile", "ca", "-purpose", "any", "-out", "/dev/null"]  # fmt: skip
        assert (subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0) is good


@pytest.mark.parametrize(
    ("title", "left"), [("Club", 4), ("Vereinigung der Freunde und Nachbarn " * 3, 2), ("สโมสร" * 16, 0)]
)  # fmt: skip
def test_a_link_is_never_longer_than_google_takes(signer: Made, title: str, left: int) -> None:
    card = CARD._replace(title=title, shop=title, way="80.00 to Gold", soon="120 points expire on 1 March",
                         serial="a" * 32, number="cus_" + "b" * 22)  # fmt: skip
    link = google_link(card, "club", google(signer), now=NOON)
    assert len(link) <= 1_800
    said = jwt.decode(link.rpartition("/")[2], RSAKey.import_key(signer.pem), algorithms=["RS256"]).claims["payload"]
    assert said["loyaltyClasses"][0]["programName"] in title
    shown = [one["id"] for one in said["loyaltyObjects"][0]["textModulesData"]]
    assert shown == ["tier", "next", "until", "as_of"][:left]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pass_type": "pass.other"}, "is for 'pass.example.club'"),
        ({"certificate": "-----BEGIN NOTHING-----"}, "certificate cannot be read"),
        ({"private_key": "x"}, "private key cannot be read"),
        ({"intermediate": "OTHER"}, "did not sign this one"),
        ({"private_key": "OTHER"}, "not that of the certificate"),
        ({"certificate": "OLD", "private_key": "OLD"}, "ran out"),
    ],
)
def test_keys_that_would_sign_what_no_phone_takes_are_refused(
    shop: Shop, signer: Made, root: Made, changes: dict[str, str], words: str
) -> None:
    other, old = made("Another"), made("Old", root, days=-1, uid=PASS)
    stand_in = {
        "OTHER": {"private_key": other.pem, "intermediate": other.text},
        "OLD": {"private_key": old.pem, "certificate": old.text},
    }
    real = {field: stand_in.get(value, {field: value})[field] for field, value in changes.items()}
    with pytest.raises(InvalidInput, match=words) as refused, shop.db.write() as conn:
        keep_keys(conn, shop.id, apple(signer, root, **real), by="test", now=now_us())
    assert "BEGIN PRIVATE" not in f"{refused.value.message} {refused.value.hint}"


@pytest.fixture(params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    with database_at(request.param, tmp_path) as url:
        opened = Shop(url)
        yield opened
        opened.close()


def test_keys_lie_sealed_and_open_nothing_where_they_are_copied_to(
    shop: Shop, signer: Made, root: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "k" * 40)
    with shop.db.write() as conn:
        other = create_workspace(conn, slug="other", name="Other", now=NOON).id
        for keys in (apple(signer, root), google(signer)):
            keep_keys(conn, shop.id, keys, by="Cleo", now=now_us())
        t = store.pass_keys
        rows = conn.execute(t.select()).all()
        assert all(b"PRIVATE KEY" not in bytes(row.body) for row in rows)
        conn.execute(t.insert(), [{**row._mapping, "workspace": other} for row in rows])
    with shop.db.read() as conn:
        assert keys_of(conn, shop.id, "apple") == apple(signer, root)
        assert [(one.wallet, one.readable) for one in shown_keys(conn, shop.id)] == [("apple", True), ("google", True)]
        with pytest.raises(Misconfigured):
            keys_of(conn, other, "apple")
        assert [one.readable for one in shown_keys(conn, other)] == [False, False]


def test_keys_of_before_there_was_a_key_are_sealed_and_outlive_its_change(
    shop: Shop, signer: Made, root: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices = shop.pipeline.slices
    monkeypatch.delenv(VARIABLE, raising=False)
    with shop.db.write() as conn:
        for keys in (apple(signer, root), google(signer)):
            keep_keys(conn, shop.id, keys, by="Cleo", now=now_us())
    for key in ("o" * 40, f"{'n' * 40},{'o' * 40}", "n" * 40):
        monkeypatch.setenv(VARIABLE, key)
        seal_secrets(shop.db, slices.secrets)
        with shop.db.read() as conn:
            assert all(b"PRIVATE KEY" not in bytes(row.body) for row in conn.execute(store.pass_keys.select()))
            assert (keys_of(conn, shop.id, "apple"), keys_of(conn, shop.id, "google")) == (
                apple(signer, root), google(signer)
            )  # fmt: skip


@pytest.fixture(scope="module")
def club(shop_server: Server) -> Server:
    made = call(shop_server, "PUT", "loyalty/programmes/club",
                json={"programme": CLUB | {"pending_days": 0}, "version": 0})  # fmt: skip
    assert made.status_code == 200, made.text
    return shop_server


def bought(club: Server, user: str, number: int) -> dict[str, str]:
    said = {"order_id": f"{user}-{number}", "currency": "EUR",
            "products": [{"product_id": "p", "price": 50, "quantity": 1}]}  # fmt: skip
    tell(club, {"type": "track", "event": "Order Completed", "userId": user, "properties": said})
    path = f"customers/user_id:{user}/loyalty"
    wait_until(lambda: call(club, "GET", path).json().get("balance") == 50 * number)
    found: dict[str, str] = call(club, "POST", f"{path}/links").json()
    return found


def test_a_member_takes_their_card_and_takes_it_again_with_what_holds_then(
    club: Server, signer: Made, root: Made
) -> None:
    link = bought(club, "ida", 1)
    assert (link["apple_pass"], link["google_pass"]) == ("", "")
    assert "no card for your phone" in http.get(f"{club.url}{link['wallet']}").text
    none = http.get(f"{club.url}{link['wallet'].replace('/wallet?', '/card.pkpass?')}")
    assert (none.status_code, "no card" in none.text) == (404, True)
    keys = {"pass_type": PASS, "team": "A1B2C3D4E5", "certificate": signer.text, "private_key": signer.pem,
            "intermediate": root.text}  # fmt: skip
    assert call(club, "PUT", "loyalty/passes/apple", json=keys).status_code == 204
    account = {"issuer": "338800000001", "account": "cards@example.iam.gserviceaccount.com",
               "private_key": signer.pem, "logo_url": "https://shop.example/logo.png"}  # fmt: skip
    assert call(club, "PUT", "loyalty/passes/google", json=account).status_code == 204
    assert "PRIVATE" not in call(club, "GET", "loyalty/passes").text
    assert "Add to Apple Wallet" in http.get(f"{club.url}{link['wallet']}").text
    serials = set()
    for number in (1, 2):
        link = bought(club, "ida", number)
        taken = http.get(f"{club.url}{link['apple_pass']}", headers={"Accept-Language": "de"})
        assert taken.headers["content-type"] == "application/vnd.apple.pkpass"
        with zipfile.ZipFile(io.BytesIO(taken.content)) as archive:
            said = json.loads(archive.read("pass.json"))
        serials.add(said["serialNumber"])
        points = said["storeCard"]["primaryFields"][0]
        assert (points["label"], points["value"]) == ("Punkte", 50 * number)
        sent = http.get(f"{club.url}{link['google_pass']}", follow_redirects=False)
        assert (sent.status_code, urlsplit(sent.headers["location"]).netloc) == (303, "pay.google.com")
        token = sent.headers["location"].rpartition("/")[2]
        card = jwt.decode(token, RSAKey.import_key(signer.pem), algorithms=["RS256"]).claims
        assert (card["iss"], card["typ"], card["aud"]) == (account["account"], "savetowallet", "google")
        [member] = card["payload"]["loyaltyObjects"]
        assert member["loyaltyPoints"]["balance"] == {"int": 50 * number}
        assert member["id"] == f"338800000001.{said['serialNumber']}"
        assert member["barcode"]["value"] == said["barcodes"][0]["message"]
        found = call(club, "GET", f"customers/{member['accountId']}/loyalty").json()  # as a till reads it
        assert found["balance"] == 50 * number
    assert len(serials) == 1
    stranger = bought(club, "lou", 1)["apple_pass"]
    assert http.get(f"{club.url}{stranger[:-3]}xyz").status_code == 404
    assert call(club, "DELETE", "loyalty/passes/apple").status_code == 204
    assert call(club, "DELETE", "loyalty/passes/apple").status_code == 404
    assert "Apple" not in http.get(f"{club.url}{link['wallet']}").text


def test_a_certificate_that_runs_out_is_an_alarm_a_month_before(shop: Shop, signer: Made, root: Made) -> None:
    [watch] = [one for one in WATCHES if one.name == "loyalty.passes"]
    assert watch.read is not None
    now = now_us()
    with shop.db.write() as conn:
        keep_keys(conn, shop.id, apple(signer, root), by="test", now=now)
        assert list(watch.read(conn, shop.id, now)) == []
        [soon] = watch.read(conn, shop.id, now + 61 * DAY)
        [over] = watch.read(conn, shop.id, now + 91 * DAY)
    assert ("runs out" in soon.what, "ran out" in over.what) == (True, True)
