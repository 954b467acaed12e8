"""What templates say: shipped ones read well in both languages, bad ones are refused with their line, bombs are cut."""

from __future__ import annotations

import re

import pytest

from rapport.capabilities.messages.model import Recipient, Template, TemplateText
from rapport.capabilities.messages.pages import SAMPLE
from rapport.capabilities.messages.publishing import compile_template
from rapport.capabilities.messages.rendering import fill, fill_line, text_of
from rapport.capabilities.messages.service.composing import Desk, write
from rapport.capabilities.messages.service.servers import MailServer
from rapport.capabilities.messages.service.templates import Published, shipped
from rapport.capabilities.messages.settings import MessageSettings
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.workspaces import Workspace, WorkspaceSettings

DESK = Desk(
    Workspace(id=WorkspaceId(1), slug="shop", name="Ada & Söhne", settings=WorkspaceSettings(), created_at=0),
    MessageSettings(sender_address="Hauptstraße 1, Berlin"), "https://shop.example",
)  # fmt: skip
WORST = ("", "<script>alert(1)</script>", "محمد بن عبد الله", "Ö" * 180, "{{ 7 | times: 7 }}", "'\"&")


def person(name: str, language: str) -> Recipient:
    return Recipient(Key(b"k"), Key(b"k"), "ada@example.com", name, name, language, "")


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_shipped_template_reads_well_in_both_languages_for_the_oddest_names(name: str) -> None:
    template = shipped()[name]
    published = Published(name, 0, template, compile_template(template))
    assert sorted(template.texts) == ["de", "en"]
    for language in template.texts:
        for called in WORST:
            mail = write(
                published, person(called, language), DESK, data=SAMPLE, message_id="m",
                unsubscribe="https://u.example/x" if template.purpose == "marketing" else "", server=MailServer(),
            )  # fmt: skip
            assert mail.size < 60_000
            assert "undefined" not in mail.text
            assert "{{" not in mail.text or called.startswith("{{")
            assert "<script>" not in mail.html
            assert "LQ0" not in mail.html
            assert mail.html.count("<!--[if") == mail.html.count("<![endif]-->")
            assert not re.search(r"(src=|url\()[\"']?http", mail.html)  # nothing is fetched from a third party
            assert ("https://u.example/x" in mail.text) == (template.purpose == "marketing")


def refused(body: str, *, purpose: str = "transactional") -> str:
    text = TemplateText(subject="Hi", body=body)
    with pytest.raises(InvalidInput) as caught:
        compile_template(Template(title="T", purpose=purpose, texts={"en": text}))  # type: ignore[arg-type]
    return caught.value.message


def section(text: str) -> str:
    return f"<mj-section>\n<mj-column>\n<mj-text>{text}</mj-text>\n</mj-column>\n</mj-section>"


def test_what_is_wrong_is_told_with_its_line() -> None:
    assert "line 3" in refused(section("{{ name | nofilter }}"))
    assert "line 1" in refused("{% if vip %}\n" + section("x") + "{% endif %}")
    assert "mj-foo" in refused(section("x") + "<mj-section><mj-column><mj-foo>y</mj-foo></mj-column></mj-section>")
    assert "no MJML" in refused("<mj-section><mj-column>")
    assert "mj-include" in refused('<mj-include path="x"/>' + section("x"))
    assert "bytes" in refused(section("long " * 19_000))
    whole = (
        '<mjml><mj-head><mj-attributes><mj-all font-family="Arial" /></mj-attributes></mj-head>'
        f"<mj-body>{section('news')}</mj-body></mjml>"
    )
    assert "unsubscribe" in refused(whole, purpose="marketing")
    assert "mj-head" in refused("<mjml><mj-head>{% if a %}{% endif %}</mj-head><mj-body></mj-body></mjml>")


def test_a_smaller_than_in_a_condition_breaks_nothing() -> None:
    text = TemplateText(subject="Hi", body=section("{% if stock < 3 %}only {{ stock }} left{% endif %}"))
    html = compile_template(Template(title="T", purpose="transactional", texts={"en": text}))["en"]
    shop = {"name": "Shop", "colour": "#000000"}
    shown = [fill(html, {"stock": n, "shop": shop, "links": {}}, language="en") for n in (2, 5)]
    assert ["only 2 left" in one for one in shown] == [True, False]


@pytest.mark.parametrize(
    "bomb",
    [
        "{% for i in (1..50000000000) %}{% endfor %}",
        "{% for i in (1..1000) %}{% for j in (1..1000) %}x{% endfor %}{% endfor %}",
        "{% assign a = 'xxxxxxxxxxxxxxxx' %}" + "{% assign a = a | append: a %}" * 30,
        "{% if true %}" * 200 + "{% endif %}" * 200,
        "{{ missing }}",
        "{{ missing | times: 100 }}",
        "{{ 'a' | divided_by: 0 }}",
    ],
)
def test_a_bomb_is_one_message_held(bomb: str) -> None:
    with pytest.raises(InvalidInput):
        fill(bomb, {}, language="en")


def test_amounts_and_days_are_written_as_the_language_does() -> None:
    values = {"price": {"minor": 123450, "currency": "EUR"}, "date": "2026-12-04"}
    german = fill_line("{{ price | money }}, {{ date | day }}", values, language="de")
    assert german == "1.234,50 €, Freitag, 4. Dezember"
    assert fill_line("{{ date | day }}", values, language="en") == "Friday, 4 December"


def test_a_subject_is_one_line_and_is_not_escaped() -> None:
    assert fill_line("{{ a }}", {"a": "R&D\r\nBcc: x"}, language="en") == "R&DBcc: x"


def test_the_plain_text_holds_words_and_links_and_nothing_hidden() -> None:
    html = '<head><style>x{}</style></head><div style="display:none">pre</div><p>Hi <a href="https://a.b/?x=1&amp;y=2">go</a></p>'
    assert text_of(html) == "Hi go (https://a.b/?x=1&y=2)\n"


@pytest.mark.parametrize("vip", [True, False])
def test_both_branches_of_a_condition_leave_outlook_whole_tables(vip: bool) -> None:  # noqa: FBT001 - a case
    """A condition inside a table, a text and a button: the tags that Outlook alone reads open and close in pairs."""
    inside = "{% if vip %}<strong>{{ a }}</strong>{% else %}<em>{{ b }}</em>{% endif %}"
    body = (
        section(inside)
        + f"<mj-section><mj-column><mj-table><tr><td>{inside}</td></tr></mj-table></mj-column><mj-column>"
        + f'<mj-button href="https://x.example">{inside}</mj-button></mj-column></mj-section>'
    )
    html = compile_template(
        Template(title="T", purpose="transactional", texts={"en": TemplateText(subject="Hi", body=body)})
    )["en"]
    values = {"a": "A<", "b": "B>", "vip": vip, "shop": {"name": "Shop", "colour": "#000000"}, "links": {}}
    shown = fill(html, values, language="en")
    assert ("A&lt;" in shown, "B&gt;" in shown) == (vip, not vip)
    read = re.sub(r"<!--\[if !mso[^>]*><!-->(.*?)<!--<!\[endif\]-->", "", shown, flags=re.DOTALL)
    read = re.sub(r"<!--\[if[^>]*>(.*?)<!\[endif\]-->", r"\1", read, flags=re.DOTALL)
    for tag in ("table", "tr", "td", "div"):
        assert len(re.findall(rf"<{tag}[ >]", read)) == read.count(f"</{tag}>"), tag
