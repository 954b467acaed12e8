"""Visitors who are asked one thing about themselves, and mostly answer: the live part of the demo asks Rapport."""

from __future__ import annotations

from typing import Any

import httpx

from rapport.world.messages import Delivery
from rapport.world.streams import stream

__all__ = ["Answers"]

ASKED = 0.25
"""Share of the signed-in visitors of the account page or a product who are asked."""
ANSWERED = 0.7
AT_ONCE = 2
"""Visitors in one round."""


class Answers:
    """Asks `GET /api/v1/questions/next` for who is signed in, and answers as that person would, the same each time."""

    def __init__(self, http: httpx.AsyncClient, *, seed: int) -> None:
        self._http = http
        self._seed = seed

    async def give(self, batch: list[Delivery]) -> int:
        """Have some of those who were just seen signed in asked; answers how many answers were given."""
        given = 0
        for user_id in _signed_in(batch)[:AT_ONCE]:
            if stream(self._seed, "asked", user_id, batch[0].arrives_at).random() < ASKED:
                given += await self._ask(user_id)
        return given

    async def _ask(self, user_id: str) -> int:
        customer = f"user_id:{user_id}"
        try:
            found = await self._http.get("/api/v1/questions/next", params={"customer": customer})
            question = found.json()["question"] if found.status_code == 200 else None
            if question is None:
                return 0
            answer = self._answer(user_id, question)
            said = {"customer": customer, "answer": answer, "language": question["language"]}
            await self._http.post(f"/api/v1/questions/{question['name']}/answers", json=said)
        except httpx.HTTPError:
            return 0
        return int(answer is not None)

    def _answer(self, user_id: str, question: dict[str, Any]) -> Any:
        """What they say; None for "rather not"."""
        rng = stream(self._seed, "answer", user_id, question["name"])
        if rng.random() > ANSWERED:
            return None
        values = [one["value"] for one in question["options"]]
        match question["kind"]:
            case "choice":
                return rng.choices(values, [len(values) - place for place in range(len(values))])[0]
            case "several":
                return rng.sample(values, rng.randint(1, min(2, len(values))))
            case _:
                return None


def _signed_in(batch: list[Delivery]) -> list[str]:
    found = (one.message.get("userId") for one in batch if one.channel in ("web", "app"))
    return list(dict.fromkeys(user_id for user_id in found if isinstance(user_id, str)))
