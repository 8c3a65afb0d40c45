"""What a node of the stand-in says of itself."""

from __future__ import annotations

from provider.sandbox.cluster.nodes import DEFAULT_NODES, NodeSpec


def test_room_is_said_in_the_units_of_quantities() -> None:
    status = NodeSpec("n", cpu_milli=1500, memory_bytes=1 << 30, ephemeral_bytes=7, gpus=2, pods=5).object()["status"]
    assert status["allocatable"] == {
        "cpu": "1500m",
        "memory": "1073741824",
        "ephemeral-storage": "7",
        "pods": "5",
        "nvidia.com/gpu": "2",
    }
    assert status["capacity"] == status["allocatable"]


def test_gpus_are_of_the_resource_asked_for_or_not_there() -> None:
    assert "nvidia.com/gpu" not in NodeSpec("n").object()["status"]["allocatable"]
    room = NodeSpec("n", gpus=1, gpu_resource="amd.com/gpu").object()["status"]["allocatable"]
    assert {name: amount for name, amount in room.items() if "gpu" in name} == {"amd.com/gpu": "1"}


def test_labels_add_to_the_usual_ones_and_win() -> None:
    labels = NodeSpec("n", labels={"zone": "eu", "kubernetes.io/arch": "arm64"}).object()["metadata"]["labels"]
    assert labels == {
        "kubernetes.io/hostname": "n",
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "arm64",
        "zone": "eu",
    }


def test_the_default_cluster_offers_gpus_with_their_model() -> None:
    """A node with GPUs and no model label could not be bid on; one without GPUs must not have the label."""
    for spec in DEFAULT_NODES:
        models = [name for name in spec.object()["metadata"]["labels"] if ".model." in name]
        assert bool(models) is bool(spec.gpus)
    assert sum(spec.gpus for spec in DEFAULT_NODES) == 8
