"""`akp node` beside a running daemon in the sandbox: a node is emptied, its lease moves, and it is put back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from manifests.ids import lease_namespace
from provider.cluster.api.kinds import NODE, POD
from provider.sandbox.town import living


def test_a_lease_moves_off_its_node_and_the_node_comes_back(
    akp: Callable[..., Any], in_town: Callable[..., Any], tmp_path: Path, until: Any
) -> None:
    config = tmp_path / "akp.yaml"
    said: dict[str, Any] = {}

    async def live() -> None:
        async with in_town() as town, living(town.net):
            kube, namespace = town.net.kube, lease_namespace(town.our_lease())

            async def where() -> str:
                pods = [p for p in await kube.all(POD, namespace) if "deletionTimestamp" not in p["metadata"]]
                return str(pods[0]["spec"].get("nodeName", "")) if len(pods) == 1 else ""

            async def ask(name: str, *args: str) -> None:
                said[name] = await asyncio.to_thread(akp, "node", *args, "--config", config)

            async def on(entry: dict[str, Any]) -> None:
                if entry["step"] != "ready":
                    return
                node = await where()
                await ask("dry", "drain", node, "--dry-run", "-o", "json")
                assert not (await kube.get(NODE, None, node))["spec"].get("unschedulable")
                await ask("drain", "drain", node)

                async def moved() -> bool:
                    return await where() not in ("", node)

                await until("the pod is on another node", moved)
                await ask("again", "drain", node)
                await ask("back", "uncordon", node)
                assert not (await kube.get(NODE, None, node))["spec"].get("unschedulable")
                await ask("nosuch", "drain", "nosuch")

            await town.life(on_step=on).run()
            said["lease"] = town.our_lease()

    asyncio.run(live())
    assert {name: said[name].code for name in ("dry", "drain", "again", "back", "nosuch")} == {
        "dry": 0, "drain": 0, "again": 0, "back": 0, "nosuch": 2,
    }  # fmt: skip
    (row,) = json.loads(said["dry"].out)
    assert (row["lease"], row["replicas"], row["stuck"]) == (str(said["lease"]), 1, 0)
    assert sum(row["goes_to"].values()) == 1
    assert float(row["per_day"]["amount"]) > 0
    assert "nothing is sold on it" in said["drain"].err
    assert "no lease has a pod" in said["again"].err
    assert "the cluster has no node nosuch" in said["nosuch"].err
