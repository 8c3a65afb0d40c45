"""Evictions beside the contract: what budgets count."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.cluster.evictions import evict
from provider.sandbox.cluster.kinds import PODS, Kind
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.status import ApiError

HOW = Write()
BUDGETS = Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")


def pod(objects: Objects, name: str, *, ready: bool) -> None:
    made = {"metadata": {"name": name, "labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    found = objects.create(PODS, "default", made, HOW)
    state = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
    objects.write_status(PODS, found, state)


@pytest.mark.parametrize(
    ("budget", "ready", "goes"),
    [
        ({"maxUnavailable": 1}, 2, True),
        ({"maxUnavailable": 1}, 1, False),
        ({"minAvailable": 1}, 2, True),
        ({"minAvailable": 2}, 2, False),
    ],
    ids=str,
)
def test_what_is_not_ready_counts_against_the_budget(
    objects: Objects, budget: dict[str, Any], ready: int, goes: bool
) -> None:
    for n in range(2):
        pod(objects, f"p{n}", ready=n < ready)
    spec = {**budget, "selector": {"matchLabels": {"app": "web"}}}
    kind = objects.kinds.find("policy", "v1", "poddisruptionbudgets")
    assert kind is not None
    objects.create(kind, "default", {"metadata": {"name": "b"}, "spec": spec}, HOW)
    if goes:
        assert evict(objects, "default", "p0")["status"] == "Success"
        return
    with pytest.raises(ApiError, match="disruption budget"):
        evict(objects, "default", "p0")
