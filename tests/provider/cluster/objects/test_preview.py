"""What would change, told by the API server and written nowhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from provider.cluster.api.kinds import DEPLOYMENT, SERVICE
from provider.cluster.api.kube import Kube
from provider.cluster.objects.preview import Change, preview
from provider.sandbox.cluster import EmbeddedCluster
from provider.settings import ClusterSettings

LABELS = {"akash.network": "true"}


@pytest.fixture
async def kube() -> AsyncIterator[Kube]:
    async with (
        EmbeddedCluster() as server,
        Kube.connect(ClusterSettings(kubeconfig=server.kubeconfig)) as out,
    ):
        yield out


def web(image: str = "web:1", replicas: int = 1) -> dict[str, Any]:
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "web", "image": image}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template}
    metadata = {"name": "web", "namespace": "default", "labels": LABELS}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


async def test_what_stays_is_not_told_and_a_new_object_is(kube: Kube) -> None:
    assert await preview(kube, "default", [web()]) == [Change(DEPLOYMENT, "web", "create")]
    await kube.apply(web())
    assert await preview(kube, "default", [web()]) == []


@pytest.mark.parametrize(
    ("wanted", "path", "restarts"),
    [
        (web(replicas=3), "spec.replicas", False),
        (web("web:2"), "spec.template.spec.containers[0].image", True),
    ],
    ids=["scaled", "another image"],
)
async def test_a_change_names_its_fields_and_whether_pods_restart(
    kube: Kube, wanted: dict[str, Any], path: str, restarts: bool
) -> None:
    await kube.apply(web())
    (change,) = await preview(kube, "default", [wanted])
    assert (change.what, change.paths, change.restarts) == ("change", (path,), restarts)
    assert (await kube.get(DEPLOYMENT, "default", "web"))["spec"]["replicas"] == 1


async def test_what_would_be_refused_or_deleted_is_told(kube: Kube) -> None:
    await kube.apply(web())
    (refused,) = await preview(kube, "default", [web(replicas=-1)])
    assert refused.what == "refused"
    assert "greater than or equal to 0" in refused.paths[0]
    port = {"port": 80, "protocol": "TCP"}
    metadata = {"name": "old", "namespace": "default", "labels": LABELS}
    await kube.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [port]}})
    assert await preview(kube, "default", [web()]) == [Change(SERVICE, "old", "delete")]
    gone = await preview(kube, "default", [])
    assert Change(DEPLOYMENT, "web", "delete") in gone
    assert gone[0].restarts
