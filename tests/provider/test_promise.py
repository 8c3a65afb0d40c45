"""What a bid promised is what the lease gets, and what is promised is counted once, also by the next process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from bidengine.offer import placement_from_offer
from manifests.ids import lease_namespace
from manifests.sdl import compile_sdl
from provider.cli.imagined import sandbox_inventory
from provider.cluster.api.kinds import DEPLOYMENT, POD

Opens = Callable[..., Any]

CHOOSY = """
version: "2.0"
services: {model: {image: "docker.io/library/trainer:1", expose: [{port: 8080, as: 80, to: [{global: true}]}]}}
profiles:
  compute:
    model:
      resources:
        cpu: {units: 1}
        memory: {size: 1Gi}
        storage: {size: 1Gi}
        gpu: {units: 1, attributes: {vendor: {nvidia: [{model: rtx4090}, {model: rtx3090}]}}}
  placement: {here: {pricing: {model: {denom: uact, amount: 1000000}}}}
deployment: {model: {here: {profile: model, count: 1}}}
"""


async def test_a_lease_lands_on_the_promised_card_though_others_would_do_also_after_a_restart(
    with_daemon: Opens, until: Any
) -> None:
    """Two models would do, and the bid names the one there is more of. Then most of its cards are taken by somebody
    else, so that whoever chose anew would choose the other."""
    promised: list[str] = []
    seen: list[set[str]] = []

    async with with_daemon(compiled=compile_sdl(CHOOSY)) as (town, daemon):
        kube, namespace = town.net.kube, lease_namespace(town.our_lease())

        async def free_gpus() -> float:
            return float(await daemon.metric('akp_free{resource="gpu"}'))

        async def all_are_sold() -> bool:
            return await free_gpus() == all_gpus

        async def two_are_taken() -> bool:
            return await free_gpus() == all_gpus - 2

        await daemon.ready()
        all_gpus = sum(sum(node.gpus.values()) for node in sandbox_inventory().nodes)
        await until("every node is labelled", all_are_sold)
        await kube.create(stranger("gpu-rtx3090", "nvidia.com/gpu", 2))
        await until("the daemon knows of it", two_are_taken)

        async def where() -> set[str]:
            pods = await kube.all(POD, namespace)
            return {pod["spec"]["nodeName"] for pod in pods if pod["spec"].get("nodeName")}

        async def on(entry: dict[str, Any]) -> None:
            if entry["step"] == "lease":
                order = await town.net.chain.latest.order(town.order())
                bid = await town.net.chain.latest.bid(order.id.bid_of(town.net.provider.address))
                (card,) = placement_from_offer(order.spec, bid.offer).values()
                promised.append(f"gpu-{card.model}")
                assert promised == ["gpu-rtx4090"]
                await daemon.kill()
                await kube.create(stranger(promised[0], card.resource, 7))
                await daemon.start()
            if entry["step"] == "ready":
                seen.append(await where())
                await daemon.kill()
                await kube.delete(DEPLOYMENT, namespace, "model")
                await until("the workload is gone", lambda: gone(kube, namespace))
                await daemon.start()
                await until("it is deployed again", where)
                seen.append(await where())

        await town.life(on_step=on).run()
    assert seen == [set(promised)] * 2


async def test_a_restart_with_leases_leaves_what_is_available_unchanged(with_daemon: Opens, until: Any) -> None:
    """D8: the reference counted each running lease twice until it had been seen healthy."""
    async with with_daemon() as (town, daemon):
        all_run, figures = asyncio.Barrier(3), []

        async def free() -> Any:
            async with await town.net.tenant.gateway(town.net.provider.address) as gateway:
                return (await gateway.status())["cluster"]["inventory"]

        async def on(entry: dict[str, Any]) -> None:
            if entry["step"] == "ready" and await all_run.wait() == 0:
                figures.append(await free())
                await daemon.kill()
                await daemon.start()
                await daemon.ready()
                figures.append(await free())
            if entry["step"] == "ready":
                await all_run.wait()

        await asyncio.gather(*(town.life(dseq, on_step=on).run() for dseq in (7, 8, 9)))
    before, after = figures
    assert len(before["active"]) == 3
    assert before == after


async def gone(kube: Any, namespace: str) -> bool:
    return not await kube.all(DEPLOYMENT, namespace) and not await kube.all(POD, namespace)


def stranger(node: str, resource: str, units: int) -> dict[str, Any]:
    wants = {resource: str(units)}
    container = {"name": "main", "image": "docker.io/library/x:1", "resources": {"limits": wants, "requests": wants}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"on-{node}", "namespace": "default"},
        "spec": {"nodeName": node, "containers": [container]},
    }
