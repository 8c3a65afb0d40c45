"""Where pods can go by their volumes, against the embedded API server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from provider.cluster.api.kinds import NODE, PERSISTENT_VOLUME, POD
from provider.cluster.api.kube import Kube
from provider.cluster.inventory.pods import PodFacts, pod_facts
from provider.cluster.objects.anchored import Anchor, anchors
from provider.errors import Refused
from provider.sandbox.cluster import EmbeddedCluster
from provider.settings import ClusterSettings

HOSTNAME = "kubernetes.io/hostname"


@pytest.fixture
async def kube() -> AsyncIterator[Kube]:
    async with (
        EmbeddedCluster(ready_after_s=0, stop_after_s=0) as server,
        Kube.connect(ClusterSettings(kubeconfig=server.kubeconfig)) as out,
    ):
        yield out


def rule(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)} if values else {"key": key, "operator": operator}


async def bound(kube: Kube, name: str, node: str, *terms: dict[str, Any]) -> PodFacts:
    """A pod on that node with a claim, whose volume is reached where one of these terms allows it."""
    spec: dict[str, Any] = {
        "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "disk",
        "claimRef": {"kind": "PersistentVolumeClaim", "namespace": "default", "name": name},
        "hostPath": {"path": "/disks/1"},
    }  # fmt: skip
    if terms:
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": list(terms)}}
    await kube.create(
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"pv-{name}"}, "spec": spec}
    )
    where = {"name": name, "namespace": "default"}
    wants = {"accessModes": ["ReadWriteOnce"], "storageClassName": "disk", "volumeName": f"pv-{name}"}
    wants["resources"] = {"requests": {"storage": "1Gi"}}
    await kube.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": where, "spec": wants})
    return await pod(kube, name, node, [{"name": "data", "persistentVolumeClaim": {"claimName": name}}])


async def pod(kube: Kube, name: str, node: str, volumes: list[dict[str, Any]]) -> PodFacts:
    spec = {"nodeName": node, "containers": [{"name": "c", "image": "i"}], "volumes": volumes}
    return pod_facts(
        await kube.create(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}
        )
    )


async def test_a_volume_says_from_where_it_is_reached(kube: Kube) -> None:
    here, there, *others = (obj["metadata"]["name"] for obj in await kube.all(NODE))
    everywhere = {here, there, *others}
    alone = {"matchExpressions": [rule(HOSTNAME, "In", here)]}
    cases = {
        "local": ((alone,), {here}),
        "either": ((alone, {"matchExpressions": [rule(HOSTNAME, "In", there)]}), {here, there}),
        "field": (({"matchFields": [rule("metadata.name", "In", here)]},), {here}),
        "notthere": (({"matchExpressions": [rule(HOSTNAME, "NotIn", there)]},), everywhere - {there}),
        "nothing": (({},), set[str]()),
        "network": ((), everywhere),
        "anyway": (({"matchExpressions": [rule(HOSTNAME, "Exists")]},), everywhere),
    }
    pods = [await bound(kube, name, here, *terms) for name, (terms, _) in cases.items()]
    found = await anchors(kube, pods)
    assert found == {
        f"default/{name}": Anchor(frozenset(nodes), (name,))
        for name, (_, nodes) in cases.items()
        if nodes != everywhere
    }


async def test_a_volume_that_may_not_be_looked_at_is_taken_to_be_here(
    kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = (await kube.all(NODE))[0]["metadata"]["name"]
    one, get = await bound(kube, "network", here), kube.get

    async def refusing(kind: Any, namespace: str | None, name: str) -> Any:
        if kind is PERSISTENT_VOLUME:
            raise Refused("persistentvolumes is forbidden (403)")
        return await get(kind, namespace, name)

    monkeypatch.setattr(kube, "get", refusing)
    found = (await anchors(kube, [one]))["default/network"]
    assert found.nodes == {here}
    assert "no right to get persistentvolumes" in found.volumes[0]


async def test_what_has_no_volume_yet_or_is_gone_is_not_tied(kube: Kube) -> None:
    here = (await kube.all(NODE))[0]["metadata"]["name"]
    waiting = await pod(kube, "w", here, [{"name": "d", "persistentVolumeClaim": {"claimName": "nosuch"}}])
    memory = await pod(kube, "m", here, [{"name": "d", "emptyDir": {}}])
    gone = await pod(kube, "g", here, [{"name": "d", "persistentVolumeClaim": {"claimName": "nosuch"}}])
    await kube.delete(POD, "default", "g")
    assert await anchors(kube, [waiting, memory, gone]) == {}
