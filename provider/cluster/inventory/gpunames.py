"""A model name for a card nobody has listed, from what its driver calls it. Pure.

New cards are sold from the first day: "NVIDIA RTX PRO 9000 Turbo" becomes `rtxpro9000turbo`. The name follows the
network's habit (lower case, no brand, no gaps, `s` for Super) and always fits the grammar of attributes and labels.
"""

from __future__ import annotations

import re

from manifests.gpus import longest_model

_SILENT = re.compile(
    r"nvidia|tesla|geforce|quadro|grid|amd|ati|instinct|radeon|intel\(?r?\)?|data|center|gpu|graphics|generation|edition"
    r"|pcie|sxm\d?|oam|hbm\d?e?|\d+gi?b?|\d+gbhbm\d?e?"
)
_SHORT = {"super": "s", "laptop": "m", "blackwell": ""}
_SIZES_GIB = (
    2, 3, 4, 5, 6, 8, 10, 11, 12, 16, 20, 24, 28, 32, 40, 48, 64, 72, 80, 84, 94, 96, 128, 141, 144, 180, 186, 192,
    256, 288,
)  # fmt: skip
_PCIE_ONLY = re.compile(r"rtx|gtx|pro\d|[tml]\d|a(2|10|16|30|40)(g|m|x)?$|p4")


def derived(vendor: str, product: str) -> str:
    """ "" when nothing is left to call it by."""
    words = [w for w in re.split(r"[^a-z0-9.()]+", product.lower()) if w]
    kept = "".join(_SHORT.get(w, w) for w in words if _SILENT.fullmatch(w) is None)
    return fitting(vendor, re.sub(r"[^a-z0-9]+", "", kept))


def fitting(vendor: str, model: str, part: str = "") -> str:
    """The model, with the part of it that is meant, short enough for a label."""
    return model[: longest_model(vendor) - len(part)] + part if model else ""


def interface(product: str, model: str) -> str:
    words = {w for w in re.split(r"[^A-Z0-9]+", product.upper()) if w}
    if any(w.startswith("SXM") for w in words):
        return "sxm"
    if words & {"PCIE", "NVL"} or _PCIE_ONLY.match(model):
        return "pcie"
    return "sxm" if "HBM3" in words else ""  # the product names of H100 say PCIe or NVL, or neither


def size(product: str, mib: str = "") -> str:
    """The size on the box: as the product says it, or the next real size above what the driver has measured, which is
    somewhat less (15360 MiB for a 16 GB T4)."""
    for word in re.split(r"[^A-Z0-9]+", product.upper()):
        if found := re.fullmatch(r"(\d+)GB", word):
            return f"{found[1]}Gi"
    if mib.isdigit() and int(mib) > 0:
        return next((f"{gib}Gi" for gib in _SIZES_GIB if int(mib) <= gib * 1024), f"{-(-int(mib) // 1024)}Gi")
    return ""
