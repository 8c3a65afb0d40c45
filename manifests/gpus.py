"""How the market writes GPUs: a model a node has, and a wish in an order that one or several models can grant.

Grammar of a key: `vendor/<vendor>/model/<model or *>[/ram/<size>][/interface/<name>]` (kubernetes.md §5.4); the value
is "true".

A part of a card that its hardware walls off (NVIDIA's MIG, AMD's compute partitions) is a model of its own, named
after the card: `a100-mig-1g.10gb`, `mi300x-cpx-nps4`. The subtle rule: it never stands for the card. "Any card" is not
granted by a part, because two parts do not work together as two cards do; a part is asked for by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from manifests.errors import Invalid
from manifests.resources import Attribute

LABELS = "akash.network/capabilities.gpu.vendor."
"""What the labels of a node that say its cards begin with."""

_PART = re.compile(r".+-(mig-.+|[dtqc]px(-nps\d)?)")
_LABEL_NAME_MAX = 63
"""Longest name of a label in Kubernetes, not counting what is before the slash."""


@dataclass(frozen=True, slots=True, order=True)
class GpuModel:
    """A real card: `GpuModel("nvidia", "a100", "80Gi", "sxm")`. Memory and interface are "" when not known.
    `resource_name` is given only where it is not the vendor's usual one."""

    vendor: str
    model: str
    memory: str = ""
    interface: str = ""
    resource_name: str = ""

    @property
    def resource(self) -> str:
        """Its Kubernetes resource name, e.g. nvidia.com/gpu."""
        return self.resource_name or usual_resource(self.vendor)

    @property
    def part(self) -> bool:
        """A part of a card, not a whole one."""
        return _PART.fullmatch(self.model) is not None

    def key(self) -> str:
        out = f"vendor/{self.vendor}/model/{self.model}"
        out += f"/ram/{self.memory}" if self.memory else ""
        return out + (f"/interface/{self.interface}" if self.interface else "")

    def labels(self) -> tuple[str, ...]:
        """Keys of the labels by which a pod finds the nodes that have it (kubernetes.md §2.9). What is too long for a
        label is left out, on the node and in the pod alike."""
        key = f"{LABELS}{self.vendor}.model.{self.model}"
        said = [key]
        said += [f"{key}.ram.{self.memory}"] if self.memory else []
        said += [f"{key}.interface.{self.interface}"] if self.interface else []
        return tuple(label for label in said if len(label.partition("/")[2]) <= _LABEL_NAME_MAX)


def longest_model(vendor: str) -> int:
    """Letters a model may have so that a label can name it."""
    return _LABEL_NAME_MAX - len(f"{LABELS.partition('/')[2]}{vendor}.model.")


def usual_resource(vendor: str) -> str:
    """What the vendor's device plugin calls its whole cards."""
    return "gpu.intel.com/i915" if vendor == "intel" else f"{vendor}.com/gpu"


@dataclass(frozen=True, slots=True)
class GpuWish:
    """One acceptable kind of card; model "*" takes any whole card, empty memory or interface takes any."""

    vendor: str
    model: str
    memory: str = ""
    interface: str = ""

    def granted_by(self, card: GpuModel) -> bool:
        return (
            self.vendor == card.vendor
            and (self.model == card.model or (self.model == "*" and not card.part))
            and self.memory in ("", card.memory)
            and self.interface in ("", card.interface)
        )


def wish(key: str) -> GpuWish:
    """Parse one attribute key; Invalid when it does not follow the grammar."""
    parts = key.split("/")
    named = dict(zip(parts[::2], parts[1::2], strict=False))
    if len(parts) % 2 or parts[::2] not in (
        ["vendor", "model"],
        ["vendor", "model", "ram"],
        ["vendor", "model", "interface"],
        ["vendor", "model", "ram", "interface"],
    ):
        raise Invalid(
            "", f"{key!r} is not a GPU attribute; expected vendor/<v>/model/<m>[/ram/<size>][/interface/<i>]", value=key
        )
    return GpuWish(named["vendor"], named["model"], named.get("ram", ""), named.get("interface", ""))


def wishes(attributes: Iterable[Attribute]) -> tuple[GpuWish, ...]:
    """All that an order would accept, in its order; attributes whose value is not "true" are not wishes."""
    return tuple(wish(a.key) for a in attributes if a.value == "true")
