"""RuntimeClasses: what a pod can be started with in this cluster, and what that adds to a pod. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bidengine.node import Node
from bidengine.runtimes import VENDOR, Overhead, Runtimes
from provider.cluster.api.quantity import milli, whole


@dataclass(frozen=True, slots=True)
class RuntimeClass:
    name: str
    overhead: Overhead


def runtime_class(obj: Mapping[str, Any]) -> RuntimeClass:
    """The scheduler adds the overhead to what the pod's containers ask, each resource by itself."""
    fixed = (obj.get("overhead") or {}).get("podFixed") or {}
    overhead = Overhead(
        milli(fixed.get("cpu", 0)), whole(fixed.get("memory", 0)), whole(fixed.get("ephemeral-storage", 0))
    )
    return RuntimeClass(obj["metadata"]["name"], overhead)


def runtimes(nvidia: str, sandbox: str, classes: Iterable[RuntimeClass]) -> Runtimes:
    """`nvidia` and `sandbox` as the operator wants them, `classes` as the cluster has them."""
    return Runtimes(nvidia, sandbox, {found.name: found.overhead for found in classes})


def unsold(of: Runtimes, nodes: Iterable[Node]) -> dict[str, str]:
    """RuntimeClass -> what cannot be sold without it. NVIDIA's is no matter where no node has such a card."""
    wanted = {of.sandbox}
    if any(card.vendor == VENDOR for node in nodes for card in node.gpus):
        wanted.add(of.nvidia)
    return {name: of.why_not(name) for name in sorted(wanted) if of.lacks(name)}
