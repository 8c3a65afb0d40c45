"""The document that price scripts read, field by field (bidengine-inventory.md §4.3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bidengine import ask
from bidengine.placement import Placement, Slot
from manifests.gpus import GpuModel
from manifests.resources import Endpoint, EndpointKind


def placed(make: Any, *cards: GpuModel | None, node: str = "n1") -> Placement:
    """One replica of each unit, with the card chosen for it."""
    return Placement(tuple(Slot(at + 1, node, make.ask(), card) for at, card in enumerate(cards)))


def test_a_whole_question_is_as_the_reference_writes_it(make: Any) -> None:
    ports = (
        Endpoint(EndpointKind.SHARED_HTTP),
        Endpoint(EndpointKind.RANDOM_PORT),
        Endpoint(EndpointKind.LEASED_IP, 1),
    )
    volumes = (make.volume(5, name="root"), make.volume(10, "beta3"), make.ram(1))
    unit = make.unit(
        cpu=1000, memory_gib=2, count=2, gpu=1, models=["a100/ram/80Gi/interface/sxm"], storage=volumes,
        endpoints=ports, price="500000",
    )  # fmt: skip
    text = ask.written(ask.question(make.group(unit), placed(make, make.a100)))
    assert text == (
        b'{"resources":[{"memory":2147483648,"cpu":1000,'
        b'"gpu":{"units":1,"attributes":{"vendor":{"nvidia":{"model":"a100","ram":"80Gi","interface":"sxm"}}}},'
        b'"storage":[{"class":"ephemeral","size":5368709120},{"class":"beta3","size":10737418240},'
        b'{"class":"ram","size":1073741824}],'
        b'"count":2,"endpoint_quantity":3,"ip_lease_quantity":1}],'
        b'"price":{"denom":"uact","amount":"1000000.000000000000000000"},"price_precision":6}\n'
    )


def test_old_scripts_get_the_bare_list(make: Any) -> None:
    spec, placement = make.group(make.unit(1), make.unit(2, cpu=500)), placed(make, None, None)
    assert ask.resources(spec, placement) == ask.question(spec, placement)["resources"]
    assert [entry["cpu"] for entry in ask.resources(spec, placement)] == [1000, 500]


@pytest.mark.parametrize(
    ("models", "told"),
    [
        (["a100"], {"model": "a100"}),
        (["*"], {"model": "a100"}),
        (["*/ram/80Gi"], {"model": "a100", "ram": "80Gi"}),
        (["h100", "a100/interface/sxm"], {"model": "a100", "interface": "sxm"}),
        (["a100/ram/80Gi", "*"], {"model": "a100", "ram": "80Gi"}),
        (["a100/ram/40Gi", "a100"], {"model": "a100"}),
        (["a100", "a100/ram/80Gi"], {"model": "a100", "ram": "80Gi"}),
        ([], {"model": "a100"}),
    ],
    ids=["named", "any", "any of a size", "one of two", "name before any", "other size", "the last", "no wish at all"],
)
def test_the_card_is_the_one_chosen_with_what_the_tenant_asked_about_it(
    make: Any, models: list[str], told: dict[str, str]
) -> None:
    spec = make.group(make.unit(gpu=2, models=models))
    (entry,) = ask.resources(spec, placed(make, make.a100))
    assert entry["gpu"] == {"units": 2, "attributes": {"vendor": {"nvidia": told}}}


def test_without_gpus_there_is_no_vendor(make: Any) -> None:
    (entry,) = ask.resources(make.group(make.unit()), placed(make, None))
    assert entry["gpu"] == {"units": 0, "attributes": {}}


def test_services_that_share_an_address_count_it_once(make: Any) -> None:
    shared = [Endpoint(EndpointKind.LEASED_IP, n) for n in (1, 1, 2)]
    (entry,) = ask.resources(make.group(make.unit(count=33, endpoints=shared)), placed(make, None))
    assert (entry["endpoint_quantity"], entry["ip_lease_quantity"], entry["count"]) == (3, 2, 33)


def test_a_service_is_told_where_the_replicas_go(make: Any) -> None:
    order = make.order(make.group(make.unit(count=3, gpu=1, models=["*"])))
    slots = [Slot(1, node, make.ask(), make.h100) for node in ("n1", "n2", "n1")]
    found = ask.detailed(order, Placement(tuple(slots)))
    card = {"vendor": "nvidia", "model": "h100", "ram": "80Gi", "interface": "sxm"}
    assert found["placement"] == [
        {"resource_id": 1, "node": "n1", "replicas": 2, "gpu": card},
        {"resource_id": 1, "node": "n2", "replicas": 1, "gpu": card},
    ]
    assert found["order"] == {"owner": "akash1tenant", "dseq": 7, "gseq": 1, "oseq": 1}
    assert found["price"]["denom"] == "uact"
    assert json.loads(ask.written(found)) == found


def test_the_environment_names_owner_and_denomination(make: Any) -> None:
    order = make.order(make.group(make.unit(denom="uakt")))
    assert ask.environment(order) == {"AKASH_OWNER": "akash1tenant", "AKASH_DENOM": "uakt"}
