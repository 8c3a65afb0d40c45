"""What the labellers say of a node's GPUs, each in its own words, put into one form. Pure.

Read are NVIDIA's feature discovery, AMD's node labeller, Intel's rules for node feature discovery, and node feature
discovery's own list of PCI devices; where none of them says anything, what `akp discover` has found (discovered.py).
The subtle parts: NVIDIA's names one product even where a node has two, so the PCI list is heard as well; and a card
that is shared in time looks like several, so whoever shares says so here (`why_not`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from provider.cluster.inventory.discovered import PREFIX as DISCOVERED
from provider.cluster.inventory.discovered import discovered
from provider.cluster.inventory.gpuresources import vendor_of
from provider.cluster.inventory.gputable import GpuTable

Labels = Mapping[str, str]

SPOKEN = ("nvidia.com/", "amd.com/", "beta.amd.com/", "gpu.intel.com/", "feature.node.kubernetes.io/pci-", DISCOVERED)
"""Beginnings of the labels heard here."""

_PCI = "feature.node.kubernetes.io/pci-"
_HEX = re.compile(r"[0-9a-f]{4}")
_INTEL = re.compile(r"gpu\.intel\.com/device-id\.[0-9a-f]{4}-(?P<device>[0-9a-f]{4})\.(?P<what>present|count)")


@dataclass(frozen=True, slots=True)
class Told:
    """`product` as the driver calls it, `devices` PCI device ids, `mib` the memory measured, `part` the end of the
    model's name where a part of a card is offered ("-mig-1g.10gb"), `why_not` why it cannot be sold at all."""

    product: str = ""
    devices: frozenset[str] = frozenset()
    mib: str = ""
    part: str = ""
    why_not: str = ""


def told(labels: Labels, resource: str, offered: int, table: GpuTable) -> Told:
    """About what a node offers `offered` of under the name of `resource`."""
    heard = _labeller(labels, resource, offered, table)
    if heard.product or heard.devices or heard.why_not:
        return heard
    return _found(heard, labels, resource, offered, table)


def _labeller(labels: Labels, resource: str, offered: int, table: GpuTable) -> Told:
    vendor = vendor_of(resource)
    kind = resource.partition("/")[2]
    match vendor:
        case "nvidia":
            return _nvidia(labels, kind, pci_devices(labels, vendor, table))
        case "amd":
            return _amd(labels, kind, pci_devices(labels, vendor, table))
        case "intel":
            return _intel(labels, offered, pci_devices(labels, vendor, table))
    return Told(why_not=f"{resource} is no GPU that is known here")


@lru_cache(maxsize=8192)
def seen(labels: tuple[tuple[str, str], ...], table: GpuTable) -> frozenset[str]:
    """Vendors whose cards are in the node by its labels, whether anything offers them or not. What a processor brings
    along is in no table and not meant."""
    return frozenset(_seen(dict(labels), table))


def _seen(labels: Labels, table: GpuTable) -> set[str]:
    found = {
        vendor
        for vendor, vendor_id in table.vendor_ids.items()
        if any(
            table.device(vendor, device)
            for device in pci_devices(labels, vendor, table) | discovered(labels, vendor_id).devices
        )
    }
    found |= {"nvidia"} if labels.get("nvidia.com/gpu.present") == "true" else set()
    found |= {"amd"} if _amd_says(labels, "device-id") else set()
    found |= {"intel"} if any(_INTEL.fullmatch(label) for label in labels) else set()
    return found


def pci_devices(labels: Labels, vendor: str, table: GpuTable) -> frozenset[str]:
    """Device ids from labels like `pci-0302_10de_2330.present` or `pci-10de_2330.present`. Without the class, which
    tells a card from its sound, only ids that the table knows."""
    vendor_id, found = table.vendor_ids.get(vendor, ""), set()
    for label, value in labels.items():
        if not label.startswith(_PCI) or not label.endswith(".present") or value != "true":
            continue
        fields = label.removeprefix(_PCI).removesuffix(".present").split("_")
        at = next((n for n in (0, 1) if fields[n : n + 1] == [vendor_id]), None)
        if at is None or len(fields) < at + 2 or not _HEX.fullmatch(fields[at + 1]):
            continue
        if table.device(vendor, fields[at + 1]) or (at and fields[0][:2] in ("03", "12")):
            found.add(fields[at + 1])
    return frozenset(found)


