"""Example 04 on a real node with cards: where its pods run, what they are given, and what a sick card is worth.

A device plugin of ours offers the cards, with the labels that NVIDIA's labeller would write. Beside the node stands
another, with more room and one card of another model; it exists only as an object, so a pod sent there would never run.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.cluster import Cluster, images
from e2e.cluster.devices import RESOURCE, Cards
from e2e.lives import Plan, Visit, example, live
from provider.cluster.api.kinds import MANIFEST, NODE

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("kubelet")]
H100 = {"nvidia.com/gpu.product": "NVIDIA-H100-PCIe", "nvidia.com/gpu.memory": "81559"}
A100 = {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB", "nvidia.com/gpu.memory": "81920"}
ROOM = {"cpu": "64", "memory": "1Ti", "pods": "110", "ephemeral-storage": "4Ti", RESOURCE: "1"}
TEMPTING = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "tempting", "labels": A100 | {"kubernetes.io/arch": "amd64"}},
}
SERVICES = ("any", "choosy")
RUNTIME = {
    "apiVersion": "node.k8s.io/v1",
    "kind": "RuntimeClass",
    "metadata": {"name": "nvidia"},
    "handler": "runc",
}
"""Pods with cards ask for it by name, as the cards' vendor installs it; ours needs nothing beyond the usual runtime."""
STATUS = {"status": {"capacity": ROOM, "allocatable": ROOM, "conditions": [{"type": "Ready", "status": "True"}]}}


@pytest.fixture
def cards(kubelet_cluster_with: Callable[..., Cluster]) -> Iterator[Cards]:
    cluster = kubelet_cluster_with("dns", "ingress")
    cluster.load(images.web("docker.io/library/trainer:1"))
    cluster.kubectl("label", "node", "node1", "--overwrite", *(f"{key}={value}" for key, value in H100.items()))
    cluster.kubectl("replace", "--force", "-f", "-", stdin=json.dumps(RUNTIME))  # its handler cannot be changed
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(TEMPTING))
    try:
        cluster.kubectl("patch", "node", "tempting", "--subresource=status", "--type=merge", "-p", json.dumps(STATUS))
        cluster.kubectl("taint", "node", "tempting", "node.kubernetes.io/not-ready-", check=False)
        with Cards(cluster, count=3) as cards:
            yield cards
    finally:
        cluster.kubectl("delete", "node", "tempting")
        cluster.kubectl("label", "node", "node1", *(f"{key}-" for key in H100))


def test_cards_are_the_promised_ones_and_a_sick_one_is_not_sold(
    cards: Cards, kubelet_cluster: Cluster, tmp_path: Path
) -> None:
    async def visit(visit: Visit) -> dict[str, Any]:
        seen: dict[str, Any] = {"page": await visit.page(await visit.host("any"))}
        for service in SERVICES:
            (pod,) = await visit.pods(service)
            node = await visit.net.kube.get(NODE, None, pod["spec"]["nodeName"])
            given = (await visit.said(service, "echo $NVIDIA_VISIBLE_DEVICES")).strip()
            seen[service] = {"labels": node["metadata"]["labels"], "card": given}
        stored = await visit.net.kube.get(MANIFEST, "lease", visit.namespace)
        for service in stored["spec"]["group"]["services"]:
            seen[service["name"]]["promised"] = service["scheduler_params"]["resources"]["gpu"]
        (spare,) = {f"card-{number}" for number in range(3)} - {seen[service]["card"] for service in SERVICES}
        await _until_free(visit, 1)
        cards.sick(spare)
        await _until_free(visit, 0)
        cards.well(spare)
        await _until_free(visit, 1)
        return seen

    plans, site = {"04": Plan(example("04"), visit)}, {"overcommit_cpu_percent": 300}
    lived = asyncio.run(live(kubelet_cluster, tmp_path, plans, site))["04"]

    settled, seen = lived.timeline["settled"], lived.seen
    assert settled["amount"] == settled["ledger"] > 0
    assert seen["page"] == "hello\n"
    for service in SERVICES:
        assert seen[service]["promised"] | {"model": "h100", "interface": "pcie"} == seen[service]["promised"]
        assert seen[service]["labels"]["nvidia.com/gpu.product"] == H100["nvidia.com/gpu.product"]
    assert seen["any"]["card"] != seen["choosy"]["card"]


async def _until_free(visit: Visit, wanted: int) -> None:
    """So many of node1's cards are left for the daemon to sell."""

    async def so_many() -> bool:
        nodes = (await visit.gateway.status())["cluster"]["inventory"]["available"]["nodes"]
        return any(node["name"] == "node1" and node["available"]["gpu"] == wanted for node in nodes)

    await visit.until(f"{wanted} of node1's cards to be free", so_many)
