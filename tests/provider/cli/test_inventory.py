"""`akp inventory` over machines from a file; over a cluster in test_ground.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from manifests.gpus import GpuModel
from provider.cli.inventory import unsold, why_not
from provider.cluster.inventory.survey import GpuReport, NodeReport

T4 = GpuModel("nvidia", "t4")
FILE = """
nodes:
  - {name: gpu, count: 2, cpu: 32, memory: 256Gi, ephemeral: 1Ti, gpus: {nvidia/h100/80Gi/sxm: 4}, classes: [beta3]}
  - {name: cpu, cpu: 8, memory: 64Gi, ephemeral: 1Ti}
storage: {beta3: 1Ti}
nodePorts: 2
"""


@pytest.fixture
def nodes(tmp_path: Path) -> Path:
    path = tmp_path / "nodes.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture
def ask(akp: Callable[..., Any], nodes: Path) -> Callable[..., Any]:
    return lambda *args: akp("inventory", *args, "--nodes", nodes)


def test_nodes(ask: Callable[..., Any]) -> None:
    said = ask("nodes", "-o", "json")
    assert said.code == 0
    assert "3 nodes:" in said.err
    first, _, last = json.loads(said.out)
    assert (first["node"], first["cpu"], first["gpus"]) == ("gpu-1", "32 of 32", {"nvidia/h100/80Gi/sxm": "4 of 4"})
    assert (last["node"], last["memory"], last["not_sold"]) == ("cpu", "64 GiB of 64 GiB", "")
    assert "nvidia/h100/80Gi/sxm 4 of 4" in ask("nodes").out


def test_gpus(ask: Callable[..., Any]) -> None:
    (row,) = json.loads(ask("gpus", "-o", "json").out)
    assert (row["card"], row["total"], row["free"]) == ("nvidia/h100/80Gi/sxm", 8, 8)
    assert row["nodes"] == ["gpu-1", "gpu-2"]


@pytest.mark.parametrize(
    ("what", "placed"),
    [
        ("4xh100,16cpu,64Gi", [("gpu-1", 1)]),
        ("2*3xh100,16cpu", [("gpu-1", 1), ("gpu-2", 1)]),
        ("1cpu,1Gi", [("cpu", 1)]),
        ("1cpu,1Gi,100Gi:beta3", [("gpu-1", 1)]),
        ("12*1cpu", [("cpu", 8), ("gpu-1", 4)]),
    ],
)
def test_what_fits(ask: Callable[..., Any], what: str, placed: list[tuple[str, int]]) -> None:
    said = ask("fit", what, "-o", "json")
    assert said.code == 0
    rows = json.loads(said.out)
    assert [(row["node"], row["replicas"]) for row in rows] == placed
    assert all(row["fits"] for row in rows)


@pytest.mark.parametrize(
    ("what", "code", "words"),
    [
        ("5xh100,1cpu", "skip.capacity.node_fit", ""),
        ("9xh100", "skip.capacity.gpu_model", "8 of"),
        ("1xa100", "skip.capacity.gpu_model", "no node has a card"),
        ("1cpu,2Ti:beta3", "skip.capacity.storage_class", "1 TiB are free"),
        ("1cpu,1Gi:beta9", "skip.capacity.storage_class", "beta9"),
        ("100cpu", "skip.capacity.aggregate", "72000"),
        ("1cpu,3port", "skip.capacity.nodeport", "2 are free"),
        ("1cpu,1ip", "skip.capacity.ip", "0 are free"),
    ],
)
def test_what_does_not_fit_says_why_and_has_its_exit_code(
    ask: Callable[..., Any], what: str, code: str, words: str
) -> None:
    said = ask("fit", what, "-o", "json")
    assert said.code == 1
    (row,) = json.loads(said.out)
    assert (row["fits"], row["code"]) == (False, code)
    assert words in row["detail"]


def test_what_cannot_be_read_is_a_usage_error(ask: Callable[..., Any]) -> None:
    said = ask("fit", "two h100")
    assert said.code == 2
    assert "akp: WHAT: 'two h100' is no part of an order" in said.err


def test_how_scattered_free_cards_are(ask: Callable[..., Any]) -> None:
    (row,) = json.loads(ask("frag", "-o", "json").out)
    assert row == {
        "card": "nvidia/h100/80Gi/sxm", "cards": 8, "free": 8, "largest": 4, "scattered_percent": 0, "stranded": 0,
    }  # fmt: skip


def test_the_packing_of_the_settings_counts(akp: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text("nodes: [{name: n, cpu: 8, memory: 1Ti, ephemeral: 1Ti, gpus: {nvidia/t4: 8}}]\n")
    asked = ("inventory", "fit", "2cpu,1Gi", "--nodes", tmp_path / "n.yaml", "-o", "json")
    assert akp(*asked).code == 0
    (tmp_path / "akp.yaml").write_text('{"bid": {"packing": "protect-gpu"}}')
    said = akp(*asked, "--config", tmp_path / "akp.yaml")
    assert said.code == 1
    assert json.loads(said.out)[0]["code"] == "skip.capacity.cpu_on_gpu_node"


def test_without_gpus_there_is_nothing_to_show(akp: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text("nodes: [{name: n, cpu: 1, memory: 1Gi, ephemeral: 1Gi}]\n")
    for command in ("gpus", "frag"):
        said = akp("inventory", command, "--nodes", tmp_path / "n.yaml")
        assert (said.code, said.out) == (0, "")
        assert "no node has a GPU" in said.err


def test_without_a_file_it_is_the_sandboxs(akp: Callable[..., Any]) -> None:
    said = akp("inventory", "gpus", "-o", "json")
    assert "the sandbox's" in said.err
    assert "nvidia/h100/80Gi/sxm" in [row["card"] for row in json.loads(said.out)]


@pytest.mark.parametrize(
    ("node_why", "gpu", "row"),
    [
        ("", GpuReport("nvidia.com/gpu", T4, 8, 8), None),
        ("", GpuReport("nvidia.com/gpu", T4, 6, 8), ("nvidia/t4", 2, "2 of 8 are sick, the others are sold")),
        ("cordoned", GpuReport("nvidia.com/gpu", T4, 8, 8), ("nvidia/t4", 8, "cordoned")),
        ("", GpuReport("nvidia.com/gpu", None, 0, 4, "no plugin"), ("nvidia.com/gpu", 4, "no plugin")),
    ],
    ids=["all sold", "two are sick", "the node is not sold", "no model"],
)
def test_cards_that_are_not_sold_are_listed_with_the_reason(
    node_why: str, gpu: GpuReport, row: tuple[str, int, str] | None
) -> None:
    found = unsold([NodeReport("n", node_why, (gpu,))])
    assert [(r["card"], r["total"], r["not_sold"]) for r in found] == ([row] if row is not None else [])


@pytest.mark.parametrize(
    ("report", "says"),
    [
        (NodeReport("n", "", ()), ""),
        (NodeReport("n", "cordoned", ()), "cordoned"),
        (NodeReport("n", "", (), "taint gpu"), "without GPUs: taint gpu"),
    ],
    ids=["sold", "not at all", "with its GPUs only"],
)
def test_why_a_node_is_not_sold_or_not_without_its_gpus(report: NodeReport, says: str) -> None:
    assert why_not([report], ["n"]) == {"n": says}
    assert why_not([], ["a machine of a file"]) == {"a machine of a file": ""}
