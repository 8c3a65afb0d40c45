"""The labels by which `akp discover` says which cards lie in a node, written on the node and read by the daemon. Pure.

They are facts, no conclusions: PCI numbers and counts. Which model that is, and whether it can be sold, stays with the
daemon, its list of cards and its rules. The subtle one is the count: where no labeller says that cards are shared, only
more devices offered than there are cards can tell.

    discovery.akash.network/pci-10de_2330: "8"                           vendor, device: cards of it
    discovery.akash.network/product-10de_2330: NVIDIA-H100-80GB-HBM3     as the driver calls it, where that is known
    discovery.akash.network/cut-10de: "true"                             some card is cut into parts (MIG)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

PREFIX = "discovery.akash.network/"
"""Not below akash.network/: the reference's inventory operator takes away what it does not know there."""

_LABEL = re.compile(
    r"(?P<what>pci|product)-(?P<vendor>[0-9a-f]{4})_(?P<device>[0-9a-f]{4})(\.\d+)?|cut-(?P<of>[0-9a-f]{4})"
)
_LONGEST_VALUE = 63


@dataclass(frozen=True, slots=True)
class Card:
    """`vendor` and `device` are PCI ids, four lower-case hex digits; `product` is "" where its driver does not tell;
    `cut` when it is in parts now."""

    vendor: str
    device: str
    product: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Discovered:
    """What is said of one vendor's cards. `products`: device -> what its cards are called, as far as known."""

    cards: int = 0
    products: Mapping[str, frozenset[str]] = field(default_factory=dict)
    cut: bool = False

    @property
    def devices(self) -> frozenset[str]:
        return frozenset(self.products)


def labels_of(cards: Iterable[Card]) -> dict[str, str]:
    """What to say of a node with these cards."""
    cards = list(cards)
    out = {f"{PREFIX}pci-{vendor}_{device}": str(n) for (vendor, device), n in _counted(cards).items()}
    for vendor, device in _counted(cards):
        called = {value for c in cards if (c.vendor, c.device) == (vendor, device) and (value := _value(c.product))}
        for number, product in enumerate(sorted(called), 1):  # one device number may stand for several cards
            out[f"{PREFIX}product-{vendor}_{device}{f'.{number}' if number > 1 else ''}"] = product
    return out | {f"{PREFIX}cut-{card.vendor}": "true" for card in cards if card.cut}


def discovered(labels: Mapping[str, str], vendor_id: str) -> Discovered:
    """What the labels say of a vendor; nothing when there are none."""
    cards, cut = 0, False
    products: dict[str, set[str]] = {}
    called: list[tuple[str, str]] = []
    for label, value in labels.items():
        found = _LABEL.fullmatch(label.removeprefix(PREFIX)) if label.startswith(PREFIX) else None
        if found is None or vendor_id not in (found["vendor"], found["of"]):
            continue
        if found["of"]:
            cut = value == "true"
        elif found["what"] == "product":
            called.append((found["device"], value))
        elif value.isdecimal() and int(value) > 0:
            cards += int(value)
            products[found["device"]] = set()
    for device, product in called:
        if device in products:
            products[device].add(product)
    return Discovered(cards, {device: frozenset(names) for device, names in products.items()}, cut)


def _counted(cards: Iterable[Card]) -> Counter[tuple[str, str]]:
    return Counter((card.vendor, card.device) for card in cards)


def _value(product: str) -> str:
    """As NVIDIA's feature discovery writes it: gaps become dashes, and no longer than a label's value may be."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", product)[:_LONGEST_VALUE].strip("-_.")
