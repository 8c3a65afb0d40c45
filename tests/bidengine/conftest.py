"""Builders of small markets: a test names only what it is about, everything else has a harmless value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from bidengine.node import NO_LIMIT, Ask, Node
from bidengine.policy import Policy
from bidengine.us import Us
from bidengine.views import MarketParams, Order, Provider
from manifests.coins import Coin, DecCoin, parse_decimal
from manifests.gpus import GpuModel
from manifests.ids import LeaseID, OrderID
from manifests.resources import (
    Attribute,
    Attributes,
    Cpu,
    Endpoint,
    Gpu,
    GroupSpec,
    Memory,
    Requirements,
    Resources,
    ResourceUnit,
    SignedBy,
    Storage,
)

GIB = 1 << 30


class Make:
    gib = GIB
    us_address = "akash1us"
    a100 = GpuModel("nvidia", "a100", "80Gi", "sxm")
    h100 = GpuModel("nvidia", "h100", "80Gi", "sxm")
    t4 = GpuModel("nvidia", "t4", "16Gi", "pcie")

    @staticmethod
    def attributes(pairs: dict[str, str]) -> Attributes:
        return tuple(Attribute(key, value) for key, value in pairs.items())

    @staticmethod
    def node(
        name: str,
        cpu: int = 16_000,
        memory_gib: int = 64,
        ephemeral_gib: int = 500,
        pods: int = 110,
        gpus: dict[GpuModel, int] | None = None,
        classes: Iterable[str] = (),
        volumes: int = NO_LIMIT,
    ) -> Node:
        room = cpu, memory_gib * GIB, ephemeral_gib * GIB, pods
        return Node(name, *room, gpus=dict(gpus or {}), classes=frozenset(classes), volumes=volumes)

    @staticmethod
    def volume(gib: int, storage_class: str = "", persistent: bool = True, name: str = "data") -> Storage:
        if not storage_class:
            return Storage(name, gib * GIB)
        pairs = {"persistent": "true" if persistent else "false", "class": storage_class}
        return Storage(name, gib * GIB, Make.attributes(pairs))

    @staticmethod
    def ram(gib: int) -> Storage:
        return Make.volume(gib, "ram", persistent=False, name="shm")

    @staticmethod
    def unit(
        unit_id: int = 1,
        cpu: int = 1000,
        memory_gib: int = 1,
        count: int = 1,
        gpu: int = 0,
        models: Iterable[str] = (),
        storage: Iterable[Storage] = (),
        endpoints: Iterable[Endpoint] = (),
        price: str = "1000000",
        denom: str = "uact",
    ) -> ResourceUnit:
        wishes = tuple(Attribute(f"vendor/nvidia/model/{m}", "true") for m in models)
        resources = Resources(
            unit_id, Cpu(cpu), Memory(memory_gib * GIB), tuple(storage), Gpu(gpu, wishes), tuple(endpoints)
        )
        return ResourceUnit(resources, count, DecCoin(denom, parse_decimal(price)))

    @staticmethod
    def group(
        *units: ResourceUnit, attributes: dict[str, str] | None = None, signed_by: SignedBy | None = None
    ) -> GroupSpec:
        return GroupSpec("west", Requirements(signed_by or SignedBy(), Make.attributes(attributes or {})), units)

    @staticmethod
    def order(spec: GroupSpec | None = None, dseq: int = 7, state: str = "open", window_s: int | None = None) -> Order:
        return Order(Make.order_id(dseq), state, spec or Make.group(Make.unit()), 100, window_s)

    @staticmethod
    def order_id(dseq: int) -> OrderID:
        return OrderID("akash1tenant", dseq, 1, 1)

    @staticmethod
    def lease_id(dseq: int) -> LeaseID:
        return Make.order_id(dseq).bid_of(Make.us_address)

    @staticmethod
    def ask(cpu: int = 1000, memory_gib: int = 1, gpu: int = 0, volumes: dict[str, int] | None = None) -> Ask:
        return Ask(cpu, memory_gib * GIB, 0, gpu, tuple(sorted((volumes or {}).items())))

    @staticmethod
    def us(
        attributes: dict[str, str] | None = None,
        audited: dict[str, dict[str, str]] | None = None,
        window_s: int = 0,
        bids: int = 0,
        maintenance: bool = False,
        denoms: Iterable[str] = ("uact",),
        **more: Any,
    ) -> Us:
        """`more` is anything of Us; where it is no field of Us, of its policy."""
        policy = {key: more.pop(key) for key in list(more) if key in Policy.__dataclass_fields__}
        signed = {auditor: Make.attributes(pairs) for auditor, pairs in (audited or {}).items()}
        provider = Provider(Make.us_address, "https://us:8443", Make.attributes(attributes or {}), signed)
        market = MarketParams((Coin("uact", 500_000),), 20, 3600, 2_592_000)
        return Us(
            provider, market, 4, frozenset(denoms), window_s, bids, maintenance, 200, policy=Policy(**policy), **more
        )


@pytest.fixture(scope="session")
def make() -> type[Make]:
    return Make
