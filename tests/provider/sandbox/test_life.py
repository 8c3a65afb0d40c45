"""A life that comes to its end is told in nine steps; one that does not is told with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from manifests.sdl import compile_sdl
from provider.cluster.api.kinds import POD
from provider.sandbox.life import STEPS, LifeEnded
from provider.sandbox.town import living

SDL = """
version: "2.0"
services:
  web: {{image: "docker.io/library/web:1", expose: [{{port: 80, to: [{{global: true}}]}}]}}
profiles:
  compute: {{web: {{resources: {{cpu: {{units: {cpu}}}, memory: {{size: 64Mi}}, storage: {{size: 64Mi}}}}}}}}
  placement: {{here: {{pricing: {{web: {{denom: uact, amount: {amount}}}}}}}}}
deployment: {{web: {{here: {{profile: web, count: {count}}}}}}}
"""


def sdl(cpu: str = "100m", amount: int = 10_000, count: int = 1) -> Any:
    return compile_sdl(SDL.format(cpu=cpu, amount=amount, count=count))


async def test_a_life_is_nine_steps_that_fit_together(in_town: Callable[..., Any]) -> None:
    told: list[str] = []
    async with in_town(compiled=sdl(count=2)) as town, living(town.net):
        timeline = await town.life(on_step=lambda entry: told.append(entry["step"])).run()
    assert told == [entry["step"] for entry in timeline] == list(STEPS)
    heights = [entry["height"] for entry in timeline]
    assert heights == sorted(heights)
    at = {entry["step"]: entry for entry in timeline}
    assert at["ready"]["services"]["web"]["available"] == 2
    (settled,) = at["settled"]["leases"]
    assert settled["chain"] == settled["ledger"] == settled["owed"] == at["settled"]["amount"] > 0
    assert at["usage"]["amount"] <= at["settled"]["amount"]


@pytest.mark.parametrize(
    ("compiled", "reason"),
    [(sdl(cpu="200"), "skip.capacity.node_fit: .* of cpu"), (sdl(amount=1), "skip.price.above_max: ")],
    ids=["too large", "too cheap"],
)
async def test_without_a_bid_it_ends_with_the_daemons_reason(
    compiled: Any, reason: str, in_town: Callable[..., Any], until: Any
) -> None:
    async with in_town(compiled=compiled) as town, living(town.net):

        async def declined() -> str:
            return str(await town.net.why_no_bid(town.order()))

        async def impatient(entry: dict[str, Any]) -> None:
            await until("the order is declined", declined)
            life.patience_s = 1

        life = town.life(on_step=impatient)
        with pytest.raises(LifeEnded, match=rf"^no bid on order {re.escape(str(town.order()))}: {reason}"):
            await life.run()
        assert [entry["step"] for entry in life.timeline] == ["order"]


SLICED = """
version: "2.0"
services:
  web: {image: "docker.io/library/web:1", expose: [{port: 80, to: [{global: true}]}]}
profiles:
  compute:
    web:
      resources:
        cpu: {units: 1}
        memory: {size: 1Gi}
        storage: {size: 1Gi}
        gpu: {units: 2, attributes: {vendor: {nvidia: [{model: a100-mig-1g.10gb, ram: 10Gi}]}}}
  placement: {here: {pricing: {web: {denom: uact, amount: 1000000}}}}
deployment: {web: {here: {profile: web, count: 1}}}
"""


async def test_a_slice_of_a_card_is_found_sold_and_really_asked_for(in_town: Callable[..., Any]) -> None:
    """From the words of NVIDIA's labeller on the node to the resource in the pod."""
    async with in_town(compiled=compile_sdl(SLICED)) as town, living(town.net):
        asked: list[dict[str, str]] = []

        async def look(entry: dict[str, Any]) -> None:
            if entry["step"] == "ready":
                pods = await town.net.kube.all(POD)
                asked.extend(c["resources"]["limits"] for pod in pods for c in pod["spec"]["containers"])

        await town.life(on_step=look).run()
    assert [limits["nvidia.com/mig-1g.10gb"] for limits in asked] == ["2"]


async def test_without_a_daemon_it_ends_at_the_bid(in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        life = town.life(on_step=lambda entry: setattr(life, "patience_s", 1))
        with pytest.raises(LifeEnded, match="the daemon has no ledger yet"):
            await life.run()


async def test_pods_that_never_run_end_it_at_ready(in_town: Callable[..., Any], until: Any) -> None:
    async with in_town() as town, living(town.net):
        town.net.embedded.broken_images.add("docker.io/library/web:1")

        async def waiting() -> bool:
            pods = await town.net.kube.all(POD)
            told = [status for pod in pods for status in pod.get("status", {}).get("containerStatuses", ())]
            return any(
                one["state"].get("waiting", {}).get("reason") in ("ErrImagePull", "ImagePullBackOff") for one in told
            )

        async def impatient(entry: dict[str, Any]) -> None:
            if entry["step"] == "manifest":
                await until("its pod waits for its image", waiting)
                life.patience_s = 1

        life = town.life(on_step=impatient)
        with pytest.raises(LifeEnded, match="step `ready` did not come within 1 s"):
            await life.run()


async def test_a_manifest_the_cluster_refuses_ends_it_with_the_clusters_words(in_town: Callable[..., Any]) -> None:
    async with in_town() as town, living(town.net):
        town.net.embedded.faults.fail_next(10**6, 403, method="PATCH", path="/api/v1/namespaces/")
        with pytest.raises(LifeEnded, match=r"the cluster refused the manifest: .*ordered by the test"):
            await town.life().run()
