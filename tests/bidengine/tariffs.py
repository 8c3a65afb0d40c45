"""The tariff and the orders that tests of prices share: those of the reference chart's script
(bidengine-inventory.md §16.1)."""

from __future__ import annotations

from typing import Any

from bidengine.placement import Placement, Slot
from bidengine.tariff.terms import Tariff
from manifests.coins import E18, parse_decimal
from manifests.gpus import GpuModel
from manifests.resources import Endpoint, EndpointKind

HTTP, PORT = Endpoint(EndpointKind.SHARED_HTTP), Endpoint(EndpointKind.RANDOM_PORT)
dollars = parse_decimal


def ip(number: int) -> Endpoint:
    return Endpoint(EndpointKind.LEASED_IP, number)


def usd(**amounts: str) -> dict[str, int]:
    return {key: parse_decimal(text) for key, text in amounts.items()}


HELM = Tariff(
    cpu_usd_e18=dollars("1.60"),
    memory_usd_e18=dollars("0.80"),
    storage_usd_e18=usd(ephemeral="0.02", beta1="0.01", beta2="0.03", beta3="0.04", default="0", ram="0"),
    gpu_usd_e18={
        "nvidia/a100": 900 * E18,
        "nvidia/a100/80Gi": 1000 * E18,
        "nvidia/a100/80Gi/sxm": 1100 * E18,
        "nvidia/t4": 80 * E18,
        "amd/mi100": 200 * E18,
        "amd/mi100/32Gi": 250 * E18,
        "*": 1500 * E18,
    },
    endpoint_usd_e18=dollars("0.05"),
    ip_usd_e18=5 * E18,
)


def group_a(make: Any, denom: str = "uact", ceiling: str = "1000000", model: str = "a100", **requirements: Any) -> Any:
    """Case A: two replicas of a unit that asks for a bit of everything."""
    storage = [
        make.volume(5),
        make.volume(10, "beta3", name="data"),
        make.ram(1),
        make.volume(1, "default", name="more"),
    ]
    unit = make.unit(
        memory_gib=2, count=2, gpu=1, models=[model], storage=storage, endpoints=[HTTP, PORT, ip(1)],
        denom=denom, price=ceiling,
    )  # fmt: skip
    return make.group(unit, **requirements)


def on(make: Any, spec: Any, card: GpuModel | None = None) -> Placement:
    return Placement(tuple(Slot(u.resources.id, "a", make.ask(), card) for u in spec.resources))
