"""From MJML to HTML, once, when a template is published; the Liquid in it is set aside meanwhile and put back."""

from __future__ import annotations

import re
from functools import lru_cache

from mjml import mjml2html

from rapport.capabilities.messages.model import Template, TemplateText
from rapport.capabilities.messages.rendering import check_liquid
from rapport.kernel.errors import InvalidInput

__all__ = ["DARK", "LARGEST", "compile_template", "compile_text"]

LARGEST = 100_000
"""Bytes of HTML before values are in it; Gmail cuts a mail at about 102 kB, and with it the way to unsubscribe."""

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_HEAD = re.compile(r"<mj-head\b.*?</mj-head>", re.DOTALL)
_LEAF = re.compile(r"<(mj-text|mj-button|mj-raw|mj-table|mj-preview|mj-title)\b[^>]*>.*?</\1>", re.DOTALL)

_FRAME = """<mjml lang="{language}"><mj-head><mj-title>{subject}</mj-title><mj-preview>{preheader}</mj-preview>
<mj-attributes><mj-all font-family="'Helvetica Neue', Helvetica, Arial, sans-serif" />
<mj-text font-size="16px" line-height="1.6" color="#2a303a" css-class="ink" padding="8px 36px" />
<mj-table font-size="16px" line-height="1.4" color="#2a303a" css-class="ink" padding="8px 36px" />
<mj-button background-color="{{{{ shop.colour }}}}" color="#ffffff" font-size="16px" font-weight="600"
 border-radius="8px" inner-padding="14px 28px" align="left" padding="16px 36px 12px" />
<mj-image padding="8px 36px" /><mj-divider border-width="1px" border-color="#e3e6ea" padding="12px 36px" />
<mj-section padding="4px 0" /></mj-attributes>
<mj-style>{dark}</mj-style></mj-head>
<mj-body background-color="#f1f2f4" css-class="ground">
<mj-section padding="28px 0 16px"><mj-column>
<mj-text font-size="19px" font-weight="700" letter-spacing="0.5px" align="center" css-class="soft"
 >{{{{ shop.name }}}}</mj-text></mj-column></mj-section>
{body}
<mj-section padding="20px 0 32px"><mj-column><mj-text font-size="13px" color="#5d6672" align="center"
 css-class="soft">{foot}</mj-text></mj-column></mj-section>
</mj-body></mjml>"""

_CARD = (
    '<mj-wrapper background-color="#ffffff" border-radius="14px" padding="24px 0 28px" css-class="card"'
    ' border-top="4px solid {{ shop.colour }}">%s</mj-wrapper>'
)
"""What a mail says stands on one sheet; sections that are wrapped already stay as they are."""

DARK = "@media (prefers-color-scheme: dark)"
_DARK = (
    DARK + " { body, .ground, .ground > div { background-color: #121417 !important; }"
    " .card, .card > table { background-color: #1e2226 !important; }"
    " .ink div, .ink table, .ink td, .ink strong { color: #e9ecf0 !important; }"
    " .soft div, .soft a { color: #a3acb8 !important; } .ink .quiet { color: #a3acb8 !important; } }"
)
"""In the dark the sheet is dark, too; programs that invert colours by themselves do it to the light one."""

_FEET = {
    "en": '{% if links.unsubscribe %}You get this because you agreed to news from {{ shop.name }}. '
          '<a href="{{ links.unsubscribe }}">Unsubscribe</a>{% if shop.address %}<br />{{ shop.address }}{% endif %}'
          '{% else %}{{ shop.name }}{% if shop.address %}, {{ shop.address }}{% endif %}{% endif %}',
    "de": '{% if links.unsubscribe %}Sie bekommen dies, weil Sie Neuigkeiten von {{ shop.name }} zugestimmt haben. '
          '<a href="{{ links.unsubscribe }}">Abbestellen</a>{% if shop.address %}<br />{{ shop.address }}{% endif %}'
          '{% else %}{{ shop.name }}{% if shop.address %}, {{ shop.address }}{% endif %}{% endif %}',
}  # fmt: skip


