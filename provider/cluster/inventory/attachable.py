"""How many volumes a node can attach, as the storage drivers on it say (CSINode). Pure.

Each driver has a limit of its own; here the lowest holds for all volumes together, so that nothing is sold that could
not be attached.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Attachable:
    """`volumes` is None when no driver of the node says."""

    node: str
    volumes: int | None


def attachable(obj: Mapping[str, Any]) -> Attachable:
    drivers = (obj.get("spec") or {}).get("drivers") or ()
    said = [(driver.get("allocatable") or {}).get("count") for driver in drivers]
    return Attachable(obj["metadata"]["name"], min((count for count in said if count is not None), default=None))


def by_node(found: Iterable[Attachable]) -> dict[str, int]:
    """Node -> limit, of the nodes that have one."""
    return {one.node: one.volumes for one in found if one.volumes is not None}
