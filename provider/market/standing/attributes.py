"""What the provider's attributes on chain should be, and what that changes. Pure.

Three sources: the operator's own words (settings), what the cluster can do, and what stands on chain. The words and the
capabilities are written; of the rest on chain, capabilities the cluster no longer has are taken off, and everything
else is left and told, for it may be the operator's from before. A card is published in four forms, because a star in an
order's key does not cross a slash (chain.md §6.3); a storage class keeps the number it already has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from manifests.resources import Attribute, Attributes
from provider.cluster.inventory.capabilities import Capabilities

GPU = "capabilities/gpu/"
STORAGE = "capabilities/storage/"
RAM = "ram"
"""volumes in memory, which every node can carry"""


@dataclass(frozen=True, slots=True)
class Drift:
    wanted: Attributes
    """the whole set to be written, sorted by key"""
    added: Attributes
    changed: Attributes
    removed: Attributes
    only_on_chain: Attributes
    """neither in the settings nor a capability; part of `wanted` all the same"""
    was: Mapping[str, str]

    @property
    def changes(self) -> Attributes:
        return (*self.added, *self.changed, *self.removed)


def drift(on_chain: Attributes, words: Mapping[str, str], found: Capabilities | None, *, prune: bool = False) -> Drift:
    """`found` None leaves capabilities to the operator's words; `prune` takes off what stands only on chain."""
    was = {a.key: a.value for a in on_chain}
    offered = dict(_capabilities(found, was)) if found is not None else {}
    said = {**offered, **words}
    rest = {k: v for k, v in was.items() if k not in said and not (found is not None and _discovered(k))}
    kept = {} if prune else rest
    wanted = {**kept, **said}
    return Drift(
        wanted=_pairs(wanted),
        added=_pairs({k: v for k, v in wanted.items() if k not in was}),
        changed=_pairs({k: v for k, v in wanted.items() if k in was and was[k] != v}),
        removed=_pairs({k: v for k, v in was.items() if k not in wanted}),
        only_on_chain=_pairs(kept),
        was=was,
    )


def _capabilities(found: Capabilities, was: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for card in found.cards:
        ram = f"/ram/{card.memory}" if card.memory else ""
        interface = f"/interface/{card.interface}" if card.interface else ""
        for tail in ("", ram, interface, ram + interface):
            yield f"{GPU}vendor/{card.vendor}/model/{card.model}{tail}", "true"
    numbers = _numbers([*sorted(found.classes), RAM], was)
    for name, number in numbers.items():
        yield f"{STORAGE}{number}/class", name
        yield f"{STORAGE}{number}/persistent", "false" if name == RAM else "true"


def _numbers(names: list[str], was: Mapping[str, str]) -> dict[str, str]:
    """Storage class -> its number: the one it has on chain, else the next that is free."""
    taken: dict[str, str] = {}
    for key, value in sorted(was.items()):
        head, _, last = key.removeprefix(STORAGE).partition("/")
        if key.startswith(STORAGE) and last == "class" and value in names and value not in taken:
            taken[value] = head
    free = (str(n) for n in range(1, len(names) + len(taken) + 1) if str(n) not in taken.values())
    return {name: taken.get(name) or next(free) for name in names}


def _discovered(key: str) -> bool:
    """Whether the cluster, not the operator, is asked about such a key."""
    return key.startswith((GPU, STORAGE))


def _pairs(found: Mapping[str, str]) -> Attributes:
    return tuple(Attribute(k, v) for k, v in sorted(found.items()))
