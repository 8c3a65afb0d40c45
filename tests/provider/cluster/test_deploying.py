"""A lease from manifest to namespace and away again, over a cluster in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import Credentials, ManifestGroup, Params, Permissions, StorageParams
from manifests.render.crd import StoredManifest
from manifests.resources import Attribute, Storage
from provider.cluster.api import kinds
from provider.cluster.api.marks import RESTARTED
from provider.cluster.cluster import Cluster
from provider.cluster.routes.waiting import Why
from provider.errors import Conflict, Refused, Retry

from .conftest import Memory
from .samples import (
    GI,
    GROUP,
    HTTP,
    LEASE,
    NS,
    SETTINGS,
    SIZE,
    SSH,
    THEIRS,
    WEB,
    watched,
)

pytestmark = pytest.mark.looptime


async def test_a_manifest_is_stored_and_heard_of(memory: Memory) -> None:
    async with watched(memory) as cluster:
        heard: list[LeaseID | None] = []
        cluster.on_change(heard.append)
        await cluster.store_manifest(LEASE, GROUP, {})
        assert cluster.leases() == {LEASE: StoredManifest(LEASE, GROUP, {})}
        assert heard == [LEASE]


async def test_whether_there_is_a_manifest_is_asked_anew_where_mirrors_may_be_late(memory: Memory) -> None:
    async with watched(memory) as cluster:
        assert not await cluster.has_manifest(LEASE)
        await cluster.store_manifest(LEASE, GROUP, {})
        assert await cluster.has_manifest(LEASE)


async def test_what_could_never_run_is_not_stored(memory: Memory) -> None:
    twice = replace(WEB, params=Params((StorageParams("nowhere", "/data", False),)))
    async with watched(memory) as cluster:
        with pytest.raises(Refused, match="nowhere"):
            await cluster.store_manifest(LEASE, ManifestGroup("west", (twice,)), {})
        assert memory.objects == {}
        with pytest.raises(Refused, match="nowhere"):
            await cluster.deploy(LEASE, ManifestGroup("west", (twice,)), {}, "1")


async def test_a_bound_is_for_new_manifests_and_not_for_what_was_stored_before(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {})
        monkeypatch.setattr("manifests.render.bounds.MOST_EXPOSES_IN_ALL", 1)
        with pytest.raises(Refused, match="may have 1 exposes in all"):
            await cluster.store_manifest(LEASE, GROUP, {})
        await cluster.deploy(LEASE, GROUP, {}, "1")
        await memory.tell()
        assert cluster.amiss(LEASE) == ""


async def test_a_deployment_stands_shielded_and_reachable(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        applied = [what for what in memory.done if what.startswith("apply")]
        assert applied[0] == f"apply namespaces/{NS}"
        assert applied.index("apply networkpolicies/akash-deployment-restrictions") < applied.index(
            "apply deployments/web"
        )
        assert cluster.namespaces() == {LEASE}
        status = cluster.lease_status(LEASE)
        assert status is not None
        assert status["services"]["web"]["total"] == 2
        assert "a.example" in status["services"]["web"]["uris"]
        assert len(status["services"]["web"]["uris"]) == 2, "its own and the generated one"
        assert list(status["forwarded_ports"]) == ["web"]


async def test_doing_it_again_changes_nothing_and_a_new_manifest_leaves_nothing_over(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        first = set(memory.objects)
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        assert set(memory.objects) == first

        inner = replace(WEB, expose=(replace(HTTP, global_=False, hosts=None),))
        await cluster.deploy(LEASE, ManifestGroup("west", (inner,)), {}, "r2")
        left = {(kind.plural, name) for kind, _, name in memory.objects}
        assert ("deployments", "web") in left
        assert not {"ingresses", "providerhosts"} & {plural for plural, _ in left}
        assert ("services", "web-np") not in left


async def test_a_service_that_starts_to_keep_volumes_changes_its_workload(memory: Memory) -> None:
    disk = Storage("data", GI, ())
    disk = replace(disk, attributes=_attributes(persistent="true", **{"class": "beta3"}))
    keeps = replace(
        WEB, resources=replace(SIZE, storage=(disk,)), params=Params((StorageParams("data", "/data", False),))
    )
    async with watched(memory) as cluster:
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        await cluster.deploy(LEASE, ManifestGroup("west", (keeps,)), {}, "r2")
        workloads = {kind.plural for kind, _, name in memory.objects if name == "web"}
        assert "statefulsets" in workloads
        assert "deployments" not in workloads


def _attributes(**pairs: str) -> Any:

    return tuple(Attribute(key, value) for key, value in pairs.items())


async def test_nothing_runs_when_the_shield_fails(memory: Memory) -> None:
    memory.trouble["apply networkpolicies/akash-deployment-restrictions"] = Retry("503")
    async with watched(memory) as cluster:
        with pytest.raises(Retry):
            await cluster.deploy(LEASE, GROUP, {}, "r1")
        assert "apply deployments/web" not in memory.done
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        assert "apply deployments/web" in memory.done


async def test_another_tenants_host_name_stays_theirs(memory: Memory) -> None:
    """The rest of the lease runs; the tenant is told."""
    async with watched(memory) as cluster:
        await cluster.deploy(THEIRS, GROUP, {}, "r1")
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        assert cluster.namespaces() == {THEIRS, LEASE}
        assert [(w.name, w.why) for w in cluster.reach.waiting(LEASE)] == [("a.example", Why.IN_USE)]
        status = cluster.lease_status(LEASE)
        assert status is not None
        assert len(status["services"]["web"]["uris"]) == 1, "the generated one"


async def test_teardown_leaves_nothing(memory: Memory) -> None:
    async with watched(memory) as cluster:
        for lease in (LEASE, THEIRS):
            group = GROUP if lease == LEASE else ManifestGroup("west", (replace(WEB, expose=(SSH,)),))
            await cluster.store_manifest(lease, group, {})
            await cluster.deploy(lease, group, {}, "r1")
        assert not await cluster.teardown(LEASE), "its namespace is asked to go, and not waited for"
        assert LEASE in cluster.traces()
        assert await cluster.teardown(LEASE)
        assert cluster.namespaces() == cluster.traces() == {THEIRS}
        assert cluster.leases().keys() == {THEIRS}
        left = {ns or name for _, ns, name in memory.objects}
        assert left == {"lease", lease_namespace(THEIRS)}
        assert cluster.lease_status(LEASE) is None
        assert await cluster.teardown(LEASE)


async def test_one_that_goes_before_the_mirrors_show_it_is_going_all_the_same(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {})
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        memory.trouble[f"delete namespaces/{NS}"] = Conflict("The system is ensuring all content is removed")
        assert not await cluster.teardown(LEASE)
        assert LEASE in cluster.leases(), "by its Manifest a restart finds the rest"


async def test_a_namespace_that_is_going_is_asked_once_and_says_what_it_waits_for(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {})
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        there = await memory.get(kinds.NAMESPACE, None, NS)
        going = {**there["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
        there_unix_s = 1767225600
        why = {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "x.example/keep in 1 resource"}
        memory.put({**there, "metadata": going, "status": {"conditions": [why]}})
        await memory.tell()
        memory.done.clear()
        assert not await cluster.teardown(LEASE)
        assert memory.done == []
        assert cluster.stuck(there_unix_s + 300) == []
        (found,) = cluster.stuck(there_unix_s + 301)
        assert (found.name, found.waits_for) == (NS, "x.example/keep in 1 resource")
        memory.drop(kinds.NAMESPACE, "", NS)
        await memory.tell()
        assert await cluster.teardown(LEASE)
        assert memory.objects == {}


@pytest.mark.parametrize("what", ["namespace", "workload", "isolation", "an opening", "service"])
async def test_what_stands_is_namespace_isolation_and_workloads(memory: Memory, what: str) -> None:
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {})
        assert cluster.amiss(LEASE)
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        assert cluster.amiss(LEASE) == ""
        kind, namespace, name = {
            "namespace": (kinds.NAMESPACE, "", NS),
            "workload": (kinds.DEPLOYMENT, NS, "web"),
            "isolation": (kinds.NETWORK_POLICY, NS, "akash-deployment-restrictions"),
            "an opening": (kinds.NETWORK_POLICY, NS, "akash-web-np"),
            "service": (kinds.SERVICE, NS, "web"),
        }[what]
        memory.drop(kind, namespace, name)
        await memory.tell()
        assert cluster.amiss(LEASE)


async def test_a_policy_that_somebody_edits_does_not_stand_until_it_is_deployed_again(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {})
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        found = memory.objects[kinds.NETWORK_POLICY, NS, "akash-deployment-restrictions"]
        memory.put({**found, "metadata": {**found["metadata"], "generation": 2}})
        await memory.tell()
        assert cluster.amiss(LEASE)
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        assert cluster.amiss(LEASE) == ""


READS = ManifestGroup(
    "west",
    (
        replace(
            WEB,
            params=Params((), permissions=Permissions(("logs",))),
            credentials=Credentials("r.example", "", "u", "p"),
        ),
    ),
)


def edited(obj: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """As `kubectl edit` would leave it."""
    return {**obj, **{k: edited(obj.get(k, {}), v) if isinstance(v, dict) else v for k, v in change.items()}}


PRIVILEGED = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}}
EDITS: dict[str, tuple[kinds.Kind, str, dict[str, Any] | None]] = {
    "Pod Security": (kinds.NAMESPACE, NS, PRIVILEGED),
    "scaled": (kinds.DEPLOYMENT, "web", {"spec": {"replicas": 9}}),
    "selector": (kinds.SERVICE, "web", {"spec": {"selector": {"akash.network/manifest-service": "db"}}}),
    "widened Role": (kinds.ROLE, "web", {"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}),
    "Role": (kinds.ROLE, "web", None),
    "RoleBinding": (kinds.ROLE_BINDING, "web", None),
    "ServiceAccount": (kinds.SERVICE_ACCOUNT, "web", None),
    "Secret": (kinds.SECRET, "docker-creds-web", None),
    "changed Secret": (kinds.SECRET, "docker-creds-web", {"data": {".dockerconfigjson": "e30="}}),
    "PodDisruptionBudget": (kinds.DISRUPTION_BUDGET, "web", None),
}
"""what -> kind, name and what is merged in; None deletes it"""


@pytest.mark.parametrize("what", EDITS)
async def test_what_a_hand_has_changed_is_told_at_once_and_made_as_it_was(memory: Memory, what: str) -> None:
    kind, name, change = EDITS[what]
    where = kind, NS if kind.namespaced else "", name
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, READS, {})
        await cluster.deploy(LEASE, READS, {}, "r1")
        assert cluster.amiss(LEASE) == ""
        before, told = memory.objects[where], []
        cluster.on_change(told.append)
        if change is None:
            memory.drop(*where)
        else:
            memory.put(edited(before, change))
        await memory.tell()
        assert LEASE in told
        assert cluster.amiss(LEASE) == f"{kind}/{name} was {'changed' if change else 'deleted'}"
        await cluster.deploy(LEASE, READS, {}, "r1")
        assert cluster.amiss(LEASE) == ""
        after = memory.objects[where]
        assert {**after, "metadata": after["metadata"]["labels"]} == {
            **before,
            "metadata": before["metadata"]["labels"],
        }


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            {"spec": {"template": {"metadata": {"annotations": {RESTARTED: "2026-01-01T00:00:00Z"}}}}}, id="restarted"
        ),
        pytest.param(
            {"metadata": {"annotations": {"policy.example/seen": "1"}, "generation": 9}},
            id="annotated, which the API server counts as a generation",
        ),
    ],
)
async def test_what_a_restart_or_a_tool_notes_on_a_workload_is_no_hands_change(
    memory: Memory, change: dict[str, Any]
) -> None:
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {})
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        memory.put(edited(memory.objects[kinds.DEPLOYMENT, NS, "web"], change))
        await memory.tell()
        assert cluster.amiss(LEASE) == ""
        memory.put(edited(memory.objects[kinds.DEPLOYMENT, NS, "web"], {"spec": {"paused": True}}))
        await memory.tell()
        assert cluster.amiss(LEASE) == "deployments.apps/web was changed"


async def test_what_somebody_adds_with_our_labels_is_told_and_deleted(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {})
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        found = memory.objects[kinds.NETWORK_POLICY, NS, "akash-web-np"]
        memory.put({**found, "metadata": {**found["metadata"], "name": "copied"}})
        await memory.tell()
        assert cluster.amiss(LEASE) == "networkpolicies.networking.k8s.io/copied was added"
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        assert cluster.amiss(LEASE) == ""
        assert (kinds.NETWORK_POLICY, NS, "copied") not in memory.objects


async def test_what_was_deleted_and_takes_its_time_is_nobodys_addition(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the Service of a load balancer whose controller has a finalizer on it."""
    two = ManifestGroup("west", (WEB, replace(WEB, name="db", expose=(SSH,))))
    async with watched(memory) as cluster:
        await cluster.deploy(LEASE, two, {}, "1")
        await memory.tell()
        stays = memory.objects[kinds.SERVICE, NS, "db-np"]
        await cluster.store_manifest(LEASE, GROUP, {})
        with monkeypatch.context() as patch:
            patch.setattr(memory, "delete", _asked)
            await cluster.deploy(LEASE, GROUP, {}, "2")
        await memory.tell()
        assert cluster.amiss(LEASE) == ""
        for kind, namespace, name in [key for key in memory.objects if key[2].startswith("db")]:
            memory.drop(kind, namespace, name)
        await memory.tell()
        assert cluster.amiss(LEASE) == ""
        memory.put(stays)
        await memory.tell()
        assert cluster.amiss(LEASE) == "services/db-np was added"


