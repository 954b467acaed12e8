"""What is shown once: a form that made a secret leads to a page that shows it, and a reload shows nothing again.

The secret travels in the answer to the form as a cookie of one minute, that scripts cannot read; the page it was made
for shows it and takes the cookie away. So it never lies in an address, a log or the database, the form is not sent
again by a reload, and any process of the installation can answer.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.response import Redirect

from rapport.web import auth

__all__ = ["lead_to", "show", "shown"]

AnyRequest = Request[Any, Any, Any]

SECONDS = 60


def lead_to(request: AnyRequest, page: str, **secrets: str) -> Redirect:
    """The answer to a form that made `secrets`: go to the page that shows them."""
    value = base64.urlsafe_b64encode(msgspec.json.encode([page.partition("?")[0], secrets])).decode().rstrip("=")
    return Redirect(page, status_code=303, cookies=[auth.make_cookie(request, "once", value, max_age=SECONDS)])


def shown(request: AnyRequest) -> dict[str, str]:
    """The secrets that the form before made for this very page; nothing at a second look."""
    value = request.cookies.get(auth.cookie_name(request, "once"), "")
    try:
        plain = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
        page, secrets = msgspec.json.decode(plain, type=tuple[str, dict[str, str]])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return {}
    return secrets if page == request.scope["path"] else {}


def show(request: AnyRequest, page: Response[str]) -> Response[str]:
    """The page, after which the secrets are gone."""
    if auth.cookie_name(request, "once") in request.cookies:
        page.set_cookie(auth.make_cookie(request, "once", "", max_age=0))
    return page
