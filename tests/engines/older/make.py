"""Write what an installation of the version at hand keeps, for `test_upgrade.py` of the versions after it.

    PYTHONPATH=src:. python tests/engines/older/make.py FOLDER [postgresql://…/empty_database]

Run it in a checkout of the version to be kept. It makes `sqlite.sql.gz`, or `postgres.sql.gz` by `pg_dump`: a shop with
some days of Ada, Bo and a few more, of which the last facts are stored and not folded yet.
"""

from __future__ import annotations

import gzip
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.pipeline import Pipeline
from rapport.app.settings import Settings
from rapport.app.worker import drain
from rapport.collect.prepare import prepare
from rapport.collect.sources import list_sources
from rapport.kernel.clock import DAY, from_iso, to_iso
from rapport.kernel.ids import WorkspaceId
from rapport.storage import log

NOW = from_iso("2026-11-20T12:00:00Z")


def messages() -> list[dict[str, object]]:
    """Visits, sign-ins, orders of which some come back, and an alias."""
    rng = random.Random(7)
    found: list[dict[str, object]] = []
    for number in range(90):
        user = rng.choice(("ada", "bo", "cy", "di"))
        at = to_iso(NOW - 30 * DAY + number * DAY // 4)
        said: dict[str, object] = {"messageId": f"m{number}", "timestamp": at, "anonymousId": f"browser-{user}"}
        if number % 3:
            said["userId"] = user
        match number % 6:
            case 1:
                said |= {"type": "identify", "traits": {"email": f"{user}@example.com", "city": f"Town {number}"}}
            case 2:
                goods = [{"product_id": f"p{number % 4}", "price": 12.5, "quantity": 2}]
                said |= {"type": "track", "event": "Order Completed", "properties": {
                    "order_id": f"o{number}", "total": 25.0 + number, "currency": "EUR", "products": goods,
                }}  # fmt: skip
            case 5:
                said |= {"type": "track", "event": "Order Refunded", "properties": {
                    "order_id": f"o{number - 3}", "total": 5.5, "currency": "EUR"}}  # fmt: skip
            case _:
                said |= {"type": "track", "event": "Product Viewed", "properties": {"product_id": f"p{number % 4}"}}
        found.append(said)
    found.append(
        {"type": "alias", "messageId": "alias", "userId": "di", "previousId": "d.i.", "timestamp": to_iso(NOW)}
    )
    return found


def main() -> None:
    """Fold all but the last ten facts, and write the database as text."""
    to, url = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load({}, data_dir=Path(folder), database_url=url)
        db = open_database(settings)
        bootstrap(db, settings)
        with db.read() as conn:
            source = list_sources(conn, WorkspaceId(1))[0]
        rows = [prepare(json.dumps(message).encode(), source=source, received_at=NOW) for message in messages()]
        with db.write() as conn:
            log.append(conn, rows[:-10])
        drain(Pipeline(db))
        with db.write() as conn:
            log.append(conn, rows[-10:])
        path = db.path
        db.close()
        if path is None:
            text = subprocess.run(
                ["pg_dump", "--inserts", "--no-owner", "--no-privileges", url], check=True, capture_output=True
            ).stdout
        else:
            plain = sqlite3.connect(path)
            text = "\n".join(plain.iterdump()).encode()
            plain.close()
    name = "postgres.sql.gz" if url else "sqlite.sql.gz"
    (to / name).write_bytes(gzip.compress(text, 9, mtime=0))


if __name__ == "__main__":
    main()
