"""How the market writes GPUs: a model a node has, and a wish in an order that one or several models can grant.

Grammar of a key: `vendor/<vendor>/model/<model or *>[/ram/<size>][/interface/<name>]` (kubernetes.md §5.4); the value
is "true".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from manifests.errors import Invalid
from manifests.resources import Attribute


@dataclass(frozen=True, slots=True, order=True)
class GpuModel:
    """A real card: `GpuModel("nvidia", "a100", "80Gi", "sxm")`. Memory and interface are "" when not known."""

    vendor: str
    model: str
    memory: str = ""
    interface: str = ""

    @property
    def resource(self) -> str:
        """Its Kubernetes resource name, e.g. nvidia.com/gpu."""
        return f"{self.vendor}.com/gpu"

    def key(self) -> str:
        out = f"vendor/{self.vendor}/model/{self.model}"
        out += f"/ram/{self.memory}" if self.memory else ""
        return out + (f"/interface/{self.interface}" if self.interface else "")


@dataclass(frozen=True, slots=True)
class GpuWish:
    """One acceptable kind of card; model "*" takes any, empty memory or interface takes any."""

    vendor: str
    model: str
    memory: str = ""
    interface: str = ""

    def granted_by(self, card: GpuModel) -> bool:
        return (
            self.vendor == card.vendor
            and self.model in ("*", card.model)
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
