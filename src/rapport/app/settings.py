"""What the operator decides: read once from the environment and the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from rapport.kernel.errors import Misconfigured
from rapport.web.provider.wanted import ProviderSettings, domains_of, roles_of_groups

__all__ = ["Settings"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one installation. Each field's environment variable is `RAPPORT_` and its name in capitals."""

    data_dir: Path
    """Folder of the SQLite file and of `secrets.json`; made where missing, readable by its owner only."""
    database_url: str = ""
    """`postgresql://user:password@host/name`; empty: the SQLite file `rapport.db` in the data folder."""
    host: str = "127.0.0.1"
    """Address the server listens on."""
    port: int = 8321
    """Port the server listens on."""
    workers: int | None = None
    """Worker processes that `rapport serve` starts; not set: 1 on SQLite, whose one writer at a time a second would
    only wait for, and 2 on PostgreSQL where there are two cores. 0 where `rapport worker` runs them elsewhere."""
    worker_batch: int = 5_000
    """Facts folded in one transaction."""
    deciders: Annotated[int, Meta(ge=0, le=64)] | None = None
    """Processes that decide what is shown, beside the server, started where more than ten decisions a second are asked;
    each takes some 150 MB. Not set: one for each core but one, at most four. 0: the server decides alone."""
    max_pending_mb: int = 48
    """Megabytes of facts that may wait for the disk before requests are answered 429."""
    allow_private_webhooks: bool = False
    """Let webhooks go to private, loopback and link-local addresses."""
    public_url: str = ""
    """Where shoppers find this server, such as `https://rapport.example.com`; links in messages begin with it."""
    oidc_issuer: str = ""
    """OpenID provider by which people sign in to the console, as it calls itself: `https://login.example.com`; empty:
    none. It sends them back to `/console/sign-in/provider/back` below `RAPPORT_PUBLIC_URL`."""
    oidc_client_id: str = ""
    """What the provider calls this installation."""
    oidc_client_secret: str = ""
    """By which this installation proves itself to the provider; empty where the provider gives none."""
    oidc_name: str = ""
    """The provider's name on the button, such as `Acme`; empty: its host."""
    oidc_domains: str = ""
    """Domains of the e-mail addresses that may sign in by the provider, with commas between them; empty: any."""
    oidc_new_role: str = ""
    """Role of people who come by the provider and were not invited: marketer, agent, analyst or viewer; empty: they
    are refused. It needs `RAPPORT_OIDC_DOMAINS`."""
    oidc_groups: str = ""
    """Roles by the provider's groups, the same at each sign-in: `cx-admins=owner, desk=agent`. Where it is set,
    whoever is in none of them is refused; owners stay owners."""
    oidc_groups_claim: str = "groups"
    """In which claim the provider names somebody's groups."""
    oidc_shop: str = ""
    """Slug of the shop into which people come who were not invited; empty: the first."""
    oidc_own_sign_in: str = "everybody"
    """Who may also sign in by password, passkey and reset link, though there is a provider: `everybody`, `owners` or
    `nobody`."""
    oidc_allow_private: bool = False
    """Let the provider be on a private or loopback address, or without TLS."""
    smtp_url: str = ""
    """Mail server of shops that name none in the console: `smtp://user:password@host:587`; `smtps://` is TLS from the
    start."""
    mail_from: str = ""
    """Sender of shops that name none in the console: `Shop <hello@example.com>`."""
    secret_key: str = ""
    """At least 32 random characters (`openssl rand -hex 32`) that seal those secrets in the database which must be read
    again: of authenticator apps, webhooks, mail servers and providers. A new one goes in front, the old ones stay
    behind a comma."""
    secure_cookies: bool = False
    """Send session cookies over HTTPS only. Set it wherever a proxy in front speaks HTTPS."""
    trusted_proxies: str = "127.0.0.1,::1"
    """Addresses of proxies, with commas between them, whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""
    backup_dir: str = ""
    """Folder into which `rapport serve` writes backups by the clock; empty: none. Set it on one server only."""
    backup_hours: Annotated[int, Meta(ge=1, le=8_784)] = 24
    """Hours between two backups."""
    backups_kept: Annotated[int, Meta(ge=1, le=10_000)] = 14
    """How many backups of the clock stay in the folder; the oldest goes once a newer one is whole."""
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""
    log: Literal["auto", "text", "json"] = "auto"
    """How logs are written: `text` for people, `json` as one object a line for programs; `auto` is text on a terminal
    and JSON elsewhere."""

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, **given: object) -> Settings:
        """Settings from the environment; `given` values that are not None win. Raises Misconfigured."""
        environ = os.environ if environ is None else environ
        values: dict[str, object] = {"data_dir": "./data"}
        for field in msgspec.structs.fields(cls):
            text = environ.get(f"RAPPORT_{field.name.upper()}", "").strip()
            if text:
                values[field.name] = text
        values.update({name: value for name, value in given.items() if value is not None})
        try:
            return msgspec.convert(values, cls, strict=False, dec_hook=_path)
        except msgspec.ValidationError as error:
            raise Misconfigured(f"a setting cannot be read: {error}", hint="see docs/reference/settings.md") from error

    @property
    def proxies(self) -> list[str]:
        """The proxies that are believed. Raises Misconfigured for `*`: then anybody could say who they are."""
        named = [text for part in self.trusted_proxies.split(",") if (text := part.strip())]
        if "*" in named:
            raise Misconfigured(
                "RAPPORT_TRUSTED_PROXIES is *: whoever asks could claim any address, and no limit would hold",
                hint="name the addresses of your proxies, or their networks: 10.0.0.0/8",
            )
        return named

    @property
    def provider(self) -> ProviderSettings | None:
        """The OpenID provider, None where there is none. Raises Misconfigured."""
        if not self.oidc_issuer:
            return None
        return ProviderSettings(
            issuer=self.oidc_issuer, client_id=self.oidc_client_id, client_secret=self.oidc_client_secret,
            public_url=self.public_url, name=self.oidc_name[:60], domains=domains_of(self.oidc_domains),
            new_role=self.oidc_new_role, groups=roles_of_groups(self.oidc_groups),
            groups_claim=self.oidc_groups_claim, shop=self.oidc_shop, own_sign_in=self.oidc_own_sign_in,
            allow_private=self.oidc_allow_private,
        ).checked()  # fmt: skip

    @property
    def worker_processes(self) -> int:
        """How many workers `rapport serve` starts.

        SQLite has one writer at a time. On PostgreSQL a second worker is worth it where it does not take the cores
        from the server and the database (docs/benchmarks.md).
        """
        if self.workers is not None:
            return self.workers
        return 1 if self.url.startswith("sqlite") or (os.cpu_count() or 1) < 4 else 2

    @property
    def decider_processes(self) -> int:
        """How many processes decide beside the server at most."""
        return min(4, (os.cpu_count() or 1) - 1) if self.deciders is None else self.deciders

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the server."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104 - it is only compared
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def url(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'rapport.db'}"


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str | Path):
        return Path(value).expanduser()
    raise NotImplementedError(f"no setting is a {kind}")
