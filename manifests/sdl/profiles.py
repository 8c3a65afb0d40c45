"""The `profiles` block: what a replica needs (`compute`), and where it may run at which price (`placement`);
sdl-manifest.md §5."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from manifests.check import valid_denom
from manifests.coins import DecCoin, parse_decimal
from manifests.resources import Attribute, Attributes, Cpu, Gpu, Memory, Requirements, SignedBy
from manifests.sdl.cursor import Cursor, layered
from manifests.sdl.gpus import read_gpu
from manifests.sdl.storage import Volume, read_volumes
from manifests.units import sdl_bytes, sdl_cpu_milli


@dataclass(frozen=True, slots=True)
class ComputeProfile:
    """`at` is the `resources` block. A part that is not given is None, or no volumes; that is an error only when
    used."""

    at: Cursor
    given: bool
    cpu: Cpu | None
    memory: Memory | None
    volumes: tuple[Volume, ...]
    gpu: Gpu


@dataclass(frozen=True, slots=True)
class Priced:
    """`price` is None where the profile is named and nothing behind it; that is an error only when used."""

    at: Cursor
    price: DecCoin | None


@dataclass(frozen=True, slots=True)
class PlacementProfile:
    at: Cursor
    requirements: Requirements
    pricing: dict[str, Priced]
    """By compute profile."""


@dataclass(frozen=True, slots=True)
class Profiles:
    compute: dict[str, ComputeProfile]
    placement: dict[str, PlacementProfile]


def read_profiles(blocks: Iterable[Cursor]) -> Profiles:
    given = [block.fields("compute", "placement").given for block in blocks]
    return Profiles(
        layered((f["compute"] for f in given if "compute" in f), _compute),
        layered((f["placement"] for f in given if "placement" in f), _placement),
    )


def _compute(_: str, at: Cursor) -> ComputeProfile:
    resources = at.fields("resources")["resources"]
    f = resources.fields("cpu", "memory", "storage", "gpu")
    return ComputeProfile(
        at=resources,
        given=bool(resources),
        cpu=_cpu(f["cpu"]) if f["cpu"] else None,
        memory=_memory(f["memory"]) if f["memory"] else None,
        volumes=read_volumes(f["storage"]),
        gpu=read_gpu(f["gpu"]),
    )


def _cpu(at: Cursor) -> Cpu:
    f = at.fields("units", "attributes")
    try:
        milli = sdl_cpu_milli(f["units"].literal()) if f["units"] else 0
    except ValueError as e:
        raise f["units"].fail(str(e), f["units"].raw) from None
    attributes = f["attributes"].written("arch", what="the cpu attributes")
    return Cpu(milli, tuple(Attribute(key, inner.text()) for key, inner in attributes))


def _memory(at: Cursor) -> Memory:
    f = at.fields("size", "attributes")
    try:
        return Memory(sdl_bytes(f["size"].literal()) if f["size"] else 0)
    except ValueError as e:
        raise f["size"].fail(str(e), f["size"].raw) from None


def _placement(_: str, at: Cursor) -> PlacementProfile:
    f = at.fields("attributes", "signedBy", "pricing")
    requirements = Requirements(_signed_by(f["signedBy"]), _attributes(f["attributes"]))
    return PlacementProfile(
        at, requirements, {profile: Priced(inner, _price(inner)) for profile, inner in f["pricing"].entries()}
    )


def _signed_by(at: Cursor) -> SignedBy:
    f = at.fields("allOf", "anyOf")
    all_of, any_of = f["allOf"].texts(), f["anyOf"].texts()
    return SignedBy(all_of or (), any_of or (), all_of_written=all_of is not None, any_of_written=any_of is not None)


def _attributes(at: Cursor) -> Attributes:
    return tuple(Attribute(key, value.text()) for key, value in sorted(at.entries(), key=lambda entry: entry[0]))


def _price(at: Cursor) -> DecCoin | None:
    if at.is_null:
        return None
    f = at.fields("amount", "denom")
    amount, denom = f["amount"], f["denom"]
    try:
        amount_e18 = parse_decimal(amount.text())
    except ValueError:
        raise amount.fail(
            "must be a plain decimal number like 100 or 0.5, with at most 18 digits behind the point"
        ) from None
    if amount_e18 <= 0:
        raise amount.fail("must be more than zero: it is the most you would pay per block and replica", amount.raw)
    if not valid_denom(denom.text()):
        raise denom.fail("is not a denomination; on today's chain it is uact", denom.raw)
    return DecCoin(denom.text(), amount_e18)
