"""The fields of a template that Meta has approved, as a form has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from rapport.capabilities.messages.model import WhatsAppTemplate
from rapport.kernel.errors import InvalidInput
from rapport.web.forms import raw, text

__all__ = ["read_approved", "typed_approved"]

_MOST = 20


def read_approved(data: dict[str, Any]) -> WhatsAppTemplate | None:
    """What is typed; None where no name is. Raises InvalidInput, which names the field."""
    typed = typed_approved(data, None)
    name, language, sid = typed["name"], typed["language"], typed["content_sid"]
    variables = typed["variables"].splitlines()
    if not name:
        if language or sid or variables:
            raise InvalidInput("the approved template has no name", hint="its name at Meta, or empty all of its fields")
        return None
    if not re.fullmatch(r"[a-z0-9_]{1,512}", name):
        raise InvalidInput(f"{name[:60]!r} is no name of a template at Meta", hint="small letters, digits and _")
    if not re.fullmatch(r"[a-z]{2,3}(_[A-Z]{2})?", language):
        raise InvalidInput(f"{language[:20]!r} is no language at Meta", hint="as it was approved: de, or en_US")
    if not re.fullmatch(r"(HX[0-9a-f]{32})?", sid):
        raise InvalidInput(f"{sid[:40]!r} is no Content SID", hint="HX and 32 digits and letters, as Twilio shows it")
    if len(variables) > _MOST or any(len(one) > 500 for one in variables):
        number, longest = len(variables), max(map(len, variables))
        raise InvalidInput(
            f"there are {number} variables of up to {longest} signs",
            hint="at most 20, of 500 signs each, a line for each",
        )
    return WhatsAppTemplate(name=name, language=language, variables=tuple(variables), content_sid=sid)


def typed_approved(data: dict[str, Any] | None, kept: WhatsAppTemplate | None) -> Mapping[str, str]:
    """What stands in the form's fields: what was typed, else what is kept."""
    if data is not None and "wa_name" in data:
        lines = (line.strip() for line in raw(data, "wa_variables")[:12_000].splitlines())
        return {
            "name": text(data, "wa_name", longest=600), "language": text(data, "wa_language", longest=20),
            "variables": "\n".join(line for line in lines if line),
            "content_sid": text(data, "wa_content_sid", longest=60),
        }  # fmt: skip
    if kept is None:
        return {"name": "", "language": "", "variables": "", "content_sid": ""}
    return {**msgspec.to_builtins(kept), "variables": "\n".join(kept.variables)}
