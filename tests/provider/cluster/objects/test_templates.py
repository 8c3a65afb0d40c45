from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import structlog

from manifests.manifest import ManifestGroup
from provider.cluster.api.kinds import DEPLOYMENT
from provider.cluster.api.kube import Kube, Object, _query
from provider.cluster.cluster import Cluster
from provider.cluster.objects.restart import restart
from provider.cluster.objects.templates import added
from provider.errors import Refused
from provider.sandbox.cluster import EmbeddedCluster
from provider.settings import ClusterSettings
from tests.provider.cluster.following import following
from tests.provider.cluster.test_every_step import LEASE, NS, WEB, _install

GROUP = ManifestGroup("west", (WEB,))
HANDS: dict[str, Any] = {
    "host networking": {"hostNetwork": True},
    "a selector of nodes": {"nodeSelector": {"a": "b"}},
    "a volume of the host": {"volumes": [{"name": "h", "hostPath": {"path": "/"}}]},
    "a container": {"initContainers": [{"name": "more", "image": "more:1"}]},
}
CAPABILITIES = [
    {"op": "add", "path": "/spec/template/spec/containers/0/securityContext/capabilities/add", "value": ["X"]}
]


class Counting(Kube):
    """Also a webhook: what it adds is added to every template that is written whole."""

    webhook: Mapping[str, Any] = {}
    refusal: Refused | None = None
    replaced: int = 0

    async def update(self, obj: Mapping[str, Any], *, manager: str = "", dry_run: bool = False) -> Object:
        if self.refusal is not None:
            raise self.refusal
        self.replaced += not dry_run
        template = obj["spec"]["template"]
        template = {**template, "spec": {**template["spec"], **self.webhook}}
        return await super().update(
            {**obj, "spec": {**obj["spec"], "template": template}}, manager=manager, dry_run=dry_run
        )


@dataclass
class World:
    kube: Counting
    cluster: Cluster
    said: list[Any] = field(default_factory=list)

    async def deploy(self, group: ManifestGroup = GROUP) -> Any:
        await self.cluster.store_manifest(LEASE, group, {})
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
        yield World(kube, await stack.enter_async_context(following(kube, settings, mark=False)))


@pytest.mark.parametrize("hand", HANDS.values(), ids=HANDS)
async def test_what_a_hand_has_added_is_taken_out_once_and_told(world: World, hand: dict[str, Any]) -> None:
    wanted = await world.deploy()
    await world.by_hand({"spec": {"template": {"spec": hand}}})
    assert await world.template() != wanted
    assert await world.deploy() == wanted
    assert world.kube.replaced == 1
    assert world.said == ["somebody had added to a pod template, it is taken out and the pods are replaced"]
    assert added(await world.kube.get(DEPLOYMENT, NS, "web")) == frozenset()
    assert await world.deploy() == wanted
    assert (world.kube.replaced, world.said) == (1, [])


async def test_so_is_what_was_added_to_a_container_of_ours(world: World) -> None:
    wanted = await world.deploy()
    await world.by_hand(CAPABILITIES, "json")
    key = '.spec.containers[{"name":"web"}].securityContext.capabilities.add'
    assert added(await world.kube.get(DEPLOYMENT, NS, "web")) == {key}
    assert await world.deploy() == wanted


async def test_what_was_changed_is_put_back_by_applying_alone(world: World) -> None:
    wanted = await world.deploy()
    await world.by_hand({"spec": {"template": {"spec": {"automountServiceAccountToken": True}}}})
    assert await world.deploy() == wanted
    assert world.kube.replaced == 0


async def test_a_tool_that_adds_the_same_each_time_gets_its_way_after_the_first(world: World) -> None:
    wanted = await world.deploy()
    change = {"spec": {"template": {"spec": HANDS["host networking"]}}}
    await world.by_hand(change, who="a-tool")
    assert await world.deploy() == wanted
    for _ in range(3):
        await world.by_hand(change, who="a-tool")
        assert (await world.deploy())["spec"]["hostNetwork"] is True
        assert world.said == ["somebody has added the same to a pod template again, it is left there"]
    assert world.kube.replaced == 1
    await world.by_hand({"spec": {"template": {"spec": HANDS["a selector of nodes"]}}})
    assert await world.deploy() == wanted, "something else is taken out, and all with it"
    world.cluster._deploying._templates.forget(NS)
    await world.by_hand(change, who="a-tool")
    assert await world.deploy() == wanted, "of another lease, or in another process, once more"


async def test_what_a_webhook_adds_to_every_template_restarts_nothing(world: World) -> None:
    await world.deploy()
    world.kube.webhook = HANDS["a container"]
    await world.by_hand({"spec": {"template": {"spec": HANDS["a container"]}}}, who="a-webhook")
    for _ in range(3):
        found = await world.deploy()
        assert [one["name"] for one in found["spec"]["initContainers"]] == ["more"]
        assert (world.kube.replaced, world.said) == (0, [])


async def test_the_note_of_a_restart_is_no_addition_and_stays(world: World) -> None:
    await world.deploy()
    await restart(world.kube, DEPLOYMENT, NS, "web", "2026-01-01T00:00:00Z")
    note = {"kubectl.kubernetes.io/restartedAt": "now"}
    await world.by_hand({"spec": {"template": {"metadata": {"annotations": note}}}}, who="kubectl-rollout")
    noted = await world.deploy()
    notes = {"akash.network/restarted-at": "2026-01-01T00:00:00Z", **note}
    assert noted["metadata"]["annotations"].items() >= notes.items()
    assert world.kube.replaced == 0
    await world.by_hand({"spec": {"template": {"spec": HANDS["host networking"]}}})
    assert await world.deploy() == noted
    assert world.kube.replaced == 1


async def test_where_it_may_not_be_taken_out_the_lease_goes_on_and_it_is_told(world: World) -> None:
    await world.deploy()
    await world.by_hand({"spec": {"template": {"spec": HANDS["host networking"]}}})
    world.kube.refusal = Refused("a policy of the cluster")
    other = ManifestGroup("west", (replace(WEB, image="web:2"),))
    assert (await world.deploy(other))["spec"]["containers"][0]["image"] == "web:2"
    assert world.said == ["what somebody has added to a pod template cannot be taken out"]
