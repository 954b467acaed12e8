"""What deploy/ brings is read by what will read it, and names settings that there are."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml  # type: ignore[import-untyped]  # it has no types of its own

from rapport.app.settings import Settings
from tests.running import ROOT

DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "systemd" / "rapport.service"

SERVICE_KEYS = {
    "image", "build", "restart", "environment", "volumes", "healthcheck", "depends_on", "networks", "read_only",
    "tmpfs", "cap_drop", "security_opt", "ulimits", "command", "ports", "stop_grace_period",
}  # fmt: skip
"""**Source:** the Compose Specification, of which these are used."""


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8"))
    return found


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd-analyze")
def test_systemd_reads_the_unit_without_a_complaint(tmp_path: Path) -> None:
    """With a command that is there, since that it is installed is the operator's part."""
    unit = tmp_path / "rapport.service"
    unit.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/rapport/bin/rapport serve", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if "rapport.service" in line]
    assert complaints == []


def test_every_setting_that_is_named_there_is_one() -> None:
    known = {f"RAPPORT_{field.name.upper()}" for field in msgspec.structs.fields(Settings)}
    for path in DEPLOY.rglob("*"):
        if path.is_file():
            named = set(re.findall(r"RAPPORT_[A-Z_]+", path.read_text(encoding="utf-8")))
            assert named <= known, path


def test_the_compose_file_uses_what_compose_knows_and_declares_what_it_uses() -> None:
    found = compose()
    assert set(found) <= {"services", "networks", "volumes"}
    for name, service in found["services"].items():
        assert set(service) <= SERVICE_KEYS, name
        assert ("image" in service) != ("build" in service), name
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in found["volumes"], name
        assert set(service.get("networks", {})) <= {"default", *found["networks"]}, name
        assert set(service.get("depends_on", ())) <= set(found["services"]), name


def test_only_the_proxy_is_open_to_the_world_and_only_it_is_believed() -> None:
    services = compose()["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    believed = services["rapport"]["environment"]["RAPPORT_TRUSTED_PROXIES"]
    assert services["proxy"]["networks"]["front"]["ipv4_address"] == believed


def test_what_the_image_is_built_from_is_there() -> None:
    build = compose()["services"]["rapport"]["build"]
    root = (DEPLOY / "compose" / build["context"]).resolve()
    assert root == ROOT
    assert (root / build["dockerfile"]).is_file()
