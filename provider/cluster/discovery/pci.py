"""Which cards lie in this machine, read from /sys/bus/pci/devices.

A card is a function of class 03 (display: VGA, 3D or other) or 12 (accelerator) of a vendor that makes cards we know;
its sound, its USB port and the switch it hangs on are of other classes. The subtle part is what is a function of such a
class and no card for pods: a virtual function (it has a `physfn`) is a slice of one counted already, and one that is
kept for a virtual machine (driver vfio-pci) is never offered.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from provider.cluster.discovery.nvidia import VENDOR as NVIDIA
from provider.cluster.discovery.nvidia import cut, products
from provider.cluster.inventory.discovered import Card
from provider.errors import ConfigError, Retry

_NUMBER = re.compile(r"0x([0-9a-f]+)")
_CLASSES = ("03", "12")
_FOR_MACHINES = ("vfio-pci", "pci-stub")


def cards(sys: Path, proc: Path, vendors: Collection[str]) -> list[Card]:
    """In order of address; `vendors` are PCI ids. Retry when a device that is there cannot be read: what is not known
    whole is not told. ConfigError when `sys` is no sysfs."""
    if not (sys / "bus").is_dir():
        raise ConfigError(f"--sys {sys}", "not the /sys of a machine", "Mount the node's /sys there.")
    called, in_parts = products(proc), cut(proc)
    return [
        Card(vendor, device, called.get(address, ""), cut=in_parts and vendor == NVIDIA)
        for address, vendor, device in _functions(sys / "bus" / "pci" / "devices")
        if vendor in vendors
    ]


def _functions(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Address, vendor and device of what can be given to pods."""
    for one in sorted(folder.iterdir()) if folder.is_dir() else ():  # a machine may have no PCI bus
        try:
            if (one / "physfn").exists() or (one / "driver").resolve().name in _FOR_MACHINES:
                continue
            kind, vendor, device = (_number(one / what) for what in ("class", "vendor", "device"))
        except FileNotFoundError:
            continue  # pulled while we looked
        except OSError as bad:
            raise Retry(f"{bad.filename or one}: cannot be read: {bad.strerror}") from None
        if kind.zfill(6)[:2] in _CLASSES:
            yield one.name, vendor, device


def _number(file: Path) -> str:
    """Hex digits as they stand: six of a class, four of an id."""
    text = file.read_text(errors="replace").strip().lower()
    if (found := _NUMBER.fullmatch(text)) is None:
        raise Retry(f"{file}: {text[:20]!r} is no number like 0x10de")
    return found[1]
