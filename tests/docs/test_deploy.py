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


CHART = DEPLOY / "helm" / "rapport"
VALUES: dict[str, Any] = {
    "image": {"repository": "registry.example/rapport"}, "publicUrl": "https://shop.example",
    "trustedProxies": "10.0.0.0/8", "secretEnv": {"RAPPORT_DATABASE_URL": {"secret": "rapport", "key": "url"}},
    "workers": {"replicas": 2}, "persistence": {"accessModes": ["ReadWriteMany"]}, "backups": {"enabled": True},
    "ingress": {"enabled": True, "host": "shop.example", "tlsSecret": "tls"},
}  # fmt: skip


def test_each_value_of_the_chart_is_declared_and_each_that_is_declared_is_used() -> None:
    schema = msgspec.json.decode((CHART / "values.schema.json").read_bytes())
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert set(schema["properties"]) - {"global"} == set(values)
    for name, value in values.items():
        if isinstance(value, dict) and "properties" in schema["properties"][name]:
            assert set(schema["properties"][name]["properties"]) == set(value), name
    texts = "".join(path.read_text(encoding="utf-8") for path in (CHART / "templates").iterdir())
    assert set(re.findall(r"\.Values\.(\w+)", texts)) == set(values)


def rendered(values: dict[str, Any], tmp_path: Path) -> list[dict[str, Any]]:
    (tmp_path / "values.json").write_bytes(msgspec.json.encode(values))
    done = subprocess.run(
        ["helm", "template", "shop", str(CHART), "--values", str(tmp_path / "values.json")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ValueError(done.stderr)
    return [one for one in yaml.safe_load_all(done.stdout) if one]


@pytest.mark.skipif(shutil.which("helm") is None, reason="this machine has no helm")
def test_the_chart_runs_nothing_as_root_writes_nowhere_but_to_its_volumes_and_asks_both_probes(tmp_path: Path) -> None:
    found = rendered(VALUES, tmp_path)
    pods = {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in found if one["kind"] == "Deployment"}
    assert set(pods) == {"shop-rapport", "shop-rapport-worker"}
    for pod in pods.values():
        [container] = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert {one["name"] for one in container["volumeMounts"]} == {one["name"] for one in pod["volumes"]}
        url = next(one for one in container["env"] if one["name"] == "RAPPORT_DATABASE_URL")
        assert url["valueFrom"]["secretKeyRef"] == {"name": "rapport", "key": "url"}
    [server] = pods["shop-rapport"]["containers"]
    assert server["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert server["livenessProbe"]["httpGet"]["path"] == "/healthz"
    for bad in (
        {"workers": {"replicas": 1}, "secretEnv": {}}, {"trustedProxies": "*"}, {"image": {"repository": ""}},
        {"env": {"RAPPORT_SECRET_KEY": "k" * 40}}, {"persistence": {"accessModes": ["ReadWriteOnce"]}}, {"typo": 1},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="rror"):
            rendered({**VALUES, **bad}, tmp_path)
