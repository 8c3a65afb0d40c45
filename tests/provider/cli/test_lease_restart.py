"""`akp leases restart` beside a running daemon."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from manifests.ids import lease_namespace
from provider.cluster.api.kinds import DEPLOYMENT, POD
from provider.cluster.api.marks import RESTARTED
from provider.sandbox.town import living


def test_the_pods_of_a_service_are_replaced_once(
    akp: Callable[..., Any], in_town: Callable[..., Any], tmp_path: Path, until: Any
) -> None:
    config = tmp_path / "akp.yaml"
    said: dict[str, Any] = {}

    async def live() -> None:
        async with in_town() as town, living(town.net):
            kube, namespace = town.net.kube, lease_namespace(town.our_lease())

            async def pods() -> set[str]:
                return {pod["metadata"]["uid"] for pod in await kube.all(POD, namespace)}

            async def ask(entry: dict[str, Any]) -> None:
                if entry["step"] != "ready":
                    return
                before = await pods()
                for service in ("nosuch", "web"):
                    args = ("leases", "restart", "7", service, "--config", config)
                    said[service] = await asyncio.to_thread(akp, *args)

                async def replaced() -> bool:
                    now = await pods()
                    return bool(now) and not now & before

                await until("the pods are others", replaced)
                (found,) = await kube.all(DEPLOYMENT, namespace)
                assert RESTARTED in found["spec"]["template"]["metadata"]["annotations"]

            await town.life(on_step=ask).run()

    asyncio.run(live())
    assert (said["nosuch"].code, said["web"].code) == (1, 0)
    assert "has no service nosuch" in said["nosuch"].err
    assert "is being restarted" in said["web"].err