async def _asked(*_: Any, **__: Any) -> bool:
    return True


async def test_a_policy_of_somebody_else_is_shown_and_left_to_the_operator(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {})
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        assert cluster.facts(LEASE).opened == {}
        policy = {"apiVersion": kinds.NETWORK_POLICY.api_version, "kind": kinds.NETWORK_POLICY.kind}
        memory.put({**policy, "metadata": {"name": "open", "namespace": NS}, "spec": {"egress": [{}]}})
        await memory.tell()
        assert cluster.facts(LEASE).opened == {"open": "out"}
        assert cluster.amiss(LEASE) == ""
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        assert (kinds.NETWORK_POLICY, NS, "open") in memory.objects


async def test_permissions_without_a_way_to_the_api_server_are_told_until_its_address_is_known(memory: Memory) -> None:
    async def said(cluster: Cluster, group: ManifestGroup = READS) -> tuple[Any, list[Any]]:
        with capture_logs() as logs:
            await cluster.store_manifest(LEASE, group, {})
            await cluster.deploy(LEASE, group, {}, "r1")
        told = [line["services"] for line in logs if "API server" in line["event"]]
        return cluster.facts(LEASE).without_api_servers, told

    async with watched(memory) as cluster:
        assert await said(cluster) == (("web",), [["web"]])
        assert await said(cluster, GROUP) == ((), []), "it asks for nothing"
        memory.put(api_servers("10.0.0.1"))
        await memory.tell()
        assert await said(cluster) == ((), [])
    memory.objects.clear()
    async with watched(memory, SETTINGS.model_copy(update={"network_policies": False})) as cluster:
        assert await said(cluster) == ((), []), "nothing is shut"


