"""Simulated nodes: kwok keeps them Ready and reports their pods as running, without running anything."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from e2e.cluster.processes import Processes

GPU_LABEL = "akash.network/capabilities.gpu.vendor.nvidia.model.h100"


def start(programs: dict[str, Path], run: Path, processes: Processes) -> None:
    processes.start(
        "kwok",
        [
            str(programs["kwok"]),
            f"--kubeconfig={run / 'admin.kubeconfig'}",
            f"--config={Path(__file__).with_name('kwok-pods.yaml')}",
            "--manage-all-nodes=false",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            "--node-lease-duration-seconds=40",  # without leases nodes flap, and with them their pods
        ],
    )


def create_nodes(http: httpx.Client, count: int) -> None:
    with ThreadPoolExecutor(max_workers=8) as pool:
        for answer in pool.map(lambda node: http.post("/api/v1/nodes", json=node), _nodes(count)):
            answer.raise_for_status()


def _nodes(count: int) -> Iterator[dict[str, object]]:
    room = {"cpu": "128", "memory": "1Ti", "pods": "250", "ephemeral-storage": "4Ti", "nvidia.com/gpu": "8"}
    for number in range(1, count + 1):
        name = f"sim-{number}"
        yield {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": name,
                "annotations": {"kwok.x-k8s.io/node": "fake"},
                "labels": {"kubernetes.io/hostname": name, GPU_LABEL: "8"},
            },
            "status": {"capacity": room, "allocatable": room},
        }
