"""The demonstration's data folder: a shop, a source per channel, an account, and how far the telling has come."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec

from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.demo.engaging import engage
from rapport.app.scorecard.series import Series
from rapport.app.settings import Settings
from rapport.app.wiring import installed
from rapport.capabilities.goals.settings import GOALS_SETTINGS, GoalsSettings
from rapport.capabilities.loyalty.changing import change_programme
from rapport.capabilities.loyalty.programme import Delivery
from rapport.capabilities.loyalty.shipped import example
from rapport.collect.model import Limits, SourceKind
from rapport.collect.sources import change_source, create_source, list_sources
from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.errors import Conflict, Misconfigured
from rapport.remember.segments import service as segments
from rapport.remember.segments.fields import Fields
from rapport.remember.segments.ready import READY
from rapport.storage import settings as shop_settings
from rapport.storage.engine import Database
from rapport.storage.workspaces import WorkspaceSettings, all_workspaces, create_workspace
from rapport.web.accounts import create_user
from rapport.world.orders import DELIVERY_MINOR
from rapport.world.timeline import Town

__all__ = ["EMAIL", "SHOP", "State", "account", "prepare", "write_state"]

SHOP = "Marlow & Vine"
EMAIL = "owner@marlow.example"
SOURCES: dict[str, tuple[str, SourceKind]] = {
    "web": ("Website", "web"),
    "app": ("App", "app"),
    "store": ("Stores", "store"),
    "marketplace": ("Marketplace", "marketplace"),
    "email": ("E-mail", "email"),
    "phone": ("Telephone", "phone"),
}
"""The source of each channel: its name in the console and its kind."""


class State(msgspec.Struct, kw_only=True):
    """What `demo.json` keeps between two starts."""

    town: Town
    password: str
    write_keys: dict[str, str]
    api_key: str
    sent: int = 0
    """Messages from the town's beginning that the server has acknowledged."""


def prepare(settings: Settings, town: Town) -> State:
    """Make or find the demonstration in the data folder. Raises Conflict where another shop lives there."""
    state = _read_state(settings.data_dir)
    db = open_database(settings)
    try:
        if state is None:
            state = _found_shop(db, settings, town)
    finally:
        db.close()
    Series(settings.data_dir).begin()
    return state


def account(folder: Path) -> tuple[str, str]:
    """E-mail and password of the demonstration's owner. Raises Misconfigured where it was not prepared here."""
    state = _read_state(folder)
    if state is None:
        raise Misconfigured(f"no demonstration is in {folder}", hint="`rapport demo` makes one")
    return EMAIL, state.password


def write_state(folder: Path, state: State) -> None:
    """Replace the file at once, readable by its owner only."""
    draft = folder / "demo.partial"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(state)))
    draft.replace(folder / "demo.json")


def _read_state(folder: Path) -> State | None:
    path = folder / "demo.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise Misconfigured(f"{path} cannot be read: {error}", hint="delete the folder to start afresh") from error


def _found_shop(db: Database, settings: Settings, town: Town) -> State:
    now = now_us()
    with db.write() as conn:
        if all_workspaces(conn):
            raise Conflict(
                f"{settings.data_dir} holds a shop that is not the demonstration",
                hint="give the demonstration a folder of its own: rapport demo --data DIR",
            )
        shop = WorkspaceSettings(currency="GBP", region="GB", time_zone="Europe/London", locale="en")
        workspace = create_workspace(conn, slug="marlow", name=SHOP, now=now, settings=shop)
    keys = bootstrap(db, settings)
    now = now_us()  # later than the website, which is the shop's first source
    with db.write() as conn:
        website = list_sources(conn, workspace.id)[0]
        write_keys = {"web": website.write_key}
        # A year of visits comes within a minute, and from one address.
        change_source(conn, workspace.id, website.id, limits=Limits())
        for channel, (name, kind) in SOURCES.items():
            if channel != "web":
                write_keys[channel] = create_source(
                    conn, workspace.id, name=name, kind=kind, now=now, limits=Limits()
                ).write_key
        fields = Fields(installed().remembered)
        for ready in READY:
            segments.add(conn, workspace.id, name=ready.name, where=ready.where, fields=fields, by="Rapport", now=now)
        goals = GoalsSettings(looks=70, contribution=30, sending_minor=250, return_minor=300, tax_percent=20)
        shop_settings.save(conn, workspace.id, GOALS_SETTINGS, goals, version=0, by="Owner", now=now)
    password = "-".join(secrets.token_hex(2) for _ in range(3))
    create_user(db, email=EMAIL, password=password, name="Owner", workspace=workspace.id, role="owner", now=now)
    terms = example("GBP", time_zone=shop.time_zone, starts=to_iso(town.starts_at))
    monthly = msgspec.structs.replace(terms.plans[0], period="month", fee_minor=390, trial_days=14)
    club = msgspec.json.encode(msgspec.structs.replace(
        terms, delivery=Delivery(fee_minor=DELIVERY_MINOR["GBP"]), plans=(monthly,)
    ))  # fmt: skip
    change_programme(db, workspace.id, "club", club, seen=0, by="Owner", reason="the first terms", now=town.starts_at)
    with db.write() as conn:
        engage(conn, workspace.id, shop_url=f"http://127.0.0.1:{settings.port + 1}", by="Owner", now=now_us())
    state = State(town=town, password=password, write_keys=write_keys, api_key=keys.api_key)
    write_state(settings.data_dir, state)
    return state
