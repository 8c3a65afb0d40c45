"""Numbers, attributes, resources and groups, read and written.

The one subtlety is in the numbers: a decimal is an integer text scaled by 10^18, a resource quantity is ASCII digits
in bytes (chain.md §1.4), and a duration with a fraction is rounded up, so that a notice we promise is never shorter
than the one asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from manifests.coins import Coin, DecCoin
from manifests.resources import (
    Attribute,
    Attributes,
    Cpu,
    Endpoint,
    EndpointKind,
    Gpu,
    GroupSpec,
    Memory,
    Requirements,
    Resources,
    ResourceUnit,
    SignedBy,
    Storage,
)


def coin(w: Any) -> Coin:
    return Coin(w.denom, int(w.amount or "0"))


def dec_coin(w: Any) -> DecCoin:
    """Of a DecCoin or an escrow Balance."""
    return DecCoin(w.denom, int(w.amount or "0"))


def quantity(w: Any) -> int:
    """Of a ResourceValue: b"1000" -> 1000; absent -> 0."""
    return int(w.val or b"0")


def seconds(w: Any) -> int:
    """Of a Duration, rounded up."""
    return int(w.seconds) + (1 if w.nanos > 0 else 0)


def attributes(w: Iterable[Any]) -> Attributes:
    return tuple(Attribute(a.key, a.value) for a in w)


def group_spec(w: Any) -> GroupSpec:
    signed = w.requirements.signed_by
    return GroupSpec(
        name=w.name,
        requirements=Requirements(
            SignedBy(tuple(signed.all_of), tuple(signed.any_of)), attributes(w.requirements.attributes)
        ),
        resources=tuple(ResourceUnit(resources(u.resource), u.count, dec_coin(u.price)) for u in w.resources),
    )


def resources(w: Any) -> Resources:
    """An endpoint kind the chain knows and we do not is an error here: nobody could serve it."""
    return Resources(
        id=w.id,
        cpu=Cpu(quantity(w.cpu.units), attributes(w.cpu.attributes)),
        memory=Memory(quantity(w.memory.quantity), attributes(w.memory.attributes)),
        storage=tuple(Storage(s.name, quantity(s.quantity), attributes(s.attributes)) for s in w.storage),
        gpu=Gpu(quantity(w.gpu.units), attributes(w.gpu.attributes)),
        endpoints=tuple(Endpoint(_kind(e.kind), e.sequence_number) for e in w.endpoints),
    )


def put_attributes(w: Any, given: Attributes) -> None:
    for a in given:
        w.add(key=a.key, value=a.value)


def put_dec(w: Any, price: DecCoin) -> None:
    # Always digits: an empty amount panics on chain (chain-probes.md, recorded scenarios 18).
    w.denom, w.amount = price.denom, str(price.amount_e18)


def put_group_spec(w: Any, g: GroupSpec) -> None:
    w.name = g.name
    # The node itself writes these even when empty; being equal byte for byte makes recordings comparable.
    w.requirements.SetInParent()
    w.requirements.signed_by.SetInParent()
    w.requirements.signed_by.all_of.extend(g.requirements.signed_by.all_of)
    w.requirements.signed_by.any_of.extend(g.requirements.signed_by.any_of)
    put_attributes(w.requirements.attributes, g.requirements.attributes)
    for unit in g.resources:
        u = w.resources.add()
        put_resources(u.resource, unit.resources)
        u.count = unit.count
        put_dec(u.price, unit.price)


def put_resources(w: Any, r: Resources) -> None:
    w.id = r.id
    w.cpu.units.val = _digits(r.cpu.milli)
    put_attributes(w.cpu.attributes, r.cpu.attributes)
    w.memory.quantity.val = _digits(r.memory.quantity_bytes)
    put_attributes(w.memory.attributes, r.memory.attributes)
    for volume in r.storage:
        s = w.storage.add()
        s.name = volume.name
        s.quantity.val = _digits(volume.quantity_bytes)
        put_attributes(s.attributes, volume.attributes)
    w.gpu.units.val = _digits(r.gpu.units)
    put_attributes(w.gpu.attributes, r.gpu.attributes)
    for endpoint in r.endpoints:
        e = w.endpoints.add()
        e.kind, e.sequence_number = int(endpoint.kind), endpoint.sequence_number


def _kind(number: int) -> EndpointKind:
    try:
        return EndpointKind(number)
    except ValueError:
        raise ValueError(
            f"endpoint kind {number} is unknown; known are {', '.join(f'{k.value} {k.name}' for k in EndpointKind)}"
        ) from None


def _digits(value: int) -> bytes:
    return str(value).encode()
