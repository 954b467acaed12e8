"""`python -m rapport.world.storefront`: serve the shop window. Keys come from the environment, not the command line."""

from __future__ import annotations

import argparse
import os

import uvicorn

from rapport.world.storefront.app import Storefront


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser(
        prog="python -m rapport.world.storefront", description="The simulated shop's website."
    )
    parser.add_argument("--rapport", required=True, help="where Rapport listens, http://127.0.0.1:8321")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8322)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    shop = Storefront(
        rapport=given.rapport,
        write_key=os.environ.get("RAPPORT_WRITE_KEY", ""),
        api_key=os.environ.get("RAPPORT_API_KEY", ""),
        seed=given.seed,
    )
    uvicorn.run(shop, host=given.host, port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
