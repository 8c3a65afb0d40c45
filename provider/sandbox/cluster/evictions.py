"""The eviction of a pod: a deletion that keeps to disruption budgets, as `kubectl drain` asks for it.

Budgets count what is Ready now; of their two forms only whole numbers are understood here.
"""

from __future__ import annotations

from typing import Any

from provider.sandbox.cluster.kinds import PODS
from provider.sandbox.cluster.objects import Objects
from provider.sandbox.cluster.selectors import matches
from provider.sandbox.cluster.status import ApiError
from provider.sandbox.cluster.workloads import is_ready

Json = dict[str, Any]


def evict(objects: Objects, namespace: str, name: str) -> Json:
    """The answer's body; 404 without such a pod, 429 while a budget objects."""
    pod = objects.get(PODS, namespace, name)
    for budget in objects.store.list("poddisruptionbudgets.policy", namespace):
        selector = budget["spec"].get("selector")
        if selector and matches(selector, pod["metadata"].get("labels") or {}) and not _spare(objects, budget):
            why = "Cannot evict pod as it would violate the pod's disruption budget."
            raise ApiError(429, "TooManyRequests", why, {"causes": [{"reason": "DisruptionBudget", "message": why}]})
    objects.delete(PODS, namespace, name, {})
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def _spare(objects: Objects, budget: Json) -> bool:
    spec, namespace = budget["spec"], budget["metadata"]["namespace"]
    pods = [p for p in objects.store.list("pods", namespace) if matches(spec["selector"], p["metadata"]["labels"])]
    ready = sum(is_ready(pod) and "deletionTimestamp" not in pod["metadata"] for pod in pods)
    if "minAvailable" in spec:
        return bool(ready > int(spec["minAvailable"]))
    return bool(len(pods) - ready < int(spec.get("maxUnavailable", 0)))
