from __future__ import annotations

from typing import Any

import pytest

from bidengine.placement import Placement, Slot
from bidengine.plan import service_plans
from bidengine.runtimes import Runtimes
from manifests.gpus import GpuModel
from manifests.manifest import ManifestGroup, Service
from manifests.render.crd import StoredManifest
from manifests.render.site import ServicePlan


def service(make: Any, name: str, unit: int, gpu: int = 0) -> Service:
    return Service(name, "web:1", None, None, None, make.unit(unit, gpu=gpu).resources, 1, ())


@pytest.fixture
def group(make: Any) -> ManifestGroup:
    return ManifestGroup("west", (service(make, "model", 1, gpu=1), service(make, "web", 2)))


@pytest.fixture
def placement(make: Any) -> Placement:
    slots = [Slot(1, "g", make.ask(gpu=1), make.h100), *(Slot(2, node, make.ask()) for node in ("b", "a", "b", ""))]
    return Placement(tuple(slots))


def test_a_service_gets_its_card_its_runtime_and_a_node_for_each_replica_that_has_one(
    make: Any, group: ManifestGroup, placement: Placement
) -> None:
    assert service_plans(group, placement) == {
        "model": ServicePlan("nvidia", make.h100, ("g",)),
        "web": ServicePlan("", None, ("b", "a", "b")),
    }


def test_cards_of_other_vendors_need_no_runtime_class(make: Any, group: ManifestGroup) -> None:
    mi300x = GpuModel("amd", "mi300x")
    plans = service_plans(group, Placement((Slot(1, "g", make.ask(gpu=1), mi300x),)))
    assert plans["model"] == ServicePlan("", mi300x, ("g",))


def test_the_operator_may_name_another_class_or_none(make: Any, group: ManifestGroup, placement: Placement) -> None:
    for name in ("nvidia-cdi", ""):
        plans = service_plans(group, placement, None, Runtimes(name))
        assert (plans["model"].runtime_class, plans["web"].runtime_class) == (name, "")


def test_what_is_deployed_keeps_its_nodes_and_what_is_new_gets_some(
    make: Any, group: ManifestGroup, placement: Placement
) -> None:
    before = ManifestGroup("west", group.services[1:])
    for kept in (("elsewhere",), ()):
        stored = StoredManifest(make.lease_id(1), before, {"web": ServicePlan(nodes=kept)} if kept else {})
        plans = service_plans(group, placement, stored)
        assert (plans["model"].nodes, plans["web"].nodes) == (("g",), kept)
