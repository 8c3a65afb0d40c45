from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from structlog.testing import capture_logs

from manifests.gpus import GpuModel
from provider.cluster.inventory.notices import Notices
from provider.cluster.inventory.survey import UNMARKED, GpuReport, NodeReport

A100 = GpuModel("nvidia", "a100")


class Ear:
    """Lines of the log as short texts, of one look after the other."""

    def __init__(self) -> None:
        self.notices = Notices()

    def hears(self, *nodes: NodeReport, runtimes: Mapping[str, str] | None = None, **classes: str) -> list[str]:
        with capture_logs() as lines:
            self.notices.look(nodes, classes, runtimes or {})
        return [" ".join(str(v) for k, v in line.items() if k not in ("log_level",)) for line in lines]


def node(why: str = "", *gpus: GpuReport) -> NodeReport:
    return NodeReport("n1", why, gpus)


def gpu(offered: int = 8, why: str = "", model: Any = A100, unlisted: str = "") -> GpuReport:
    return GpuReport("nvidia.com/gpu", model, offered, 8, why, unlisted)


def test_each_change_is_one_line() -> None:
    ear = Ear()
    assert ear.hears(node()) == []
    assert ear.hears(node("cordoned")) == ["n1 cordoned not sold"]
    assert ear.hears(node("cordoned")) == []
    assert ear.hears(node("taint x")) == ["n1 taint x not sold"]
    assert ear.hears(node()) == ["n1 sold again"]
    assert ear.hears(node(UNMARKED)) == [], "the daemon marks it in a moment"


def test_gpus_by_themselves() -> None:
    ear = Ear()
    assert ear.hears(node("", gpu())) == []
    assert ear.hears(node("", gpu(6))) == ["n1 nvidia.com/gpu 2 of 8 are sick, the others are sold not sold"]
    assert ear.hears(node("", gpu(0, "offers none"))) == ["n1 nvidia.com/gpu offers none not sold"]
    assert ear.hears(node("", gpu())) == ["n1 nvidia.com/gpu sold again"]


def test_a_node_that_is_gone_is_not_sold_again() -> None:
    ear = Ear()
    ear.hears(node("cordoned"))
    assert ear.hears() == []
    assert ear.hears(node("cordoned")) == ["n1 cordoned not sold"]


def test_storage_classes() -> None:
    ear = Ear()
    assert ear.hears(beta3="capacity unknown") == ["beta3 capacity unknown not sold"]
    assert ear.hears(beta3="capacity unknown") == []
    assert ear.hears() == ["beta3 sold again"]


def test_runtime_classes() -> None:
    ear = Ear()
    assert ear.hears(runtimes={"gvisor": "it is not there"}) == ["gvisor it is not there not sold"]
    assert ear.hears(runtimes={"gvisor": "it is not there"}) == []
    assert ear.hears(gvisor="is a storage class too") == [
        "gvisor is a storage class too not sold", "gvisor sold again",
    ]  # fmt: skip


def test_a_derived_name_is_told_once() -> None:
    ear = Ear()
    found = ear.hears(node("", gpu(model=GpuModel("nvidia", "x1"), unlisted="NVIDIA-X1")))
    assert len(found) == 1
    assert "NVIDIA-X1 x1 n1" in found[0]
    assert ear.hears(node("", gpu(model=GpuModel("nvidia", "x1"), unlisted="NVIDIA-X1"))) == []
