"""Which GPU model a node has, read from its labels. Pure.

Labels of the Akash schema are believed first
(`akash.network/capabilities.gpu.vendor.<v>.model.<m>[.ram.<r>|.interface.<i>]`, kubernetes.md §5.4), then what
NVIDIA's feature discovery says about the product. The subtle rule: a device plugin hands out any card of a node, so a
node with two models, or with cards shared or cut into slices, cannot promise one model and sells no GPU.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from manifests.gpus import GpuModel

PREFIX = "akash.network/capabilities.gpu.vendor."

_LABEL = re.compile(r"(?P<vendor>[a-z]+)\.model\.(?P<model>.+?)(?:\.(?P<what>ram|interface)\.(?P<value>[^.]+))?")
_SIZES_GIB = (4, 6, 8, 10, 11, 12, 16, 20, 24, 32, 40, 48, 64, 80, 94, 96, 128, 141, 144, 180, 192, 256, 288)
_PCIE_ONLY = re.compile(r"(rtx|gtx|t4|t1000|t400|l4$|l40|a2$|a10|a16|a30|a40|p4$|p40)")


@dataclass(frozen=True, slots=True)
class Cards:
    """The one model a node can promise, or `why_not`; both empty when its labels say nothing of GPUs."""

    model: GpuModel | None = None
    why_not: str = ""


def cards(labels: Mapping[str, str], vendor: str) -> Cards:
    """What the node's cards of this vendor are. `labels` without those the daemon itself has put there."""
    told = _from_akash(labels, vendor)
    if told.model or told.why_not or vendor != "nvidia":
        return told
    return _from_feature_discovery(labels)


def card_labels(model: GpuModel, count: int) -> dict[str, str]:
    """The Akash labels for a node with so many cards of a model."""
    key = f"{PREFIX}{model.vendor}.model.{model.model}"
    out = {key: str(count)}
    if model.memory:
        out[f"{key}.ram.{model.memory}"] = str(count)
    if model.interface:
        out[f"{key}.interface.{model.interface}"] = str(count)
    return out


def _from_akash(labels: Mapping[str, str], vendor: str) -> Cards:
    said: dict[str, dict[str, set[str]]] = {}
    for label, count in labels.items():
        found = _LABEL.fullmatch(label.removeprefix(PREFIX)) if label.startswith(PREFIX) else None
        if found is None or found["vendor"] != vendor or count == "0":
            continue
        of_model = said.setdefault(found["model"], {"ram": set(), "interface": set()})
        if found["what"]:
            of_model[found["what"]].add(found["value"])
    if len(said) > 1:
        return Cards(
            why_not=f"{vendor} models {', '.join(sorted(said))} on one node: which of them a pod gets is chance"
        )
    for model, more in said.items():
        if len(more["ram"]) > 1 or len(more["interface"]) > 1:
            kinds = ", ".join(sorted(more["ram"] | more["interface"]))
            return Cards(why_not=f"several kinds of {model} ({kinds}) on one node: which of them a pod gets is chance")
        return Cards(GpuModel(vendor, model, *more["ram"] or ("",), *more["interface"] or ("",)))
    return Cards()


def _from_feature_discovery(labels: Mapping[str, str]) -> Cards:
    """From `nvidia.com/gpu.product` ("NVIDIA-A100-SXM4-80GB", "Tesla-T4") and `nvidia.com/gpu.memory` (MiB)."""
    product = labels.get("nvidia.com/gpu.product", "")
    if not product:
        return Cards()
    if "-MIG-" in product or product.endswith("-SHARED"):
        return Cards(why_not=f"{product}: a share of a card is not sold as a card")
    words = [w for w in re.split(r"[-_ ]", product) if w]
    upper = {w.upper() for w in words}
    name = "".join(w.lower() for w in words if not _says_nothing_of_the_model(w.upper()))
    if not name:
        return Cards(why_not=f"no model can be read from nvidia.com/gpu.product {product!r}")
    interface = ""
    if any(w.startswith("SXM") for w in upper):
        interface = "sxm"
    elif upper & {"PCIE", "NVL"} or _PCIE_ONLY.match(name):
        interface = "pcie"
    elif "HBM3" in upper:
        interface = "sxm"  # the product names of H100 say PCIe or NVL, or neither
    return Cards(GpuModel("nvidia", name, _memory(upper, labels.get("nvidia.com/gpu.memory", "")), interface))


def _says_nothing_of_the_model(word: str) -> bool:
    brand = word in {"NVIDIA", "TESLA", "GEFORCE", "QUADRO", "GENERATION", "GPU", "PCIE"}
    return brand or re.fullmatch(r"SXM\d?|HBM\d?E?|\d+GB", word) is not None


def _memory(words: set[str], mib: str) -> str:
    """The size on the box. The driver reports somewhat less (15360 MiB for a 16 GB T4), so its figure goes to the next
    real size."""
    for word in words:
        if size := re.fullmatch(r"(\d+)GB", word):
            return f"{size[1]}Gi"
    if mib.isdigit():
        return next((f"{gib}Gi" for gib in _SIZES_GIB if int(mib) <= gib * 1024), "")
    return ""
