"""`akp migrate from-go --check` over leases that the Go provider made, as recorded from it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from manifests.digest import revision
from manifests.render.crd import definitions
from provider.cluster.api.kinds import DEPLOYMENT, NODE, STATEFUL_SET
from provider.cluster.api.kube import Kube, _query
from provider.cluster.api.writers import REFERENCE
from provider.sandbox.cluster import EmbeddedCluster
from provider.sandbox.cluster.kinds import NAMESPACES
from provider.sandbox.cluster.objects import Write
from provider.settings import ClusterSettings
from tests.provider.cluster.following import following
from tests.provider.cluster.objects.test_definitions import CURE, LACKING, LACKING_SOME, install, of_the_reference

CASE = Path(__file__).resolve().parents[4] / "shared" / "conformance" / "objects" / "02-several-services"


@pytest.mark.skipif(not CASE.is_dir(), reason="no recorded objects beside this checkout (../shared)")
@pytest.mark.parametrize("taken_over", [False, True], ids=["before", "after"])
def test_it_lists_what_would_change_and_that_nothing_restarts(
    akp: Callable[..., Any], tmp_path: Path, taken_over: bool
) -> None:
    config = tmp_path / "akp.yaml"
    said: list[Any] = []

    async def look() -> None:
        async with EmbeddedCluster(ready_after_s=0, stop_after_s=0) as server:
            site = {"ingress_domain": "ingress.example.test", "public_hostname": "provider.example.test"}
            config.write_text(json.dumps({"cluster": {"kubeconfig": str(server.kubeconfig), **site}}))
            settings = ClusterSettings(kubeconfig=server.kubeconfig, **site)  # type: ignore[arg-type]
            async with Kube.connect(settings) as kube:
                await _stand(kube)
                if taken_over:
                    await _take_over(kube, settings)
                before = [await kube.all(kind) for kind in (DEPLOYMENT, NODE)]
                said.append(
                    await asyncio.to_thread(akp, "migrate", "from-go", "--check", "--config", config, "-o", "json")
                )
                assert [await kube.all(kind) for kind in (DEPLOYMENT, NODE)] == before, "it only looks"

    asyncio.run(look())
    assert said[0].code == 0, said[0].err
    (row,) = json.loads(said[0].out)
    assert row["restarts"] == row["refused"] == row["delete"] == []
    touched = {path for paths in row["change"].values() for path in paths}
    assert not any(path.startswith("spec.template.") for path in touched)
    assert bool(row["change"]) is not taken_over
    assert "0 of them would be restarted" in said[0].err
    assert ("still running: statefulsets.apps/akash-provider" in said[0].err) is not taken_over


def test_it_names_a_definition_that_is_too_old_for_the_daemon(akp: Callable[..., Any], tmp_path: Path) -> None:
    said = _checked_over(of_the_reference(), akp, tmp_path)
    assert said.code == 4
    assert f"CustomResourceDefinition manifests.akash.network: {LACKING}. {CURE}" in said.err
    assert f"CustomResourceDefinition manifests.akash.network: {LACKING_SOME}. {CURE}" in said.err


def test_a_definition_that_is_too_old_for_some_manifests_only_is_named_too(
    akp: Callable[..., Any], tmp_path: Path
) -> None:
    said = _checked_over(of_the_reference(endpoints=True), akp, tmp_path)
    assert said.code == 4
    assert f"CustomResourceDefinition manifests.akash.network: {LACKING_SOME}. {CURE}" in said.err
    assert LACKING not in said.err


def _checked_over(found: list[dict[str, Any]], akp: Callable[..., Any], tmp_path: Path) -> Any:
    config = tmp_path / "akp.yaml"

    async def look() -> Any:
        async with EmbeddedCluster() as server:
            install(server, found)
            server.objects.create(NAMESPACES, "", {"metadata": {"name": "akash-services"}}, Write(manager="test"))
            site = {"ingress_domain": "ingress.example.test", "public_hostname": "provider.example.test"}
            config.write_text(json.dumps({"cluster": {"kubeconfig": str(server.kubeconfig), **site}}))
            return await asyncio.to_thread(akp, "migrate", "from-go", "--check", "--config", config)

    return asyncio.run(look())


async def _stand(kube: Kube) -> None:
    """The recorded objects, and the reference's own program beside them."""
    for name in ("lease", "akash-services"):
        await kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for obj in definitions():
        await kube.apply(obj)
    requests = json.loads((CASE / "requests.json").read_text())
    for request in (r for r in requests if r["verb"] == "create"):
        await kube.call("POST", request["path"], query=_query(fieldManager=REFERENCE), body=request["body"])
    labels = {"matchLabels": {"app": "p"}}
    template = {"metadata": {"labels": {"app": "p"}}, "spec": {"containers": [{"name": "p", "image": "p"}]}}
    where = {"name": "akash-provider", "namespace": "akash-services"}
    spec = {"replicas": 1, "selector": labels, "template": template, "serviceName": "p"}
    await kube.apply({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": where, "spec": spec})


async def _take_over(kube: Kube, settings: ClusterSettings) -> None:
    await kube.patch(STATEFUL_SET, "akash-services", "akash-provider", {"spec": {"replicas": 0}})
    async with following(kube, settings, mark=False) as cluster:
        for lease, stored in cluster.leases().items():
            await cluster.deploy(lease, stored.group, stored.plan, revision(stored.group))
