"""A node taken out and put back, against the embedded API server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from provider.cluster.api.kinds import DISRUPTION_BUDGET, NODE, POD
from provider.cluster.api.kube import Kube
from provider.cluster.inventory.nodes import node_facts
from provider.cluster.inventory.pods import pod_facts
from provider.cluster.objects.emptying import WHY, cordon, evict, uncordon
from provider.errors import NotFound
from provider.sandbox.cluster import EmbeddedCluster
from provider.settings import ClusterSettings


@pytest.fixture
async def kube() -> AsyncIterator[Kube]:
    async with (
        EmbeddedCluster(ready_after_s=0, stop_after_s=0) as server,
        Kube.connect(ClusterSettings(kubeconfig=server.kubeconfig)) as out,
    ):
        yield out


async def test_a_node_taken_out_is_not_sold_and_says_why_until_it_is_put_back(kube: Kube) -> None:
    name = (await kube.all(NODE))[0]["metadata"]["name"]
    await cordon(kube, name, "new disks")
    out = await kube.get(NODE, None, name)
    assert node_facts(out).unusable == "cordoned"
    assert out["metadata"]["annotations"][WHY] == "new disks"
    await uncordon(kube, name)
    back = await kube.get(NODE, None, name)
    assert node_facts(back).unusable == ""
    assert WHY not in back["metadata"].get("annotations", {})


async def test_a_node_that_is_not_there_is_told(kube: Kube) -> None:
    with pytest.raises(NotFound):
        await cordon(kube, "nosuch", "")


async def test_pods_go_but_not_against_a_budget(kube: Kube) -> None:
    def pod(name: str, app: str) -> dict[str, Any]:
        spec = {"containers": [{"name": "c", "image": "i"}]}
        metadata = {"name": name, "namespace": "default", "labels": {"app": app}}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "kept"}}}
    where = {"name": "b", "namespace": "default"}
    await kube.apply({"apiVersion": "policy/v1", "kind": DISRUPTION_BUDGET.kind, "metadata": where, "spec": spec})
    made = [await kube.create(pod("a", "free")), await kube.create(pod("b", "kept"))]
    gone = pod_facts({**made[0], "metadata": {**made[0]["metadata"], "name": "gone"}})
    staying = await evict(kube, [*map(pod_facts, made), gone])
    assert list(staying) == ["default/b"]
    assert "disruption budget" in staying["default/b"]
    assert [
        p["metadata"]["name"] for p in await kube.all(POD, "default") if "deletionTimestamp" not in p["metadata"]
    ] == ["b"]
