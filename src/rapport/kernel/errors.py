"""Everything that can go wrong in an expected way.

RapportError
├── InvalidInput          400  the caller sent something that cannot be read or is not allowed
│   ├── TooLarge          413  over a stated size limit
│   └── InvalidFact       400  one fact of a batch is bad: it goes to quarantine, never the batch
├── Unauthenticated       401  no or unknown credentials
├── Forbidden             403  known, but not allowed
│   └── SecondFactorWanted 403  known, but only by a password where the shop wants more
├── NotFound              404
├── Conflict              409  the state does not allow it now
├── RateLimited           429  per-source or sign-in limit; carries retry_after_seconds
├── Overloaded            429  the server sheds load before memory grows; carries retry_after_seconds
├── Misconfigured         500  the operator must change a setting
└── Unavailable           503  a part we need (the database) does not answer

Anything else that is raised is a bug, is logged with its traceback and answered as 500 without details.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "Conflict",
    "Forbidden",
    "InvalidFact",
    "InvalidInput",
    "Misconfigured",
    "NotFound",
    "Overloaded",
    "RapportError",
    "RateLimited",
    "SecondFactorWanted",
    "TooLarge",
    "Unauthenticated",
    "Unavailable",
]


class RapportError(Exception):
    """An expected failure: a stable `code`, an HTTP `status`, a message with the values, and a hint what to do."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInput(RapportError):
    code = "invalid_input"
    status = 400


class TooLarge(InvalidInput):
    code = "too_large"
    status = 413


class InvalidFact(InvalidInput):
    """One fact that cannot be accepted; `path` is the JSON path of the offending value (`$.properties.price`)."""

    code = "invalid_fact"

    def __init__(self, message: str, *, path: str = "$", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path


class Unauthenticated(RapportError):
    code = "unauthenticated"
    status = 401


class Forbidden(RapportError):
    code = "forbidden"
    status = 403


class SecondFactorWanted(Forbidden):
    code = "second_factor_wanted"


class NotFound(RapportError):
    code = "not_found"
    status = 404


class Conflict(RapportError):
    code = "conflict"
    status = 409


class RateLimited(RapportError):
    code = "rate_limited"
    status = 429

    def __init__(self, message: str, *, retry_after_seconds: float = 1.0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class Overloaded(RateLimited):
    code = "overloaded"


class Misconfigured(RapportError):
    code = "misconfigured"
    status = 500


class Unavailable(RapportError):
    code = "unavailable"
    status = 503
