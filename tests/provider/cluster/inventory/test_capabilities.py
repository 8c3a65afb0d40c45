"""What the embedded cluster can offer, whatever state its nodes are in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from manifests.gpus import GpuModel
from manifests.render.crd import definitions
from provider.cluster.api.kinds import NODE
from provider.cluster.api.kube import Kube
from provider.cluster.cluster import Cluster
from provider.sandbox.cluster import EmbeddedCluster, NodeSpec
from provider.settings import ClusterSettings

_CARD = "akash.network/capabilities.gpu.vendor.nvidia.model.t4"
T4 = GpuModel("nvidia", "t4", "16Gi", "pcie")


class Seen(Exception):
    pass


@pytest.fixture
def watching() -> Callable[..., Any]:
    @asynccontextmanager
    async def open_(change: dict[str, Any]) -> AsyncIterator[Cluster]:
        """One node with two cards, after `change` of it."""
        node = NodeSpec(
            "gpu", cpu_milli=8000, memory_bytes=1 << 34, ephemeral_bytes=1 << 38, gpus=2,
            labels={_CARD: "2", f"{_CARD}.ram.16Gi": "2", f"{_CARD}.interface.pcie": "2"},
        )  # fmt: skip
        async with EmbeddedCluster((node,)) as embedded:
            settings = ClusterSettings(kubeconfig=embedded.kubeconfig, storage={"beta3": "1Ti", "beta7": "1Ti"})
            async with Kube.connect(settings) as kube:
                for definition in definitions():
                    await kube.apply(definition)
                await kube.patch(NODE, None, "gpu", change)
                try:
                    async with asyncio.TaskGroup() as tasks:
                        yield await Cluster.watch(kube, settings, tasks, mark=False)
                        raise Seen
                except* Seen:
                    pass

    return open_


@pytest.mark.parametrize(
    ("change", "cards"),
    [
        ({}, {T4}),
        ({"spec": {"unschedulable": True}}, {T4}),
        ({"metadata": {"labels": {"akash.network": "false"}}}, set()),
    ],
    ids=["well", "cordoned", "kept out by its label"],
)
async def test_cards_and_classes(watching: Callable[..., Any], change: dict[str, Any], cards: set[GpuModel]) -> None:
    async with watching(change) as cluster:
        found = cluster.capabilities()
        assert found.cards == cards
        assert found.classes == {"beta3", "default"}, "declared, and there"
