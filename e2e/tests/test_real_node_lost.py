"""The only node of a real cluster is not heard of for a while: its kubelet is frozen, its containers run on.

The control plane calls a node lost after 15 s here; usually the clusters of these tests wait for five minutes, since a
busy machine makes nodes late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from e2e.cluster import Cluster
from e2e.cluster.outage import frozen, killed
from e2e.lives import Plan, Visit, example, live
from manifests.coins import Coin
from manifests.ids import OrderID
from manifests.sdl import compile_sdl
from provider.cluster.api.kinds import POD

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("kubelet")]
GRACE = "node-monitor-grace-period"
OTHER = 900
"""dseq of an order that is posted while the node is away"""


def test_nothing_is_sold_and_no_lease_closed_while_the_node_is_away(
    kubelet_cluster_with: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = kubelet_cluster_with("dns", "ingress")
    with impatient(cluster):
        lived = asyncio.run(live(cluster, tmp_path, {"01": Plan(example("01"), visit)}))["01"]
    settled, seen = lived.timeline["settled"], lived.seen
    assert settled["amount"] == settled["ledger"] > 0
    assert seen["away"] == {"state": "active", "bids": [], "page": "hello\n"}
    assert seen["why"]
    assert seen["back"] == {"state": "active", "containers": seen["before"], "page": "hello\n"}


async def visit(visit: Visit) -> dict[str, Any]:
    (pod,) = await visit.pods("web")
    compiled = visit.net.played(compile_sdl(example("01")))
    order = OrderID(visit.lease.owner, OTHER, 1, 1)

    async def node_lost() -> bool:
        return await visit.gauge("akp_leases_unwell", cause="node-lost", whose="provider") == 1

    async def none_is_sold() -> bool:
        return not await _nodes(visit)

    async def said_why() -> str:
        return await visit.net.why_no_bid(order)

    async def bids() -> list[Any]:
        return list(await visit.net.chain.latest.bids_on(order))

    async def well() -> bool:
        return bool(await _nodes(visit)) and not await node_lost()

    seen: dict[str, Any] = {"before": await _containers(visit)}
    outage = frozen(visit.cluster, "kubelet")
    await asyncio.to_thread(outage.__enter__)
    try:
        await visit.until("the lease's node to be missed", node_lost)
        await visit.until("its room to be off the market", none_is_sold)
        await visit.net.tenant.post(compiled, OTHER, Coin("uact", 5_000_000))
        seen["why"] = await visit.until("the order to be declined", said_why)
        page = await visit.page_at(f"{pod['status']['podIP']}:8080")
        seen["away"] = {"state": await _state(visit), "bids": await bids(), "page": page}
    finally:
        await asyncio.to_thread(outage.__exit__, None, None, None)
    await visit.until("the node to be back", well)
    await visit.until("a bid on the order", bids)
    await visit.net.tenant.close(OTHER)
    page = await visit.page(await visit.host("web"))
    seen["back"] = {"state": await _state(visit), "containers": await _containers(visit), "page": page}
    return seen


@contextmanager
def impatient(cluster: Cluster) -> Iterator[None]:
    with killed(cluster, "kube-controller-manager", {GRACE: "15s"}):
        pass
    try:
        yield
    finally:
        with killed(cluster, "kube-controller-manager", {GRACE: "5m"}):
            pass


async def _nodes(visit: Visit) -> list[Any]:
    found = (await visit.gateway.status())["cluster"]["inventory"]["available"]["nodes"]
    return [node for node in found if node["available"]["cpu"]]


async def _state(visit: Visit) -> str:
    return (await visit.until("the lease", lambda: visit.net.chain.latest.lease(visit.lease))).state


async def _containers(visit: Visit) -> list[tuple[str, int]]:
    pods = await visit.net.kube.all(POD, visit.namespace)
    return [(each["containerID"], each["restartCount"]) for pod in pods for each in pod["status"]["containerStatuses"]]
