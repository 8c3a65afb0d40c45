"""Claims, moves and repairs on a real API server: only it knows what apply, preconditions and watches really do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import yaml

from manifests.ids import LeaseID, lease_namespace
from manifests.render.crd import definitions
from provider.cluster.api.kube import Kube
from provider.cluster.cluster import Cluster
from provider.cluster.routes.waiting import Why
from provider.settings import ClusterSettings
from tests.provider.cluster.following import following

from .reached import PATIENCE_S, group, until
from .reached import address as address_with

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("lease namespace")]

MINE = LeaseID("akash1routing", 1, 1, 1, "akash1provider")
MY_OTHER = LeaseID("akash1routing", 2, 1, 1, "akash1provider")
THEIRS = LeaseID("akash1elsewhere", 3, 1, 1, "akash1provider")
HOST, PORT = "routing.example", "akash1routing-ip-mine-tcp-80"


@asynccontextmanager
async def daemon(real_cluster: Any) -> AsyncIterator[Cluster]:
    given = ClusterSettings(kubeconfig=real_cluster.kubeconfig, static_hosts=False)
    async with Kube.connect(given) as kube, following(kube, given) as cluster:
        yield cluster


async def seen(what: Callable[[], bool]) -> None:
    """Of what kubectl tells; the daemon goes on while it is asked."""
    async with asyncio.timeout(PATIENCE_S):
        while not await asyncio.to_thread(what):  # noqa: ASYNC110 - as in reached.py
            await asyncio.sleep(0.2)


async def deploy(cluster: Cluster, lease: LeaseID, wanted: Any) -> None:
    await cluster.store_manifest(lease, wanted, {})
    await cluster.deploy(lease, wanted, {}, "1")


async def test_one_lease_has_it_it_moves_and_what_is_spoilt_is_mended(real_cluster: Any) -> None:
    def kubectl(*words: str, check: bool = True) -> str:
        return str(real_cluster.kubectl(*words, check=check))

    def standing(lease: LeaseID, kind: str, name: str) -> dict[str, Any]:
        found = kubectl("get", kind, name, "-n", lease_namespace(lease), "-o", "json", "--ignore-not-found")
        return json.loads(found) if found.strip() else {}

    def address(lease: LeaseID, ip: str) -> None:
        status = json.dumps({"status": {"loadBalancer": {"ingress": [{"ip": ip}]}}})
        where = ("-n", lease_namespace(lease), "--subresource", "status", "--type", "merge", "-p", status)
        kubectl("patch", "service", "web-ip-80-tcp", *where)

    base = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lease"}}, *definitions()]
    real_cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=yaml.safe_dump_all(base))
    real_cluster.await_served(*(d["metadata"]["name"] for d in definitions()))
    async with daemon(real_cluster) as cluster:
        reach = cluster.reach
        try:
            await asyncio.gather(*(deploy(cluster, x, group(HOST)) for x in (MINE, THEIRS)))
            await until(lambda: [w.why for x in (MINE, THEIRS) for w in reach.waiting(x)] == [Why.IN_USE])
            loser = MINE if reach.waiting(MINE) else THEIRS
            assert not standing(loser, "ingress", HOST)

            await deploy(cluster, THEIRS, group("theirs.example"))
            await deploy(cluster, MINE, group(HOST, ip="mine"))
            await deploy(cluster, MY_OTHER, group(HOST, ip="mine", port=9090))
            await seen(lambda: bool(standing(MINE, "ingress", HOST) and standing(MINE, "service", "web-ip-80-tcp")))
            address(MINE, "192.0.2.7")
            await until(lambda: not reach.waiting(MINE) and len(reach.waiting(MY_OTHER)) == 2)

            kubectl("delete", "ingress", HOST, "-n", lease_namespace(MINE))
            await seen(lambda: bool(standing(MINE, "ingress", HOST)))
            kubectl("annotate", "service", "web-ip-80-tcp", "metallb.universe.tf/allow-shared-ip=x", "--overwrite",
                    "-n", lease_namespace(MINE))  # fmt: skip
            await seen(
                lambda: (
                    standing(MINE, "service", "web-ip-80-tcp")["metadata"]["annotations"][
                        "metallb.universe.tf/allow-shared-ip"
                    ]
                    == "akash1routing-ip-mine"
                )
            )

            await reach.move(MY_OTHER, [reach.hosts(MY_OTHER)[HOST], *reach.endpoint(MY_OTHER, "mine")])
            await seen(lambda: bool(standing(MY_OTHER, "ingress", HOST)) and not standing(MINE, "ingress", HOST))
            await seen(lambda: bool(standing(MY_OTHER, "service", "web-ip-80-tcp")))
            assert standing(MY_OTHER, "service", "web-ip-80-tcp")["spec"]["loadBalancerIP"] == "192.0.2.7"
            assert not standing(MINE, "service", "web-ip-80-tcp")
            address(MY_OTHER, "192.0.2.7")
            await until(lambda: not reach.waiting(MY_OTHER))
            claim = json.loads(kubectl("get", "providerleasedip", PORT, "-n", "lease", "-o", "json"))
            assert claim["spec"]["lease_id"]["dseq"] == "2"

            # Nothing is written for what is as wanted.
            def versions() -> list[str]:
                what = ("get", "ingress,service", "-o", "jsonpath={.items[*].metadata.resourceVersion}")
                return [kubectl(*what, "-n", lease_namespace(lease)) for lease in (MINE, MY_OTHER, THEIRS)]

            before = versions()
            assert await reach.routing.settle(MY_OTHER)
            assert versions() == before

            # Two ports of one address are had together, and nothing is left of how.
            await deploy(cluster, MINE, address_with(81, 82))
            claimed = [PORT.removesuffix("80") + port for port in ("81", "82")]

            def claims() -> list[dict[str, Any]]:
                found = json.loads(kubectl("get", "providerleasedip", "-n", "lease", "-o", "json"))["items"]
                return [c["metadata"] for c in found if c["metadata"]["name"] in claimed]

            await seen(lambda: len(claims()) == 2 and not any(c.get("annotations") for c in claims()))
        finally:
            for lease in (MINE, MY_OTHER, THEIRS):
                await cluster.teardown(lease)
                kubectl("delete", "namespace", lease_namespace(lease), "--ignore-not-found")
