"""What NVIDIA's driver says of its cards in /proc/driver/nvidia: their names, and whether any is cut into parts (MIG).

It only helps: a card on no list is named after what the driver calls it, and without the driver nothing would offer
the card anyway. So what is not there, or cannot be read, is no trouble.
"""

from __future__ import annotations

from pathlib import Path

VENDOR = "10de"


def products(proc: Path) -> dict[str, str]:
    """PCI address, as sysfs writes it -> name."""
    out = {}
    for file in (proc / "driver" / "nvidia" / "gpus").glob("*/information"):
        try:
            lines = file.read_text(errors="replace").splitlines()
        except OSError:
            continue
        said = next((line.partition(":")[2].strip() for line in lines if line.startswith("Model:")), "")
        if said and said != "Unknown":  # so before the card is initialised
            out[file.parent.name.lower()] = said
    return out


def cut(proc: Path) -> bool:
    """Whether any instance exists; a card that only might be cut is whole."""
    return any((proc / "driver" / "nvidia" / "capabilities").glob("gpu*/mig/gi*"))
