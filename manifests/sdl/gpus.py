"""The `gpu` block: how many, and which models would do (sdl-manifest.md §5.1)."""

from __future__ import annotations

from manifests.attributes import valid_key
from manifests.gpus import GpuModel
from manifests.resources import Attribute, Attributes, Gpu
from manifests.sdl.cursor import Cursor
from manifests.units import GIB, sdl_gpu_ram_bytes, sdl_gpu_units
from manifests.yamlnodes import Scalar

_VENDOR = "nvidia"
_INTERFACES = ("pcie", "sxm")


def read_gpu(at: Cursor) -> Gpu:
    """No block, and a bare number in its place, mean no GPU."""
    if isinstance(at.node, Scalar):
        return Gpu()
    f = at.strict_fields("units", "attributes", what="the gpu block")
    try:
        units = sdl_gpu_units(f["units"].text()) if f["units"] else 0
    except ValueError as e:
        raise f["units"].fail(str(e), f["units"].raw) from None
    attributes = _models(f["attributes"]) if f["attributes"] else ()
    if units and not attributes:
        raise at.fail("needs attributes that name a vendor, like attributes: {vendor: {nvidia: }}")
    if attributes and not units:
        raise f["attributes"].fail("must not be given when units is 0")
    return Gpu(units, attributes)


def _models(at: Cursor) -> Attributes:
    f = at.strict_fields("vendor", what="the gpu attributes")
    vendor = f["vendor"]
    if vendor.is_null:
        raise vendor.fail("at least one vendor must be given; nvidia is the one there is")
    models = vendor.fields(_VENDOR)[_VENDOR]
    found = sorted(((_key(m), m) for m in models.items() or ()), key=lambda entry: entry[0])
    for (key, m), (before, _) in zip(found, [("", models), *found], strict=False):
        if key == before:
            raise m.fail(f"{key} is asked for twice", key)
        if not valid_key(key):
            raise m.fail(f"{key!r} cannot be an attribute: letters, digits and ._-/ only, at most 128 in all", key)
    keys = [key for key, _ in found] or [f"vendor/{_VENDOR}/model/*"]
    return tuple(Attribute(key, "true") for key in keys)


def _key(at: Cursor) -> str:
    f = at.fields("model", "ram", "interface")
    memory = ""
    if f["ram"]:
        try:
            memory = f"{sdl_gpu_ram_bytes(f['ram'].text()) // GIB}Gi"
        except ValueError as e:
            raise f["ram"].fail(str(e), f["ram"].raw) from None
    interface = f["interface"].text()
    if f["interface"] and interface not in _INTERFACES:
        raise f["interface"].fail("must be pcie or sxm", interface)
    return GpuModel(_VENDOR, f["model"].text(), memory, interface).key()
