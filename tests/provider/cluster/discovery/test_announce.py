"""From the slots of a machine to what the daemon sells, over a stand-in and over a real API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from bidengine.explain import places
from bidengine.notation import parse_group
from bidengine.reasons import Decline
from manifests.gpus import GpuModel
from provider.cluster.api.kinds import NODE
from provider.cluster.api.kube import Kube
from provider.cluster.cluster import Cluster
from provider.cluster.discovery.announce import announce, follow
from provider.cluster.discovery.due import MANAGER
from provider.cluster.discovery.pci import cards
from provider.cluster.inventory.discovered import labels_of
from provider.cluster.inventory.survey import NodeReport
from provider.errors import ConfigError, Retry
from provider.market.restart import seen
from provider.sandbox.cluster.embedded import EmbeddedCluster
from provider.sandbox.cluster.nodes import NodeSpec
from provider.settings import BidSettings, ClusterSettings
from tests.provider.cluster.discovery.sysfs import Machine
from tests.provider.cluster.following import following, furnish

L40S = GpuModel("nvidia", "l40s", "48Gi", "pcie")
FOUR = [f"0000:{bus}:00.0" for bus in ("17", "65", "a1", "e3")]
OURS = "discovery.akash.network/"
SAYS_L40S, SAYS_RTX3090 = f"{OURS}pci-10de_26b9", f"{OURS}pci-10de_2204"
CAPABILITY = "akash.network/capabilities.gpu.vendor.nvidia.model.l40s"
FRESH = "node.kubernetes.io/not-ready"
"""A taint that a real API server puts on every new Node; the one here has no kubelet that would have it taken away."""
ALONE = "example.com/alone"
"""A taint of ours: on a cluster that others use too nobody's pod shall come to a node on which none would run."""


Until = Callable[..., Awaitable[Any]]


class World:
    """A Node that offers four cards and says nothing of them, and the machine behind it."""

    def __init__(self, kube: Kube, settings: ClusterSettings, machine: Machine, node: str) -> None:
        self.kube, self.settings, self.machine, self.node = kube, settings, machine, node

    def look(self) -> dict[str, str]:
        return labels_of(cards(self.machine.sys, self.machine.proc, ("10de", "1002", "8086")))

    async def announce(self) -> bool:
        return await announce(self.kube, self.node, self.look())

    async def labels(self, prefix: str) -> dict[str, str]:
        found = (await self.kube.get(NODE, None, self.node))["metadata"].get("labels") or {}
        return {key: value for key, value in found.items() if key.startswith(prefix)}

    async def said(self) -> tuple[dict[str, str], list[Any]]:
        """The node's labels, and who holds what of it, but for controllers, which write when they like."""
        metadata = (await self.kube.get(NODE, None, self.node))["metadata"]
        ours = [entry for entry in metadata["managedFields"] if entry["operation"] == "Apply"]
        return metadata["labels"], ours

    async def says(self, label: str) -> bool:
        return label in await self.labels(label)

    def seen(self, cluster: Cluster) -> NodeReport:
        (found,) = (report for report in cluster.nodes() if report.name == self.node)
        return found

    def sells(self, cluster: Cluster, cards: dict[GpuModel, int] | None) -> Callable[[], Awaitable[bool]]:
        """To wait for: what of its cards is sold; None while the node is not sold at all."""

        async def look() -> bool:
            found = {node.name: dict(node.gpus) for node in cluster.inventory().nodes}
            return found.get(self.node) == cards

        return look


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.real)])
async def world(request: pytest.FixtureRequest, machine: Machine) -> AsyncIterator[World]:
    offered = NodeSpec("four-cards", gpus=4)
    async with AsyncExitStack() as open_:
        if request.param == "real":
            kubeconfig = request.getfixturevalue("real_cluster").kubeconfig
        else:
            kubeconfig = (await open_.enter_async_context(EmbeddedCluster((offered,)))).kubeconfig
        settings = ClusterSettings(kubeconfig=kubeconfig, tolerations=(FRESH, ALONE), gpu_runtime_class="")
        kube = await open_.enter_async_context(Kube.connect(settings))
        if request.param == "real":
            alone = {"taints": [{"key": ALONE, "effect": "NoSchedule"}]}
            obj = {"apiVersion": "v1", "kind": "Node", **offered.object(), "spec": alone}
            await kube.create(obj)
            open_.push_async_callback(kube.delete, NODE, None, offered.name)
            path, form = f"{NODE.path(None, offered.name)}/status", "application/merge-patch+json"
            await kube.call("PATCH", path, body={"status": obj["status"]}, content_type=form)
        await furnish(kube)
        yield World(kube, settings, machine, offered.name)


