from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest
import yaml
from structlog.testing import capture_logs

from e2e.cluster import Cluster as RealCluster
from manifests.render.crd import definitions
from provider.cluster import cluster as clusters
from provider.cluster.api.kinds import MANIFEST, PROVIDER_HOST, PROVIDER_LEASED_IP
from provider.cluster.api.kube import Kube
from provider.cluster.objects.definitions import Old, outdated
from provider.errors import ConfigError
from provider.sandbox.cluster import EmbeddedCluster
from provider.sandbox.cluster.kinds import DEFINITIONS, NAMESPACES
from provider.sandbox.cluster.objects import Write
from provider.settings import ClusterSettings
from tests.provider.cluster.following import following

LACKING = "is too old: it lacks spec.group.services[0].resources.endpoints"
LACKING_SOME = (
    "is too old for some manifests: it lacks spec.group.services[0].expose[0].http_options.proxy_buffer_size,"
    " spec.group.services[0].scheduler_params.nodes"
)
CURE = "Run kubectl apply --server-side --force-conflicts -f helm/akash-provider/crds/"


def of_the_reference(*, endpoints: bool = False) -> list[dict[str, Any]]:
    """Ours without some of the fields that the reference's have not (kubernetes.md §1.5); with `endpoints` only without
    those that no plain manifest has."""
    out = copy.deepcopy(definitions())
    group = out[0]["spec"]["versions"][1]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["group"]
    service = group["properties"]["services"]["items"]["properties"]
    if not endpoints:
        del service["resources"]["properties"]["endpoints"]
    del service["expose"]["items"]["properties"]["http_options"]["properties"]["proxy_buffer_size"]
    del service["scheduler_params"]["properties"]["nodes"]
    return out


def install(server: EmbeddedCluster, found: list[dict[str, Any]]) -> None:
    server.objects.create(NAMESPACES, "", {"metadata": {"name": "lease"}}, Write(manager="test"))
    for definition in found:
        server.objects.create(DEFINITIONS, "", definition, Write(manager="test"))


async def test_one_that_lacks_fields_is_named_with_them_and_the_cure_before_anything_is_written() -> None:
    async with EmbeddedCluster() as server:
        install(server, of_the_reference())
        settings = ClusterSettings(kubeconfig=server.kubeconfig)
        async with Kube.connect(settings) as kube:
            with pytest.raises(ExceptionGroup) as stopped:
                async with following(kube, settings):
                    pass
            (no,) = stopped.value.exceptions
            assert isinstance(no, ConfigError)
            assert str(no) == f"CustomResourceDefinition manifests.akash.network: {LACKING}. {CURE}"
            async with following(kube, settings, mark=False):
                pass  # commands that only look
            for kind in (MANIFEST, PROVIDER_HOST, PROVIDER_LEASED_IP):
                assert await kube.all(kind, "lease") == []


async def test_ours_have_all_fields_and_nothing_is_stored_for_it() -> None:
    async with EmbeddedCluster() as server:
        install(server, definitions())
        settings = ClusterSettings(kubeconfig=server.kubeconfig)
        async with Kube.connect(settings) as kube, following(kube, settings):
            for kind in (MANIFEST, PROVIDER_HOST, PROVIDER_LEASED_IP):
                assert await kube.all(kind, "lease") == []


async def test_one_whose_values_are_held_to_other_rules_is_told_in_the_servers_words() -> None:
    found = definitions()
    found[1] = copy.deepcopy(found[1])
    spec = found[1]["spec"]["versions"][1]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["hostname"]["minLength"] = 100
    async with EmbeddedCluster() as server:
        install(server, found)
        async with Kube.connect(ClusterSettings(kubeconfig=server.kubeconfig)) as kube:
            no = await outdated(kube, "lease")
            assert {old.error.where for old in no} == {"CustomResourceDefinition providerhosts.akash.network"}
            assert [old.needed for old in no] == [True, False]
            assert "spec.hostname in body should be at least 100 chars long" in no[0].error.what


@pytest.mark.parametrize("status", [403, 404], ids=["a webhook's no", "it is not there"])
async def test_what_says_nothing_of_definitions_stops_nobody(status: int) -> None:
    async with EmbeddedCluster() as server:
        install(server, definitions())
        server.faults.fail_next(3, status, method="PATCH", path="akash.network")
        settings = ClusterSettings(kubeconfig=server.kubeconfig)
        async with Kube.connect(settings) as kube:
            assert await outdated(kube, "lease") == []


async def test_an_api_server_that_does_not_answer_is_asked_again() -> None:
    async with EmbeddedCluster() as server:
        install(server, of_the_reference())
        server.faults.fail_next(1, 503, method="PATCH", path="akash.network")
        settings = ClusterSettings(kubeconfig=server.kubeconfig)
        async with Kube.connect(settings) as kube:
            with pytest.raises(ExceptionGroup, match="unhandled") as stopped:
                async with following(kube, settings):
                    pass
            assert [type(no) for no in stopped.value.exceptions] == [ConfigError]


async def test_what_only_some_manifests_have_is_told_and_stops_nobody() -> None:
    async with EmbeddedCluster() as server:
        install(server, of_the_reference(endpoints=True))
        settings = ClusterSettings(kubeconfig=server.kubeconfig)
        with capture_logs() as logs:
            async with Kube.connect(settings) as kube, following(kube, settings):
                pass
        told = [line for line in logs if line["event"] == "manifests that have these fields will be refused"]
        assert [(line["definition"], line["why"], line["cure"]) for line in told] == [
            ("CustomResourceDefinition manifests.akash.network", LACKING_SOME, CURE)
        ]


async def test_a_webhook_that_is_down_holds_no_start_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "DEFINITIONS_S", 0.5)
    async with EmbeddedCluster() as server:
        install(server, of_the_reference())
        server.faults.fail_next(10**6, 500, method="PATCH", path="akash.network")
        settings = ClusterSettings(kubeconfig=server.kubeconfig)
        with capture_logs() as logs:
            async with Kube.connect(settings) as kube, following(kube, settings) as cluster:
                assert cluster.fresh
        assert "it could not be looked at whether the custom resource definitions have all fields" in {
            line["event"] for line in logs
        }


@pytest.mark.real
@pytest.mark.xdist_group("lease namespace")
async def test_a_real_api_server_says_the_same(real_cluster: RealCluster) -> None:
    async def said(found: list[dict[str, Any]], until: int) -> list[Old]:
        real_cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=yaml.safe_dump_all(found))
        real_cluster.await_served(*(one["metadata"]["name"] for one in found))
        async with Kube.connect(ClusterSettings(kubeconfig=real_cluster.kubeconfig)) as kube:
            for _ in range(600):  # a changed schema takes the API server a moment
                no = await outdated(kube, "lease")
                if len(no) == until:
                    break
                await asyncio.sleep(0.2)
            return no

    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lease"}}
    real_cluster.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump(space))
    try:
        no = await said(of_the_reference(), 2)
        assert [(old.error.what, old.needed) for old in no] == [(LACKING, True), (LACKING_SOME, False)]
    finally:
        assert await said(definitions(), 0) == []
