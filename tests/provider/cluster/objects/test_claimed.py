from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bidengine.needs import Volumes
from manifests.manifest import ManifestGroup, Service
from manifests.render.crd import manifest_object
from manifests.render.site import Site
from manifests.resources import Attribute, Storage
from provider.cluster.api import kinds
from provider.cluster.api.kube import Kube
from provider.cluster.cluster import Cluster
from provider.cluster.objects.claimed import objection, why_not
from provider.sandbox.cluster import EmbeddedCluster
from provider.settings import ClusterSettings
from tests.provider.cluster.conftest import Memory
from tests.provider.cluster.test_every_step import DB, LEASE, NS, WEB, _install, process, size

GI = 1 << 30
CLAIM = kinds.PERSISTENT_VOLUME_CLAIM
ONE, TWO = Volumes(1, GI), Volumes(2, 2 * GI)


def volume(name: str, gi: int = 1) -> Storage:
    return Storage(name, gi * GI, (Attribute("class", "beta2"), Attribute("persistent", "true")))


def service(name: str, *volumes: Storage, count: int = 1) -> Service:
    return replace(WEB, name=name, count=count, resources=size(*volumes))


def group(*services: Service) -> ManifestGroup:
    return ManifestGroup("west", services)


DATA = volume("data")
PLAIN, WITH = service("db"), service("db", DATA)


@pytest.mark.parametrize(
    ("before", "standing", "after", "bought"),
    [
        (None, {}, group(WITH), ONE),
        (group(WITH), {}, group(WITH), ONE),
        (group(WITH), {"db-data-db-0": GI}, group(replace(WITH, image="db:2")), ONE),
        (group(service("web"), WITH), {"db-data-db-0": GI}, group(service("www"), WITH), ONE),
        (group(WITH), {"db-data-db-0": GI}, group(PLAIN), ONE),
        (group(PLAIN), {"db-data-db-0": GI}, group(WITH), ONE),
        (group(PLAIN), {}, group(service("store", DATA)), ONE),
        (group(WITH), {f"db{n}-data-db{n}-0": GI for n in range(6)}, group(WITH), ONE),
        (None, {"db-data-db-0": GI}, group(WITH), ONE),
        (group(WITH), {"db-data-db-0": GI}, group(service("db", volume("data", 2))), Volumes(1, 2 * GI)),
        (group(WITH), {"db-data-db-0": GI, "scratch": 9 * GI}, group(WITH), ONE),
    ],
    ids=[
        "the first manifest",
        "the same again before its claims are made",
        "another image",
        "a service without volumes is called otherwise",
        "a service gives its volume up and becomes a Deployment",
        "it takes it up again",
        "nothing has ever claimed the volume that was bought",
        "what earlier renames have left does not keep its tenant from updates",
        "taken over, its Manifest unreadable",
        "a volume grows by as much as was bought",
        "a claim of somebody else's in its namespace",
    ],
)
def test_what_goes_on_as_before(
    before: ManifestGroup | None, standing: Mapping[str, int], after: ManifestGroup, bought: Volumes
) -> None:
    assert why_not(before, standing, after, bought) is None


def test_a_service_with_volumes_keeps_its_name_also_before_its_claims_are_made() -> None:
    no = why_not(group(WITH), {}, group(service("store", DATA)), ONE)
    assert no == (
        "service 'db' has volumes (data) and may not vanish or be called otherwise: what is on them stays with its"
        " name. Keep each volume with the service that has it, or make a new deployment"
    )


@pytest.mark.parametrize(
    ("before", "standing", "after", "bought", "words"),
    [
        (
            group(PLAIN),
            {"db-data-db-0": GI},
            group(service("store", DATA)),
            ONE,
            "with store-data-store-0 the lease would have 2 volumes of 2 GiB in all; 1 of 1 GiB were ordered, and ",
        ),
        (group(WITH), {"db-data-db-0": GI}, group(service("db", volume("more"))), ONE, "with db-more-db-0 "),
        (
            group(service("a", DATA, count=2)),
            {},
            group(service("a", DATA), service("b", DATA)),
            TWO,
            "with b-data-b-0 the lease would have 3 volumes of 3 GiB in all; 2 of 2 GiB were ordered",
        ),
        (
            group(WITH, service("web")),
            {"db-data-db-0": GI},
            group(PLAIN, service("web", DATA)),
            ONE,
            "with web-data-web-0 ",
        ),
        (
            group(service("a", volume("data", 1)), service("b", volume("data", 9))),
            {"a-data-a-0": GI, "b-data-b-0": 9 * GI},
            group(service("a", volume("data", 9)), service("b", volume("data", 1))),
            Volumes(2, 10 * GI),
            "with a-data-a-0 the lease would have 2 volumes of 18 GiB in all; 2 of 10 GiB were ordered",
        ),
    ],
    ids=[
        "a name that a Deployment had while its volume was left out",
        "the volume is called otherwise",
        "a replica of one becomes a service of its own",
        "two services change places",
        "a small one and a large one change places",
    ],
)
def test_no_more_than_was_bought(
    before: ManifestGroup, standing: Mapping[str, int], after: ManifestGroup, bought: Volumes, words: str
) -> None:
    no = why_not(before, standing, after, bought)
    assert no is not None
    assert no.startswith(words)
    assert no.endswith("Keep each volume with the service that has it, or make a new deployment")