@pytest.mark.xdist_group("lease namespace")
async def test_cards_are_sold_when_they_are_found_and_no_longer_when_they_are_gone(world: World, until: Until) -> None:
    for address in FOUR:
        world.machine.put(address, "10de:26b9", driver="nvidia")
        world.machine.put(address.replace(".0", ".1"), "10de:22ba", "0x040300")
    async with following(world.kube, world.settings) as cluster:
        await until("the node is sold, its cards not", world.sells(cluster, {}))
        assert "no label says what the cards are" in world.seen(cluster).gpus[0].why_not

        assert await world.announce()
        await until("the cards are sold", world.sells(cluster, {L40S: 4}))
        assert await world.labels(OURS) == {SAYS_L40S: "4"}
        assert [place.node for place in places(fit(cluster, "2*2xl40s,1cpu,1Gi"))] == [world.node]
        assert isinstance(fit(cluster, "1xrtx3090,1cpu,1Gi"), Decline)
        await until("the scheduler can find them", lambda: world.says(CAPABILITY))
        before = await world.said()
        assert not await world.announce(), "said already, also beside what the daemon says"
        assert await world.said() == before

        world.machine.pull(FOUR[0])
        world.machine.put("0000:b2:00.0", "10de:2204", "0x030000", driver="nvidia")
        assert await world.announce()
        await until("neither is promised", world.sells(cluster, {}))
        assert "nvidia l40s, rtx3090 on one node go by one name" in world.seen(cluster).gpus[0].why_not

        async def none_found() -> bool:
            return not await world.says(CAPABILITY)

        await until("nor does the scheduler find any", none_found)

        for address in (*FOUR[1:], "0000:b2:00.0"):
            world.machine.pull(address)
        assert await world.announce()
        assert await world.labels(OURS) == {}
        assert not await world.announce(), "and is then left alone"
    managed = (await world.kube.get(NODE, None, world.node))["metadata"]["managedFields"]
    assert MANAGER not in {entry["manager"] for entry in managed}


@pytest.mark.xdist_group("lease namespace")
async def test_what_somebody_else_says_is_left_to_them(world: World) -> None:
    await world.kube.patch(NODE, None, world.node, {"metadata": {"labels": {SAYS_L40S: "1"}}})
    world.machine.put(FOUR[0], "10de:26b9")
    world.machine.put(FOUR[1], "10de:26b9")
    assert not await world.announce()
    world.machine.put(FOUR[2], "10de:2204")
    assert await world.announce()
    assert await world.labels(OURS) == {SAYS_L40S: "1", SAYS_RTX3090: "1"}
    await world.kube.patch(NODE, None, world.node, {"metadata": {"labels": {SAYS_RTX3090: "7"}}})
    assert not await world.announce(), "what was taken over from us is not ours any longer"
    for address in FOUR[:3]:
        world.machine.pull(address)
    assert not await world.announce()
    assert await world.labels(OURS) == {SAYS_L40S: "1", SAYS_RTX3090: "7"}


async def test_trouble_that_passes_is_waited_out_and_takes_no_label_away(machine: Machine, until: Until) -> None:
    async with EmbeddedCluster((NodeSpec("n"),)) as embedded:
        settings = ClusterSettings(kubeconfig=embedded.kubeconfig)
        async with Kube.connect(settings) as kube, asyncio.TaskGroup() as tasks:
            world = World(kube, settings, machine, "n")
            machine.put(FOUR[0], "10de:26b9")
            for status in (409, 500):
                embedded.faults.fail_next(status=status, method="PATCH", retry_after_s=0)
                with pytest.raises(Retry):
                    await world.announce()
            embedded.faults.fail_next(2, 503, retry_after_s=0)
            following = tasks.create_task(follow(kube, "n", world.look, every_s=0.01))
            await until("it is said", lambda: world.says(SAYS_L40S))
            broken = machine.put(FOUR[1], "10de:2204")
            (broken / "vendor").write_text("?")
            await asyncio.sleep(0.05)
            assert await world.labels(OURS) == {SAYS_L40S: "1"}
            (broken / "vendor").write_text("0x10de")
            await until("it is said too", lambda: world.says(SAYS_RTX3090))
            following.cancel()


async def test_a_node_that_does_not_exist_is_told_with_the_cure(machine: Machine) -> None:
    async with EmbeddedCluster(()) as embedded:
        settings = ClusterSettings(kubeconfig=embedded.kubeconfig)
        async with Kube.connect(settings) as kube:
            with pytest.raises(ConfigError, match=r"--node elsewhere: the cluster has no such node\. .*downward API"):
                await World(kube, settings, machine, "elsewhere").announce()


def fit(cluster: Cluster, what: str) -> Any:
    return seen(cluster.inventory(), ClusterSettings(), BidSettings()).fit(parse_group(what))
