from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import structlog

from manifests.manifest import ManifestGroup
from provider.cluster.api.kinds import DEPLOYMENT
from provider.cluster.api.kube import FIELD_MANAGER, Kube, Object, _query
from provider.cluster.cluster import Cluster
from provider.cluster.objects.containment import text
from provider.cluster.objects.preview import Change
from provider.cluster.objects.restart import restart
from provider.cluster.objects.templates import TAKEN_OUT, added
from provider.errors import Refused
from provider.sandbox.cluster import EmbeddedCluster
from provider.settings import ClusterSettings
from tests.provider.cluster.following import following
from tests.provider.cluster.test_every_step import LEASE, NS, WEB, _install

GROUP = ManifestGroup("west", (WEB,))
HANDS: dict[str, Any] = {
    "host networking": {"hostNetwork": True},
    "a volume of the host": {"volumes": [{"name": "h", "hostPath": {"path": "/"}}]},
    "a container": {"initContainers": [{"name": "more", "image": "more:1", "securityContext": {"privileged": True}}]},
}
STAYS: dict[str, Any] = {
    "a selector of nodes": {"spec": {"nodeSelector": {"a": "b"}}},
    "a priority": {"spec": {"priorityClassName": "tenants"}},
    "the note of another tool's restart": {"metadata": {"annotations": {"cattle.io/timestamp": "now"}}},
    "a sidecar": {"spec": {"initContainers": [{"name": "more", "image": "more:1"}]}},
}
TAKEN = "somebody had added to a pod template what weakens containment, it is taken out and the pods are replaced"
STAYED = "somebody has added to a pod template, it stays"
AGAIN = "somebody has added again what was taken out of a pod template, it stays"
CAPABILITIES = [
    {"op": "add", "path": "/spec/template/spec/containers/0/securityContext/capabilities/add", "value": ["X"]}
]


class Counting(Kube):
    """`meanwhile` is done by somebody between the daemon's reading and writing."""

    refusal: Refused | None = None
    meanwhile: Callable[[], Awaitable[None]] | None = None
    replaced: int = 0

    async def update(self, obj: Mapping[str, Any], *, manager: str = FIELD_MANAGER) -> Object:
        if self.refusal is not None:
            raise self.refusal
        if self.meanwhile is not None:
            again, self.meanwhile = self.meanwhile, None
            await again()
        made = await super().update(obj, manager=manager)
        self.replaced += 1
        return made


@dataclass
class World:
    kube: Counting
    cluster: Cluster
    settings: ClusterSettings
    said: list[Any] = field(default_factory=list)
    shown: list[Change] = field(default_factory=list)
    """what a preview said before"""

    async def deploy(self, group: ManifestGroup = GROUP) -> Any:
        await self.cluster.store_manifest(LEASE, group, {})
        self.shown = [
            change for change in await self.cluster.preview(LEASE, group, {}, "1") if change.kind is DEPLOYMENT
        ]
        with structlog.testing.capture_logs() as said:
            await self.cluster.deploy(LEASE, group, {}, "1")
        self.said = [one["event"] for one in said if "pod template" in one["event"]]
        return await self.template()

    async def template(self) -> Any:
        return (await self.kube.get(DEPLOYMENT, NS, "web"))["spec"]["template"]

    async def by_hand(self, change: Any, how: str = "merge", who: str = "kubectl-edit") -> None:
        path, query = DEPLOYMENT.path(NS, "web"), _query(fieldManager=who)
        await self.kube.call("PATCH", path, query=query, body=change, content_type=f"application/{how}-patch+json")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(EmbeddedCluster(ready_after_s=0.0, stop_after_s=0.0))
        _install(server)
        settings = ClusterSettings(kubeconfig=server.kubeconfig, ingress_domain="in.example")
        kube = await stack.enter_async_context(Counting.connect(settings))
        yield World(kube, await stack.enter_async_context(following(kube, settings, mark=False)), settings)


@pytest.mark.parametrize("hand", HANDS.values(), ids=HANDS)
async def test_what_weakens_containment_is_taken_out_once_and_told(world: World, hand: dict[str, Any]) -> None:
    wanted = await world.deploy()
    await world.by_hand({"spec": {"template": {"spec": hand}}})
    assert await world.template() != wanted
    assert await world.deploy() == wanted
    assert [change.restarts for change in world.shown] == [True]
    assert (world.kube.replaced, world.said) == (1, [TAKEN])
    assert added(await world.kube.get(DEPLOYMENT, NS, "web")) == frozenset()
    assert await world.deploy() == wanted
    assert (world.kube.replaced, world.said, world.shown) == (1, [], [])


@pytest.mark.parametrize("hand", STAYS.values(), ids=STAYS)
async def test_all_else_stays_restarts_nothing_and_is_told_once(world: World, hand: dict[str, Any]) -> None:
    await world.deploy()
    await world.by_hand({"spec": {"template": hand}})
    found = await world.template()
    for said in ([STAYED], []):
        assert await world.deploy() == found
        assert (world.kube.replaced, world.said, world.shown) == (0, said, [])


