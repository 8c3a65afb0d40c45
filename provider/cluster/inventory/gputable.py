"""Which card a PCI device or a product name is: the list that comes with the daemon, and the operator's own on top.

Both are written as the network's list of devices (bidengine-inventory.md §7.2), so a fresh copy of that list will do:

    {"10de": {"name": "nvidia", "devices": {"2330": {"name": "h100", "interface": "SXM5", "memory_size": "80Gi"}}}}

A device may also list the `products` it is called by; what only a product name tells, because the device's number
stands for several cards, is under `products` beside `devices`. The subtle part is what an entry leaves out: it is not
known, and then not said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from manifests.errors import Invalid
from manifests.gpus import longest_model
from provider.errors import ConfigError

_ID = re.compile(r"[0-9a-f]{4}")
_VENDOR = re.compile(r"[a-z][a-z0-9]{1,15}")
_MODEL = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_MEMORY = re.compile(r"[1-9][0-9]*Gi")
CURE = (
    "See provider/cluster/inventory/gputable.py for the format; a copy of the network's devices/pcie/gpus.json will do."
)


@dataclass(frozen=True, slots=True)
class Known:
    """One card; memory and interface are "" where not known."""

    model: str
    memory: str = ""
    interface: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class GpuTable:
    """`vendor_ids`: vendor -> PCI vendor id. Compared by identity: a table is read once and used for long."""

    vendor_ids: Mapping[str, str] = field(default_factory=dict)
    _devices: Mapping[tuple[str, str], Known] = field(default_factory=dict)
    _products: Mapping[tuple[str, str], Known] = field(default_factory=dict)

    def device(self, vendor: str, device: str) -> Known | None:
        return self._devices.get((vendor, device.lower()))

    def product(self, vendor: str, product: str) -> Known | None:
        """However it is punctuated: labels write `NVIDIA-H100-PCIe` for "NVIDIA H100 PCIe"."""
        return self._products.get((vendor, _plain(product)))

    def model(self, vendor: str, name: str) -> Known | None:
        """What all devices and products of a model have in common; None when there are none."""
        both = (self._devices, self._products)
        alike = {known for part in both for (of, _), known in part.items() if of == vendor and known.model == name}
        memory, interface = ({getattr(known, what) for known in alike} for what in ("memory", "interface"))
        return (
            Known(name, *(kinds.pop() if len(kinds) == 1 else "" for kinds in (memory, interface))) if alike else None
        )

    def over(self, other: GpuTable) -> GpuTable:
        """All that `other` knows, where this one does not know better."""
        return GpuTable(
            {**other.vendor_ids, **self.vendor_ids},
            {**other._devices, **self._devices},
            {**other._products, **self._products},
        )


@lru_cache(maxsize=1)
def bundled() -> GpuTable:
    return parse((files(__package__) / "data" / "gpus.json").read_text())


def read(path: Path) -> GpuTable:
    """The operator's file on top of what is bundled; ConfigError when it cannot be used."""
    try:
        return parse(path.read_text()).over(bundled())
    except OSError as bad:
        cure = "Set cluster.gpus to a readable file."
        raise ConfigError(str(path), f"cannot be read: {bad.strerror}", cure) from None
    except (Invalid, UnicodeDecodeError) as bad:
        raise ConfigError(str(path), str(bad), CURE) from None


def parse(text: str) -> GpuTable:
    """Invalid names the place and what is wrong there."""
    try:
        root = json.loads(text)
    except ValueError as bad:
        raise Invalid("", f"not JSON: {bad}") from None
    vendor_ids: dict[str, str] = {}
    devices: dict[tuple[str, str], Known] = {}
    products: dict[tuple[str, str], Known] = {}
    for vendor_id, part in _entries(root, "", _ID):
        vendor = _text(part, vendor_id, "name", _VENDOR)
        vendor_ids[vendor] = vendor_id
        for device_id, entry in _entries(part.get("devices", {}), f"{vendor_id}.devices", _ID):
            at = f"{vendor_id}.devices.{device_id}"
            devices[vendor, device_id] = known = _known(vendor, entry, at)
            for name in _names(entry, at):
                products[vendor, _plain(name)] = known
        for name, entry in _entries(part.get("products", {}), f"{vendor_id}.products"):
            products[vendor, _plain(name)] = _known(vendor, entry, f"{vendor_id}.products.{name}")
    return GpuTable(vendor_ids, devices, products)


def _entries(value: Any, at: str, key: re.Pattern[str] | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(value, dict):
        raise Invalid(at, "an object is expected", value=value)
    for name, entry in value.items():
        where = f"{at}.{name}".lstrip(".")
        if key is not None and key.fullmatch(name) is None:
            raise Invalid(where, "an id of four lower-case hex digits is expected", value=name)
        if not isinstance(entry, dict):
            raise Invalid(where, "an object is expected", value=entry)
        yield name, entry


def _known(vendor: str, entry: dict[str, Any], at: str) -> Known:
    model = _text(entry, at, "name", _MODEL)
    if len(model) > (most := longest_model(vendor)):
        raise Invalid(f"{at}.name", f"longer than a node's label can say ({most} letters)", value=model)
    memory = _text(entry, at, "memory_size", _MEMORY) if entry.get("memory_size") else ""
    interface = str(entry.get("interface") or "").lower()
    return Known(model, memory, next((word for word in ("sxm", "pcie") if interface.startswith(word)), ""))


def _text(entry: dict[str, Any], at: str, key: str, pattern: re.Pattern[str]) -> str:
    found = entry.get(key)
    if not isinstance(found, str) or pattern.fullmatch(found) is None:
        raise Invalid(f"{at}.{key}", f"a text like {pattern.pattern} is expected", value=found)
    return found


def _names(entry: dict[str, Any], at: str) -> list[str]:
    found = entry.get("products", [])
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise Invalid(f"{at}.products", "a list of names is expected", value=found)
    return found


def _plain(product: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", product.lower()).strip()
