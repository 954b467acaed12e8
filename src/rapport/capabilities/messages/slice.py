"""What messages bring: templates, the gates at sending, what became of each, in API and console."""

from __future__ import annotations

from pathlib import Path

from rapport.capabilities.messages import store
from rapport.capabilities.messages.facts import FACT_KINDS
from rapport.capabilities.messages.metrics import MESSAGE_COSTS
from rapport.capabilities.messages.service.confirming import confirming
from rapport.capabilities.messages.service.gates import GATES, HERE
from rapport.capabilities.messages.service.outcomes import after_delivery
from rapport.capabilities.messages.service.spending import cost_rows
from rapport.capabilities.messages.settings import MESSAGE_SETTINGS
from rapport.capabilities.messages.traits import PARTS, TRAITS
from rapport.compose.holding import of_person, of_shop
from rapport.compose.slice import Slice
from rapport.measure.model import Measured
from rapport.web.permissions import Permission

__all__ = ["MESSAGES"]

MESSAGES = Slice(
    name="messages",
    title="Messages",
    facts=FACT_KINDS,
    stage=confirming,
    holds=(
        of_person(store.messages, "messages to somebody, with what stands in them and what became of them"),
        of_person(
            store.suppressions, "which addresses get no mail, without the address; kept, so that it stays so",
            by=("key",), erase="no row leads to an address without the address itself",
        ),
        of_person(store.words, "when somebody wrote to the shop last, by the key of the number", by=("key",)),
        of_shop(store.costs, "what messages cost, by day and channel"),
        of_shop(store.templates, "what messages say, in every version"),
        of_person(store.push_endpoints, "which browsers of somebody take notifications"),
        of_shop(store.channel_providers, "who carries SMS, WhatsApp and web push for each shop, with its secret"),
        of_shop(store.mail_servers, "the mail server of each shop, with its password"),
        of_shop(store.places, "from which database messages are sent"),
    ),
    secrets=store.SECRETS,
    migrations=Path(__file__).parent / "migrations",
    settings=MESSAGE_SETTINGS,
    parts=PARTS,
    traits=TRAITS,
    metrics=(Measured(metric=MESSAGE_COSTS, read=cost_rows),),
    send_rules=(HERE, GATES),
    after_delivery=after_delivery,
    permissions=(
        Permission(name="messages:read", words="see messages and templates", roles=("marketer", "agent", "analyst")),
        Permission(name="messages:send", words="send messages, try them again", roles=("marketer", "agent")),
        Permission(name="templates:write", words="write templates", roles=("marketer",)),
        Permission(name="mail:write", words="set the mail server, allow sending from here", for_keys=False),
    ),
    web="rapport.capabilities.messages.web:WEB",
)  # fmt: skip