async def test_claims_are_counted_as_the_api_server_has_them_and_no_mirror_is_asked() -> None:
    async with EmbeddedCluster(ready_after_s=0.0, stop_after_s=0.0) as server:
        _install(server)
        async with process(server) as cluster:
            first, bare = group(DB), group(replace(DB, params=None, resources=size()))
            await cluster.store_manifest(LEASE, first, {})
            await cluster.deploy(LEASE, first, {}, "one")
            for _ in range(1800):
                if await cluster.kube.all(kinds.PERSISTENT_VOLUME_CLAIM, NS):
                    break
                await asyncio.sleep(0.1)
            await cluster.store_manifest(LEASE, bare, {})

        async with Kube.connect(ClusterSettings(kubeconfig=server.kubeconfig)) as kube:
            cluster = Cluster(kube, ClusterSettings())
            other = group(replace(DB, name="store"))
            no = await cluster.volumes_objection(LEASE, other, ONE)
            assert no is not None
            assert "(db-data-db-0)" in no
            assert await cluster.volumes_objection(LEASE, first, ONE) is None
            assert await cluster.volumes_objection(LEASE, other, Volumes()) is None, "such a lease has no claims"


def stands(kind: kinds.Kind, name: str, *, of: str = "", gi: int = 1) -> dict[str, Any]:
    labels = {"akash.network/manifest-service": of} if of else {}
    spec: dict[str, Any] = {"resources": {"requests": {"storage": f"{gi}Gi"}}} if kind is CLAIM else {"replicas": 1}
    metadata = {"name": name, "namespace": NS, "labels": labels}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    ("there", "refused"),
    [
        ((), ""),
        ((stands(CLAIM, "velero-tmp", gi=9),), ""),
        ((stands(CLAIM, "db-data-db-0", of="db"),), "service 'db' has volumes"),
        ((stands(CLAIM, "db-data-db-0"),), "service 'db' has volumes"),
        ((stands(CLAIM, "db-data-db-x"),), ""),
        ((stands(kinds.STATEFUL_SET, "db"),), "service 'db' has volumes"),
        ((stands(kinds.STATEFUL_SET, "web"),), ""),
    ],
    ids=[
        "nothing was ever deployed", "but for a backup's claim", "its claim stands", "its claim stands without labels",
        "a claim that only begins like one of its", "its claims are about to be made", "only another service stands",
    ],
)  # fmt: skip
async def test_a_service_is_bound_to_its_name_by_what_stands_of_it(
    memory: Memory, there: tuple[dict[str, Any], ...], refused: str
) -> None:
    memory.put(manifest_object(LEASE, group(WITH, service("web")), {}, Site()))
    for one in there:
        memory.put(one)
    no = await objection(memory, "lease", LEASE, group(service("store", DATA), service("web")), ONE)  # type: ignore[arg-type]
    assert (no or "").startswith(refused)
    assert bool(no) is bool(refused)


@pytest.mark.parametrize(
    ("claim", "counts"),
    [(stands(CLAIM, "velero-tmp"), False), (stands(CLAIM, "old-data-old-0", of="old"), True)],
    ids=["a backup's", "of a service that has gone"],
)
async def test_only_claims_of_services_are_counted(memory: Memory, claim: dict[str, Any], counts: bool) -> None:
    memory.put(manifest_object(LEASE, group(PLAIN), {}, Site()))
    memory.put(claim)
    no = await objection(memory, "lease", LEASE, group(WITH), ONE)  # type: ignore[arg-type]
    assert (no is not None) is counts


async def test_services_of_one_unit_do_not_pass_replicas_on(memory: Memory) -> None:
    three = Volumes(3, 3 * GI)
    memory.put(manifest_object(LEASE, group(service("a", DATA), service("b", DATA, count=2)), {}, Site()))
    no = await objection(memory, "lease", LEASE, group(service("a", DATA, count=2), service("b", DATA)), three)  # type: ignore[arg-type]
    assert no is not None
    assert no.startswith("with a-data-a-1 the lease would have 4 volumes")