def compile_template(template: Template) -> dict[str, str]:
    """The HTML of each language, with its Liquid. Raises InvalidInput naming language, line and what to do."""
    found = {}
    for language, text in template.texts.items():
        try:
            found[language] = compile_text(text, language)
            for line in (text.subject, text.preheader, text.short, *(text.whatsapp.variables if text.whatsapp else ())):
                check_liquid(line)
        except InvalidInput as error:
            raise InvalidInput(f"{language}: {error.message}", hint=error.hint) from error
        if template.purpose == "marketing" and "links.unsubscribe" not in found[language]:
            raise InvalidInput(
                f"{language}: a template of news and offers lets people unsubscribe",
                hint="put {{ links.unsubscribe }} into it, or write its sections alone: the frame has it",
            )
    return found


@lru_cache(maxsize=256)
def compile_text(text: TemplateText, language: str) -> str:
    """The HTML of one language. Raises InvalidInput naming the line."""
    body = text.body
    _check(body)
    whole = body.lstrip().startswith("<mjml")
    foot = _FEET.get(language, _FEET["en"])
    source = body if whole else _FRAME.format(
        language=language, subject=text.subject, preheader=text.preheader, foot=foot, dark=_DARK,
        body=body if re.search("<mj-(wrapper|hero)", body) else _CARD % body,
    )  # fmt: skip
    tags: list[str] = []

    def aside(found: re.Match[str]) -> str:
        tags.append(found.group(0))
        return f"LQ{len(tags) - 1:05d}QL"

    try:
        compiled = str(mjml2html(_TAG.sub(aside, source), disable_comments=True))
    except Exception as error:
        raise InvalidInput(f"this is no MJML: {error}"[:200], hint="is every tag closed?") from error
    if left := re.search(r"</?mj-[a-z]+", compiled):
        raise InvalidInput(
            f"line {_line_of(body, left.group(0).strip('</'))}: {left.group(0)}> is unknown there",
            hint="MJML's own tags, in their places: mj-section > mj-column > mj-text, mj-button, mj-image",
        )
    if "fonts.googleapis.com" in compiled:
        raise InvalidInput(
            "the fonts of this mail would be fetched from a third party", hint="name one that everybody has"
        )
    filled = re.sub(r"LQ(\d{5})QL", lambda found: tags[int(found.group(1))], compiled)
    check_liquid(filled)
    if len(filled.encode()) > LARGEST:
        raise InvalidInput(f"the mail has {len(filled.encode()):,} bytes; Gmail cuts it at 102,000", hint="shorten it")
    return filled.replace('lang="und"', f'lang="{language}"', 1)


def _check(body: str) -> None:
    """What compiles without an error and is wrong all the same."""
    check_liquid(body)
    head = _HEAD.search(body)
    if head and (tag := re.search(r"\{%", head.group(0))):
        line = body.count("\n", 0, head.start() + tag.start()) + 1
        raise InvalidInput(f"line {line}: no logic in mj-head", hint="put the condition inside mj-text")
    blanked = _LEAF.sub(lambda found: re.sub(r"[^\n]", " ", found.group(0)), body)
    if tag := re.search(r"\{%", blanked):
        line = body.count("\n", 0, tag.start()) + 1
        raise InvalidInput(
            f"line {line}: a condition around a section or column leaves Outlook with half a table",
            hint="put the condition inside mj-text, mj-button or mj-table",
        )
    if include := re.search(r"<mj-include", body):
        raise InvalidInput(f"line {body.count(chr(10), 0, include.start()) + 1}: mj-include reads no file here")


def _line_of(body: str, tag: str) -> int:
    at = body.find(f"<{tag}")
    return body.count("\n", 0, at) + 1 if at >= 0 else 1
