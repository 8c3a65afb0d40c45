"""Which change is whose: events of a cluster in memory become leases to look at, or a moved inventory."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from provider.cluster.api import kinds

from .conftest import Memory
from .mirrored import LABELS, LEASE, NS, mirrored, obj, pod


@pytest.mark.parametrize(
    ("change", "leases", "inventory", "nodes"),
    [
        pytest.param(obj(kinds.DEPLOYMENT, "web", spec={"replicas": 1}), 1, 0, 0, id="a workload"),
        pytest.param(obj(kinds.STATEFUL_SET, "db", spec={"replicas": 1}), 1, 0, 0, id="a workload with volumes"),
        pytest.param(obj(kinds.SERVICE, "web-np", spec={}), 1, 0, 0, id="a service"),
        pytest.param(obj(kinds.INGRESS, "a.example", spec={}), 1, 0, 0, id="a route"),
        pytest.param(obj(kinds.PROVIDER_HOST, "a.example", "lease", LABELS), 1, 0, 0, id="a host name"),
        pytest.param(pod(), 1, 1, 0, id="a pod"),
        pytest.param(pod(namespace="kube-system"), 0, 1, 0, id="a pod of somebody else"),
        pytest.param(obj(kinds.PERSISTENT_VOLUME_CLAIM, "data", spec={}), 0, 1, 0, id="a claim"),
        pytest.param(obj(kinds.NODE, "n1"), 0, 1, 1, id="a node"),
        pytest.param(obj(kinds.STORAGE_CLASS, "beta3"), 0, 1, 1, id="a storage class"),
        pytest.param(obj(kinds.RUNTIME_CLASS, "kata"), 0, 1, 1, id="a runtime"),
        pytest.param(obj(kinds.STORAGE_CAPACITY, "c", "rook"), 0, 1, 1, id="where a driver has storage"),
        pytest.param(
            obj(kinds.SERVICE, "s", "other", labels={}, spec={"ports": [{"port": 1, "nodePort": 30001}]}), 0, 1, 0,
            id="node ports of somebody else",
        ),
        pytest.param(obj(kinds.SERVICE, "s", "other", labels={}, spec={}), 0, 0, 0, id="a service that holds nothing"),
        pytest.param(obj(kinds.CSI_NODE, "n1", spec={}), 0, 1, 0, id="volumes a node can attach"),
        pytest.param(obj(kinds.ADDRESS_POOL, "p", "metallb-system", labels={}), 0, 1, 0, id="addresses to lease"),
        pytest.param(obj(kinds.ENDPOINT_SLICE, "kubernetes", "default"), 0, 0, 0, id="nothing of interest"),
        pytest.param(
            obj(kinds.NETWORK_POLICY, "open", labels={}, spec={"egress": [{}]}), 1, 0, 0, id="a policy of somebody else"
        ),
        pytest.param(obj(kinds.NETWORK_POLICY, "shut", labels={}, spec={}), 0, 0, 0, id="a policy that opens nothing"),
        pytest.param(obj(kinds.ROLE, "web", rules=[]), 1, 0, 0, id="a role"),
        pytest.param(obj(kinds.SECRET, "docker-creds-web"), 1, 0, 0, id="credentials"),
        pytest.param(obj(kinds.DEPLOYMENT, "web", labels={}), 0, 0, 0, id="not labelled as ours"),
        pytest.param(obj(kinds.NAMESPACE, "akash-services"), 0, 0, 0, id="a namespace of ours that is no lease's"),
    ],
)  # fmt: skip
async def test_what_a_change_means(
    memory: Memory, change: dict[str, Any], leases: int, inventory: int, nodes: int
) -> None:
    memory.put(obj(kinds.NAMESPACE, NS, labels=LABELS))
    async with mirrored(memory) as (_, heard):
        memory.put(change)
        await memory.tell()
        assert (heard.leases, heard.inventory, heard.nodes) == ([LEASE] * leases, inventory, nodes)


@pytest.mark.parametrize("first", ["namespace", "policy"])
async def test_a_policy_that_opens_a_lease_is_told_once_whichever_is_heard_of_first(memory: Memory, first: str) -> None:
    space, policy = (
        obj(kinds.NAMESPACE, NS, labels=LABELS), obj(kinds.NETWORK_POLICY, "open", labels={}, spec={"egress": [{}]}),
    )  # fmt: skip
    elsewhere = obj(kinds.NETWORK_POLICY, "open", "kube-system", labels={}, spec={"egress": [{}]})
    with capture_logs() as logs:
        async with mirrored(memory):
            for one in (space, policy, elsewhere) if first == "namespace" else (elsewhere, policy, space):
                memory.put(one)
                await memory.tell()
    told = [(line["lease"], line["policy"], line["opens"]) for line in logs if line["log_level"] == "warning"]
    assert told == [(str(LEASE), "open", "out")]


async def test_what_a_driver_has_left_moves_no_labels(memory: Memory) -> None:
    def left(free: str) -> dict[str, Any]:
        return obj(kinds.STORAGE_CAPACITY, "c", "rook", storageClassName="beta3", nodeTopology={}, capacity=free)

    memory.put(left("5Gi"))
    async with mirrored(memory) as (_, heard):
        memory.put(left("4Gi"))
        await memory.tell()
        assert (heard.inventory, heard.nodes) == (1, 0)


async def test_a_pod_that_merely_turns_ready_moves_no_capacity(memory: Memory) -> None:
    memory.put(obj(kinds.NAMESPACE, NS, labels=LABELS))
    memory.put(pod(ready="False"))
    async with mirrored(memory) as (_, heard):
        memory.put(pod(ready="True"))
        await memory.tell()
        assert (heard.leases, heard.inventory) == ([LEASE], 0)
        memory.put(pod(phase="Failed"))
        await memory.tell()
        assert heard.inventory == 1


async def test_namespaces_come_and_go(memory: Memory) -> None:
    async with mirrored(memory) as (mirrors, heard):
        memory.put(obj(kinds.NAMESPACE, NS, labels=LABELS))
        await memory.tell()
        assert dict(mirrors.leases) == {NS: LEASE}
        memory.drop(kinds.NAMESPACE, "", NS)
        await memory.tell()
        assert dict(mirrors.leases) == {}
        assert heard.leases == [LEASE, LEASE]


def manifest(name: str, dseq: Any = "1") -> dict[str, Any]:
    lease = {"owner": "akash1o", "dseq": dseq, "gseq": 1, "oseq": 1, "provider": "akash1p"}
    return obj(kinds.MANIFEST, name, "lease", spec={"lease_id": lease, "group": {"name": "g", "services": []}})


async def test_a_manifest_that_cannot_be_read_does_not_hide_the_others(memory: Memory) -> None:
    memory.put(manifest("bad", dseq="x"))
    memory.put(manifest("good"))
    async with mirrored(memory) as (mirrors, heard):
        assert mirrors.stored.keys() == {LEASE}
        memory.put(manifest("bad", dseq="7"))
        await memory.tell()
        assert {lease.dseq for lease in mirrors.stored} == {1, 7}
        memory.drop(kinds.MANIFEST, "lease", "good")
        await memory.tell()
        assert {lease.dseq for lease in mirrors.stored} == {7}
        assert [lease.dseq for lease in heard.leases] == [7, 1]
