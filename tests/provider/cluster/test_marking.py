"""Nodes get the labels that the scheduler finds them by."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from provider.cluster.api import kinds
from provider.errors import Refused

from .conftest import Memory, real_node
from .samples import (
    A100,
    node,
    watched,
)

pytestmark = pytest.mark.looptime


async def test_a_fresh_cluster_gets_its_nodes_marked_and_then_has_room(memory: Memory) -> None:
    memory.put(node())
    async with watched(memory) as cluster:
        assert cluster.inventory().nodes == (), "not before the scheduler could find it"
        await asyncio.sleep(2)
        assert memory.done == ["apply nodes/n1"]
        (found,) = cluster.inventory().nodes
        assert (found.name, found.cpu_milli) == ("n1", 8000)
        await asyncio.sleep(600)
        assert memory.done == ["apply nodes/n1"], "and is then left alone"


async def test_a_node_that_cannot_be_marked_is_tried_again(memory: Memory) -> None:
    memory.put(node())
    memory.trouble["apply nodes/n1"] = Refused("nodes is forbidden")
    async with watched(memory) as cluster:
        await asyncio.sleep(30)
        assert cluster.inventory().nodes == ()
        await asyncio.sleep(60)
        assert len(cluster.inventory().nodes) == 1


async def test_go_4_a_node_that_is_quiet_after_start_is_labelled_and_sold(memory: Memory) -> None:
    """The reference labels on events of the node alone (go-baseline.md, defect 4)."""
    memory.put(real_node("gpu-operator-a100"))
    async with watched(memory) as cluster:
        await asyncio.sleep(2)
        (found,) = cluster.inventory().nodes
        assert found.gpus == {A100: 8}
        labels = (await memory.get(kinds.NODE, None, "a100-1"))["metadata"]["labels"]
        assert labels["akash.network/capabilities.gpu.vendor.nvidia.model.a100"] == "8"


async def test_labels_that_somebody_takes_away_each_time_are_put_back_less_and_less_often(memory: Memory) -> None:
    """As the Go provider's inventory operator does, where it was left running."""
    memory.put(node("n1"))
    memory.put(node("n2"))
    written: list[tuple[float, str]] = []
    apply = memory.apply

    async def undone(obj: dict[str, Any], **more: Any) -> dict[str, Any]:
        out = await apply(obj, **more)
        written.append((asyncio.get_running_loop().time(), obj["metadata"]["name"]))
        if obj["metadata"]["name"] == "n1":
            memory.put({**out, "metadata": {**out["metadata"], "labels": {}, "managedFields": []}})
            asyncio.get_running_loop().create_task(memory.tell())
        return out

    memory.apply = undone  # type: ignore[method-assign]
    async with watched(memory) as cluster:
        await asyncio.sleep(3600)
        assert [name for _, name in written].count("n1") <= 12
        assert [found.name for found in cluster.inventory().nodes] == ["n2"]
        labelled = await memory.get(kinds.NODE, None, "n2")
        memory.put({**labelled, "metadata": {**labelled["metadata"], "labels": {}, "managedFields": []}})
        await memory.tell()
        await asyncio.sleep(2)
        assert [found.name for found in cluster.inventory().nodes] == ["n2"], "the first time it is put back at once"
        await asyncio.sleep(86_400)
        waits = [b - a for (a, _), (b, _) in pairwise(one for one in written if one[1] == "n1")]
        assert max(waits) <= 3600 + 60, "never given up"

        before = len(written)
        memory.drop(kinds.NODE, "", "n1")
        await memory.tell()
        memory.put({**node("n1"), "metadata": {"name": "n1", "uid": "another"}})
        await memory.tell()
        await asyncio.sleep(2)
        assert [name for _, name in written[before:]] == ["n1"] * 2, "a machine put anew is another node"
