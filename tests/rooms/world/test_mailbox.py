"""The mailbox of the simulated shop: letters over real SMTP, and how they are read."""

from __future__ import annotations

import asyncio
import smtplib
from email.message import EmailMessage

import httpx
import pytest

from rapport.world.mailbox.letters import KEPT, Mailbox
from rapport.world.mailbox.pages import Pages
from rapport.world.mailbox.taking import taking
from tests.running import free_port


def letter(subject: str, *to: str, html: str = "<p>Hello</p>") -> EmailMessage:
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = subject, "shop@example.com", ", ".join(to)
    made.set_content("Hello in words")
    made.add_alternative(html, subtype="html")
    return made


def read(mailbox: Mailbox, path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=Pages(mailbox))
        async with httpx.AsyncClient(transport=transport, base_url="http://mailbox.example") as http:
            return await http.get(path)

    return asyncio.run(ask())


@pytest.fixture(scope="module")
def mailbox() -> Mailbox:
    box, port = Mailbox(), free_port()
    with taking(box, port=port), smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.send_message(letter("Où est mon colis ?", "ada@example.com"))
        smtp.send_message(letter("<script>alert(1)</script>", "bo@example.com", "cy@example.com", html="<b>Hi</b>"))
    return box


def test_each_who_is_written_to_gets_a_letter_and_the_newest_comes_first(mailbox: Mailbox) -> None:
    assert [one.recipient for one in mailbox] == ["cy@example.com", "bo@example.com", "ada@example.com"]
    assert mailbox.letter(1) == [*mailbox][-1]
    assert "Où est mon colis ?" in read(mailbox, "/").text


def test_what_a_letter_says_is_shown_and_never_run(mailbox: Mailbox) -> None:
    page = read(mailbox, "/letters/2")
    assert "&lt;script&gt;" in page.text
    assert "<script>" not in page.text
    body = read(mailbox, "/letters/2/body")
    assert "<b>Hi</b>" in body.text
    assert "script-src" not in body.headers["content-security-policy"]
    assert body.headers["content-security-policy"].startswith("sandbox")


def test_letters_are_found_by_address_and_by_subject(mailbox: Mailbox) -> None:
    assert "1 of 3 letters" in read(mailbox, "/?q=COLIS").text
    assert "1 of 3 letters" in read(mailbox, "/?q=bo@").text
    assert "No letter has “nobody”" in read(mailbox, "/?q=nobody").text


def test_an_empty_mailbox_says_when_letters_come_and_a_letter_that_is_gone_says_so() -> None:
    box = Mailbox()
    assert "No letter yet" in read(box, "/").text
    for number in range(KEPT + 1):
        box.take(letter(f"No {number}", "ada@example.com").as_bytes(), ["ada@example.com"], at=number)
    assert len([*box]) == KEPT
    assert read(box, "/letters/1").status_code == read(box, "/letters/x").status_code == 404
    assert read(box, f"/letters/{KEPT + 1}").status_code == 200
