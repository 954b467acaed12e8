"""A person at the console: a browser that signs in, watches for anything the page complains of, and tells facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rapport.kernel.clock import now_us, to_iso
from rapport.web import accounts
from tests.running import Server, http, wait_until
from tests.stories.kept import database_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PASSWORD = "correct horse battery"
OWNER = "owner@example.com"
MILLISECOND = 1_000
PATIENCE = 90_000
"""Milliseconds a page may take on a machine that is busy with the other tests."""
STILL: dict[str, Any] = {"reduced_motion": "reduce"}
"""Nothing slides or fades, so that nothing has to be waited for."""


class Complaints(list[str]):
    """What pages complained of: errors in the console (a refused script is one), uncaught errors, dialogs."""

    def watch(self, page: Page) -> None:
        """Listen to a page."""
        page.on("console", lambda said: self.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.append(str(error)))

        def refuse(dialog: Any) -> None:
            self.append(f"dialog: {dialog.message}")
            dialog.dismiss()

        page.on("dialog", refuse)


def add_owner(server: Server) -> None:
    """Make the owner's account."""
    add_person(server, email=OWNER, role="owner")


def add_person(server: Server, *, email: str, role: str) -> None:
    """Make somebody's account with the password of all."""
    with database_of(server) as db:
        with db.read() as conn:
            shop = server.workspace(conn)
        accounts.create_user(
            db,
            email=server.address(email),
            password=PASSWORD,
            name="Olga Owner",
            workspace=shop,
            role=role,
            now=now_us(),
        )


@contextmanager
def signed_in(
    browser: Browser, server: Server, *, email: str = OWNER, password: str = PASSWORD, **options: Any
) -> Iterator[tuple[Page, Complaints]]:
    """A fresh browser in which somebody has signed in; what its pages complained of must be empty afterwards.

    The first time through the form, from then on with the cookies that it gave.
    """
    context = browser.new_context(
        storage_state=server.signed_in.get(email),
        **{"viewport": {"width": 1440, "height": 900}, "timezone_id": "Europe/Berlin", **STILL, **options},
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    complaints = Complaints()
    complaints.watch(page)
    try:
        if email in server.signed_in:
            page.goto(f"{server.url}/console")
        else:
            page.goto(f"{server.url}/console/sign-in")
            page.get_by_label("E-mail").fill(server.address(email))
            page.get_by_label("Password").fill(password)
            page.get_by_role("button", name="Sign in", exact=True).click()
            page.wait_for_url(f"{server.url}/console")
            server.signed_in[email] = context.storage_state()
        yield page, complaints
        assert complaints == [], complaints
    finally:
        context.close()


def settle(page: Page) -> None:
    """Return once the page is laid out and painted in its present size."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def tell(server: Server, *messages: dict[str, Any], write_key: str | None = None) -> None:
    """Send facts as any client does; each happened a little after the one before."""
    began = now_us() - len(messages) * 10 * MILLISECOND
    batch = [{"timestamp": to_iso(began + i * 10 * MILLISECOND)} | message for i, message in enumerate(messages)]
    key = write_key or server.write_key

    def sent() -> Any:
        answer = http.post(f"{server.url}/v1/batch", json={"batch": batch}, auth=(key, ""), timeout=30)
        # A server asks for unknown keys at most four times a second: one made just now may have to wait.
        return None if answer.status_code == 401 else answer

    answer = wait_until(sent, seconds=5)
    assert answer.status_code == 200, answer.text


def track(event: str, *, user: str | None = None, visitor: str | None = None, **properties: Any) -> dict[str, Any]:
    """A track message."""
    named = {"userId": user} if user else {"anonymousId": visitor}
    return {"type": "track", "event": event, "properties": properties, **named}


def identify(user: str, *, visitor: str | None = None, **traits: Any) -> dict[str, Any]:
    """An identify message."""
    return {"type": "identify", "userId": user, "traits": traits} | ({"anonymousId": visitor} if visitor else {})


def setup_link(server: Server) -> str:
    """The link for the first account, as the server prints it."""
    found = re.findall(r"first account: (\S+)", server.log.read_text())
    assert found, server.log.read_text()[-2000:]
    return str(found[-1])
