"""A pod asked to go: it goes, unless a disruption budget would be broken."""

from __future__ import annotations

from typing import Any

from tests.contract.test_workloads import settled, workload

Json = dict[str, Any]


def eviction(name: str) -> Json:
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}


async def test_a_budget_lets_one_pod_go_at_a_time(api) -> None:
    await api.apply("apps/deployments/web", workload("Deployment", 2))
    await api.eventually(lambda: api.get("apps/deployments/web"), settled(2, 1))
    budget = {
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}},
    }  # fmt: skip
    path = f"/apis/policy/v1/namespaces/{api.ns}/poddisruptionbudgets"
    assert (await api.create(path, budget)).code == 201
    first, second = [pod["metadata"]["name"] for pod in (await api.get("pods")).body["items"]]
    refused = await api.eventually(
        lambda: api.create(f"pods/{first}/eviction", eviction(first)), lambda a: a.code == 429
    )
    assert "disruption budget" in refused.body["message"]
    await api.merge(f"{path}/web", {"spec": {"minAvailable": 1}})
    await api.eventually(lambda: api.create(f"pods/{first}/eviction", eviction(first)), lambda a: a.code == 201)
    await api.eventually(lambda: api.get(f"pods/{first}"), lambda a: a.code == 404)
    assert (await api.get(f"pods/{second}")).code == 200


async def test_a_pod_that_is_not_there_cannot_be_asked(api) -> None:
    assert (await api.create("pods/nobody/eviction", eviction("nobody"))).code == 404
