"""RuntimeClasses in the whole daemon: what cannot be started is not bid on, and is as soon as it can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from manifests.coins import Coin
from manifests.sdl import compile_sdl
from provider.cluster.api.kinds import RUNTIME_CLASS
from provider.sandbox.town import living

from .test_policy_in_force import decided

MONEY = Coin("uact", 50_000_000)
GPU = compile_sdl((Path(__file__).resolve().parents[2] / "examples" / "04-gpu.yaml").read_bytes())


def runtime(name: str, **more: Any) -> dict[str, Any]:
    kind = {"apiVersion": RUNTIME_CLASS.api_version, "kind": RUNTIME_CLASS.kind}
    return {**kind, "metadata": {"name": name}, "handler": name, **more}


async def test_an_order_waits_for_the_class_of_its_cards(in_town: Callable[..., Any], until: Any) -> None:
    async with in_town(GPU, asked=GPU.groups) as town:
        await town.net.kube.delete(RUNTIME_CLASS, None, "nvidia")
        async with living(town.net):
            await town.net.tenant.post(town.compiled, 7, MONEY)
            await decided(town, until, 7, "skip.capacity.runtime_class")
            await town.net.kube.create(runtime("nvidia"))
            await decided(town, until, 7, "bid")


async def test_without_the_sites_sandbox_nothing_is_bid_on(in_town: Callable[..., Any], until: Any) -> None:
    async with in_town() as town:
        cluster = town.net.settings.cluster
        isolation = cluster.isolation.model_copy(update={"runtime_class": "gvisor"})
        sandboxed = cluster.model_copy(update={"isolation": isolation})
        net = replace(town.net, settings=town.net.settings.model_copy(update={"cluster": sandboxed}))
        async with living(net):
            await net.tenant.post(town.compiled, 7, MONEY)
            await decided(town, until, 7, "skip.capacity.runtime_class")
            await net.kube.create(runtime("gvisor"))
            await decided(town, until, 7, "bid")


async def test_an_order_waits_for_a_node_that_the_class_of_its_cards_is_for(
    in_town: Callable[..., Any], until: Any
) -> None:
    elsewhere = {"nodeSelector": {"driver": "new"}}
    async with in_town(GPU, asked=GPU.groups) as town:
        await town.net.kube.delete(RUNTIME_CLASS, None, "nvidia")
        await town.net.kube.create(runtime("nvidia", scheduling=elsewhere))
        async with living(town.net):
            await town.net.tenant.post(town.compiled, 7, MONEY)
            await decided(town, until, 7, "skip.capacity.runtime_class")
            await town.net.kube.delete(RUNTIME_CLASS, None, "nvidia")
            await town.net.kube.create(runtime("nvidia"))
            await decided(town, until, 7, "bid")