async def test_so_is_what_was_added_to_a_container_of_ours(world: World) -> None:
    wanted = await world.deploy()
    await world.by_hand(CAPABILITIES, "json")
    (path,) = added(await world.kube.get(DEPLOYMENT, NS, "web"))
    assert text(path) == '.spec.containers[{"name":"web"}].securityContext.capabilities.add'
    assert await world.deploy() == wanted


async def test_what_was_changed_is_put_back_by_applying_alone(world: World) -> None:
    wanted = await world.deploy()
    await world.by_hand({"spec": {"template": {"spec": {"automountServiceAccountToken": True}}}})
    assert await world.deploy() == wanted
    assert world.kube.replaced == 0


async def test_a_tool_that_adds_the_same_each_time_gets_its_way_after_the_first_also_from_another_process(
    world: World,
) -> None:
    wanted = await world.deploy()
    change = {"spec": {"template": {"spec": HANDS["host networking"]}}}
    await world.by_hand(change, who="a-tool")
    assert await world.deploy() == wanted
    for _ in range(2):
        async with following(world.kube, world.settings, mark=False) as cluster:
            process = World(world.kube, cluster, world.settings)
            for said in ([AGAIN], []):
                await process.by_hand(change, who="a-tool")
                assert (await process.deploy())["spec"]["hostNetwork"] is True
                assert (process.said, process.shown) == (said, [])
    assert world.kube.replaced == 1
    await world.by_hand({"spec": {"template": {"spec": HANDS["a container"]}}})
    assert await world.deploy() == wanted, "something else is taken out, and all with it"
    await world.by_hand(change, who="a-tool")
    for note in (None, "no JSON"):
        await world.by_hand({"metadata": {"annotations": {TAKEN_OUT: note}}})
        await world.by_hand(change, who="a-tool")
        assert await world.deploy() == wanted, "where the note has gone, once more"


async def test_a_tool_that_finds_a_new_name_each_time_gets_its_way_in_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provider.cluster.objects.templates._MOST", 2)
    await world.deploy()
    for n, replaced in enumerate((1, 2, 2, 2)):
        volume = {"name": f"h{n}", "hostPath": {"path": "/"}}
        await world.by_hand({"spec": {"template": {"spec": {"volumes": [volume]}}}})
        await world.deploy()
        assert world.kube.replaced == replaced


async def test_what_a_webhook_has_added_at_creation_stays_when_something_else_is_taken_out(world: World) -> None:
    await world.deploy()
    spec = {"nodeSelector": {"pool": "tenants"}, "hostIPC": True}
    await world.by_hand({"spec": {"template": {"spec": spec}}}, who="hook")
    there = await world.kube.get(DEPLOYMENT, NS, "web")
    held = [entry for entry in there["metadata"]["managedFields"] if entry["manager"] != "hook"]
    version = there["metadata"]["resourceVersion"]
    await world.by_hand({"metadata": {"managedFields": held, "resourceVersion": version}})
    found = await world.deploy()
    assert found["spec"].items() >= spec.items()
    assert (world.kube.replaced, world.said) == (0, [])
    await world.by_hand({"spec": {"template": {"spec": HANDS["host networking"]}}})
    assert await world.deploy() == found
    assert (world.kube.replaced, world.said) == (1, [TAKEN])


async def test_what_somebody_writes_at_the_same_time_is_kept(world: World) -> None:
    await world.deploy()
    await world.by_hand({"spec": {"template": {"spec": HANDS["host networking"]}}})
    world.kube.meanwhile = lambda: world.by_hand({"spec": {"template": STAYS["a priority"]}})
    found = await world.deploy()
    assert (found["spec"].get("hostNetwork"), found["spec"]["priorityClassName"]) == (None, "tenants")
    assert sorted(world.said) == sorted([TAKEN, STAYED])


async def test_the_note_of_a_restart_is_no_addition_and_stays(world: World) -> None:
    await world.deploy()
    await restart(world.kube, DEPLOYMENT, NS, "web", "2026-01-01T00:00:00Z")
    note = {"kubectl.kubernetes.io/restartedAt": "now"}
    await world.by_hand({"spec": {"template": {"metadata": {"annotations": note}}}}, who="kubectl-rollout")
    noted = await world.deploy()
    notes = {"akash.network/restarted-at": "2026-01-01T00:00:00Z", **note}
    assert noted["metadata"]["annotations"].items() >= notes.items()
    assert (world.kube.replaced, world.said) == (0, [])
    await world.by_hand({"spec": {"template": {"spec": HANDS["host networking"]}}})
    assert await world.deploy() == noted
    assert world.kube.replaced == 1


async def test_where_it_may_not_be_taken_out_the_lease_goes_on_and_it_is_told(world: World) -> None:
    await world.deploy()
    await world.by_hand({"spec": {"template": {"spec": HANDS["host networking"]}}})
    world.kube.refusal = Refused("a policy of the cluster")
    other = ManifestGroup("west", (replace(WEB, image="web:2"),))
    assert (await world.deploy(other))["spec"]["containers"][0]["image"] == "web:2"
    assert world.said == ["what somebody has added to a pod template weakens containment and cannot be taken out"]
