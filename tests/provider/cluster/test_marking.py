"""Nodes get the labels that the scheduler finds them by."""

from __future__ import annotations

import asyncio

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