async def cleared(cluster: Cluster) -> None:
    while not await cluster.teardown(LEASE):
        pass


@pytest.mark.parametrize("step", [f"delete namespaces/{NS}", "list providerhosts", f"delete manifests/{NS}"])
async def test_a_teardown_interrupted_anywhere_is_found_and_finished(memory: Memory, step: str) -> None:
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {})
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        memory.trouble[step] = Retry("the API server went away")
        with pytest.raises(Retry):
            await cleared(cluster)
    async with watched(memory) as cluster:
        assert LEASE in cluster.leases(), "what a restart finds it by"
        await cleared(cluster)
        assert memory.objects == {}


async def test_whether_a_manifest_could_be_stored_is_told_without_storing_it(memory: Memory) -> None:
    impossible = ManifestGroup("west", (WEB, WEB))
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {}, dry_run=True)
        with pytest.raises(Refused, match="named 'web' too"):
            await cluster.store_manifest(LEASE, impossible, {}, dry_run=True)
        assert memory.objects == {}
        assert memory.done == []
        await cluster.store_manifest(LEASE, GROUP, {})
        assert memory.done == [f"apply manifests/{NS}"]


def api_servers(*addresses: str) -> dict[str, Any]:
    metadata = {
        "name": "kubernetes", "namespace": "default", "labels": {"kubernetes.io/service-name": "kubernetes"},
    }  # fmt: skip
    ends = [{"addresses": [address]} for address in addresses]
    kind = kinds.ENDPOINT_SLICE
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "endpoints": ends,
            "ports": [{"port": 6443}]}  # fmt: skip


