"""What is sold follows what the cluster has, over a cluster in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bidengine.node import Ask, BoundPod
from bidengine.runtimes import Overhead
from manifests.ids import LeaseID
from manifests.manifest import ManifestGroup
from manifests.resources import Attribute, Storage
from provider.cluster.api import kinds
from provider.cluster.api.kube import Gone
from provider.cluster.cluster import Cluster
from provider.cluster.health.causes import Cause
from provider.errors import ConfigError, Retry
from provider.isolation_settings import IsolationSettings

from .conftest import Memory, real_node
from .samples import (
    A100,
    GI,
    GROUP,
    L40S,
    LEASE,
    MI300X,
    NS,
    SETTINGS,
    SIZE,
    WEB,
    node,
    pod,
    watched,
)

pytestmark = pytest.mark.looptime


async def test_go_5_a_node_that_is_added_later_has_its_gpus_known(memory: Memory) -> None:
    """The reference hands its list of GPUs on once, to whoever listens then (go-baseline.md, defect 5)."""
    memory.put(node())
    async with watched(memory) as cluster:
        await asyncio.sleep(600)
        memory.put(real_node("gpu-operator-a100"))
        await memory.tell()
        await asyncio.sleep(2)
        assert [n.gpus for n in cluster.inventory().nodes] == [{A100: 8}, {}]


async def test_go_6_and_d18_after_an_outage_of_the_api_every_node_is_there(memory: Memory) -> None:
    """What was known stays meanwhile, nothing is restarted for it, and what changed unseen is found by a list, nodes
    that went away and came back included (go-baseline.md, defect 6; product.md D18)."""
    memory.put(real_node("gpu-operator-a100"))
    memory.put(node())
    async with watched(memory) as cluster:
        await asyncio.sleep(2)
        memory.trouble |= {"watch nodes": Gone("410"), "list nodes": Retry("connection refused")}
        memory.drop(kinds.NODE, "", "n1")
        memory.put(real_node("amd-labeller-mi300x"))
        await memory.tell()
        assert not cluster.fresh
        assert {n.name for n in cluster.inventory().nodes} == {"a100-1", "n1"}, "nothing is concluded from silence"
        await asyncio.sleep(60)
        assert cluster.fresh
        assert {n.name: n.gpus for n in cluster.inventory().nodes} == {"a100-1": {A100: 8}, "mi300x-1": {MI300X: 8}}
        memory.put(node())
        await memory.tell()
        await asyncio.sleep(2)
        assert len(cluster.inventory().nodes) == 3


async def test_go_7_pods_that_are_replaced_leave_nothing_behind(memory: Memory) -> None:
    """The reference's sums drift as pods come and go (go-baseline.md, defect 7); here nothing is summed over time."""
    memory.put(node(**{"akash.network": "true"}))
    async with watched(memory) as cluster:
        for n in range(5):
            other = pod(f"dns-{n}", phase="Running")
            other["metadata"] |= {"namespace": "kube-system", "uid": f"dns-{n}"}
            memory.put(other)
            await memory.tell()
            assert cluster.inventory().nodes[0].cpu_milli == 7500
            memory.drop(kinds.POD, "kube-system", f"dns-{n}")
            await memory.tell()
            assert cluster.inventory().nodes[0].cpu_milli == 8000


