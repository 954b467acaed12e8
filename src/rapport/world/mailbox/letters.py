"""What a letter says, and the newest of them. Kept in memory alone: the mailbox of a shop that does not exist."""

from __future__ import annotations

import email
import email.policy
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage

__all__ = ["Letter", "Mailbox"]

KEPT = 500
"""Letters at most, the newest."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as its reader sees it."""

    number: int
    arrived_at: int
    """Microseconds since 1970."""
    recipient: str
    sender: str
    subject: str
    text: str
    html: str
    """Empty where it has no such part."""
    reasons: tuple[tuple[str, str], ...]
    """Headers that tell what kind of letter it is: name and value."""


_TOLD = ("List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted", "Message-ID")


class Mailbox:
    """The newest letters. One thread writes, others may read."""

    def __init__(self) -> None:
        self._letters: deque[Letter] = deque(maxlen=KEPT)
        self._number = 0

    @property
    def number(self) -> int:
        """Letters that have come in all."""
        return self._number

    def __iter__(self) -> Iterator[Letter]:
        """The newest first."""
        return reversed(self._letters.copy())

    def take(self, raw: bytes, recipients: list[str], *, at: int) -> None:
        """Keep a letter for each who gets it."""
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        for recipient in recipients:
            self._number += 1
            self._letters.append(Letter(
                number=self._number, arrived_at=at, recipient=recipient, sender=str(mail.get("From", "")),
                subject=str(mail.get("Subject", "")), text=_part(mail, "plain"), html=_part(mail, "html"),
                reasons=tuple((name, str(mail[name])) for name in _TOLD if mail[name]),
            ))  # fmt: skip

    def letter(self, number: int) -> Letter | None:
        """A letter by its number; None where it is not kept (any more)."""
        return next((one for one in self if one.number == number), None)


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body(preferencelist=(kind,))
    return "" if part is None else str(part.get_content())
