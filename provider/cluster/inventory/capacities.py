"""What drivers publish of their storage (CSIStorageCapacity): how much is left, in which part of the cluster. Pure.

A part is a selector of nodes. Where each node has its own disks there are as many parts as nodes, so parts are found by
the label they name and not one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from provider.cluster.api.quantity import whole

Rule = tuple[str, str, frozenset[str]]
"""(label, operator, values)"""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What is left of a class in one part of the cluster. `nodes` are the rules that the nodes of that part meet, all
    of them: () is every node, None no node at all. `largest_bytes` is the largest volume that is made there, None when
    the driver does not say."""

    storage_class: str
    free_bytes: int
    nodes: tuple[Rule, ...] | None = ()
    largest_bytes: int | None = None

    @property
    def part(self) -> tuple[str, tuple[Rule, ...] | None]:
        """What decides where a class is reached, and not how much is left of it."""
        return self.storage_class, self.nodes

    @property
    def most_bytes(self) -> int:
        """Most that one volume can have now."""
        return self.free_bytes if self.largest_bytes is None else min(self.free_bytes, self.largest_bytes)


def capacity(obj: Mapping[str, Any]) -> Capacity:
    most = obj.get("maximumVolumeSize")
    return Capacity(
        obj.get("storageClassName", ""),
        whole(obj.get("capacity") or 0),
        rules(obj.get("nodeTopology")),
        whole(most) if most is not None else None,
    )


class Published:
    """All that is published. `of` answers for the cluster, `near` for a node with these labels."""

    def __init__(self, capacities: Iterable[Capacity] = ()) -> None:
        self._of: dict[str, list[Capacity]] = {}
        self._anywhere: dict[str, list[Capacity]] = {}
        self._by_label: dict[str, dict[str, dict[str, list[Capacity]]]] = {}
        for one in capacities:
            self._of.setdefault(one.storage_class, []).append(one)
            if one.nodes is None:
                continue
            exact = next(((key, values) for key, operator, values in one.nodes if operator == "In"), None)
            if exact is None:
                self._anywhere.setdefault(one.storage_class, []).append(one)
                continue
            named = self._by_label.setdefault(one.storage_class, {}).setdefault(exact[0], {})
            for value in exact[1]:
                named.setdefault(value, []).append(one)

    def of(self, storage_class: str) -> list[Capacity]:
        return self._of.get(storage_class, [])

    def near(self, storage_class: str, labels: Mapping[str, str]) -> list[Capacity]:
        found = list(self._anywhere.get(storage_class, ()))
        for key, named in self._by_label.get(storage_class, {}).items():
            found += named.get(labels.get(key, ""), ())
        return [one for one in found if all(meets(rule, labels) for rule in one.nodes or ())]


def rules(topology: Mapping[str, Any] | None) -> tuple[Rule, ...] | None:
    """Of a label selector, or of a term of a node selector."""
    if topology is None:
        return None
    exact = [(key, "In", frozenset({value})) for key, value in (topology.get("matchLabels") or {}).items()]
    more = [
        (rule["key"], rule.get("operator", "In"), frozenset(rule.get("values") or ()))
        for rule in topology.get("matchExpressions") or ()
    ]
    return tuple(sorted((*exact, *more), key=lambda rule: rule[:2]))


def meets(rule: Rule, labels: Mapping[str, str]) -> bool:
    key, operator, values = rule
    match operator:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return False
