"""`akp discover` on a machine made of files; what becomes of its labels in tests/provider/cluster/discovery."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from provider.cluster.api.kinds import NODE
from provider.cluster.api.kube import Kube
from provider.sandbox.cluster.embedded import EmbeddedCluster
from provider.sandbox.cluster.nodes import NodeSpec
from provider.settings import ClusterSettings
from tests.provider.cluster.discovery.sysfs import Machine
from tests.provider.cluster.following import furnish

LABEL = "discovery.akash.network/pci-10de_2330"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    for bus in ("17", "65"):
        made.put(f"0000:{bus}:00.0", "10de:2330", driver="nvidia")
    return made


def here(machine: Machine) -> tuple[str, ...]:
    return ("--sys", str(machine.sys), "--proc", str(machine.proc))


def test_a_dry_run_shows_the_labels_and_asks_no_cluster(akp: Callable[..., Any], machine: Machine) -> None:
    said = akp("discover", "--dry-run", *here(machine), "-o", "json")
    assert said.code == 0
    assert json.loads(said.out) == [{"label": LABEL, "value": "2"}]
    for bus in ("17", "65"):
        machine.pull(f"0000:{bus}:00.0")
    assert akp("discover", "--dry-run", *here(machine)).err == "no card is in this machine\n"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        pytest.param((), "--node: which node this is has to be said. Give its name, or set NODE_NAME.", id="no node"),
        pytest.param(("--node", "n", "--kubeconfig", "nowhere"), "readable kubeconfig", id="no kubeconfig"),
        pytest.param(("--dry-run", "--sys", "nowhere"), "Mount the node's /sys there.", id="no /sys"),
    ],
)
def test_what_is_missing_is_told(
    akp: Callable[..., Any], machine: Machine, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], words: str
) -> None:
    monkeypatch.delenv("NODE_NAME", raising=False)
    said = akp("discover", *here(machine), *args)
    assert said.code == 2
    assert words in said.err


async def test_once_labels_the_node_and_ends(akp: Callable[..., Any], machine: Machine) -> None:
    async with EmbeddedCluster((NodeSpec("n"),)) as cluster:
        where = ("--kubeconfig", str(cluster.kubeconfig), "--node", "n", "--once")
        said = await asyncio.to_thread(akp, "discover", *here(machine), *where)
        assert said.code == 0
        assert await labels(cluster) == {LABEL: "2"}
        cluster.faults.fail_next(status=403, method="PATCH")
        machine.pull("0000:17:00.0")
        said = await asyncio.to_thread(akp, "discover", *here(machine), *where)
        assert (said.code, said.err.count("\n")) == (1, 1)
        assert "PATCH /api/v1/nodes/n" in said.err


async def test_then_the_inventory_sells_its_cards(akp: Callable[..., Any], machine: Machine, tmp_path: Path) -> None:
    offers = NodeSpec("n", gpus=2, labels={"akash.network": "true"})
    async with EmbeddedCluster((offers,)) as cluster, Kube.connect(at(cluster)) as kube:
        await furnish(kube)
        config = tmp_path / "akp.yaml"
        config.write_text(json.dumps({"cluster": {"kubeconfig": str(cluster.kubeconfig), "gpu_runtime_class": ""}}))
        look = ("--cluster-only", "--config", config, "-o", "json")

        async def ask(*args: str) -> tuple[int, Any]:
            said = await asyncio.to_thread(akp, "inventory", *args, *look)
            return said.code, json.loads(said.out)

        code, (row,) = await ask("gpus")
        assert (code, row["card"], row["free"]) == (0, "nvidia.com/gpu", 0)
        assert "`akp discover`" in row["not_sold"]
        assert (await ask("fit", "2xh100,1cpu,1Gi"))[0] == 1

        await asyncio.to_thread(
            akp, "discover", *here(machine), "--kubeconfig", str(cluster.kubeconfig), "--node", "n", "--once"
        )
        code, (row,) = await ask("gpus")
        assert (code, row["card"], row["free"], row["not_sold"]) == (0, "nvidia/h100/80Gi/sxm", 2, "")
        code, (place,) = await ask("fit", "2xh100,1cpu,1Gi")
        assert (code, place["node"], place["card"]) == (0, "n", "nvidia/h100/80Gi/sxm")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_keeps_the_labels_right_until_it_is_told_to_stop(
    machine: Machine, number: signal.Signals, until: Callable[..., Awaitable[Any]]
) -> None:
    async with EmbeddedCluster((NodeSpec("n"),)) as cluster:
        command = (sys.executable, "-m", "provider", "discover", "--every", "1", *here(machine))
        environment = {**os.environ, "NODE_NAME": "n"}
        process = await asyncio.create_subprocess_exec(
            *command, "--kubeconfig", str(cluster.kubeconfig), env=environment, stderr=asyncio.subprocess.PIPE
        )
        try:
            await until("its cards are told", lambda: said(cluster, {LABEL: "2"}))
            machine.pull("0000:17:00.0")
            await until("that one is gone", lambda: said(cluster, {LABEL: "1"}))
            process.send_signal(number)
            _, err = await process.communicate()
            assert process.returncode == 0
            assert [json.loads(line)["event"] for line in err.splitlines()] == ["node labelled", "node labelled"]
            assert await labels(cluster) == {LABEL: "1"}, "they stay: it is only started anew"
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()


def at(cluster: EmbeddedCluster) -> ClusterSettings:
    return ClusterSettings(kubeconfig=cluster.kubeconfig)


async def labels(cluster: EmbeddedCluster) -> dict[str, str]:
    async with Kube.connect(at(cluster)) as kube:
        found = (await kube.get(NODE, None, "n"))["metadata"]["labels"]
        return {key: value for key, value in found.items() if "discovery" in key}


async def said(cluster: EmbeddedCluster, wanted: dict[str, str]) -> bool:
    return await labels(cluster) == wanted
