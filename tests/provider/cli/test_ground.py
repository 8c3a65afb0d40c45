"""A live provider looked at from outside: its daemon runs in the sandbox, the commands only look."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bidengine.reasons import Decline
from manifests.coins import Coin
from manifests.gpus import GpuModel
from manifests.ids import OrderID
from manifests.sdl import compile_sdl
from provider.cli.ground import glimpse, ground, room_ground
from provider.cli.imagined import sandbox_inventory
from provider.cli.recording import recorded_from_chain
from provider.cluster.api.kinds import NODE, RUNTIME_CLASS
from provider.cluster.inventory.nodes import MARK
from provider.sandbox.town import living

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
GPU = compile_sdl((EXAMPLES / "04-gpu.yaml").read_bytes())
BLOCK_S = 6.0
DEPOSIT = Coin("uact", 50_000_000)
A100 = GpuModel("nvidia", "a100", "80Gi", "sxm")


async def bid_of(town: Any, until: Callable[..., Any]) -> Any:
    async def look() -> Any:
        order = OrderID(town.net.tenant.key.address, 7, 1, 1)
        return await town.net.chain.latest.bids_on(order)

    (bid,) = await until("a bid", look)
    return bid


async def labelled(town: Any) -> bool:
    return all(MARK in node["metadata"].get("labels", {}) for node in await town.net.kube.all(NODE))


async def test_what_is_promised_is_taken_off(in_town: Callable[..., Any], until: Any, tmp_path: Path) -> None:
    """An A100 is promised to a bid; a person who only looks sees seven, and may change nothing."""
    config = tmp_path / "akp.yaml"
    async with in_town(GPU, asked=GPU.groups, chain_block_s=BLOCK_S) as town, living(town.net):
        await town.net.tenant.post(town.compiled, 7, DEPOSIT)
        bid = await bid_of(town, until)

        await until("every node is labelled, so that all of them are sold", partial(labelled, town))
        async with ground(config) as on:
            assert on.inventory.nodes == tuple(sorted(sandbox_inventory().nodes, key=lambda node: node.name))
            assert sum(node.gpus.get(A100, 0) for node in on.room.free().nodes) == 7
            assert {node.name: node.why_not for node in on.nodes} == {node.name: "" for node in on.inventory.nodes}
            assert on.block_time_ms == 6000
            assert any("1 bids, 0 leases" in line for line in on.told)
        async with room_ground(config, None, cluster_only=True) as on:
            assert sum(node.gpus.get(A100, 0) for node in on.room.free().nodes) == 8
            assert on.judge is None
            assert on.told[-1] == "bids that wait for an answer: left out (--cluster-only)"
        (found,) = await recorded_from_chain(config)
        assert (found.order.id, found.outcome, found.our_price) == (bid.id.order, "", bid.price)
        await town.net.tenant.lease(bid.id)

        async def leased() -> bool:
            (one,) = await recorded_from_chain(config)
            return one.winner == town.net.provider.address

        await until("the lease", leased)
        (found,) = await recorded_from_chain(config)
        assert (found.outcome, found.winner_price, found.lease_blocks) == ("won", bid.price, None)
        await town.net.tenant.close(7)

        async def over() -> bool:
            return not await recorded_from_chain(config)

        await until("the order is over", over)
        (found,) = await recorded_from_chain(config, closed=True)
        assert found.lease_blocks is not None
        head = await town.net.chain.head()
        created = head.time_unix_ns / 1e9 - (head.height - found.order.created_at) * BLOCK_S
        assert abs(found.time_unix_s - created) <= 2


async def test_without_the_chain_room_is_still_shown_and_the_lack_told(
    in_town: Callable[..., Any], tmp_path: Path
) -> None:
    config = tmp_path / "akp.yaml"
    async with in_town():
        values = json.loads(config.read_text())
        values["chain"]["nodes"] = [{"rpc": "http://127.0.0.1:1", "grpc": "http://127.0.0.1:1"}]
        config.write_text(json.dumps(values))
        async with room_ground(config, None, cluster_only=False) as on:
            assert on.nodes
            assert "not known, the chain cannot be reached" in on.told[-1]


async def test_a_runtime_class_that_is_not_there_is_told(
    in_town: Callable[..., Any], until: Any, tmp_path: Path
) -> None:
    async with in_town(GPU, asked=GPU.groups) as town, living(town.net):
        await until("every node is labelled", partial(labelled, town))
        await town.net.kube.delete(RUNTIME_CLASS, None, "nvidia")
        async with room_ground(tmp_path / "akp.yaml", None, cluster_only=True) as on:
            assert on.told[1].startswith("not sold: the cluster has no RuntimeClass 'nvidia'")
            no = on.room.fit(GPU.groups[0])
            assert isinstance(no, Decline)
            assert no.code == "skip.capacity.runtime_class"


async def test_looking_labels_no_node(in_town: Callable[..., Any], tmp_path: Path) -> None:
    async with in_town() as town:
        before = await town.net.kube.all(NODE)
        async with glimpse(town.net.settings.cluster) as cluster:
            await asyncio.sleep(0.2)
            assert {node.why_not for node in cluster.nodes()} == {"its label akash.network=true is not there yet"}
            assert cluster.inventory().nodes == ()
        assert await town.net.kube.all(NODE) == before


def test_the_commands_over_a_cluster(akp: Callable[..., Any], in_town: Callable[..., Any], tmp_path: Path) -> None:
    config = tmp_path / "akp.yaml"

    async def live() -> list[Any]:
        async with in_town() as town, living(town.net):
            return [
                await asyncio.to_thread(akp, *args, "--config", config, "-o", "json")
                for args in (
                    ("inventory", "nodes"), ("inventory", "gpus"), ("inventory", "frag"),
                    ("inventory", "fit", "2xh100,16cpu,64Gi"), ("inventory", "fit", "9xh100"),
                )
            ]  # fmt: skip

    nodes, gpus, frag, fits, fits_not = asyncio.run(live())
    assert [said.code for said in (nodes, gpus, frag, fits, fits_not)] == [0, 0, 0, 0, 1]
    machines = len(sandbox_inventory().nodes)
    assert f"cluster: {machines} nodes, {machines} of them sold" in nodes.err
    assert len(json.loads(nodes.out)) == machines
    assert {"nvidia/h100/80Gi/sxm", "amd/mi300x/192Gi"} <= {row["card"] for row in json.loads(gpus.out)}
    assert {row["free"] for row in json.loads(gpus.out) if row["card"].endswith("sxm")} == {8}
    assert {row["scattered_percent"] for row in json.loads(frag.out)} == {0.0}
    assert json.loads(fits.out)[0]["node"] == "gpu-h100"
    assert json.loads(fits_not.out)[0]["code"] == "skip.capacity.gpu_model"


def test_an_unreachable_cluster_is_told_with_its_exit_code(akp: Callable[..., Any], tmp_path: Path) -> None:
    kubeconfig = {
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "users": [{"name": "x", "user": {}}],
    }  # fmt: skip
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    (tmp_path / "akp.yaml").write_text(json.dumps({"cluster": {"kubeconfig": str(tmp_path / "kubeconfig")}}))
    for command in (("inventory", "nodes"), ("price", "explain", "--sdl", EXAMPLES / "01-web.yaml")):
        said = akp(*command, "--config", tmp_path / "akp.yaml")
        assert (said.code, said.out) == (3, ""), said.err
        assert "127.0.0.1" in said.err
