"""Machines from a file: what is written, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from manifests.gpus import GpuModel
from provider.cli.nodesfile import read_nodes
from provider.errors import ConfigError

FILE = """
nodes:
  - {name: big, count: 2, cpu: 128, memory: 1Ti, ephemeral: 4Ti, gpus: {nvidia/h100/80Gi/sxm: 8}, classes: [beta3]}
  - {name: small, cpu: 500m, memory: 128Gi, ephemeral: 1Ti, pods: 20}
storage: {beta3: 20Ti}
nodePorts: 7
leasedIPs: 4
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "nodes.yaml"
    path.write_text(text)
    return path


def test_what_is_written(tmp_path: Path) -> None:
    found = read_nodes(written(tmp_path, FILE))
    first, second, small = found.nodes
    assert (first.name, second.name, small.name) == ("big-1", "big-2", "small")
    assert (first.cpu_milli, first.memory_bytes, first.ephemeral_bytes, first.pods) == (128_000, 1 << 40, 4 << 40, 110)
    assert first.gpus == {GpuModel("nvidia", "h100", "80Gi", "sxm"): 8}
    assert first.gpus is not second.gpus
    assert first.classes == {"beta3"}
    assert (small.cpu_milli, small.pods, small.gpus) == (500, 20, {})
    assert (found.storage_bytes, found.node_ports, found.leased_ips) == ({"beta3": 20 << 40}, 7, 4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nodes: [", "not YAML"),
        ("", "valid dictionary"),
        ("nodes: []", "nodes: "),
        ("nodes: [{name: a, cpu: 1, memory: 1Gi}]", "nodes.0.ephemeral: Field required"),
        ("nodes: [{name: a, cpus: 1, cpu: 1, memory: 1Gi, ephemeral: 1Gi}]", "nodes.0.cpus: Extra inputs"),
        ("nodes: [{name: a, cpu: 1, memory: 1GB, ephemeral: 1Gi}]", "nodes.0.memory: '1GB' is not a"),
        ("nodes: [{name: a, cpu: -1, memory: 1Gi, ephemeral: 1Gi}]", "nodes.0.cpu: "),
        ("nodes: [{name: a, cpu: 1, memory: 1Gi, ephemeral: 1Gi, gpus: {h100: 8}}]", "nodes.0.gpus: a card is written"),
        ("nodes: [{name: a, cpu: 1, memory: 1Gi, ephemeral: 1Gi, gpus: {nvidia/h100: 1.5}}]", "nodes.0.gpus"),
        ("nodes: [{name: a, cpu: 1, memory: 1Gi, ephemeral: 1Gi}, {name: a, cpu: 1, memory: 1Gi, ephemeral: 1Gi}]",
         "two nodes are named a"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as bad:
        read_nodes(written(tmp_path, text))
    assert words in str(bad.value)
    assert str(tmp_path / "nodes.yaml") in str(bad.value)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_nodes(tmp_path / "none.yaml")
