"""What the operator decides about an OpenID provider."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from rapport.kernel.errors import Misconfigured
from rapport.web.permissions import ROLE_NAMES

__all__ = ["BACK", "ProviderSettings", "domains_of", "roles_of_groups"]

BACK = "/console/sign-in/provider/back"
"""Where the provider sends people back to, below the public address."""

_OWN_SIGN_IN = ("everybody", "owners", "nobody")


class ProviderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A provider, and who may come by it. Raises Misconfigured (`checked`)."""

    issuer: str
    client_id: str
    client_secret: str = ""
    public_url: str
    """Of this installation: what the provider sends people back to begins with it."""
    name: str = ""
    """On the button; empty: the issuer's host."""
    domains: tuple[str, ...] = ()
    """Of the e-mail addresses that may come; none is any."""
    new_role: str = ""
    """Of whoever comes and was not invited; empty: they are refused."""
    groups: Mapping[str, str] = {}
    """Group → role; where there are any they decide, for everybody but owners."""
    groups_claim: str = "groups"
    shop: str = ""
    """Into which shop people come who were not invited; empty: the first."""
    own_sign_in: str = "everybody"
    """Who may still sign in with what Rapport itself knows: password, passkey, reset link."""
    allow_private: bool = False
    """Let the provider be on a private address, or without TLS."""

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends people back to; never made of what a request says of itself."""
        return self.public_url.rstrip("/") + BACK

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name or urlsplit(self.issuer).hostname or self.issuer

    def checked(self) -> ProviderSettings:
        """The same, where it can work and lets nobody in by mistake. Raises Misconfigured."""
        parts = urlsplit(self.issuer)
        if parts.scheme not in (("https", "http") if self.allow_private else ("https",)) or not parts.hostname:
            raise Misconfigured(
                f"RAPPORT_OIDC_ISSUER {self.issuer[:100]!r} is no https address",
                hint="as the provider's own page of discovery says it, without /.well-known/openid-configuration",
            )
        if not self.client_id:
            raise Misconfigured("RAPPORT_OIDC_CLIENT_ID is missing", hint="the provider gives it to each application")
        if not self.public_url:
            raise Misconfigured(
                "RAPPORT_PUBLIC_URL is missing: the provider sends people back to it",
                hint=f"set it, and tell the provider the address: it ends in {BACK}",
            )
        self._check_roles()
        return self

    def _check_roles(self) -> None:
        if self.new_role and (self.new_role not in ROLE_NAMES or self.new_role == "owner"):
            roles = ", ".join(role for role in ROLE_NAMES if role != "owner")
            raise Misconfigured(f"RAPPORT_OIDC_NEW_ROLE {self.new_role[:40]!r} cannot be", hint=f"one of {roles}")
        if self.new_role and not self.domains:
            raise Misconfigured(
                "RAPPORT_OIDC_NEW_ROLE without RAPPORT_OIDC_DOMAINS would let in everybody the provider knows",
                hint="name the domains of your people's e-mail addresses, or invite them one by one",
            )
        if self.own_sign_in not in _OWN_SIGN_IN:
            raise Misconfigured(f"RAPPORT_OIDC_OWN_SIGN_IN {self.own_sign_in[:40]!r}: everybody, owners or nobody")


def domains_of(text: str) -> tuple[str, ...]:
    """Domains as addresses are compared.

    >>> domains_of("Example.com, @example.org")
    ('example.com', 'example.org')
    """
    return tuple(filter(None, (one.strip().lower().removeprefix("@") for one in text.split(","))))


def roles_of_groups(text: str) -> dict[str, str]:
    """`cx-admins=owner, desk=agent` as a mapping. Raises Misconfigured.

    >>> roles_of_groups("cx-admins=owner, desk=agent")
    {'cx-admins': 'owner', 'desk': 'agent'}
    """
    found: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        group, _, role = part.rpartition("=")
        if not group.strip() or role.strip() not in ROLE_NAMES:
            hint = f"group=role, with commas between; roles are {', '.join(ROLE_NAMES)}"
            raise Misconfigured(f"RAPPORT_OIDC_GROUPS cannot be read at {part[:80]!r}", hint=hint)
        found[group.strip()] = role.strip()
    return found
