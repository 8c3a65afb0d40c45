"""The machines of an embedded cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node. `gpus` of `gpu_resource` are offered; the GPU's model is said by `labels`, as on a real node."""

    name: str
    cpu_milli: int = 16_000
    memory_bytes: int = 64 << 30
    ephemeral_bytes: int = 512 << 30
    gpus: int = 0
    gpu_resource: str = "nvidia.com/gpu"
    pods: int = 110
    labels: Mapping[str, str] = field(default_factory=dict)

    def object(self) -> Json:
        room = {
            "cpu": f"{self.cpu_milli}m",
            "memory": str(self.memory_bytes),
            "ephemeral-storage": str(self.ephemeral_bytes),
            "pods": str(self.pods),
        }
        if self.gpus:
            room[self.gpu_resource] = str(self.gpus)
        labels = {
            "kubernetes.io/hostname": self.name,
            "kubernetes.io/arch": "amd64",
            "kubernetes.io/os": "linux",
            **self.labels,
        }
        info = {
            "architecture": "amd64",
            "operatingSystem": "linux",
            "kubeletVersion": "v1.34.4+akp.sandbox",
            "containerRuntimeVersion": "none://0",
            "osImage": "none: an embedded stand-in, no container runs here",
        }
        return {
            "metadata": {"name": self.name, "labels": labels},
            "spec": {},
            "status": {
                "capacity": room,
                "allocatable": room,
                "addresses": [
                    {"type": "InternalIP", "address": "127.0.0.1"},
                    {"type": "Hostname", "address": self.name},
                ],
                "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "simulated"}],
                "nodeInfo": info,
            },
        }


DEFAULT_NODES = (
    NodeSpec("node-1", cpu_milli=32_000, memory_bytes=128 << 30, ephemeral_bytes=1 << 40),
    NodeSpec(
        "node-2",
        cpu_milli=64_000,
        memory_bytes=256 << 30,
        ephemeral_bytes=2 << 40,
        gpus=8,
        labels={"akash.network/capabilities.gpu.vendor.nvidia.model.h100": "8"},
    ),
)