def _nvidia(labels: Labels, kind: str, devices: frozenset[str]) -> Told:
    product = labels.get(f"nvidia.com/{kind}.product") or labels.get("nvidia.com/gpu.product", "")
    replicas = labels.get(f"nvidia.com/{kind}.replicas", "1")
    sharing = labels.get(f"nvidia.com/{kind}.sharing-strategy", "none")
    if kind.endswith(".shared") or product.endswith("-SHARED") or sharing != "none" or replicas not in ("0", "1"):
        return Told(why_not=f"{product or kind}: cards shared between pods ({sharing}) are not sold")
    if product.endswith("MIG-INVALID"):
        return Told(why_not=f"{product}: its cards are not cut alike, as strategy `single` needs")
    if (state := labels.get("nvidia.com/mig.config.state", "")) in ("pending", "rebooting"):
        return Told(why_not=f"its cards are being cut anew (MIG configuration {state})")
    card, _, profile = product.partition("-MIG-")
    profile = (kind.removeprefix("mig-") if kind.startswith("mig-") else profile).lower().replace("+", ".")
    mib = "" if profile else labels.get("nvidia.com/gpu.memory", "")
    return Told(card, devices, mib, f"-mig-{profile}" if profile else "")


def _amd(labels: Labels, kind: str, devices: frozenset[str]) -> Told:
    own = frozenset(_amd_says(labels, "device-id"))
    products, sizes = _amd_says(labels, "product-name"), _amd_says(labels, "vram")
    modes = _amd_says(labels, "compute-memory-partition") if kind == "gpu" else {kind}
    if len(modes) > 1:
        return Told(why_not=f"parts of different sizes ({', '.join(sorted(modes))}) go by one name here")
    mode = next(iter(modes), "spx").lower()
    part = "" if mode.startswith("spx") else "-" + mode.replace("_", "-")
    size = next(iter(sizes)).removesuffix("G") if len(sizes) == 1 and not part else ""
    product = next(iter(products)) if len(products) == 1 else ""
    return Told(product, own or devices, str(int(size) * 1024) if size.isdigit() else "", part)


def _amd_says(labels: Labels, what: str) -> set[str]:
    """One value stands by itself (`…device-id=74a1`) and again in a key with its count (`…device-id.74a1=8`)."""

    def values() -> Iterator[str]:
        for prefix in ("amd.com/gpu.", "beta.amd.com/gpu.", "amd.com/"):
            for label, value in labels.items():
                if label == prefix + what:
                    yield value
                elif label.startswith(f"{prefix}{what}.") and value != "0":
                    yield label.removeprefix(f"{prefix}{what}.")

    return set(values())


def _intel(labels: Labels, offered: int, devices: frozenset[str]) -> Told:
    own: set[str] = set()
    counts = [0]
    for label, value in labels.items():
        if found := _INTEL.fullmatch(label):
            own.add(found["device"])
            counts += [int(value)] if found["what"] == "count" and value.isdigit() else []
    have = labels.get("gpu.intel.com/device.count", "")
    cards = int(have) if have.isdigit() else sum(counts)
    if cards and offered > cards:
        return Told(why_not=f"{cards} cards are offered as {offered}: cards shared between pods are not sold")
    return Told(labels.get("gpu.intel.com/product", ""), frozenset(own) or devices)


def _found(silent: Told, labels: Labels, resource: str, offered: int, table: GpuTable) -> Told:
    """`silent` is what the labeller's silence means: at most which part of a card the resource is by its name. Devices
    of one number that their driver tells apart are two."""
    vendor = vendor_of(resource)
    found = discovered(labels, table.vendor_ids.get(vendor, ""))
    if not silent.part and found.cut:
        return Told(why_not=f"cards are cut into parts: whether {resource} is cards or parts only a labeller can tell")
    if not silent.part and offered > found.cards > 0:
        return Told(why_not=f"{found.cards} cards are offered as {offered}: cards shared between pods are not sold")
    devices: set[str] = set()
    called: set[str] = set()
    for device, names in found.products.items():
        unlisted = names if table.device(vendor, device) is None else frozenset()
        devices |= {f"{device} ({name})" for name in unlisted} if len(unlisted) > 1 else {device}
        called |= unlisted
    return replace(silent, product=next(iter(called), "") if len(called) == 1 else "", devices=frozenset(devices))
