from __future__ import annotations

from typing import Any

import pytest

from provider.cluster.api.kinds import STATEFUL_SET
from provider.cluster.api.kube import Kube
from provider.cluster.api.marks import RESTARTED
from provider.cluster.objects.restart import restart
from provider.errors import NotFound


async def test_the_template_is_given_a_note(server: Any, kube: Kube) -> None:
    """What the API server makes of it is told in tests/contract/test_restart.py."""
    server.says({"metadata": {}})
    await restart(kube, STATEFUL_SET, "ns", "db", "2026-01-01T00:00:00Z")
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("PATCH", "/apis/apps/v1/namespaces/ns/statefulsets/db")
    assert asked.headers["Content-Type"] == "application/merge-patch+json"
    note = {RESTARTED: "2026-01-01T00:00:00Z"}
    assert server.bodies == [{"spec": {"template": {"metadata": {"annotations": note}}}}]


async def test_a_workload_that_is_not_there(server: Any, kube: Kube) -> None:
    server.refuses(404, "statefulsets db not found")
    with pytest.raises(NotFound):
        await restart(kube, STATEFUL_SET, "ns", "db", "now")
