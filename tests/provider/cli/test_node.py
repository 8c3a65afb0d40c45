"""`akp node` beside a running daemon in the sandbox: a node is emptied, its lease moves, and it is put back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from manifests.ids import lease_namespace
from manifests.sdl import compile_sdl
from provider.cluster.api.kinds import NODE, PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, POD
from provider.cluster.objects.emptying import uncordon
from provider.sandbox.town import living

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


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


def test_a_pod_stays_with_its_disk_and_no_key_is_needed_to_look(
    akp: Callable[..., Any], in_town: Callable[..., Any], tmp_path: Path
) -> None:
    config, keyless, owned = tmp_path / "akp.yaml", tmp_path / "keyless.yaml", tmp_path / "owned.yaml"
    compiled = compile_sdl((EXAMPLES / "03-persistent-storage.yaml").read_bytes())
    said: dict[str, Any] = {}

    async def live() -> None:
        async with in_town(compiled, asked=compiled.groups) as town, living(town.net):
            kube = town.net.kube
            settings = {k: v for k, v in json.loads(config.read_text()).items() if k != "key"}
            keyless.write_text(json.dumps(settings))
            owned.write_text(json.dumps({**settings, "key": {"owner": town.our_lease().provider}}))

            async def on(entry: dict[str, Any]) -> None:
                if entry["step"] != "ready":
                    return
                namespace = lease_namespace(town.our_lease())
                (claim,) = await kube.all(PERSISTENT_VOLUME_CLAIM, namespace)
                (pod,) = [p for p in await kube.all(POD, namespace) if p["spec"].get("volumes")]
                name, node = pod["metadata"]["name"], pod["spec"]["nodeName"]
                here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
                term = {"nodeSelectorTerms": [{"matchExpressions": [here]}]}
                change = {"spec": {"nodeAffinity": {"required": term}}}
                await kube.patch(PERSISTENT_VOLUME, None, claim["spec"]["volumeName"], change)

                async def ask(what: str, *args: str | Path) -> None:
                    said[what] = await asyncio.to_thread(akp, "node", "drain", node, *args)

                await ask("keyless", "--config", keyless, "--dry-run", "-o", "json")
                await ask("owned", "--config", owned, "--dry-run", "-o", "json")
                await ask("drain", "--config", keyless)
                assert [
                    p["metadata"]["uid"] for p in await kube.all(POD, namespace) if p["metadata"]["name"] == name
                ] == [pod["metadata"]["uid"]]
                await ask("all", "--config", keyless, "--all")
                assert pod["metadata"]["uid"] not in {
                    p["metadata"]["uid"]
                    for p in await kube.all(POD, namespace)
                    if "deletionTimestamp" not in p["metadata"]
                }
                said.update(pod=f"{namespace}/{name}", node=node, claim=claim["metadata"]["name"])
                await uncordon(kube, node)

            await town.life(on_step=on).run()

    asyncio.run(live())
    assert {name: said[name].code for name in ("keyless", "owned", "drain", "all")} == {
        "keyless": 1, "owned": 1, "drain": 1, "all": 0,
    }  # fmt: skip
    why = f"{said['pod']} has volumes that are reached from {said['node']} alone"
    for name in ("keyless", "owned", "drain"):
        assert why in said[name].err
        assert f"({said['claim']})" in said[name].err
    (keyless_row,), (owned_row,) = json.loads(said["keyless"].out), json.loads(said["owned"].out)
    assert keyless_row["stuck"] == owned_row["stuck"] == 1
    assert keyless_row["per_day"] is None
    assert float(owned_row["per_day"]["amount"]) > 0
    assert "chain not known" in said["keyless"].err
    assert "chain not known" not in said["owned"].err
    assert "at stake a day" in said["owned"].err