async def test_leases_whose_policies_name_the_api_servers_are_told_when_these_move(memory: Memory) -> None:
    """One with permissions is opened another way; one without has a private address closed to it already."""
    may_read = replace(WEB, params=Params((), permissions=Permissions(("logs",))))
    reads = ManifestGroup("west", (may_read,))
    memory.put(api_servers("10.0.0.1"))
    async with watched(memory) as cluster:
        for lease, group in ((LEASE, reads), (THEIRS, GROUP)):
            await cluster.store_manifest(lease, group, {})
            await cluster.deploy(lease, group, {}, "1")
        await asyncio.sleep(2)
        before, told = list(memory.done), []
        cluster.on_change(told.append)

        async def moved(*addresses: str) -> tuple[bool, bool]:
            memory.put(api_servers(*addresses))
            await memory.tell()
            await asyncio.sleep(60)
            return cluster.outdated(LEASE), cluster.outdated(THEIRS)

        assert await moved("10.0.0.1") == (False, False)
        assert await moved() == (False, False), "one that is restarted takes its address away for a moment"
        assert told == []
        assert await moved("10.0.0.2") == (True, False)
        assert set(told) == {LEASE, THEIRS}
        assert memory.done == before, "nothing is asked for it"
        await cluster.deploy(LEASE, reads, {}, "1")
        assert not cluster.outdated(LEASE)
        policy = await memory.get(kinds.NETWORK_POLICY, NS, "akash-apiserver-web")
        assert policy["spec"]["egress"][0]["to"] == [{"ipBlock": {"cidr": "10.0.0.2/32"}}]
        assert await moved("203.0.113.7") == (True, True), "a public address is closed to all"
