"""The `gpu` block: how many, and which models would do (sdl-manifest.md §5.1)."""

from __future__ import annotations

from manifests.attributes import valid_key
from manifests.gpus import GpuModel
from manifests.resources import Attribute, Attributes, Gpu
from manifests.sdl.cursor import Cursor
from manifests.units import GIB, sdl_gpu_ram_bytes, sdl_gpu_units

_VENDOR = "nvidia"
_INTERFACES = ("pcie", "sxm")


def read_gpu(at: Cursor) -> Gpu:
    """No block, and a bare number in its place, mean no GPU. Of a key given twice the last counts."""
    units = 0
    attributes: Attributes = ()
    for key, inner in at.written("units", "attributes", what="the gpu block"):
        if key == "attributes":
            attributes = _models(inner) if inner else ()
        elif inner:
            units = _units(inner)
    if units and not attributes:
        raise at.fail("needs attributes that name a vendor, like attributes: {vendor: {nvidia: }}")
    if attributes and not units:
        raise at.find("attributes").fail("must not be given when units is 0")
    return Gpu(units, attributes)


def _units(at: Cursor) -> int:
    try:
        return sdl_gpu_units(at.literal())
    except ValueError as e:
        raise at.fail(str(e), at.raw) from None


def _models(at: Cursor) -> Attributes:
    vendor = at
    models: Cursor | None = None
    named = False
    for _, vendor in at.written("vendor", what="the gpu attributes"):
        named = bool(vendor)
        models = vendor.fields(_VENDOR).given.get(_VENDOR, models) if vendor else None
    if not named:
        raise vendor.fail("at least one vendor must be given; nvidia is the one there is")
    return tuple(Attribute(key, "true") for key in _keys(models)) or (Attribute(f"vendor/{_VENDOR}/model/*", "true"),)


def _keys(models: Cursor | None) -> list[str]:
    found = sorted(((_key(m), m) for m in (models and models.items()) or ()), key=lambda entry: entry[0])
    for i, (key, m) in enumerate(found):
        if i and key == found[i - 1][0]:
            raise m.fail(f"{key} is asked for twice", key)
        if not valid_key(key):
            raise m.fail(f"{key!r} cannot be an attribute: letters, digits and ._-/ only, at most 128 in all", key)
    return [key for key, _ in found]


def _key(at: Cursor) -> str:
    f = at.fields("model", "ram", "interface")
    memory = ""
    if f["ram"]:
        try:
            memory = f"{sdl_gpu_ram_bytes(f['ram'].literal()) // GIB}Gi"
        except ValueError as e:
            raise f["ram"].fail(str(e), f["ram"].raw) from None
    interface = f["interface"].literal() if f["interface"] else ""
    if f["interface"] and interface not in _INTERFACES:
        raise f["interface"].fail("must be pcie or sxm", interface)
    return GpuModel(_VENDOR, f["model"].text(), memory, interface).key()
