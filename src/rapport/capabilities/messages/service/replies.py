"""What people answer to a text: a word that stops news and offers, in their language."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from rapport.capabilities.messages import store
from rapport.capabilities.messages.facts import UNSUBSCRIBED
from rapport.collect.own import own_fact
from rapport.decide.people import naming
from rapport.kernel.errors import InvalidInput
from rapport.kernel.gate import marketing_by
from rapport.kernel.identifiers import key_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.reading.references import normalised
from rapport.storage import log

__all__ = ["STOP_WORDS", "Reply", "says_stop", "take_reply"]

STOP_WORDS = {
    "en": {"stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "opt out", "optout"},
    "de": {"stopp", "abmelden", "abbestellen", "ende", "aufhoren", "kundigen"},
    "fr": {"arret", "arreter", "desabonner", "desinscrire", "desabonnement"},
    "es": {"baja", "parar", "alto", "cancelar", "detener"},
    "it": {"ferma", "basta", "cancella", "disiscrivi", "annulla"},
    "nl": {"afmelden", "stoppen", "uitschrijven"},
    "pt": {"pare", "sair", "cancelar", "descadastrar", "parar"},
    "pl": {"koniec", "wypisz", "rezygnuje"},
    "sv": {"avsluta", "avregistrera", "sluta"},
}
"""Answers that end news and offers, by language, without accents; all are heard in every country.

**Source** of the English ones: CTIA Messaging Principles 2023, 5.1.3, and 47 CFR 64.1200(a)(10)."""
_POLITE = frozenset({
    "thank", "you", "thanks", "thx", "pls", "please", "danke", "bitte", "vielen", "dank", "merci", "svp", "sil", "vous",
    "plait", "gracias", "por", "favor", "grazie", "obrigado", "obrigada", "dziekuje", "prosze", "tack", "bedankt",
})  # fmt: skip
"""What is said beside it, and changes nothing."""
_WORDS = frozenset(word for several in STOP_WORDS.values() for word in several)


class Reply(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody answered, as the provider's webhook says it."""

    channel: Literal["sms", "whatsapp"]
    sender: Annotated[str, Meta(max_length=40)] = msgspec.field(name="from")
    """The number it came from."""
    text: Annotated[str, Meta(max_length=2000)]
    id: Annotated[str, Meta(min_length=1, max_length=100)]
    """The provider's id of it: the same twice is once."""
    at: int = 0
    """Microseconds since 1970; 0 is now."""


def says_stop(text: str) -> bool:
    """Whether an answer is nothing but a word that stops, and politeness.

    >>> says_stop(" Stop! "), says_stop("ARRÊT"), says_stop("Stop. Thank you"), says_stop("please do not stop")
    (True, True, True, False)
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    said = re.sub(r"[^a-z ]", " ", plain.replace("'", "")).split()
    return " ".join(said) in _WORDS or " ".join(word for word in said if word not in _POLITE) in _WORDS


def take_reply(conn: Connection, workspace: WorkspaceId, said: Reply, *, now: int) -> bool:
    """Heed an answer; True where it stopped news and offers to the number: at once, and as the person's refusal.

    Raises InvalidInput for what is no number.
    """
    found = normalised("phone", said.sender, region=settings_of(conn, workspace).region)
    if found is None:
        raise InvalidInput("this is no telephone number", hint="+4915112345678")
    at = min(said.at or now, now)
    if not says_stop(said.text):
        store.note_word(conn, workspace, said.channel, Key(key_of(workspace, found)), at)
        return False
    store.suppress(conn, workspace, said.channel, [Key(key_of(workspace, found))], reason="unsubscribed", now=now)
    stopped = {"channel": said.channel, "purpose": "marketing", "reason": "answered stop"}
    refused = {"purposes": {marketing_by(said.channel): "denied"}}
    facts: tuple[tuple[str, dict[str, Any]], ...] = ((UNSUBSCRIBED, stopped), ("Consent Answered", refused))
    log.append(
        conn,
        [
            own_fact(
                workspace, name=name, id=f"reply-{said.channel}-{said.id}-{number}", occurred_at=at, received_at=now,
                properties=properties, **naming(found),
            )
            for number, (name, properties) in enumerate(facts)
        ],
    )  # fmt: skip
    return True
