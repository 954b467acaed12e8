"""`rapport import` while `rapport serve` runs on the same data folder."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.running import RAPPORT, Server, http, wait_until

ROWS = 3_000
MAP = """
name = "old-shop"
[[fact]]
event = "Order Completed"
id = ["number"]
time = "day"
user_id = "who"
properties.order_id = "number"
properties.revenue = { column = "amount", as = "number" }
properties.currency = { value = "EUR" }
"""


def still_runs(process: subprocess.Popen[str]) -> bool:
    """Give it a moment, then say whether it is at work yet."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(0.02)
    return process.returncode is None


@pytest.mark.slow
def test_live_facts_and_imported_ones_meet_in_the_golden_record(
    any_server: Server, write: Callable[[str, str], Path]
) -> None:
    """The server goes on answering; Ada's order of today and her old ones are one history."""
    server = any_server
    rows = [f"{n},2023-01-{n % 28 + 1:02d},{'ada' if n % 1_000 == 0 else f'user{n}'},10.50\n" for n in range(ROWS)]
    table = write("old.csv", "number,day,who,amount\n" + "".join(rows))
    importer = subprocess.Popen(
        [*RAPPORT, "import", "csv", str(table), "--map", str(write("old.toml", MAP)), "--data", str(server.data)],
        env=server.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    sent = 0
    while sent == 0 or still_runs(importer):
        answer = http.post(
            f"{server.url}/v1/track",
            auth=(server.write_key, ""),
            timeout=30,
            json={
                "event": "Order Completed", "userId": "ada", "messageId": f"live-{sent}",
                "properties": {"order_id": f"live-{sent}", "revenue": 1, "currency": "EUR"},
            },
        )  # fmt: skip
        assert answer.status_code == 200
        sent += 1
    said, _ = importer.communicate()
    assert importer.returncode == 0, said

    def orders_of_ada() -> int:
        record = server.customer("user_id:ada")
        return int(record["traits"]["orders"]["value"]) if record else 0

    wait_until(lambda: orders_of_ada() == 3 + sent)
    record = server.customer("user_id:ada")
    assert record is not None
    assert record["traits"]["revenue"]["value"] == {"EUR": 3 * 1_050 + sent * 100}
    assert record["traits"]["first_order_at"]["source"] == "import"
