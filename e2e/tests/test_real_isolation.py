"""Two leases side by side on a real node that enforces NetworkPolicies: what each can reach, tried from inside.

That there is something to be reached is tried from a pod that belongs to nobody.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from e2e.cluster import Cluster, images
from e2e.cluster.addons import policies
from e2e.cluster.processes import Processes
from e2e.lives import PATIENCE_S, Plan, Visit, example, live

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("kubelet")]
METADATA = "169.254.169.254"
TRY = "timeout 4 wget -q -O /dev/null http://{}/; [ $? -eq 143 ] && echo silence || echo answer"
"""Whatever answers, if only that it does not understand, is reached; a policy is silent."""
STRANGER = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "stranger"},
    "spec": {"terminationGracePeriodSeconds": 0, "containers": [{"name": "web", "image": images.WEB}]},
}


@pytest.fixture
def guarded(kubelet_cluster_with: Callable[..., Cluster]) -> Iterator[Cluster]:
    """With somebody at the address where clouds keep a machine's secrets, and a pod of no lease."""
    cluster = kubelet_cluster_with("dns", "policies")
    subprocess.run([*cluster.inside(), "ip", "addr", "add", f"{METADATA}/32", "dev", "lo"], check=True)
    secrets = ["busybox", "httpd", "-f", "-p", f"{METADATA}:80", "-h", "/proc/self/fd"]
    Processes(cluster.run).start("metadata", [*cluster.inside(), *secrets])
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(STRANGER))
    try:
        cluster.kubectl("wait", "--for=condition=Ready", "pod/stranger", "--timeout=600s")
        with policies.enforced(cluster):
            yield cluster
    finally:
        cluster.kubectl("delete", "pod", "stranger")
        Processes(cluster.run).kill("metadata")
        subprocess.run([*cluster.inside(), "ip", "addr", "del", f"{METADATA}/32", "dev", "lo"], check=True)


def test_a_lease_reaches_itself_and_neither_its_neighbour_nor_the_house(guarded: Cluster, tmp_path: Path) -> None:
    addresses: dict[int, str] = {}
    both_are_there, both_have_looked = asyncio.Barrier(2), asyncio.Barrier(2)

    async def visit(visit: Visit) -> dict[str, Any]:
        (pod,) = await visit.pods("web")
        addresses[visit.lease.dseq] = f"{pod['status']['podIP']}:8080"
        await asyncio.wait_for(both_are_there.wait(), PATIENCE_S)
        (neighbour,) = (address for dseq, address in addresses.items() if dseq != visit.lease.dseq)
        places = {"itself": addresses[visit.lease.dseq], "neighbour": neighbour, **_house(guarded)}
        tries = [TRY.format(address) for address in places.values()]
        tenant = await asyncio.gather(*(visit.said("web", script) for script in tries))
        stranger = await asyncio.gather(*(asyncio.to_thread(guarded.said, "stranger", script) for script in tries))
        seen = {
            "by name": await visit.said("web", "wget -q -O - http://web/"),
            "tenant": dict(zip(places, map(str.strip, tenant), strict=True)),
            "stranger": dict(zip(places, map(str.strip, stranger), strict=True)),
        }
        await asyncio.wait_for(both_have_looked.wait(), PATIENCE_S)
        return seen

    lived = asyncio.run(live(guarded, tmp_path, {name: Plan(example("01"), visit) for name in ("one", "other")}))
    for each in lived.values():
        assert each.seen["by name"] == "hello\n"
        house = dict.fromkeys(_house(guarded), "silence")
        assert each.seen["tenant"] == house | {"itself": "answer", "neighbour": "silence"}
        house = dict.fromkeys(_house(guarded), "answer")
        assert each.seen["stranger"] == house | {"itself": "silence", "neighbour": "silence"}


def _house(cluster: Cluster) -> Mapping[str, str]:
    net = cluster.network
    return {
        "metadata": METADATA,
        "API server by its service": f"{net.kubernetes_service}:443",
        "API server": cluster.server.removeprefix("https://"),
        "kubelet": f"{net.node}:10250",
    }
