"""What a group on chain asks for, per replica (cpu, memory, gpu, volumes, endpoints), and what the tenant would pay.

Quantities are integers with the unit in the name. List order is kept exactly as it came: it is part of what is hashed
and compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from manifests.coins import DecCoin


@dataclass(frozen=True, slots=True, order=True)
class Attribute:
    key: str
    value: str


Attributes = tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class Cpu:
    milli: int
    attributes: Attributes = ()


@dataclass(frozen=True, slots=True)
class Gpu:
    units: int = 0
    attributes: Attributes = ()


@dataclass(frozen=True, slots=True)
class Memory:
    quantity_bytes: int
    attributes: Attributes = ()


@dataclass(frozen=True, slots=True)
class Storage:
    """One volume; `attributes` may name `persistent` and `class`."""

    name: str
    quantity_bytes: int
    attributes: Attributes = ()

    def attribute(self, key: str) -> str:
        return next((a.value for a in self.attributes if a.key == key), "")

    @property
    def persistent(self) -> bool:
        return self.attribute("persistent") == "true"

    @property
    def storage_class(self) -> str:
        """`beta1`, `beta2`, `beta3`, `default`, `ram`, or "" for plain ephemeral storage."""
        return self.attribute("class")


class EndpointKind(IntEnum):
    SHARED_HTTP = 0
    RANDOM_PORT = 1
    LEASED_IP = 2


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`kind` is an EndpointKind; only a tenant's manifest may carry a number nobody knows."""

    kind: int
    sequence_number: int = 0


@dataclass(frozen=True, slots=True)
class Resources:
    """One replica's resources; `id` is the number that ties a manifest service to its unit of the group."""

    id: int
    cpu: Cpu
    memory: Memory
    storage: tuple[Storage, ...]
    gpu: Gpu
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class ResourceUnit:
    """`count` replicas of `resources`; `price` is the tenant's ceiling per replica and block."""

    resources: Resources
    count: int
    price: DecCoin


@dataclass(frozen=True, slots=True)
class SignedBy:
    """The two flags tell an empty list in an SDL file from none; only the reference's JSON shows the difference, the
    chain does not know it."""

    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    all_of_written: bool = field(default=False, compare=False, repr=False)
    any_of_written: bool = field(default=False, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Requirements:
    signed_by: SignedBy = SignedBy()
    attributes: Attributes = ()


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """What one order is about: all units must run at one provider."""

    name: str
    requirements: Requirements
    resources: tuple[ResourceUnit, ...]

    @property
    def denom(self) -> str:
        return self.resources[0].price.denom if self.resources else ""

    @property
    def ceiling_e18(self) -> int:
        """The most a bid on this group may ask per block: Σ unit price × count (chain.md §6.5)."""
        return sum(u.price.amount_e18 * u.count for u in self.resources)
