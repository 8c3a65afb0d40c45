"""Host names by the Gateway API: the daemon attaches routes to the operator's Gateway, and the world gets pages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.cluster import Cluster
from e2e.lives import Plan, Visit, example, live
from provider.cluster.api.kinds import HTTP_ROUTE, INGRESS

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("kubelet")]


def test_a_page_is_served_under_its_own_and_its_generated_name(
    kubelet_cluster_with: Callable[..., Cluster], tmp_path: Path
) -> None:
    async def visit(visit: Visit) -> dict[str, Any]:
        names = await visit.hosts("web", 2)
        pages = {name: await visit.page(name) for name in names}
        routes = await visit.net.kube.all(HTTP_ROUTE, visit.namespace)
        return {
            "pages": pages,
            "routes": sorted(host for route in routes for host in route["spec"]["hostnames"]),
            "ingresses": await visit.net.kube.all(INGRESS, visit.namespace),
            "stranger": await visit.page("nobody.example.com", gone=True),
        }

    cluster = kubelet_cluster_with("ingress")
    plans = {"07": Plan(example("07"), visit)}
    lived = asyncio.run(live(cluster, tmp_path, plans, {"ingress_mode": "gateway-api"}))["07"]

    settled, seen = lived.timeline["settled"], lived.seen
    assert settled["amount"] == settled["ledger"] > 0
    assert "www.example.com" in seen["pages"]
    assert len(seen["pages"]) == 2
    assert set(seen["pages"].values()) == {"hello\n"}
    assert seen["routes"] == sorted(seen["pages"])
    assert not seen["ingresses"]
    assert "hello" not in seen["stranger"]
