"""Two leases side by side on a real node that enforces NetworkPolicies: what each can reach, tried from inside.

That there is something to be reached is tried from a pod that belongs to nobody.
"""

from __future__ import annotations

import asyncio
import functools
import json
import subprocess
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from e2e.cluster import Cluster, images
from e2e.cluster.addons import policies
from e2e.cluster.processes import Processes
from e2e.lives import PATIENCE_S, Plan, Visit, example, live

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("kubelet")]
METADATA = "169.254.169.254"
TRY = "timeout {} wget -q -O /dev/null http://{}/; [ $? -eq 143 ] && echo silence || echo answer"
"""Whatever answers, if only that it does not understand, is reached; a policy is silent."""
SILENCE_S, ANSWER_S = 4, 60
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
        by_stranger = functools.partial(asyncio.to_thread, guarded.said, "stranger")
        seen = {
            "by name": await visit.until("a page by name", lambda: visit.said("web", "wget -q -O - http://web/")),
            "tenant": await tried(places, functools.partial(visit.said, "web"), ["itself"]),
            "stranger": await tried(places, by_stranger, _house(guarded)),
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


async def tried(
    places: Mapping[str, str], said: Callable[[str], Awaitable[str]], reached: Collection[str]
) -> dict[str, str]:
    """What comes of each place. Whoever enforces policies, and whoever leads to Services, learns of a pod a moment
    after it runs: what is not as it shall be is tried again for minutes."""

    async def one(name: str) -> str:
        wanted, listened_s = ("answer", ANSWER_S) if name in reached else ("silence", SILENCE_S)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            heard = (await said(TRY.format(listened_s, places[name]))).strip()
            if heard == wanted or time.monotonic() > deadline:
                return heard
            await asyncio.sleep(0.5)

    return dict(zip(places, await asyncio.gather(*map(one, places)), strict=True))


def _house(cluster: Cluster) -> Mapping[str, str]:
    net = cluster.network
    return {
        "metadata": METADATA,
        "API server by its service": f"{net.kubernetes_service}:443",
        "API server": cluster.server.removeprefix("https://"),
        "kubelet": f"{net.node}:10250",
    }
