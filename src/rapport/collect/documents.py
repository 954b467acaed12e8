"""What browser SDKs fetch before they send anything. Pure."""

from __future__ import annotations

from typing import Any

from rapport.collect.model import Source
from rapport.kernel.clock import to_iso

__all__ = ["segment_settings", "source_config"]


def segment_settings(write_key: str, *, scheme: str, host: str) -> dict[str, Any]:
    """The settings document of Segment's browser library: send to us, load nothing else.

    A second name under `integrations` would make the library load a bundle from elsewhere.
    """
    enabled = {"__default": {"enabled": True}}
    return {
        "integrations": {"Segment.io": {"apiKey": write_key, "apiHost": f"{host}/v1", "protocol": scheme}},
        "metrics": {"sampleRate": 0},
        "plan": {"track": enabled, "identify": enabled, "group": enabled},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


def source_config(source: Source) -> dict[str, Any]:
    """The source document of RudderStack's SDKs: enabled, no destinations, no reports to anybody else."""
    off = {"enabled": False}
    updated = to_iso(source.created_at)
    return {
        "source": {
            "id": source.id,
            "name": source.name,
            "writeKey": source.write_key,
            "config": {"statsCollection": {"errors": off, "metrics": off}},
            "enabled": source.enabled,
            "workspaceId": str(source.workspace),
            "destinations": [],
            "connections": [],
            "createdAt": updated,
            "updatedAt": updated,
            "dataplanes": {},
        },
        "updatedAt": updated,
    }
