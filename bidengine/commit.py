"""Over-commit: what a node must really have free for one replica that was sold.

A percentage says how much more is sold than there is: at 50 a core can be sold one and a half times, so 1500 milli ask
for 1000. It touches cpu, memory and ephemeral storage, each after adding up, so that an `Ask` is to the byte what the
rendered pod requests (manifests/render/container.py). It never touches GPUs, persistent volumes (a claim has its full
size) or RAM volumes: what a tenant writes there is taken at once and cannot be shared.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from bidengine.node import Ask
from manifests.render.container import committed
from manifests.resources import Resources, Storage

RAM = "ram"


@dataclass(frozen=True, slots=True)
class Commit:
    """Percent sold beyond what exists; 0 sells exactly what there is."""

    cpu_percent: int = 0
    memory_percent: int = 0
    storage_percent: int = 0


def ask(resources: Resources, commit: Commit) -> Ask:
    """What one replica asks of its node: volumes of class `ram` count as memory, other volumes that are not
    persistent as ephemeral storage, persistent ones by their class (bidengine-inventory.md §6; product.md D6)."""
    ephemeral = ram = attached = 0
    persistent: Counter[str] = Counter()
    for volume in resources.storage:
        match kind(volume):
            case "":
                ephemeral += volume.quantity_bytes
            case "ram":
                ram += volume.quantity_bytes
            case named:
                persistent[named] += volume.quantity_bytes
                attached += 1
    return Ask(
        cpu_milli=request(resources.cpu.milli, commit.cpu_percent),
        memory_bytes=request(resources.memory.quantity_bytes, commit.memory_percent) + ram,
        ephemeral_bytes=request(ephemeral, commit.storage_percent),
        gpu_units=resources.gpu.units,
        volumes=tuple(sorted(persistent.items())),
        attached=attached,
    )


def kind(volume: Storage) -> str:
    """ "" for ephemeral storage, "ram" for memory, else the persistent class; a persistent volume without a class is
    of the class `default`, as the SDL fills it in."""
    if volume.persistent:
        return volume.storage_class or "default"
    return RAM if volume.storage_class == RAM else ""


def request(quantity: int, percent: int) -> int:
    """quantity ÷ (1 + percent/100), half rounded up, at least 1 of what is more than nothing."""
    return committed(max(0, quantity), percent)
