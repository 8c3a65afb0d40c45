"""What a cluster can offer, whatever of it is in use now: kinds of cards and names of storage classes. Pure.

A node that is being drained, or full, still has its cards: what a provider says of itself must not change with the
weather. A node that the operator keeps out by its label has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from manifests.gpus import GpuModel
from provider.cluster.inventory.gputable import GpuTable
from provider.cluster.inventory.nodes import MARK, NodeFacts


@dataclass(frozen=True, slots=True)
class Capabilities:
    cards: frozenset[GpuModel]
    classes: frozenset[str]
    """persistent ones, by the names tenants ask for"""


def capabilities(nodes: Iterable[NodeFacts], table: GpuTable, classes: Iterable[str]) -> Capabilities:
    """`classes` are those that are sold."""
    kept = [node for node in nodes if node.foreign_labels.get(MARK, "true") == "true"]
    cards = {found.model for node in kept for found in node.cards(table).values() if found.model is not None}
    return Capabilities(frozenset(cards), frozenset(classes))
