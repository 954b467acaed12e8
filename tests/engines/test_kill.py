"""Whatever is killed at whatever moment: what was acknowledged is there, and nothing is counted twice."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from urllib.parse import quote

import httpx
import psutil
import pytest

from tests.running import Server, http

StartServer = Callable[..., Server]

KILLS = ["worker", "worker", "worker", "everything", "everything", "everything"]
"""On each engine, in any order."""


class Sender:
    """Sends small batches one after the other, again until each is acknowledged, and remembers them."""

    def __init__(self, server: Server, *, name: str, at_most: int) -> None:
        self._at_most = at_most
        self.acknowledged: Counter[str] = Counter()
        self._server = server
        self._name = name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def finish(self) -> None:
        """Send the batch in hand until it is acknowledged, then stop."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        rng = random.Random(self._name)
        while not self._stop.is_set():
            users = [f"{self._name}-{rng.randrange(40)}" for _ in range(rng.randint(1, self._at_most))]
            body = json.dumps({"batch": [
                {"type": "track", "event": "Product Viewed", "userId": user, "messageId": str(uuid.uuid4()),
                 "anonymousId": f"anon-{user}", "properties": {"product_id": f"p{rng.randrange(30)}"}}
                for user in users
            ]})  # fmt: skip
            while not self._post(body):
                time.sleep(0.02)
            self.acknowledged.update(users)
            self._stop.wait(0.01)

    def _post(self, body: str) -> bool:
        try:
            answer = http.post(
                f"{self._server.url}/v1/batch", content=body, auth=(self._server.write_key, ""), timeout=5
            )
        except httpx.HTTPError:
            return False
        return answer.status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_kill_9_of_server_and_worker_under_load(start_server: StartServer, engine: str) -> None:
    """Kills at random moments, of the worker alone or of everything, while two clients send, one of them much."""
    server = start_server(engine=engine, environment={"RAPPORT_WORKERS": "2"} if engine == "postgres" else {})
    assert server.write_key
    # Bo floods: the worker's transactions are small while Ada waits, and large else.
    senders = [Sender(server, name=name, at_most=at_most) for name, at_most in (("ada", 30), ("bo", 400))]
    rng = random.Random(engine)
    for killed in rng.sample(KILLS, len(KILLS)):
        time.sleep(rng.uniform(0.05, 0.6))
        workers = psutil.Process(server.process.pid).children() if server.process else []
        if killed == "worker" and workers:
            os.kill(workers[0].pid, signal.SIGKILL)
        else:
            server.kill()
            server.start()
    for sender in senders:
        sender.finish()
    _wait_until_folded(server)
    for sender in senders:
        for user, sent in sender.acknowledged.items():
            assert _product_views(server, user) == sent, user
    server.stop()


def _wait_until_folded(server: Server) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if http.get(f"{server.url}/readyz").json()["lag"] == 0:
            return
        time.sleep(0.02)
    raise AssertionError(http.get(f"{server.url}/readyz").text)


def _product_views(server: Server, user: str) -> int:
    answer = http.get(
        f"{server.url}/api/v1/customers/user_id:{quote(user)}", headers={"Authorization": f"Bearer {server.api_key}"}
    )
    return int(answer.json()["traits"]["product_views"]["value"])
