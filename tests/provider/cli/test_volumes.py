"""`akp volumes` over a whole life: kept after the lease, given to the tenant's next one, deleted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from manifests.ids import lease_namespace
from manifests.sdl import compile_sdl
from provider.cluster.api.kinds import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM
from provider.sandbox.town import living

SDL = """
version: "2.0"
services:
  web:
    image: "docker.io/library/web:1"
    expose: [{port: 80, to: [{global: true}]}]
    params: {storage: {data: {mount: /data}}}
profiles:
  compute:
    web:
      resources:
        cpu: {units: 1}
        memory: {size: 64Mi}
        storage: [{size: 64Mi}, {name: data, size: 1Gi, attributes: {persistent: true, class: beta3}}]
  placement: {here: {pricing: {web: {denom: uact, amount: 10000}}}}
deployment: {web: {here: {profile: web, count: 1}}}
"""


def test_a_tenant_comes_back_to_their_data(
    akp: Callable[..., Any], in_town: Callable[..., Any], tmp_path: Path
) -> None:
    config = tmp_path / "akp.yaml"

    async def live() -> None:
        async with in_town(compiled=compile_sdl(SDL)) as town:
            kept = town.net.settings.cluster.model_copy(update={"retain_volumes_h": 1})
            town.net = replace(town.net, settings=town.net.settings.model_copy(update={"cluster": kept}))

            async def ask(*args: str) -> Any:
                return await asyncio.to_thread(akp, "volumes", *args, "--config", config)

            async def listed() -> list[Any]:
                return json.loads((await ask("list", "-o", "json")).out)  # type: ignore[no-any-return]

            async with living(town.net):
                assert await listed() == []
                await town.life(7).run()
                (first,) = await listed()
                assert (first["claim"], first["phase"]) == ("web-data-web-0", "Released")
                assert first["lease"] == str(town.our_lease(7))

                said: dict[str, Any] = {}

                async def given(entry: dict[str, Any]) -> None:
                    if entry["step"] == "lease":
                        said["given"] = await ask("release", first["volume"], str(town.our_lease(8)))
                    if entry["step"] == "ready":
                        said["late"] = await ask("release", first["volume"], str(town.our_lease(8)))
                        said["used"] = await ask("delete", first["volume"])
                        claims = await town.net.kube.all(PERSISTENT_VOLUME_CLAIM, lease_namespace(town.our_lease(8)))
                        said["volume"] = [claim["spec"]["volumeName"] for claim in claims]

                await town.life(8, on_step=given).run()
                assert (said["given"].code, said["volume"]) == (0, [first["volume"]])
                assert (said["late"].code, said["used"].code) == (1, 1)
                assert "in use by" in said["used"].err
                (again,) = await listed()
                assert (again["volume"], again["phase"]) == (first["volume"], "Released")
                assert again["lease"] == str(town.our_lease(8))
                assert (await ask("delete", first["volume"])).code == 0
                assert await town.net.kube.all(PERSISTENT_VOLUME) == []

    asyncio.run(live())
    assert akp("volumes", "release", "v", "7", "--config", config).code == 2