async def test_d18_a_cluster_without_nodes_is_empty_and_waits(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await asyncio.sleep(600)
        assert (cluster.inventory().nodes, cluster.fresh) == ((), True)
        memory.put(node())
        await memory.tell()
        await asyncio.sleep(2)
        assert len(cluster.inventory().nodes) == 1


async def test_d19_gpus_are_sold_when_their_device_plugin_comes_up(memory: Memory) -> None:
    """After an installation or a reboot: the node is known at once, tainted or not, and says what it waits for; no pod
    of ours has to run on it first, and nobody has to restart anything (product.md D19, row 38)."""
    down = real_node("nfd-l40s-plugin-down")
    memory.put({**down, "spec": {"taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]}})
    async with watched(memory, SETTINGS.model_copy(update={"tolerations": ("nvidia.com/gpu",)})) as cluster:
        await asyncio.sleep(2)
        (report,) = cluster.nodes()
        assert report.why_not == ""
        assert "device plugin offers none" in report.gpus[0].why_not
        assert cluster.inventory().nodes[0].gpus == {}
        offered = {**down["status"]["allocatable"], "nvidia.com/gpu": "8"}
        there = await memory.get(kinds.NODE, None, "l40s-1")
        memory.put({**there, "status": {**down["status"], "allocatable": offered}})
        await memory.tell()
        await asyncio.sleep(2)
        assert cluster.inventory().nodes[0].gpus == {L40S: 8}
        labels = (await memory.get(kinds.NODE, None, "l40s-1"))["metadata"]["labels"]
        assert labels["akash.network/capabilities.gpu.vendor.nvidia.model.l40s"] == "8"
    memory.put(real_node("kubeadm-control-plane"))
    async with watched(memory) as cluster:
        assert {n.name: n.why_not for n in cluster.nodes()} == {
            "cp-1": "taint node-role.kubernetes.io/control-plane",
            "l40s-1": "taint nvidia.com/gpu",
        }


async def test_a_changed_list_of_gpus_is_taken_over_and_a_wrong_one_is_not(memory: Memory, tmp_path: Path) -> None:
    file = tmp_path / "gpus.json"
    entry = '{"10de": {"name": "nvidia", "devices": {"20b2": {"name": "%s"}}}}'
    file.write_text(entry % "first")
    memory.put(real_node("gpu-operator-a100"))
    memory.objects[kinds.NODE, "", "a100-1"]["metadata"]["labels"].pop("nvidia.com/gpu.product")
    async with watched(memory, SETTINGS.model_copy(update={"gpus": file})) as cluster:

        async def model() -> str:
            await asyncio.sleep(60)
            (card,) = cluster.inventory().nodes[0].gpus
            return card.model

        assert await model() == "first"
        file.write_text("{")
        assert await model() == "first"
        file.write_text(entry % "second")
        assert await model() == "second"
        labels = (await memory.get(kinds.NODE, None, "a100-1"))["metadata"]["labels"]
        assert "akash.network/capabilities.gpu.vendor.nvidia.model.second" in labels


async def test_a_wrong_list_of_gpus_is_told_at_start(memory: Memory, tmp_path: Path) -> None:
    (tmp_path / "gpus.json").write_text("{")
    with pytest.raises(ConfigError, match=r"gpus\.json.*not JSON"):
        Cluster(memory, SETTINGS.model_copy(update={"gpus": tmp_path / "gpus.json"}))  # type: ignore[arg-type]


async def test_classes_ports_and_addresses_follow_the_settings(memory: Memory) -> None:
    settings = SETTINGS.model_copy(
        update={"storage_classes": {"beta3": "fast"}, "ip_pool": "tenants", "node_ports": 5000}
    )
    memory.put(node())
    memory.put({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}})
    for name, addresses in (("tenants", ["10.0.0.0/29"]), ("others", ["10.9.0.0/16"])):
        kind = {"apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool"}
        memory.put({**kind, "metadata": {"name": name, "namespace": "m"}, "spec": {"addresses": addresses}})
    balancer = {"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30080}]}
    memory.put(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "ingress", "namespace": "i"}, "spec": balancer,
         "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}
    )  # fmt: skip
    async with watched(memory, settings) as cluster:
        await asyncio.sleep(2)
        found = cluster.inventory()
        assert found.storage_bytes == {"beta3": 1 << 40}
        assert found.nodes[0].classes == {"beta3"}
        assert (found.node_ports, found.leased_ips) == (2767, 7)
        volume = replace(
            SIZE, storage=(Storage("data", GI, (Attribute("persistent", "true"), Attribute("class", "beta3"))),)
        )
        group = ManifestGroup("west", (replace(WEB, resources=volume),))
        await cluster.deploy(LEASE, group, {}, "r1")
        made = await memory.get(kinds.STATEFUL_SET, NS, "web")
        assert made["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] == "fast"
    async with watched(memory) as cluster:
        assert cluster.inventory().leased_ips == 0, "no address is sold that the operator has not offered"


async def test_the_inventory_is_made_anew_only_when_something_moved(memory: Memory) -> None:
    memory.put(node(**{"akash.network": "true"}))
    async with watched(memory) as cluster:
        before, version = cluster.inventory(), cluster.inventory_version
        assert cluster.inventory() is before
        memory.put(node("n2", **{"akash.network": "true"}))
        await memory.tell()
        assert cluster.inventory_version > version
        assert [n.name for n in cluster.inventory().nodes] == ["n1", "n2"]


async def test_a_burst_of_changes_is_told_once(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await asyncio.sleep(2)
        heard: list[LeaseID | None] = []
        cluster.on_change(heard.append)
        for n in range(20):
            memory.put(node(f"n{n}", **{"akash.network": "true"}))
        await memory.tell()
        assert heard == []
        await asyncio.sleep(2)
        assert heard == [None]


async def test_a_leases_pods_are_the_leases_in_the_inventory(memory: Memory) -> None:
    memory.put(node(**{"akash.network": "true"}))
    async with watched(memory) as cluster:
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        memory.put(pod("web-a"))
        await memory.tell()
        found = cluster.inventory()
        assert found.lease_pods == {LEASE: (BoundPod("n1", Ask(500, GI, GI)),)}
        assert found.nodes[0].cpu_milli == 8000


def runtime(name: str, **overhead: str) -> dict[str, Any]:
    made = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": name}
    return {**made, "overhead": {"podFixed": overhead}} if overhead else made


async def test_runtime_classes_come_and_go(memory: Memory) -> None:
    """What is sold follows at once, and a lease whose pods cannot be made is the provider's trouble."""
    settings = SETTINGS.model_copy(update={"isolation": IsolationSettings(runtime_class="kata")})
    memory.put(real_node("gpu-operator-a100"))
    async with watched(memory, settings) as cluster:
        await asyncio.sleep(2)
        assert list(cluster.runtimes_lacking()) == ["kata", "nvidia"]
        told: list[LeaseID | None] = []
        cluster.on_change(told.append)
        memory.put(runtime("kata", cpu="250m", memory="160Mi"))
        memory.put(runtime("nvidia"))
        await memory.tell()
        await asyncio.sleep(2)
        assert told == [None]
        assert cluster.runtimes_lacking() == {}
        assert cluster.inventory().runtimes.overhead("kata") == Overhead(250, 160 << 20)

        await cluster.store_manifest(LEASE, GROUP, {})
        await cluster.deploy(LEASE, GROUP, {}, "1")
        assert cluster.health(LEASE)["web"].cause is Cause.STARTING
        memory.drop(kinds.RUNTIME_CLASS, "", "kata")
        await memory.tell()
        await asyncio.sleep(2)
        assert list(cluster.runtimes_lacking()) == ["kata"]
        assert cluster.health(LEASE)["web"].cause is Cause.ADMISSION
        assert "'kata'" in cluster.health(LEASE)["web"].reason


async def test_nodes_open_and_close_with_what_a_runtime_class_says_of_them(memory: Memory) -> None:
    """A node with a taint that only NVIDIA's class tolerates is labelled and sold with its cards; what the sandbox is
    not for is sold without it, and the reason is there for whoever asks."""
    settings = SETTINGS.model_copy(update={"isolation": IsolationSettings(runtime_class="kata")})
    memory.put({**real_node("gpu-operator-a100"), "spec": {"taints": [{"key": "cards", "effect": "NoSchedule"}]}})
    memory.put(node("plain", kata="yes"))
    memory.put(runtime("kata"))
    memory.put(runtime("nvidia"))
    async with watched(memory, settings) as cluster:
        await asyncio.sleep(2)
        assert [n.name for n in cluster.inventory().nodes] == ["plain"]
        assert list(cluster.inventory().runtimes.withheld) == [A100]

        tolerates = {"scheduling": {"tolerations": [{"key": "cards", "operator": "Exists"}]}}
        memory.put({**runtime("nvidia"), **tolerates})
        memory.put({**runtime("kata"), "scheduling": {"nodeSelector": {"kata": "no"}}})
        await memory.tell()
        await asyncio.sleep(2)
        found = cluster.inventory()
        assert [(n.name, n.gpus) for n in found.nodes] == [("a100-1", {A100: 8})]
        assert found.nodes[0].without_gpus == "RuntimeClass 'kata' is for nodes with the label kata=no"
        assert found.runtimes.nowhere == found.nodes[0].without_gpus
        assert {n.name: n.why_not for n in cluster.nodes()} == {"a100-1": "", "plain": found.runtimes.nowhere}
        labels = (await memory.get(kinds.NODE, None, "a100-1"))["metadata"]["labels"]
        assert labels["akash.network"] == "true"
