"""What anybody may know of the provider: its room, its promises, its version (gateway-auth.md §5.1). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version as installed
from typing import Any

from bidengine.hold import Hold
from bidengine.node import Inventory


def inventory_status(free: Inventory, holds: Iterable[Hold]) -> dict[str, Any]:
    """What is free, node by node, and what is promised: `active` to leases, `pending` to bids."""
    holds = list(holds)
    inventory: dict[str, Any] = {
        "available": {
            "nodes": [
                {
                    "name": node.name,
                    "available": {
                        "cpu": node.cpu_milli,
                        "gpu": sum(node.gpus.values()),
                        "memory": node.memory_bytes,
                        "storage_ephemeral": node.ephemeral_bytes,
                    },
                }
                for node in free.nodes
            ],
            "storage": [{"class": c, "size": size} for c, size in sorted(free.storage_bytes.items())],
        }
    }
    for key, states in {"active": ("leased",), "pending": ("held", "bid")}.items():
        inventory[key] = [_held(hold) for hold in holds if hold.state in states]
    return inventory


def version(kube_version: Mapping[str, Any]) -> dict[str, Any]:
    # Console hides the bids of providers without a cosmos_sdk_version ≥ 0.45.9 (gateway-auth.md §5.1); ours names
    # the version of the chain's interface we speak.
    akash = {
        "name": "akash-provider",
        "server_name": "akp",
        "version": f"v{installed('akash-provider')}",
        "cosmos_sdk_version": "v0.53.7",
    }
    return {"akash": akash, "kube": dict(kube_version)}


def _held(hold: Hold) -> dict[str, Any]:
    asks = [slot.ask for slot in hold.placement.slots]
    storage: dict[str, int] = {}
    for ask in asks:
        for c, size in ask.volumes:
            storage[c] = storage.get(c, 0) + size
    return {
        "cpu": sum(a.cpu_milli for a in asks),
        "gpu": sum(a.gpu_units for a in asks),
        "memory": sum(a.memory_bytes for a in asks),
        "storage_ephemeral": sum(a.ephemeral_bytes for a in asks),
        "storage": storage,
    }
